"""The truncated phonon space and the matrices of lattice operators on it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import sp
from ..operators import LatticeWord
from .displacement_matrices import Dressed, Entries, alike_but, matched, reached
from .numbering import Numbering
from .oscillator_sets import SetWord

Word = LatticeWord | Dressed | SetWord
"""What lattice operators are sums of: normal-ordered words, with a displacement behind them or not, or between sets."""
Polynomial = tuple[tuple[Word, complex], ...]
"""A lattice operator: words with their coefficients."""


class Occupations:
    """A table of phonon number states, in which states are found by their numbers."""

    if TYPE_CHECKING:

        @property
        def occupations(self) -> NDArray[Any]:
            """Phonon numbers, shape (dim, modes)."""

    @cached_property
    def _numbering(self) -> Numbering:
        return Numbering.of(self.occupations)[0]

    def __len__(self) -> int:
        return len(self.occupations)

    def index(self, occupations: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the position of each row of occupation numbers, -1 where it is not in the table."""
        return self._numbering.index(occupations)


@dataclass(frozen=True)
class PhononSpace(Occupations):
    """Phonon number states with at most `max_quanta` in a mode and `total_quanta` in all modes.

    Attributes
    ----------
    modes : int
        Number of oscillators; none gives the one-dimensional space of the vacuum.
    max_quanta : int
        Cap of each mode.
    total_quanta : int
        Cap of the sum over modes.
    costs : tuple of int
        What each state of a mode counts towards `total_quanta`, ascending from 0; its number where there are none.

    Examples
    --------
    >>> PhononSpace(2, 2, 2).occupations
    array([[0, 0],
           [0, 1],
           [0, 2],
           [1, 0],
           [1, 1],
           [2, 0]], dtype=uint16)
    """

    modes: int
    max_quanta: int
    total_quanta: int
    costs: tuple[int, ...] = ()

    @classmethod
    def capped(
        cls, modes: int, max_quanta: int | None, total_quanta: int | None, costs: tuple[int, ...] = ()
    ) -> PhononSpace:
        """Build the space from either cap or both (None: no cap of that kind)."""
        if costs and total_quanta is not None:
            last = bisect_right(costs, total_quanta) - 1
            return cls(modes, last if max_quanta is None else min(last, max_quanta), total_quanta, costs)
        per_mode = min((cap for cap in (max_quanta, total_quanta) if cap is not None), default=0) if modes else 0
        most = modes * per_mode
        return cls(modes, per_mode, most if total_quanta is None else min(most, total_quanta))

    @property
    def size(self) -> int:
        """Number of states, without enumerating them."""
        if self.is_product:
            return int((self.max_quanta + 1) ** self.modes)
        total = self.total_quanta
        ways = [1] + [0] * total
        for _ in range(self.modes):
            ways = [sum(ways[q - n] for n in self.cost.tolist() if n <= q) for q in range(total + 1)]
        return sum(ways)

    @property
    def is_product(self) -> bool:
        """True where the total cap does not cut anything."""
        return self.total_quanta >= self.modes * self.max_quanta and not self.costs

    @cached_property
    def cost(self) -> NDArray[np.int64]:
        """What each state of a mode counts towards `total_quanta`, shape (max_quanta + 1,)."""
        return np.array(self.costs[: self.max_quanta + 1] or range(self.max_quanta + 1), np.int64)

    @cached_property
    def occupations(self) -> NDArray[np.uint16]:
        """Phonon numbers, shape (dim, modes), in lexicographic order, read-only."""
        table = np.zeros((1, 0), np.uint16)
        used = np.zeros(1, np.int64)
        for _ in range(self.modes):
            room = np.searchsorted(self.cost, self.total_quanta - used, side="right")
            parent = np.repeat(np.arange(len(used)), room)
            n = np.arange(len(parent)) - np.repeat(np.cumsum(room) - room, room)
            table = np.column_stack([table[parent], n.astype(np.uint16)])
            used = used[parent] + self.cost[n]
        table.setflags(write=False)
        return table

    def leaving(self, word: LatticeWord) -> NDArray[np.intp]:
        """Return the states that a word takes beyond the caps, if it does not annihilate them."""
        out = self._quanta + sum(up - low for _, up, low in word) > self.total_quanta
        for mode, up, low in word:
            if up > low:
                out |= self.occupations[:, mode] + np.int64(up - low) > self.max_quanta
        return np.flatnonzero(out)

    @cached_property
    def _quanta(self) -> NDArray[np.int64]:
        return np.asarray(self.occupations.sum(axis=1, dtype=np.int64))

    def label(self, number: int) -> str:
        """Return the phonon numbers of a state, as in ``(0,2)``."""
        return "(" + ",".join(str(n) for n in self.occupations[number]) + ")"


