"""From a capped space of optimal oscillator states to the states beyond its caps.

States in which both of two modes lie beyond the largest number inside are reached by what acts on these two alone:
no other term adds to them, and their norm follows from inner products on the fibres.
"""

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
    alone : bool
        Nothing else acts on all of these modes together: states in which all of them lie beyond are not in the shell.
    """

    space: PhononSpace
    modes: tuple[int, ...]
    depth: int
    size: int
    alone: bool

    @cached_property
    def fibres(self) -> Fibres:
        """The fibres inside."""
        return Fibres.of(self.space, self.modes)

    @cached_property
    def _grid(self) -> NDArray[np.int64]:
        """All states of the modes, inside and beyond, by the sum of their numbers."""
        grid = np.indices((self.size,) * len(self.modes)).reshape(len(self.modes), -1).T
        return np.asarray(grid[np.argsort(grid.sum(axis=1), kind="stable")])

    @cached_property
    def _private(self) -> NDArray[np.bool_]:
        """Which states of the grid nothing else reaches."""
        return np.asarray(self.alone & np.all(self._grid > self.space.max_quanta, axis=1))

    @cached_property
    def _kinds(self) -> list[tuple[int, int, int, NDArray[np.bool_], NDArray[np.bool_]]]:
        """Return for fibres of each length: length, first place, count, which states of the grid are near, and far."""
        found, at = [], 0
        used = self.space.occupations.sum(axis=1, dtype=np.int64)
        most, total = self._grid.max(axis=1, initial=0), self._grid.sum(axis=1)
        for length, count in zip(self.fibres.lengths.tolist(), self.fibres.counts.tolist(), strict=True):
            room = self.space.total_quanta - int(used[self.fibres.places[at]])
            room = min(room, len(self.modes) * self.space.max_quanta)
            outside = ((most > self.space.max_quanta) | (total > room)) & ~self._private
            near = (most <= self.space.max_quanta + self.depth) & (total <= room + self.depth)
            found.append((length, at, count, near & outside, ~near & outside))
            at += length * count
        return found

    def near(self) -> NDArray[np.uint16]:
        """Return the phonon numbers of the states of the shell that these modes reach, by length, state by state."""
        parts = [np.zeros((0, self.space.modes), np.uint16)]
        for length, at, count, near, _ in self._kinds:
            first = self.space.occupations[self.fibres.places[at : at + length * count : length]]
            rows = np.tile(first, (int(near.sum()), 1))
            rows[:, list(self.modes)] = np.repeat(self._grid[near], count, axis=0)
            parts.append(rows)
        return np.concatenate(parts)

    def onto(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return for each length where its states near by begin, and these states."""
        chosen = [np.flatnonzero(near) for *_, near, _ in self._kinds]
        return np.cumsum([0, *map(len, chosen)]), np.concatenate(chosen).astype(np.uint32)

    def matrix(self, lattice: Polynomial) -> NDArray[Any]:
        """Return the matrix of a polynomial from the states inside to all, shape (grid, states)."""
        return on_states(lattice, self.fibres.states, self._grid)

    def far(self, matrices: NDArray[Any]) -> NDArray[Any]:
        """Return for matrices and lengths triangles with the norms of what leads beyond the shell, (f, k, n, n).

        Empty where nothing does.
        """
        if not any(far.any() for *_, far in self._kinds):
            return np.zeros((0, 0, 0, 0), matrices.dtype)
        size = matrices.shape[2]
        found = np.zeros((len(matrices), len(self.fibres.lengths), size, size), matrices.dtype)
        for f, matrix in enumerate(matrices):
            for number, (length, _, _, _, far) in enumerate(self._kinds):
                upper = np.linalg.qr(matrix[far][:, :length], mode="r")
                found[f, number, : len(upper), :length] = upper
        return found

    def products(self, matrices: NDArray[Any]) -> NDArray[Any]:
        """Return inner products of what matrices lead to where nothing else does, (f, f, n, n); empty without that."""
        if not self._private.any():
            return np.zeros((0, 0, 0, 0), matrices.dtype)
        own = matrices[:, self._private]
        return np.ascontiguousarray(np.einsum("fxa,gxb->fgab", own.conj(), own, optimize=True))


def shell_of(space: PhononSpace, parts: Sequence[Outward]) -> tuple[Shell, list[tuple[NDArray[Any], ...]]]:
    """Return the states beyond the caps that some sets of modes reach, and for each set how it leads there.

    That is for each length of fibres where its states begin, these states, and their places in the shell.
    """
    rows = [part.near() for part in parts]
    shell, number = Shell.numbered(space, np.concatenate([np.zeros((0, space.modes), np.uint16), *rows]))
    places = np.split(number.astype(np.uint32), np.cumsum([len(own) for own in rows])[:-1])
    return shell, [(*part.onto(), own) for part, own in zip(parts, places, strict=True)]
