"""Background jobs: the newest request supersedes older ones, and each can be cancelled."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import xarray as xr

PATIENCE = 0.6
"""Age in seconds from which a job is cancelled by a newer request; a younger one is finished and shown."""
PACE = 0.15
"""Time between two reports of progress, in seconds."""


class Cancelled(SystemExit):
    """Raised in a job that is cancelled; as a `SystemExit` it ends the thread silently."""


class Watch:
    """A `Reporter` that shows the progress of a job on the page.

    Parameters
    ----------
    tell : function
        Called with the current step.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._what, self._where, self._told = tell, "", "", 0.0

    def point(self, number: int, count: int, label: str) -> None:
        """Report the current point of a sweep."""
        self._where = f"point {number + 1} of {count}, {label}; " if label else ""

    def done(self, label: str, data: xr.Dataset) -> None:
        """Ignore: finished points are shown by the page."""

    def step(self, what: str) -> None:
        """Report the current step."""
        self._what = f"{self._where}{what}"
        self._say(self._what)

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Report the convergence of the current level, at a limited rate."""
        if time.monotonic() - self._told > PACE:
            self._say(f"{self._what}: {matvecs} products, E = {energy:.8g}, residual {residual:.0e}")

    def _say(self, text: str) -> None:
        self._told = time.monotonic()
        self._tell(text)


@dataclass
class Job:
    """A running request.

    Attributes
    ----------
    work : function
        Function of the job, run in a separate thread.
    began : float
        Start time.
    wanted : bool
        False if cancelled; later output is ignored.
    thread : Thread or None
        Thread of the job.
    over : bool
        True after the end of the job; accessed with `lock` held.
    """

    work: Callable[[Job], None]
    began: float = field(default_factory=time.monotonic)
    wanted: bool = True
    thread: threading.Thread | None = None
    over: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Latest:
    """Runs one job at a time, always the newest.

    Parameters
    ----------
    post : function
        Runs a function in the thread of the page; called from the job threads.
    """

    def __init__(self, post: Callable[[Callable[[], None]], None]) -> None:
        self.post = post
        self._job: Job | None = None
        self._next: Job | None = None
        self._turn = threading.RLock()  # a job may end while another is submitted

    @property
    def busy(self) -> Job | None:
        """The running job."""
        return self._job

    def submit(self, work: Callable[[Job], None]) -> None:
        """Run this after the current job, in place of any waiting one; cancel the current job if it takes long."""
        with self._turn:
            self._next = Job(work)
            if self._job is None:
                self._start()
            elif time.monotonic() - self._job.began > PATIENCE:
                _interrupt(self._job)

    def cancel(self) -> None:
        """Cancel the running job, and discard the waiting one."""
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
        """Start the waiting job after the end of the current one."""
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

    The identifier of a finished thread may have been reused.
    """
    with job.lock:
        if job.wanted and not job.over and job.thread is not None and job.thread.ident is not None:
            job.wanted = False
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(job.thread.ident), ctypes.py_object(Cancelled))
