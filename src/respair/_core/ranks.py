"""Processes that share large blocks: how many there are, and what they tell each other.

All of them run the same program. What is summed over them is summed in the order of their ranks, so that every rank
has the same bits, and goes the same way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .launch import counted

Value = TypeVar("Value")


class Transfer(Protocol):
    """An array that is on its way."""

    def wait(self) -> None:
        """Return once it has arrived, or may be overwritten."""


class Ranks(ABC):
    """The processes of a parallel run.

    Attributes
    ----------
    rank, size : int
        Number of this process, from 0, and how many there are.
    holding : bool
        Whether an interrupt waits for a checkpoint.
    wanted : bool
        Whether one waits: the same on all ranks.
    """

    rank: int
    size: int
    holding: bool = False
    wanted: bool = False

    @abstractmethod
    def parts(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array of every rank, all of one shape and type, in their order."""

    @abstractmethod
    def joined(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the arrays of all ranks, one after the other along the first axis."""

    @abstractmethod
    def swapped(self, arrays: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """Give ``arrays[r]`` to rank r; return what each of them gives to this one."""

    @abstractmethod
    def given(self, value: Value) -> Value:
        """Return the value that rank 0 has."""

    @abstractmethod
    def send(self, array: NDArray[Any], to: int) -> Transfer:
        """Begin to send a contiguous array."""

    @abstractmethod
    def receive(self, array: NDArray[Any], source: int) -> Transfer:
        """Begin to receive into a contiguous array."""

    def total(self, values: Any) -> NDArray[Any]:
        """Return the sum over all ranks of numbers, or of arrays of one shape."""
        return np.asarray(self.parts(np.asarray(values)).sum(axis=0))

    def any(self, condition: bool) -> bool:
        """True where a condition holds on one rank at least."""
        return bool(self.parts(np.array(condition, float)).any())


class Alone(Ranks):
    """One process."""

    rank, size = 0, 1

    def parts(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the array of this rank."""
        return np.asarray(array)[None]

    def joined(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the array of this rank."""
        return array

    def swapped(self, arrays: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """Return what this rank gives to itself."""
        return list(arrays)

    def given(self, value: Value) -> Value:
        """Return the value."""
        return value

    def send(self, array: NDArray[Any], to: int) -> Transfer:
        """Raise ValueError: there is no other rank."""
        raise ValueError("there is one process; nobody else takes the array")

    def receive(self, array: NDArray[Any], source: int) -> Transfer:
        """Raise ValueError: there is no other rank."""
        raise ValueError("there is one process; nobody else has the array")


_RANKS: ContextVar[Ranks | None] = ContextVar("ranks", default=None)


def rank_count() -> int:
    """Return how many processes share large blocks, or will share them."""
    ranks = current_ranks()
    return ranks.size if ranks is not None else counted()


def current_ranks() -> Ranks | None:
    """Return the processes that share large blocks; None where this one has them alone."""
    return _RANKS.get()


def agreed(value: Value) -> Value:
    """Return what rank 0 has found, so that all ranks go on with the same bits; the value itself in one process.

    Where all ranks compute the same, roundings may differ from one to the other, and with them a step more or less, or
    the choice of states of a degenerate level.
    """
    ranks = current_ranks()
    return value if ranks is None else ranks.given(value)


@contextmanager
def shared_by(ranks: Ranks | None) -> Iterator[None]:
    """Let processes share the large blocks that are made in the context; None for blocks of this process alone."""
    token = _RANKS.set(ranks if ranks is not None and ranks.size > 1 else None)
    try:
        yield
    finally:
        _RANKS.reset(token)
