"""Labelled arrays: named dimensions, units and the formula in the attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

REAL = 1e-12
"""Imaginary parts below this are rounding errors, relative to the largest number where these have a unit."""


def labelled(
    name: str,
    values: NDArray[Any] | float,
    dims: Sequence[str],
    formula: str,
    units: str = "1",
    coords: Mapping[str, object] | None = None,
) -> xr.DataArray:
    """Return a read-only `xarray.DataArray` with ``units`` and ``formula`` in its attributes.

    Complex values whose imaginary parts are all rounding errors come out real.
    """
    array = np.asarray(values)
    largest = 1.0 if units == "1" else float(np.max(np.abs(array), initial=0.0)) if np.iscomplexobj(array) else 0.0
    if np.iscomplexobj(array) and np.max(np.abs(array.imag), initial=0.0) <= REAL * largest:
        array = array.real
    array = np.array(array)
    array.setflags(write=False)
    return xr.DataArray(array, dims=tuple(dims), coords=coords, name=name, attrs={"units": units, "formula": formula})
