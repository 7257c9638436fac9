"""Checks of supercells, boundary conditions and bases of lattices."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from .._core.errors import InvalidValue
from .arguments import MAX_SITES, is_index

SAME = 1e-9
"""Lengths closer than this, relative to the larger one, are the same."""


def supercell_rows(
    kind: str, dimension: int, size: Sequence[int] | None, supercell: Sequence[Sequence[int]] | None, most: int
) -> NDArray[np.int64]:
    """Return the rows of the supercell in units of the primitive vectors, after checking them."""
    example = "size = [4, 2]" if dimension == 2 else f"size = {[2] * dimension}"
    if (size is None) == (supercell is None):
        got = "both" if size is not None else "neither"
        raise InvalidValue(f"a {kind} cluster needs either size or supercell, got {got}; write {example}")
    name, value = ("size", size) if supercell is None else ("supercell", supercell)
    rows = np.array([])
    with suppress(ValueError, TypeError):
        rows = np.diag(np.array(size)) if supercell is None else np.array(supercell)
    if rows.shape != (dimension, dimension) or not all(is_index(x) for x in rows.flat):
        shape = f"{dimension} whole numbers" if supercell is None else f"{dimension} rows of {dimension} whole numbers"
        raise InvalidValue(f"{name} = {listed(value)}: give {shape}, as in {example}")
    if supercell is None and min(rows.diagonal()) < 1:
        raise InvalidValue(f"size = {listed(value)}: every number of cells must be 1 or more")
    if not float(np.abs(rows).max()) <= MAX_SITES or not 1 <= abs(round(np.linalg.det(rows))) <= most:
        cells = abs(round(np.linalg.det(rows.astype(float))))
        raise InvalidValue(
            f"{name} = {listed(value)} has {cells} cells; allowed: 1 to {most} (at most {MAX_SITES} sites), with rows "
            "that are independent"
        )
    return np.asarray(rows, np.int64)


def closed_rows(periodic: Sequence[bool] | None, dimension: int) -> NDArray[np.bool_]:
    """Return for each row whether the cluster is periodic along it, after checking; all True by default."""
    if periodic is None:
        return np.ones(dimension, bool)
    is_list = isinstance(periodic, Sequence | np.ndarray) and not isinstance(periodic, str)
    if not is_list or len(periodic) != dimension or not all(isinstance(p, bool | np.bool_) for p in periodic):
        raise InvalidValue(
            f"periodic = {listed(periodic)}: give {dimension} times true or false, one for each row of the supercell"
        )
    return np.array(periodic, bool)


def check_distinct(vectors: NDArray[np.float64], basis: NDArray[np.float64]) -> None:
    """Raise an error if two sites of a cell coincide up to lattice vectors."""
    for i, j in zip(*np.triu_indices(len(basis), 1), strict=True):
        apart = (basis[j] - basis[i]) @ np.linalg.inv(vectors)
        if np.max(np.abs(apart - np.round(apart))) < 1e-6:
            raise InvalidValue(
                f"basis[{i}] = {basis[i].tolist()} and basis[{j}] = {basis[j].tolist()} are the same site up to "
                "lattice vectors; give each site of a cell a different position"
            )


def matrix_of(name: str, value: Sequence[Sequence[float]], cure: str) -> NDArray[np.float64]:
    """Return a list of lists as an array, after checking it."""
    try:
        matrix = np.array(value, dtype=float)
    except (ValueError, TypeError):
        matrix = np.array([])
    if matrix.ndim != 2 or not matrix.size or not np.all(np.isfinite(matrix)):
        raise InvalidValue(f"{name} = {listed(value)} must be a list of lists of finite numbers; {cure}")
    return matrix


def listed(value: object) -> object:
    """Return an array as a list."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def frozen(value: object) -> object:
    """Return nested lists as tuples."""
    value = listed(value)
    return tuple(frozen(item) for item in value) if isinstance(value, list | tuple) else value
