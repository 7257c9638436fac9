"""Worker processes on this machine: threads and memory shared out, the dead replaced and their points repeated."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any

import xarray as xr

from .job import Job, compute_job
from .point import failure

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MOST_DEATHS = 3
"""A point whose workers died so many times has failed."""
SERVE = (sys.executable, "-c", f"from {__name__} import serve; serve()")


class Workers:
    """Fresh processes that compute points; use it as a context manager, at whose end they are gone.

    A worker that dies is replaced and its point repeated, up to three times. The cores are shared out as threads, the
    memory limit of the study as well. If this process is killed, the workers end by themselves.

    Parameters
    ----------
    count : int
        How many.
    command : sequence of str, optional
        What starts one.

    Raises
    ------
    ValueError
        If `count` is below 1.
    """

    def __init__(self, count: int, command: Sequence[str] = SERVE) -> None:
        if count < 1:
            raise ValueError(f"workers = {count}; allowed: 1 or more")
        self.sharing, self._command = count, command
        self._answers: SimpleQueue[tuple[_Worker, xr.Dataset | None]] = SimpleQueue()
        self._workers: list[_Worker] = []

    def __repr__(self) -> str:
        return f"Workers({self.sharing})"

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._workers:
            self._workers.pop().end()

    @property
    def pids(self) -> list[int]:
        """Process numbers of those that are there."""
        return [worker.process.pid for worker in self._workers]

    def compute(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, xr.Dataset]]:
        """Yield each job with its data, in the order in which they are finished."""
        waiting, deaths = deque(jobs), Counter[str]()
        while waiting or any(worker.job for worker in self._workers):
            self._give_out(waiting)
            worker, data = self._answers.get()
            job, worker.job = worker.job, None
            if data is None:
                self._workers.remove(worker)
                code = worker.end()
                if job is None:
                    continue
                deaths[job.key] += 1
                if deaths[job.key] < MOST_DEATHS:
                    waiting.appendleft(job)
                    continue
                data = failure(
                    f"its worker died {MOST_DEATHS} times, at last with status {code}; is there enough memory?"
                )
            assert job is not None
            yield job, data

    def _give_out(self, waiting: deque[Job]) -> None:
        idle = [worker for worker in self._workers if worker.job is None]
        while waiting and (idle or len(self._workers) < self.sharing):
            if not idle:
                idle.append(_Worker(self._command, self._answers, self.sharing))
                self._workers += idle
            idle.pop().take(waiting.popleft())


class _Worker:
    """One process, and a thread that listens to it."""

    def __init__(
        self, command: Sequence[str], answers: SimpleQueue[tuple[_Worker, xr.Dataset | None]], sharing: int
    ) -> None:
        self.job: Job | None = None
        self._answers = answers
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(sharing),
            start_new_session=True,  # Ctrl-C is for the process that gives out the work
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def take(self, job: Job) -> None:
        """Give it a point; that it is dead already is heard by the listener."""
        self.job = job
        assert self.process.stdin is not None
        try:
            pickle.dump(job, self.process.stdin)
            self.process.stdin.flush()
        except OSError:
            return

    def _listen(self) -> None:
        assert self.process.stdout is not None
        try:
            while True:
                self._answers.put((self, pickle.load(self.process.stdout)))
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            self._answers.put((self, None))

    def end(self) -> int:
        """Kill it, if it is still there; return its exit status."""
        self.process.kill()
        code = self.process.wait()
        self._listener.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:  # what it did not take any more
                continue
        return code


def _environment(sharing: int) -> dict[str, str]:
    """Return the environment of one of several workers: its share of the cores, and where this package is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = max(1, cores // sharing)
    threads = {
        name: str(min(share, int(given)) if (given := os.environ.get(name, "")).isdigit() else share)
        for name in THREADS
    }
    package = sys.modules[__name__.partition(".")[0]].__file__
    assert package is not None
    paths = [str(Path(package).parent.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def serve() -> None:
    """Compute the points that come on standard input until it ends; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs: SimpleQueue[Job] = SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, jobs), daemon=True).start()
    while True:
        pickle.dump(compute_job(jobs.get()), answers)
        answers.flush()


def _receive(stream: IO[bytes], jobs: SimpleQueue[Any]) -> None:
    """Pass points on; end the process, in the midst of a point as well, when nobody wants any more."""
    try:
        while True:
            jobs.put(pickle.load(stream))
    except (EOFError, pickle.UnpicklingError):
        os._exit(0)
