"""Labelled arrays: named dimensions, units and the formula in the attributes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.lazy import xr

REAL = 1e-12
"""Imaginary parts below this are rounding errors; for quantities with units relative to the largest value."""


def labelled(
    name: str,
    values: NDArray[Any] | float,
    dims: Sequence[str],
    formula: str,
    units: str = "1",
    coords: Mapping[str, object] | None = None,
) -> xr.DataArray:
    """Return a read-only `xarray.DataArray` with ``units`` and ``formula`` in its attributes.

    Complex values become real if all imaginary parts are rounding errors.
    """
    array = np.asarray(values)
    largest = 1.0 if units == "1" else float(np.max(np.abs(array), initial=0.0)) if np.iscomplexobj(array) else 0.0
    if np.iscomplexobj(array) and np.max(np.abs(array.imag), initial=0.0) <= REAL * largest:
        array = array.real
    array = np.array(array)
    array.setflags(write=False)
    return xr.DataArray(array, dims=tuple(dims), coords=coords, name=name, attrs={"units": units, "formula": formula})


def dataset(*rows: tuple[Any, ...], coords: Mapping[str, object] | None = None) -> xr.Dataset:
    """Return a dataset of labelled arrays.

    Parameters
    ----------
    *rows : tuple
        Name, values, dimensions, formula and optionally units of a variable, as for `labelled`.
    coords : mapping, optional
        Coordinates of the dimensions.
    """
    arrays, there = {}, coords or {}
    for name, values, dims, formula, *units in rows:
        here = {dim: there[dim] for dim in dims if dim in there}
        arrays[name] = labelled(name, values, dims, formula, units[0] if units else "1", here)
    return xr.Dataset(arrays)


def check_numbers(data: xr.Dataset, names: Iterable[Hashable]) -> None:
    """Raise ArithmeticError if a result is not a number."""
    for name in names:
        wrong = ~np.isfinite(data[name].values)
        if np.any(wrong):
            at = {
                dim: data[dim].values[i].item() for dim, i in zip(data[name].dims, np.argwhere(wrong)[0], strict=True)
            }
            where = ", ".join(f"{dim} = {value:.6g}" for dim, value in at.items())
            raise ArithmeticError(
                f"{name} is {data[name].values[wrong][0]} at {where or 'this model'}, not a number: energies over "
                "temperatures may be too large for double precision; raise the temperature, or report this model"
            )


Row = tuple[Any, ...]
"""Values, dimensions in one string, formula, and optionally the unit."""


def arrays(table: Mapping[str, Row], coords: Mapping[str, object] = MappingProxyType({})) -> dict[str, xr.DataArray]:
    """Return labelled arrays by name; `coords` are the coordinates of dimensions."""
    found = {}
    for name, (values, over, formula, *unit) in table.items():
        dims = over.split()
        there = {dim: coords[dim] for dim in dims if dim in coords}
        found[name] = labelled(name, values, dims, formula, unit[0] if unit else "1", there or None)
    return found


def dataset_of(table: Mapping[str, Row], coords: Mapping[str, object] = MappingProxyType({})) -> xr.Dataset:
    """Return labelled arrays as one dataset.

    Examples
    --------
    >>> data = dataset_of({"energies": (np.array([1.5]), "level", "E_n", "energy"), "count": (3, "", "of levels")})
    >>> data.energies.dims, data.energies.attrs["units"], int(data["count"])
    (('level',), 'energy', 3)
    """
    return xr.Dataset(arrays(table, coords))
