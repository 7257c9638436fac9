"""Conversion of arrays to plain numbers and lists for JSON, and names of variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import xr


def plain(array: xr.DataArray) -> object:
    """Return an array as numbers and nested lists; complex as ``{"re":, "im":}``, NaN as None."""
    return _plain(array.values.tolist())


def entries(data: xr.Dataset, prefix: str, names: Iterable[str]) -> dict[str, object]:
    """Return some variables of a dataset as plain numbers, by their names without the prefix."""
    return {name: plain(data[f"{prefix}_{name}"]) for name in names}


def line_list(frequencies: NDArray[np.float64], weights: NDArray[np.generic]) -> list[list[object]]:
    """Return [frequency, weight] of each line; weights of cross spectra may be complex."""
    return [[_plain(x), _plain(w)] for x, w in zip(frequencies.tolist(), weights.tolist(), strict=True)]


def missing(array: xr.DataArray, key: str) -> dict[str, str]:
    """Return the reason for missing numbers under a key; empty if none are missing."""
    return {key: array.attrs["missing"]} if "missing" in array.attrs else {}


def prefixed(name: str, data: xr.Dataset) -> xr.Dataset:
    """Return a dataset with a prefix for the names of its variables."""
    return data.rename({variable: f"{name}_{variable}" for variable in data.data_vars})


def label(text: str) -> dict[str, int | str | list[int]]:
    """Return the quantum numbers in a label.

    Examples
    --------
    >>> label("momentum = [0, 1], spin_flip = -1")
    {'momentum': [0, 1], 'spin_flip': -1}
    """
    pairs = re.findall(r"(\w+) = (\[[^\]]*\]|[^,]+)", str(text))
    return {name: value if name == "irrep" else json.loads(value) for name, value in pairs}


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float | complex) and not np.isfinite(value):
        return None
    if isinstance(value, complex):
        return {"re": value.real, "im": value.imag}
    return value
