"""Operators between oscillator states that follow the charges."""

from __future__ import annotations

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


def in_sets(
    products: Iterable[Product],
    sets: OscillatorSets,
    labels: NDArray[np.int8],
    onto: NDArray[np.int8] | None = None,
) -> list[tuple[sp.csr_array, tuple[tuple[SetWord | LatticeWord, complex], ...]]]:
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
    for charges, lattice in products:
        matrix = charges.tocoo()
        row, column = matrix.coords
        changed = onto[row], labels[column]
        for word, coefficient in lattice:
            assert isinstance(word, tuple)
            number = coefficient.real if np.imag(coefficient) == 0 else coefficient
            for key, here in _changes(word, *changed):
                entries[key].append((row[here], column[here], number * matrix.data[here]))
    merged: dict[tuple[tuple[int, ...], bytes], tuple[sp.csr_array, list[tuple[tuple[Local, ...], complex]]]] = {}
    for key, parts in entries.items():
        total = added(parts, (len(onto), len(labels)))
        if total.nnz:
            same = b"".join(part.tobytes() for part in (total.indptr, total.indices, total.data / total.data[0]))
            first, words = merged.setdefault((tuple(local[0] for local in key), same), (total, []))
            words.append((key, total.data[0] / first.data[0]))
    return [
        (matrix, tuple((SetWord(key, sets) if key else (), scale) for key, scale in sorted(words)))
        for matrix, words in merged.values()
    ]


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
