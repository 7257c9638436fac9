"""Processes that share large blocks and their communication.

All of them run the same program. Sums over processes are taken in the order of the ranks, so that every rank has
bitwise identical results and takes the same branches.
"""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from .launch import counted

Value = TypeVar("Value")


class Transfer(Protocol):
    """A pending transfer of an array."""

    def wait(self) -> None:
        """Wait until the array has arrived, or may be overwritten."""


class Ranks(ABC):
    """The processes of a parallel run.

    Attributes
    ----------
    rank, size : int
        Number of this process, from 0, and number of processes.
    holding : bool
        Whether interrupts are deferred until the next checkpoint.
    wanted : bool
        Whether an interrupt is pending; the same on all ranks.
    asked : bool
        Whether this rank has received a signal to end.
    """

    rank: int
    size: int
    holding: bool = False
    wanted: bool = False

    @property
    def asked(self) -> bool:
        """Whether this rank has received a signal to end."""
        return False

    @abstractmethod
    def parts(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the arrays of all ranks, of equal shape and type, stacked in the order of the ranks."""

    @abstractmethod
    def joined(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the arrays of all ranks, concatenated along the first axis."""

    def every(self, value: Value) -> list[Value]:
        """Return the values of all ranks, in their order."""
        text = np.frombuffer(pickle.dumps(value, pickle.HIGHEST_PROTOCOL), np.uint8)
        ends = np.cumsum(self.parts(np.array(len(text))))
        texts = np.split(self.joined(text), ends[:-1])
        return [pickle.loads(each.tobytes()) for each in texts]

    @abstractmethod
    def swapped(self, arrays: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """Send ``arrays[r]`` to rank r and return the arrays received from all ranks."""

    @abstractmethod
    def given(self, value: Value) -> Value:
        """Return the value of rank 0."""

    @abstractmethod
    def send(self, array: NDArray[Any], to: int) -> Transfer:
        """Start sending a contiguous array."""

    @abstractmethod
    def receive(self, array: NDArray[Any], source: int) -> Transfer:
        """Start receiving into a contiguous array."""

    def total(self, values: Any) -> NDArray[Any]:
        """Return the sum over all ranks of numbers, or of arrays of equal shape."""
        return np.asarray(self.parts(np.asarray(values)).sum(axis=0))

    def any(self, condition: bool) -> bool:
        """True if a condition holds on at least one rank."""
        return bool(self.parts(np.array(condition, float)).any())


class Alone(Ranks):
    """A single process."""

    rank, size = 0, 1

    def parts(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the array of this rank."""
        return np.asarray(array)[None]

    def joined(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the array of this rank."""
        return array

    def swapped(self, arrays: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """Return the arrays that this rank sends to itself."""
        return list(arrays)

    def given(self, value: Value) -> Value:
        """Return the value."""
        return value

    def send(self, array: NDArray[Any], to: int) -> Transfer:
        """Raise ValueError: there is no other rank."""
        raise ValueError("there is only one process, which cannot send an array to another one")

    def receive(self, array: NDArray[Any], source: int) -> Transfer:
        """Raise ValueError: there is no other rank."""
        raise ValueError("there is only one process, which cannot receive an array from another one")


_RANKS: ContextVar[Ranks | None] = ContextVar("ranks", default=None)


def rank_count() -> int:
    """Return the number of processes that share large blocks."""
    ranks = current_ranks()
    return ranks.size if ranks is not None else counted()


def current_ranks() -> Ranks | None:
    """Return the processes that share large blocks; None if this process does not share them."""
    return _RANKS.get()


def agreed(value: Value) -> Value:
    """Return the value of rank 0, so that all ranks continue with identical bits; the value itself in one process.

    The same computation may round differently on different ranks, which could change the number of iterations or the
    choice of states in a degenerate level.
    """
    ranks = current_ranks()
    return value if ranks is None else ranks.given(value)


def found_once(work: Callable[[], Value]) -> Value:
    """Return what rank 0 computes alone while the others wait; an error of it is raised by all of them."""
    ranks = current_ranks()
    if ranks is None:
        return work()
    value: Value | None = None
    wrong: Exception | None = None
    if ranks.rank == 0:
        with shared_by(None):
            try:
                value = work()
            except Exception as error:
                wrong = error
    found, raised = ranks.given((value, wrong))
    if raised is not None:
        raise raised
    return cast("Value", found)


@contextmanager
def shared_by(ranks: Ranks | None) -> Iterator[None]:
    """Share the large blocks created in the context among processes; None for blocks of this process alone."""
    token = _RANKS.set(ranks if ranks is not None and ranks.size > 1 else None)
    try:
        yield
    finally:
        _RANKS.reset(token)
