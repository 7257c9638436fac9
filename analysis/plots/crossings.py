"""Level crossings of the ground level along an axis, at which curves are interrupted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray


def crossings(data: xr.Dataset, axis: str) -> list[int]:
    """Return the indices of the points along an axis at which the quantum numbers of the ground level change.

    If not all states of a degenerate level are labelled, only its multiplicity is compared.
    """
    if "labels" in data and set(data["labels"].dims) == {axis, "level"}:
        labels, counts = data["labels"].transpose(axis, "level").values, data["multiplicity"].values
        counts = np.broadcast_to(np.nan_to_num(counts), len(labels)).astype(int)
        blocks = [
            set(row[: max(1, n)].tolist()) if n <= len(row) else set() for row, n in zip(labels, counts, strict=True)
        ]
        return _changes(blocks, counts.tolist())
    if axis == "phi" and "flux_blocks" in data and data["flux_blocks"].dims == ("phi",):
        return _changes([set(str(text).split(" | ")) for text in data["flux_blocks"].values], [])
    return []


def _changes(blocks: Sequence[set[str]], counts: Sequence[int]) -> list[int]:
    def differ(n: int) -> bool:
        apart = bool(blocks[n] and blocks[n - 1]) and not blocks[n] & blocks[n - 1]
        return apart or (bool(counts) and counts[n] != counts[n - 1])

    return [n for n in range(1, len(blocks)) if differ(n)]


def interrupted(values: ArrayLike, breaks: Sequence[int]) -> NDArray[np.float64]:
    """Return the values of a curve with a gap before each of the given points."""
    found: NDArray[np.float64] = np.insert(np.real(np.asarray(values)).astype(float), list(breaks), np.nan)
    return found
