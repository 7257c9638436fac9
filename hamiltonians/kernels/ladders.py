"""Lattice operators that act on each row by itself, as arrays for the kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

FEW_DIAGONALS = 4
"""A lattice operator with at most as many diagonals is applied by shifting rows, which needs no index."""
ROUNDING = 1e-14
"""Matrices that are symmetric but for this share of their largest element are symmetric."""
MOST_DIAGONALS, FILLED = 64, 0.4
"""So is one with more of them, where at least this share of what stands on them is not zero."""
Ladder = tuple[NDArray[Any], sp.csr_array]
"""Strength on each row, and the lattice operator."""


@dataclass(frozen=True)
class Ladders:
    """Lattice operators in the forms in which `kernels.diagonal_and_ladders` takes them.

    Attributes
    ----------
    shifts : strengths (f, rows), offsets (f, k), weights (f, k, phonon states)
        Those with few diagonals.
    pairs : strengths, lower and upper states (f, i), weights (f, i), numbers (f,)
        Those that are real and symmetric with an empty diagonal: each entry once.
    others : strengths, sources and weights (f, k, phonon states), numbers (f,)
        All others, each with so many of the k.
    """

    shifts: tuple[NDArray[Any], NDArray[np.int64], NDArray[Any]]
    pairs: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[np.float64], NDArray[np.int64]]
    others: tuple[NDArray[Any], NDArray[np.int32], NDArray[Any], NDArray[np.int64]]


def stacked(ladders: Sequence[Ladder], shape: tuple[int, int], dtype: np.dtype[Any], leaves: bool = False) -> Ladders:
    """Sort lattice operators by their form.

    Parameters
    ----------
    ladders : sequence of Ladder
        Strengths and matrices.
    shape : (rows, phonon states)
        Of the image.
    dtype : numpy.dtype
        Of the amplitudes.
    leaves : bool
        The matrices lead to other phonon states: none has a diagonal.
    """
    kinds: dict[str, list[Ladder]] = {"shifts": [], "pairs": [], "others": []}
    for strength, matrix in ladders:
        if matrix.nnz:
            kind = "others" if leaves else _kind(matrix)
            kinds[kind] += [(strength, part) for part in (_apart(matrix) if kind == "shifts" else [matrix])]
    strengths = {
        kind: np.array([strength for strength, _ in some], dtype).reshape(len(some), shape[0])
        for kind, some in kinds.items()
    }
    matrices = {kind: [matrix for _, matrix in some] for kind, some in kinds.items()}
    return Ladders(
        (strengths["shifts"], *_shifts(matrices["shifts"], shape[1], dtype)),
        (strengths["pairs"], *_pairs(matrices["pairs"], shape[1])),
        (strengths["others"], *_gathers(matrices["others"], shape[1], dtype)),
    )


def _kind(matrix: sp.csr_array) -> str:
    diagonals = _diagonals(matrix)
    filled = matrix.nnz >= FILLED * diagonals * matrix.shape[0]
    if diagonals <= FEW_DIAGONALS or (diagonals <= MOST_DIAGONALS and filled):
        return "shifts"
    if np.any(matrix.diagonal()) or np.any(matrix.data.imag):
        return "others"
    defect = abs(matrix - matrix.T).max()
    return "pairs" if defect <= ROUNDING * abs(matrix).max() else "others"


def _diagonals(matrix: sp.csr_array) -> int:
    """Return the number of diagonals of a matrix that are not empty."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return int(np.count_nonzero(np.bincount(matrix.indices - rows + matrix.shape[0])))


def _apart(matrix: sp.csr_array) -> list[sp.csr_array]:
    """Return a matrix as a sum of matrices with two diagonals each, so that all have as many."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    offsets, number = np.unique(matrix.indices - rows, return_inverse=True)
    parts = []
    for first in range(0, len(offsets), 2):
        here = number // 2 == first // 2
        entries = matrix.data[here], (rows[here], matrix.indices[here])
        parts.append(sp.csr_array(entries, shape=matrix.shape))
    return parts


def _shifts(
    matrices: Sequence[sp.csr_array], columns: int, dtype: np.dtype[Any]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    width = max((_diagonals(matrix) for matrix in matrices), default=0)
    offset = np.zeros((len(matrices), width), np.int64)
    weight = np.zeros((len(matrices), width, columns), dtype)
    for f, matrix in enumerate(matrices):
        diagonals = sp.dia_array(matrix)
        for k, d in enumerate(diagonals.offsets.tolist()):
            own = diagonals.data[k, max(0, d) :][: columns - abs(d)]
            offset[f, k] = d
            weight[f, k, max(0, -d) : max(0, -d) + len(own)] = own
    return offset, weight


def _pairs(
    matrices: Sequence[sp.csr_array], columns: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64], NDArray[np.int64]]:
    parts = [sp.coo_array(sp.triu(matrix, 1)) for matrix in matrices]
    count = np.array([part.nnz for part in parts], np.int64)
    index = np.uint16 if columns <= 1 << 16 else np.int32
    lower, upper = (np.zeros((len(matrices), max(count, default=0)), index) for _ in range(2))
    weight = np.zeros(lower.shape)
    for f, part in enumerate(parts):
        order = np.argsort(part.col, kind="stable")  # two sweeps that go up through the row side by side
        lower[f, : count[f]], upper[f, : count[f]] = part.row[order], part.col[order]
        weight[f, : count[f]] = part.data[order].real
    return lower, upper, weight, count


def _gathers(
    matrices: Sequence[sp.csr_array], columns: int, dtype: np.dtype[Any]
) -> tuple[NDArray[np.int32], NDArray[Any], NDArray[np.int64]]:
    widths = np.array([np.diff(matrix.indptr).max(initial=0) for matrix in matrices], np.int64)
    width = int(widths.max(initial=0))
    gathers = [lattice_gathers(matrix, width) for matrix in matrices]
    shape = (len(matrices), width, columns)
    source = np.array([s for s, _ in gathers], np.int32).reshape(shape)
    return source, np.array([w for _, w in gathers], dtype).reshape(shape), widths


def lattice_gathers(lattice: sp.csr_array, width: int) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Return ``(P y)[q] = sum_k weight[k, q] y[source[k, q]]``, padded with zero weights."""
    columns = lattice.shape[0]
    counts = np.diff(lattice.indptr)
    own = np.repeat(np.arange(columns), counts)
    slot = np.arange(lattice.nnz) - np.repeat(lattice.indptr[:-1], counts)
    source = np.tile(np.arange(columns, dtype=np.int32) % max(1, lattice.shape[1]), (width, 1))
    weight = np.zeros((width, columns), lattice.dtype)
    source[slot, own] = lattice.indices
    weight[slot, own] = lattice.data
    return source, weight
