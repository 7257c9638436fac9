"""Processes that a launcher of MPI has started: `mpiexec`, `srun` and others."""

from __future__ import annotations

import pickle
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import Told
from .ranks import Ranks, Transfer, shared_by

if TYPE_CHECKING:
    from mpi4py import MPI

PATIENCE = 10.0
"""Seconds in which the other ranks must meet the same error; otherwise this one ends them all."""
PAUSE = 0.02
SOON, NAP = 0.02, 0.0005
"""Seconds of waiting for others after which a rank sleeps between its looks, and for how long."""
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name))
ABORTED = 1
"""Exit status of all ranks where one has failed alone."""

Answer = TypeVar("Answer")


class LauncherError(Told, RuntimeError):
    """Processes that cannot work together, with the cure."""


class RankError(Told, RuntimeError):
    """What went wrong on some of the ranks only."""


class MPIRanks(Ranks):
    """The ranks of MPI; `mpi4py` is imported here only.

    Interrupts wait until all ranks sum something up: they are raised there, on all of them.

    Parameters
    ----------
    expected : int
        How many the launcher says there are.

    Raises
    ------
    LauncherError
        If mpi4py is missing, or belongs to another MPI than the launcher.
    """

    def __init__(self, expected: int) -> None:
        if find_spec("mpi4py") is None:
            raise LauncherError(
                f"the launcher started {expected} tasks, and mpi4py is not installed; install it with "
                "pip install 'respair[mpi]', or start one task"
            )
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            raise LauncherError(
                f"the launcher started {expected} tasks, and MPI could not be loaded ({error}); load the module of "
                "your cluster's MPI, or install one with pip install mpich"
            ) from None
        world = MPI.COMM_WORLD
        self.rank, self.size = world.Get_rank(), world.Get_size()
        if self.size != expected:
            library = MPI.Get_library_version().partition("\n")[0].strip(" \t\0")
            raise LauncherError(
                f"the launcher started {expected} tasks, and each sees {self.size} of them: mpi4py uses {library}, and "
                "the launcher belongs to another MPI. Start with the mpiexec of that MPI (for the "
                "wheel mpich: in the bin folder of this environment), choose the protocol of srun "
                "(srun --mpi=pmi2 for MPICH and Intel MPI, --mpi=pmix for Open MPI), or build mpi4py for it: "
                "pip install --no-binary mpi4py mpi4py"
            )
        self._world, self._common, self._outcomes = world, world.Dup(), world.Dup()
        self._integer = MPI.INT
        self._working = self._asked = False
        self._heard = 0

    @property
    def asked(self) -> bool:
        """True where this rank was asked to end."""
        return self._asked

    def listen(self) -> None:
        """Let signals wait for the end of what the ranks do together; the third one ends all at once."""
        for number in SIGNALS:
            signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._heard += 1
        self._asked = True
        if self._heard > 2:
            self.end("interrupted")
        if not self._working and self.rank == 0:
            raise KeyboardInterrupt

    def parts(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array of every rank, all of one shape and type, in their order."""
        own = np.ascontiguousarray(array)
        message = np.empty(own.nbytes + 1, np.uint8)
        message[:-1], message[-1] = own.reshape(-1).view(np.uint8), self._asked
        every = np.empty((self.size, len(message)), np.uint8)
        wait_for(self._common.Iallgather(message, every))
        if every[:, -1].any():
            self._asked = False
            if not self.holding:
                raise KeyboardInterrupt
            self.wanted = True
        return np.ascontiguousarray(every[:, :-1]).view(own.dtype).reshape(self.size, *np.shape(array))

    def joined(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the arrays of all ranks, one after the other along the first axis."""
        own = np.ascontiguousarray(array)
        counts = self.parts(np.array(len(own))).tolist()
        found = np.empty((sum(counts), *own.shape[1:]), own.dtype)
        width = own.itemsize * int(np.prod(own.shape[1:]))
        sizes = [count * width for count in counts]
        whole = [found.reshape(-1).view(np.uint8), sizes]
        wait_for(self._common.Iallgatherv(own.reshape(-1).view(np.uint8), whole))
        return found

    def swapped(self, arrays: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """Give ``arrays[r]`` to rank r; return what each of them gives to this one."""
        found: list[NDArray[np.int64]] = self._common.alltoall(list(arrays))
        return found

    def given(self, value: Any) -> Any:
        """Return the value that rank 0 has."""
        text = pickle.dumps(value, pickle.HIGHEST_PROTOCOL) if self.rank == 0 else b""
        length = np.array([len(text)])
        wait_for(self._common.Ibcast(length))
        message = np.frombuffer(text, np.uint8) if self.rank == 0 else np.empty(int(length[0]), np.uint8)
        wait_for(self._common.Ibcast(message))
        return value if self.rank == 0 else pickle.loads(message.tobytes())

    def send(self, array: NDArray[Any], to: int) -> Transfer:
        """Begin to send a contiguous array."""
        return _Message(self._common.Isend(array, to))

    def receive(self, array: NDArray[Any], source: int) -> Transfer:
        """Begin to receive into a contiguous array."""
        return _Message(self._common.Irecv(array, source))

    def together(self, work: Callable[[], Answer]) -> Answer:
        """Return what all ranks compute together, or raise the error that all of them have met.

        A rank with an error waits for the others; where they do not meet one as well, as they wait for this rank, it
        says what has happened and ends all of them.

        Raises
        ------
        RankError
            If some ranks have an error, at the very end, and this one has not.
        """
        with self.at_work():
            return work()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Share what is computed in the context; the same as a context manager."""
        self._working = True
        failure: BaseException | None = None
        try:
            with shared_by(self):
                yield
        except (Exception, KeyboardInterrupt) as error:
            failure = error
        finally:
            self._working = self.holding = self.wanted = False
        texts = self._met(failure)
        if failure is not None:
            raise failure
        if wrong := [f"rank {rank}: {text}" for rank, text in enumerate(texts) if text]:
            raise RankError(wrong[0])

    def _met(self, failure: BaseException | None) -> list[str]:
        """Return the errors of all ranks once they are there; end all of them where they do not come."""
        ok, every = np.array([failure is None], np.int32), np.empty(self.size, np.int32)
        request = self._outcomes.Iallgather([ok, self._integer], [every, self._integer])
        begin = time.monotonic()
        while not request.Test():
            if failure is not None and time.monotonic() - begin > PATIENCE:
                self.end(f"{type(failure).__name__}: {failure}")
            time.sleep(PAUSE)
        if every.all():
            return [""] * self.size
        text = "" if failure is None else f"{type(failure).__name__}: {failure}"
        found: list[str] = self._outcomes.allgather(text)
        return found

    def end(self, why: str) -> None:
        """Say why, and end the processes of all ranks."""
        with suppress(OSError):
            sys.stderr.write(f"rank {self.rank} of {self.size}: {why}\n")
            sys.stderr.flush()
        self._world.Abort(ABORTED)


def wait_for(request: MPI.Request) -> None:
    """Wait for the end of a message: other processes on this core go on meanwhile, and signals are heard."""
    begin = 0.0
    while not request.Test():
        if not begin:
            begin = time.monotonic()
        time.sleep(0 if time.monotonic() - begin < SOON else NAP)


class _Message:
    """A message of MPI that is on its way."""

    def __init__(self, request: MPI.Request) -> None:
        self._request = request

    def wait(self) -> None:
        """Return once it has arrived, or may be overwritten."""
        wait_for(self._request)
