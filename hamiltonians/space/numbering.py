"""Rows of phonon numbers as single integers, however many modes there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_BITS = 62
"""Bits of one integer that digits may take."""


@dataclass(frozen=True)
class Numbering:
    """Different rows of small whole numbers in lexicographic order, and how to find them.

    The numbers of a row are digits. Where all digits together are too long for one integer, they make several words,
    and the beginnings of the rows, up to each word, are numbered one after the other.

    Attributes
    ----------
    size : int
        How many there are.
    radices : (columns,) int
        Above every number of each column.
    words : tuple of (n,) int
        For each word, what occurs there, ascending.
    beginnings : tuple of (n,) int
        For each word but the first, pairs of the beginning before it and the word, ascending.
    """

    size: int
    radices: NDArray[np.int64]
    words: tuple[NDArray[np.int64], ...]
    beginnings: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, rows: NDArray[np.integer]) -> tuple[Numbering, NDArray[np.int64]]:
        """Number the rows of a table, equal ones alike: the numbering, and the number of each row.

        Examples
        --------
        >>> Numbering.of(np.array([[1, 0], [0, 2], [1, 0]]))[1]
        array([1, 0, 1])
        """
        radices = rows.max(axis=0, initial=0).astype(np.int64) + 1
        words: list[NDArray[np.int64]] = []
        beginnings: list[NDArray[np.int64]] = []
        number = np.zeros(len(rows), np.int64)
        for word in _words(rows, radices):
            there, own = _different(word)
            if words:
                pairs, own = _different(number * len(there) + own)
                beginnings.append(pairs)
            words.append(there)
            number = own
        size = int(number.max(initial=-1)) + 1
        return cls(size, radices, tuple(words), tuple(beginnings)), number

    def index(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the number of each row, -1 where it is none of those that were numbered."""
        found = np.where(np.all(rows < self.radices, axis=1) & (self.size > 0), 0, -1)
        for n, word in enumerate(_words(rows, self.radices)):
            own = find(self.words[n], word)
            if n:
                own = find(self.beginnings[n - 1], np.where(own < 0, -1, found * len(self.words[n]) + own))
            found = np.where(found < 0, -1, own)
        return found


def _different(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return different keys, ascending, and the place of each key among them."""
    if np.all(keys[1:] > keys[:-1]):
        return keys, np.arange(len(keys))
    there, own = np.unique(keys, return_inverse=True)
    return there, own.astype(np.int64, copy=False)


def _words(rows: NDArray[np.integer], radices: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield the words of each row; a table without columns has none."""
    start = 0
    while start < len(radices):
        stop, room = start, 1 << MOST_BITS
        weights = []
        while stop < len(radices) and room >= radices[stop]:
            room //= int(radices[stop])
            stop += 1
        for column in range(start, stop):
            weights.append(int(np.prod(radices[column + 1 : stop])))
        yield np.asarray(rows[:, start:stop] @ np.array(weights, np.int64), np.int64)
        start = stop


def find(ascending: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the position of each key among ascending ones, -1 where it is not there."""
    if not len(ascending):
        return np.full(len(keys), -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(ascending, keys), len(ascending) - 1)
    return np.where(ascending[place] == keys, place, -1)
