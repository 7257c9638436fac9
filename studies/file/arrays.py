"""Lossless conversion of datasets to plain arrays and strings, for files and other processes, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr


def packed(data: xr.Dataset) -> dict[str, Any]:
    """Return the variables, coordinates and attributes of a dataset as numbers, strings, lists and arrays.

    Examples
    --------
    >>> data = xr.Dataset({"energies": ("level", [0.1, 0.3], {"units": "energy"}), "labels": ("level", ["A1", ""])})
    >>> unpacked(packed(data)).identical(data)
    True
    """
    return {
        "variables": {str(name): _packed(data.variables[name]) for name in data.data_vars},
        "coordinates": {str(name): _packed(data.variables[name]) for name in data.coords},
        "attributes": dict(data.attrs),
    }


def _packed(array: xr.Variable) -> dict[str, Any]:
    values = array.values
    kept: Any = {"text": values.ravel().tolist(), "kind": values.dtype.str} if values.dtype.kind == "U" else values
    attributes = {str(k): v.item() if isinstance(v, np.generic) else v for k, v in array.attrs.items()}
    return {"dims": list(array.dims), "shape": list(array.shape), "values": kept, "attributes": attributes}


def unpacked(state: Mapping[str, Any]) -> xr.Dataset:
    """Return the dataset of a packed state."""
    variables, coordinates = (
        {name: _unpacked(part) for name, part in state[group].items()} for group in ("variables", "coordinates")
    )
    return xr.Dataset(variables, coordinates, state["attributes"])


def _unpacked(part: Mapping[str, Any]) -> tuple[list[str], Any, dict[str, Any]]:
    values = part["values"]
    flat = np.array(values["text"], values["kind"]) if isinstance(values, Mapping) else np.asarray(values)
    return part["dims"], flat.reshape(part["shape"]), part["attributes"]