def transitions(
    word: LatticeWord, occupations: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Apply a normal-ordered word to phonon number states, without any cap.

    Parameters
    ----------
    word : LatticeWord
        Product of ``a+^k a^l`` over modes.
    occupations : (dim, modes) int
        The states.

    Returns
    -------
    source : (n,) int
        States that the word does not annihilate.
    image : (n, modes) int
        Their images.
    amplitude : (n,) float
        Matrix elements.
    """
    amplitude, jump = np.ones(len(occupations)), np.zeros(occupations.shape[1], np.int64)
    for mode, up, low in word:
        n = occupations[:, mode]
        amplitude = amplitude * _amplitudes(int(n.max(initial=0)), up, low)[n]
        jump[mode] = up - low
    source = np.flatnonzero(amplitude)
    return source, occupations[source] + jump, amplitude[source]


def _amplitudes(most: int, up: int, low: int) -> NDArray[np.float64]:
    """Return ``<n - low + up| a+^up a^low |n>`` for n = 0 to `most`."""
    n = np.arange(most + 1)
    amplitude = np.ones(most + 1)
    for step in range(low):
        amplitude *= np.sqrt(np.maximum(n - step, 0))
    for step in range(up):
        amplitude *= np.sqrt(np.maximum(n - low + step + 1, 0))
    return amplitude


def word_matrix(word: Word, space: PhononSpace) -> sp.csr_array:
    """Return the matrix of a word on a capped space: the exact projection of the full operator."""
    if isinstance(word, Dressed):
        entries = _dressed(word, space.occupations, space.occupations)
    elif isinstance(word, SetWord):
        entries = _in_sets(word, space.occupations, space.occupations)
    else:
        entries = _between(word, space.occupations, space)
    return _matrix(entries, len(space), len(space))


@dataclass(frozen=True)
class Shell(Occupations):
    """The phonon states just beyond a capped space, as far as some words reach them.

    Attributes
    ----------
    space : PhononSpace
        The space inside.
    occupations : (dim, modes) int
        The states outside.
    """

    space: PhononSpace
    occupations: NDArray[np.int64]

    @classmethod
    def beyond(cls, space: PhononSpace, words: Iterator[Word]) -> Shell:
        """Collect the states outside `space` that one application of any of the words reaches.

        A displacement reaches them all; those left out hold less than 1e-15 of the norm of any image.
        """
        outside: list[NDArray[np.int64]] = [np.zeros((0, space.modes), np.int64)]
        for word in words:
            assert not isinstance(word, SetWord)
            if isinstance(word, Dressed):
                found = reached(word, transitions(word.word, space.occupations)[1])
                found = found[np.any(found > space.max_quanta, axis=1) | (found.sum(axis=1) > space.total_quanta)]
            else:
                found = transitions(word, space.occupations[space.leaving(word)])[1]
            outside.append(found)
        return cls.of(space, np.concatenate(outside))

    @classmethod
    def of(cls, space: PhononSpace, occupations: NDArray[np.int64]) -> Shell:
        """Return a shell of given states, each once."""
        return cls.numbered(space, occupations)[0]

    @classmethod
    def numbered(cls, space: PhononSpace, occupations: NDArray[Any]) -> tuple[Shell, NDArray[np.int64]]:
        """Return a shell of given states, each once, and the number of each of them."""
        numbering, number = Numbering.of(occupations)
        states = np.zeros((numbering.size, space.modes), np.int64)
        states[number] = occupations
        return cls(space, states), number

    def outward(self, word: Word) -> sp.csr_array:
        """Return the matrix of a word from the space inside to the shell."""
        source = self.space.occupations
        if isinstance(word, SetWord):
            entries = _in_sets(word, source, self.occupations)
        elif isinstance(word, Dressed):
            entries = _dressed(word, source, self.occupations)
        else:
            leaving = self.space.leaving(word)
            row, column, value = _between(word, source[leaving], self)
            entries = row, leaving[column], value
        return _matrix(entries, len(self), len(source))

    def within(self, word: Word) -> sp.csr_array:
        """Return the matrix of a word within the shell."""
        source = self.occupations
        if isinstance(word, SetWord):
            entries = _in_sets(word, source, source)
        else:
            entries = _dressed(word, source, source) if isinstance(word, Dressed) else _between(word, source, self)
        return _matrix(entries, len(self), len(source))


def _between(word: LatticeWord, source: NDArray[Any], target: Occupations) -> Entries:
    column, image, amplitude = transitions(word, source)
    row = target.index(image)
    kept = row >= 0
    return row[kept], column[kept], amplitude[kept]


def _dressed(word: Dressed, source: NDArray[Any], target: NDArray[Any]) -> Entries:
    """Return the elements of ``D(jump) word``; nothing is cut between the two."""
    column, image, amplitude = transitions(word.word, source)
    row, number, element = matched(word, image, np.asarray(target, np.int64))
    return row, column[number], amplitude[number] * element


def _in_sets(word: SetWord, source: NDArray[Any], target: NDArray[Any]) -> Entries:
    """Return the elements of a word between oscillator sets."""
    modes = np.array(word.modes, np.int64)
    row, column = alike_but(modes, source, np.asarray(target, np.int64))
    value = np.ones(len(row))
    for mode, matrix in zip(word.modes, word.matrices(), strict=True):
        value *= matrix[target[row, mode], source[column, mode]]
    kept = value != 0
    return row[kept], column[kept], value[kept]


def _matrix(entries: Entries, rows: int, columns: int) -> sp.csr_array:
    row, column, value = entries
    return sp.csr_array((value, (row, column)), shape=(rows, columns))


def phonon_dimension(modes: int, max_quanta: int | None, total_quanta: int | None) -> int:
    """Return the number of states of a capped phonon space, without enumerating them.

    Examples
    --------
    >>> phonon_dimension(4, None, 6), phonon_dimension(4, 8, None)
    (210, 6561)
    """
    return PhononSpace.capped(modes, max_quanta, total_quanta).size
