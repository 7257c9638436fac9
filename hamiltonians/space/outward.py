"""From a capped space of optimal oscillator states to the states beyond its caps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fibres import Fibres, on_states
from .phonons import PhononSpace, Polynomial, Shell


@dataclass(frozen=True)
class Outward:
    """What leads from the fibres of some modes beyond the caps: into a shell, and further.

    Attributes
    ----------
    space : PhononSpace
        The states inside; without costs of their own.
    modes : tuple of int
        The modes.
    depth : int
        The shell has states with so many more quanta at most.
    size : int
        States of each oscillator.
    """

    space: PhononSpace
    modes: tuple[int, ...]
    depth: int
    size: int

    @cached_property
    def fibres(self) -> Fibres:
        """The fibres inside."""
        return Fibres.of(self.space, self.modes)

    @cached_property
    def _grid(self) -> NDArray[np.int64]:
        """All states of the modes, inside and beyond, by the sum of their numbers."""
        grid = np.indices((self.size,) * len(self.modes)).reshape(len(self.modes), -1).T
        return np.asarray(grid[np.argsort(grid.sum(axis=1), kind="stable")])

    def _kinds(self) -> list[tuple[int, int, int, NDArray[np.bool_], NDArray[np.bool_]]]:
        """Return for fibres of each length: length, first place, count, which states of the grid are near, and far."""
        found, at = [], 0
        used = self.space.occupations.sum(axis=1, dtype=np.int64)
        most, total = self._grid.max(axis=1, initial=0), self._grid.sum(axis=1)
        for length, count in zip(self.fibres.lengths.tolist(), self.fibres.counts.tolist(), strict=True):
            room = self.space.total_quanta - int(used[self.fibres.places[at]])
            room = min(room, len(self.modes) * self.space.max_quanta)
            inside = (most <= self.space.max_quanta) & (total <= room)
            near = (most <= self.space.max_quanta + self.depth) & (total <= room + self.depth)
            found.append((length, at, count, near & ~inside, ~near & ~inside))
            at += length * count
        return found

    def near(self) -> NDArray[np.int64]:
        """Return the phonon numbers of the states of the shell that these modes reach."""
        parts = [np.zeros((0, self.space.modes), np.int64)]
        for length, at, count, near, _ in self._kinds():
            first = self.space.occupations[self.fibres.places[at : at + length * count : length]].astype(np.int64)
            rows = np.repeat(first, int(near.sum()), axis=0)
            rows[:, list(self.modes)] = np.tile(self._grid[near], (count, 1))
            parts.append(rows)
        return np.concatenate(parts)

    def onto(self, shell: Shell) -> tuple[NDArray[Any], ...]:
        """Return for each length the states near by, and where they are in the shell: starts, states, places."""
        chosen, places, begin = [], [], [0]
        for length, at, count, near, _ in self._kinds():
            own = np.flatnonzero(near)
            first = self.space.occupations[self.fibres.places[at : at + length * count : length]].astype(np.int64)
            rows = np.repeat(first, len(own), axis=0)
            rows[:, list(self.modes)] = np.tile(self._grid[own], (count, 1))
            chosen.append(own)
            places.append(shell.index(rows))
            begin.append(begin[-1] + len(own))
        return np.array(begin), np.concatenate(chosen).astype(np.uint32), np.concatenate(places).astype(np.uint32)

    def matrix(self, lattice: Polynomial) -> NDArray[Any]:
        """Return the matrix of a polynomial from the states inside to all, shape (grid, states)."""
        return on_states(lattice, self.fibres.states, self._grid)

    def far(self, matrix: NDArray[Any]) -> NDArray[Any]:
        """Return for each length a triangular matrix with the norms of what leads beyond the shell, (k, n, n)."""
        size = matrix.shape[1]
        found = np.zeros((len(self.fibres.lengths), size, size), matrix.dtype)
        for number, (length, _, _, _, far) in enumerate(self._kinds()):
            if far.any():
                upper = np.linalg.qr(matrix[far][:, :length], mode="r")
                found[number, : len(upper), :length] = upper
        return found


def shell_of(space: PhononSpace, parts: Sequence[Outward]) -> Shell:
    """Return the states beyond the caps that some sets of modes reach."""
    return Shell.of(space, np.concatenate([np.zeros((0, space.modes), np.int64), *(part.near() for part in parts)]))
