"""Charge words as a few masks each, which act on all configurations at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import sp, threads
from .. import kernels
from ..operators import ChargeWord, Operator, adjoint
from ..soft_core import in_levels
from .charges import ChargeBasis

RAISES: Mapping[str, int] = {"c+up": 1, "cup": 0, "c+dn": 1, "cdn": 0, "b+": 1, "b": 0, "nup": 1, "ndn": 1, "nb": 1}
"""Occupation that a letter leaves; one that counts needs it before, the others need the opposite."""
COMPILED_FROM = 1 << 16
"""Configurations times words from which on compiled kernels serve: they take longer to load than fewer take."""
Acted = tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.float64]]
"""Numbers of the configurations that a word does not annihilate, their images, and signs."""
Entries = tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]
"""Elements of a matrix, their rows and their columns."""


@dataclass(frozen=True)
class Masks:
    """A charge operator as it acts on the bits of a configuration, see `ChargeBasis`.

    Attributes
    ----------
    looked_at, needed : int
        A configuration survives where its bits `looked_at` are those of `needed`; there is none for -1.
    flipped : int
        Bits that change.
    passed : int
        Electrons that the letters pass an odd number of times: each is a factor -1.
    sign : float
        Further factor.
    """

    looked_at: int = 0
    needed: int = 0
    flipped: int = 0
    passed: int = 0
    sign: float = 1.0

    @classmethod
    def of(cls, word: ChargeWord, basis: ChargeBasis) -> Masks:
        """Translate a word, letter by letter from the right."""
        looked_at = needed = flipped = passed = odd = 0
        for symbol, index in reversed(word):
            bit = 1 << _place(symbol, index, basis)
            counts, found = symbol in ("nup", "ndn", "nb"), RAISES[symbol]
            before = bit * (found if counts else 1 - found) ^ flipped & bit
            if looked_at & bit and needed & bit != before:
                return cls(0, -1)
            looked_at, needed = looked_at | bit, needed | before
            if not counts and "b" not in symbol:
                passed ^= bit - 1
                odd ^= (flipped & (bit - 1)).bit_count() & 1
            flipped ^= 0 if counts else bit
        return cls(looked_at, needed, flipped, passed, -1.0 if odd else 1.0)

    def act(self, states: NDArray[np.uint64]) -> Acted:
        """Apply the word to configurations."""
        if self.needed < 0:
            return np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0)
        source = np.flatnonzero(states & np.uint64(self.looked_at) == np.uint64(self.needed))
        alive = states[source]
        odd = np.bitwise_count(alive & np.uint64(self.passed)) & 1
        return source, alive ^ np.uint64(self.flipped), np.where(odd, -self.sign, self.sign)


def _place(symbol: str, index: int, basis: ChargeBasis) -> int:
    if "b" in symbol:
        return 2 * basis.sites + basis.boson_letters.index(index)
    return index + (basis.sites if symbol.endswith("dn") else 0)


def word_entries(word: ChargeWord, basis: ChargeBasis) -> Entries:
    """Return the elements of a charge operator between the configurations of a basis, their rows and their columns."""
    if basis.levels > 1:
        parts = charge_rows({word: 1.0}, basis, basis.states).tocoo()
        return parts.data, parts.row.astype(np.int64), parts.col.astype(np.int64)
    column, image, sign = Masks.of(word, basis).act(basis.states)
    row = column if np.array_equal(image, basis.states[column]) else basis.index(image)
    there = row >= 0
    return (sign, row, column) if there.all() else (sign[there], row[there], column[there])


def charge_rows(words: Mapping[ChargeWord, complex], basis: ChargeBasis, states: NDArray[np.uint64]) -> sp.csr_array:
    """Return ``<state| sum of charge operators |e>`` for given configurations of any sector and all e of a basis.

    Parameters
    ----------
    words : mapping of ChargeWord to complex
        The operator.
    basis : ChargeBasis
        Where it starts.
    states : (n,) uint64
        Configurations where it ends, as integers of the same layout.

    Returns
    -------
    csr_array, shape (n, len(basis))
        Real where all coefficients are.

    Examples
    --------
    >>> basis = ChargeBasis(2, (), np.array([2, 1], np.uint64))  # one up electron
    >>> charge_rows({(("c+up", 1), ("cup", 0)): -1.0}, basis, basis.states).toarray()
    array([[ 0., -1.],
           [ 0.,  0.]])
    """
    if basis.levels > 1:
        pairs = in_levels(Operator({(word, ()): value for word, value in words.items()}), basis.sites, basis.levels)
        words = {word: value for (word, _), value in pairs.terms.items()}
    if len(states) * len(words) >= COMPILED_FROM:
        return _compiled_rows(words, basis, states)
    entries: list[Entries] = [(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for word, value in words.items():
        row, image, sign = Masks.of(adjoint(word), basis).act(states)
        column = basis.index(image)
        there = column >= 0
        entries.append(((value if np.imag(value) else np.real(value)) * sign[there], row[there], column[there]))
    values, rows, columns = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    return sp.csr_array((values, (rows, columns)), shape=(len(states), len(basis)))


def _compiled_rows(words: Mapping[ChargeWord, complex], basis: ChargeBasis, states: NDArray[np.uint64]) -> sp.csr_array:
    """Return the same, all words that flip the same bits at a time."""
    masks = [(Masks.of(adjoint(word), basis), value) for word, value in words.items()]
    masks = sorted(((mask, value) for mask, value in masks if mask.needed >= 0), key=lambda pair: pair[0].flipped)
    looked_at, needed, flipped, passed = (
        np.array([getattr(mask, name) for mask, _ in masks], np.uint64)
        for name in ("looked_at", "needed", "flipped", "passed")
    )
    strength = np.array([mask.sign * value for mask, value in masks])
    strength = strength if any(np.imag(value) for value in words.values()) else strength.real.astype(float)
    flips, begin = np.unique(flipped, return_index=True)
    begin = np.append(begin, len(flipped))
    rows, number = np.array(states, np.uint64), np.zeros(len(states), np.int64)
    most = len(states) * len(words)
    with threads.kernel_threads_for(most):
        kernels.configurations.most_entries(number, rows, begin, looked_at, needed)
        start = np.concatenate([[0], np.cumsum(number)])
        column, value = np.empty(start[-1], index_type(max(start[-1], len(basis)))), np.empty(start[-1], strength.dtype)
        each = looked_at, needed, passed, strength
        kernels.configurations.charge_entries(column, value, number, start, rows, begin, flips, *each, *basis.buckets)
    if number.sum() < start[-1]:  # some of the images are not in the basis
        there = np.arange(start[-1]) - np.repeat(start[:-1], np.diff(start)) < np.repeat(number, np.diff(start))
        column, value, start = column[there], value[there], np.concatenate([[0], np.cumsum(number)])
    return sp.csr_array((value, column, start.astype(column.dtype)), shape=(len(states), len(basis)))


def index_type(largest: int) -> type[np.int32] | type[np.int64]:
    """Return the type that SciPy gives to the indices of a sparse matrix."""
    return np.int32 if largest <= np.iinfo(np.int32).max else np.int64
