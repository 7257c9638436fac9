"""Operators between oscillator states that follow the charges."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import sp
from ..operators import LatticeWord
from .frame import Product, added
from .numbering import Numbering
from .oscillator_sets import Local, OscillatorSets, SetWord

CANCELLED = 1e-15
"""Entries below this share of what was added are roundings of zero."""


def in_sets(
    products: Iterable[Product],
    sets: OscillatorSets,
    labels: NDArray[np.int8],
    onto: NDArray[np.int8] | None = None,
) -> list[Product]:
    """Rewrite ``sum A (x) P(a')`` for oscillator states that follow the charges.

    Entries of the A with the same changes of charge are brought together, and words with the same entries that act on
    the same modes.

    Parameters
    ----------
    products : iterable of (csr_array, Polynomial)
        In phonons about the displacement of the sets.
    sets : OscillatorSets
        The states.
    labels : (configurations, modes) int
        Charge labels.
    onto : (rows, modes) int, optional
        The same for the configurations to which the A lead; `labels` by default.
    """
    entries: defaultdict[tuple[Local, ...], list[tuple[NDArray[Any], ...]]] = defaultdict(list)
    onto = labels if onto is None else onto
    kinds = np.split(Numbering.of(np.concatenate([onto, labels]))[1].astype(np.int32), [len(onto)])
    for charges, lattice in products:
        matrix = charges.tocoo()
        row, column = matrix.coords
        changed = kinds[0][row] != kinds[1][column]
        for word, coefficient in lattice:
            assert isinstance(word, tuple)
            number = coefficient.real if np.imag(coefficient) == 0 else coefficient
            chosen = np.flatnonzero(changed) if not word else np.arange(len(row))
            if len(chosen) < len(row):
                entries[()].append((row[~changed], column[~changed], number * matrix.data[~changed]))
            for key, here in _changes(word, onto[row[chosen]], labels[column[chosen]]):
                own = chosen[here]
                entries[key].append((row[own], column[own], number * matrix.data[own]))
        del matrix, row, column, changed
    merged: dict[tuple[tuple[int, ...], bytes], tuple[sp.csr_array, list[tuple[tuple[Local, ...], complex]]]] = {}
    for key in list(entries):
        total = _total(entries.pop(key), (len(onto), len(labels)))
        if total.nnz:
            same = hashlib.sha256()
            for part in (total.indptr, total.indices, total.data / total.data[0]):
                same.update(part)
            first, words = merged.setdefault((tuple(local[0] for local in key), same.digest()), (total, []))
            words.append((key, total.data[0] / first.data[0]))
    return [
        (matrix, tuple((SetWord(key, sets) if key else (), scale) for key, scale in sorted(words)))
        for matrix, words in merged.values()
    ]


def _total(parts: list[tuple[NDArray[Any], ...]], shape: tuple[int, int]) -> sp.csr_array:
    """Return the sum of matrices given by their entries, without those that cancel."""
    largest = max(float(np.max(np.abs(data), initial=0.0)) for *_, data in parts)
    total = added(parts, shape) if len(parts) > 1 else sp.csr_array((parts[0][2], parts[0][:2]), shape=shape)
    total.data[np.abs(total.data) <= CANCELLED * largest] = 0.0
    total.eliminate_zeros()
    return total


def _changes(
    word: LatticeWord, after: NDArray[np.int8], before: NDArray[np.int8]
) -> Iterable[tuple[tuple[Local, ...], NDArray[np.intp]]]:
    """Yield what a word does to the modes with the entries of a charge matrix for which it is that."""
    if not len(after):
        return
    letters = {mode: (up, low) for mode, up, low in word}
    moved = np.flatnonzero(np.any(after != before, axis=0))
    columns = np.union1d(moved, list(letters)).astype(np.int64)
    after, before = after[:, columns], before[:, columns]
    seen = (after != before) | np.isin(columns, list(letters))
    _, group = Numbering.of(np.where(seen, 1 + after + np.int16(8) * before, 0))
    order = np.argsort(group, kind="stable")
    for here in np.split(order, np.cumsum(np.bincount(group))[:-1]):
        e = here[0]
        local = (
            (int(m), int(after[e, c]), int(before[e, c]), *letters.get(int(m), (0, 0)))
            for c, m in enumerate(columns)
            if seen[e, c]
        )
        yield tuple(local), here
