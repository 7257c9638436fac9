"""Fibres of a phonon space: the states of one mode or a few, for each state of all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .numbering import Numbering
from .oscillator_sets import SetWord
from .phonons import PhononSpace, Polynomial


@dataclass(frozen=True)
class Fibres:
    """The fibres of some modes, by length; the states of each are the first ones of one list.

    Attributes
    ----------
    modes : tuple of int
        The modes.
    states : (n, modes) int
        Their states by cost, as far as the longest fibre goes.
    lengths, counts : (k,) int
        Lengths of fibres, ascending, and how many there are of each.
    places : (phonon states,) uint32
        Numbers of the phonon states, fibre by fibre.
    """

    modes: tuple[int, ...]
    states: NDArray[np.int64]
    lengths: NDArray[np.int64]
    counts: NDArray[np.int64]
    places: NDArray[np.uint32]

    @classmethod
    def of(cls, space: PhononSpace, modes: Sequence[int]) -> Fibres:
        """Sort the states of a capped space into the fibres of some modes."""
        columns = list(modes)
        own = space.occupations[:, columns].astype(np.int64)
        states = _by_cost(space.cost, len(columns), space.total_quanta)
        rank = np.zeros((len(space.cost),) * len(columns), np.int64)
        rank[tuple(states.T)] = np.arange(len(states))
        spectator = Numbering.of(np.delete(space.occupations, columns, axis=1))[1]
        length = np.bincount(spectator)[spectator]
        order = np.lexsort((rank[tuple(own.T)], spectator, length))
        lengths, sizes = np.unique(length, return_counts=True)
        return cls(tuple(columns), states, lengths, sizes // lengths, order.astype(np.uint32))

    @cached_property
    def by_state(self) -> NDArray[np.uint32]:
        """The same numbers state by state: of all fibres of one length the first states, then the second ones, ..."""
        parts, at = [np.zeros(0, np.uint32)], 0
        for length, count in zip(self.lengths.tolist(), self.counts.tolist(), strict=True):
            parts.append(self.places[at : at + length * count].reshape(count, length).T.ravel())
            at += length * count
        return np.concatenate(parts)

    def matrix(self, lattice: Polynomial) -> NDArray[Any]:
        """Return the matrix of a polynomial of `SetWord` on these modes, of the longest fibre."""
        return on_states(lattice, self.states, self.states)


def set_modes(lattice: Polynomial) -> tuple[int, ...] | None:
    """Return the modes on which a polynomial of `SetWord` acts; None for other ones."""
    kinds = {word.modes if isinstance(word, SetWord) else None for word, _ in lattice}
    return kinds.pop() if len(kinds) == 1 else None


def on_states(lattice: Polynomial, states: NDArray[np.int64], onto: NDArray[np.int64]) -> NDArray[Any]:
    """Return the matrix of a polynomial of `SetWord` that act on the same modes, shape (onto, states)."""
    total: Any = np.zeros((len(onto), len(states)))
    for word, coefficient in lattice:
        assert isinstance(word, SetWord)
        part = np.ones(total.shape)
        for number, matrix in enumerate(word.matrices()):
            part *= matrix[np.ix_(onto[:, number], states[:, number])]
        total = total + (coefficient if np.imag(coefficient) else np.real(coefficient)) * part
    return np.asarray(total)


def _by_cost(cost: NDArray[np.int64], modes: int, most: int) -> NDArray[np.int64]:
    """Return the states of some modes by their cost, those of one cost in lexicographic order, shape (n, modes)."""
    grid = np.indices((len(cost),) * modes).reshape(modes, -1).T
    total = cost[grid].sum(axis=1)
    order = np.argsort(total, kind="stable")
    return np.asarray(grid[order][total[order] <= most])
