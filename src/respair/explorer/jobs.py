"""Jobs in the background: the newest request is answered, older ones give way, and each can be cancelled."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import xarray as xr

PATIENCE = 0.6
"""Seconds after which a job gives way to a newer request; a younger one is finished and shown."""
PACE = 0.15
"""Seconds between two reports of progress."""


class Cancelled(SystemExit):
    """Ends a job that is not wanted any more; like every `SystemExit` it ends a thread silently."""


class Watch:
    """A `Reporter` that tells a page how far a job is.

    Parameters
    ----------
    tell : function
        Called with what is being computed.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._what, self._where, self._told = tell, "", "", 0.0

    def point(self, number: int, count: int, label: str) -> None:
        """Tell which point of a sweep is being computed."""
        self._where = f"point {number + 1} of {count}, {label}; " if label else ""

    def done(self, label: str, data: xr.Dataset) -> None:
        """Say nothing: a point is shown as soon as it is there."""

    def step(self, what: str) -> None:
        """Tell what is being computed."""
        self._what = f"{self._where}{what}"
        self._say(self._what)

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Tell how far the current level is, now and then."""
        if time.monotonic() - self._told > PACE:
            self._say(f"{self._what}: {matvecs} products, E = {energy:.8g}, residual {residual:.0e}")

    def _say(self, text: str) -> None:
        self._told = time.monotonic()
        self._tell(text)


@dataclass
class Job:
    """A request at work.

    Attributes
    ----------
    work : function
        What is done, in a thread of its own; called with the job.
    began : float
        When.
    wanted : bool
        False once it was cancelled: what it still says is not shown.
    thread : Thread or None
        Where it is done.
    over : bool
        True once it has ended; `lock` is held while this is asked or said.
    """

    work: Callable[[Job], None]
    began: float = field(default_factory=time.monotonic)
    wanted: bool = True
    thread: threading.Thread | None = None
    over: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Latest:
    """Does one job at a time, the newest.

    Parameters
    ----------
    post : function
        Runs a function where the page lives; called from the threads.
    """

    def __init__(self, post: Callable[[Callable[[], None]], None]) -> None:
        self.post = post
        self._job: Job | None = None
        self._next: Job | None = None
        self._turn = threading.RLock()  # a job may end while another is submitted

    @property
    def busy(self) -> Job | None:
        """The job at work."""
        return self._job

    def submit(self, work: Callable[[Job], None]) -> None:
        """Do this after the job at work, in the place of what waits; a job that takes long is cancelled."""
        with self._turn:
            self._next = Job(work)
            if self._job is None:
                self._start()
            elif time.monotonic() - self._job.began > PATIENCE:
                _interrupt(self._job)

    def cancel(self) -> None:
        """End the job at work, and forget what waits."""
        with self._turn:
            self._next = None
            if self._job is not None:
                _interrupt(self._job)

    def _start(self) -> None:
        with self._turn:
            job, self._next = self._next, None
            self._job = job
            if job is None:
                return
            job.began = time.monotonic()
            job.thread = threading.Thread(target=_do, args=(job,), daemon=True)
            job.thread.start()
            threading.Thread(target=self._follow, args=(job.thread,), daemon=True).start()

    def _follow(self, thread: threading.Thread) -> None:
        """Begin what waits once a job has ended, in whichever way."""
        thread.join()
        self.post(self._start)


def _do(job: Job) -> None:
    try:
        with suppress(Cancelled):
            job.work(job)
    finally:
        with job.lock:
            job.over = True


def _interrupt(job: Job) -> None:
    """Raise `Cancelled` in the thread of a job, as Ctrl-C does in the main one: at the next line of Python.

    The number of a thread that has ended may be that of another one by now.
    """
    with job.lock:
        if job.wanted and not job.over and job.thread is not None and job.thread.ident is not None:
            job.wanted = False
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(job.thread.ident), ctypes.py_object(Cancelled))
