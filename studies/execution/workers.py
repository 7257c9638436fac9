"""Worker processes on this machine, which share threads and memory; lost workers are replaced."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

from ..._core.processors import cores
from ...clusters import InvalidValue
from ...hamiltonians import Model
from ...solvers.work import PAUSE, HowFar, SomeWork, Watch, Work, now_and_then, unwatched

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MOST_DEATHS = 3
"""Number of lost workers after which a piece of work has failed."""
SERVE = (sys.executable, "-c", f"from {__name__} import serve; serve()")


class Workers:
    """Fresh processes that compute points of sweeps or blocks of thermal sums until the end of the context.

    A worker that dies is replaced and its work repeated, up to three times. Cores and memory limit are divided among
    the workers. If this process is killed, the workers end by themselves.

    Parameters
    ----------
    count : int
        Number of workers.
    command : sequence of str, optional
        Command that starts a worker.

    Raises
    ------
    ValueError
        If `count` is below 1.
    """

    def __init__(self, count: int, command: Sequence[str] = SERVE) -> None:
        if count < 1:
            raise InvalidValue(f"workers = {count}; allowed: 1 or more")
        self.sharing, self._command = count, command
        self._answers: SimpleQueue[tuple[_Worker, Any]] = SimpleQueue()
        self._workers: list[_Worker] = []

    def __repr__(self) -> str:
        return f"Workers({self.sharing})"

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def _end(self) -> None:
        while self._workers:
            self._workers.pop().end()
        self._answers = SimpleQueue()

    @property
    def pids(self) -> list[int]:
        """Process ids of the living workers."""
        return [worker.process.pid for worker in self._workers]

    def compute(self, pieces: Sequence[SomeWork], watch: Watch = unwatched) -> Generator[tuple[SomeWork, Any]]:
        """Yield each piece with its result, in the order of completion; report running ones to `watch`."""
        waiting, deaths = deque(pieces), Counter[str]()
        try:
            yield from self._computed(waiting, deaths, watch)
        finally:  # abandon the rest of the work
            if any(worker.piece for worker in self._workers):
                self._end()

    def _computed(self, waiting: deque[Any], deaths: Counter[str], watch: Watch) -> Iterator[tuple[Any, Any]]:
        while waiting or any(worker.piece for worker in self._workers):
            self._give_out(waiting)
            watch({worker.piece.key: worker.how_far for worker in self._workers if worker.piece})
            try:
                worker, answer = self._answers.get(timeout=PAUSE)
            except Empty:
                continue
            if isinstance(answer, _News):
                worker.how_far = answer.how_far
                continue
            piece, worker.piece = worker.piece, None
            if answer is None:
                self._workers.remove(worker)
                code = worker.end()
                if piece is None:
                    continue
                deaths[piece.key] += 1
                if deaths[piece.key] < MOST_DEATHS:
                    waiting.appendleft(piece)
                    continue
                answer = piece.lost(
                    f"its worker died {MOST_DEATHS} times, at last with status {code}; check the available memory"
                )
            yield piece, answer

    def _give_out(self, waiting: deque[Any]) -> None:
        idle = [worker for worker in self._workers if worker.piece is None]
        while waiting and (idle or len(self._workers) < self.sharing):
            if not idle:
                idle.append(_Worker(self._command, self._answers, self.sharing))
                self._workers += idle
            idle.pop().take(waiting.popleft())


class _Worker:
    """One process, and a thread that receives its messages."""

    def __init__(self, command: Sequence[str], answers: SimpleQueue[tuple[_Worker, Any]], sharing: int) -> None:
        self.piece: Any = None
        self.how_far: HowFar | None = None
        self._answers = answers
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(sharing),
            start_new_session=True,  # Ctrl-C is handled by the parent process
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def take(self, piece: Work) -> None:
        """Send work to the process; the listener detects a dead process."""
        self.piece, self.how_far = piece, None
        assert self.process.stdin is not None
        try:
            pickle.dump(piece, self.process.stdin)
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
        """Kill the process, if it is still alive, and return its exit status."""
        self.process.kill()
        code = self.process.wait()
        self._listener.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:  # unread input
                continue
        return code


def _environment(sharing: int) -> dict[str, str]:
    """Return the environment of a worker: its share of the cores, and the path of this package."""
    share = max(1, cores() // sharing)
    threads = {
        name: str(min(share, int(given)) if (given := os.environ.get(name, "")).isdigit() else share)
        for name in THREADS
    }
    package = sys.modules[__name__.partition(".")[0]].__file__
    assert package is not None
    paths = [str(Path(package).parent.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def check_terms(model: Model) -> None:
    """Raise InvalidValue if a model has terms that a fresh process cannot import."""
    for term in model.terms:
        try:
            pickle.dumps(term)
            known = getattr(term, "__module__", "__main__") != "__main__"
        except (pickle.PicklingError, AttributeError, TypeError):
            known = False
        if not known:
            raise InvalidValue(
                "workers import the user-defined terms: define them as functions of a module, or leave workers out"
            )


def serve() -> None:
    """Process the work received on standard input; output of libraries goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    pieces: SimpleQueue[Work] = SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, pieces), daemon=True).start()

    def say(how_far: HowFar) -> None:
        pickle.dump(_News(how_far), answers)
        answers.flush()

    tell = now_and_then(say)
    while True:
        pickle.dump(pieces.get().compute(tell), answers)
        answers.flush()


@dataclass(frozen=True)
class _News:
    """Progress that a worker sends before its result."""

    how_far: HowFar


def _receive(stream: IO[bytes], pieces: SimpleQueue[Any]) -> None:
    """Queue incoming work; terminate the process, even during work, when the input ends."""
    try:
        while True:
            pieces.put(pickle.load(stream))
    except Exception:  # no more work, or unreadable work: the parent process detects the end
        os._exit(0)
