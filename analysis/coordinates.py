"""Coordinates of labelled results: one for every dimension, with units and descriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from .._core.lazy import xr
from ..hamiltonians.parameters import COUPLINGS

COORDINATES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **{key: ("1" if entry.factor else "energy", entry.name) for key, entry in COUPLINGS.items()},
        "ensemble.chemical_potential": ("energy", "chemical potential"),
        "thermal.temperatures": ("energy", "temperature"),
        "temperature": ("energy", "temperature"),
        "time": ("1/energy", "time, hbar = 1"),
        "omega": ("energy", "frequency, hbar = 1"),
        "phi": ("1", "flux, phi = 2 pi Phi/(hc/e)"),
        "X": ("1", "X = (a + a+)/sqrt(2)"),
        "k": ("1", "wave vector, on rings in (-pi, pi]"),
        "momentum": ("1", "m of k = 2 pi m/L, or the number of the momentum"),
        "charge": ("1", "N = N_e + 2 N_b"),
    }
)
"""Unit and description of coordinates; all others are indices."""
VALUES, INTENSITY = "values", "intensity"
OLDER = re.compile(rf"(spectrum_)?{VALUES}(|_error|_cutoff_error)")


def units_of(name: str) -> tuple[str, str]:
    """Return unit and description of a coordinate, including swept keys of tables by class.

    Examples
    --------
    >>> units_of("electrons.hopping.bond"), units_of("site_"), units_of("q_x")
    (('energy', 'hopping'), ('1', 'site'), ('1', 'q x'))
    """
    whole = ".".join(name.split(".")[:2])
    return COORDINATES.get(name) or COORDINATES.get(whole) or ("1", name.rstrip("_").replace("_", " "))


def with_coordinates(data: xr.Dataset) -> xr.Dataset:
    """Return a dataset with a coordinate for every dimension, and units and descriptions for all coordinates.

    Examples
    --------
    >>> data = with_coordinates(xr.Dataset({"x": (("time", "site"), np.zeros((2, 3)))}, {"time": [0.0, 1.0]}))
    >>> data.site.values, data.time.attrs["units"], data.site.attrs["units"]
    (array([0, 1, 2]), '1/energy', '1')
    """
    numbers = {dim: np.arange(size) for dim, size in data.sizes.items() if dim not in data.coords}
    found: xr.Dataset = data.assign_coords(numbers).copy()
    for name in found.coords:
        units, words = units_of(str(name))
        kept = found.coords[name].attrs
        found.coords[name].attrs.update({"units": units, "long_name": words, **kept})
    return found


def with_newer_names(data: xr.Dataset) -> xr.Dataset:
    """Return a dataset with copies of the variables ``values`` under the name ``intensity``.

    The older name, also that of a method of `xarray.Dataset`, is kept for one version.

    Examples
    --------
    >>> both = with_newer_names(xr.Dataset({"spectrum_values": ("omega", [1.0]), "values_error": ("omega", [0.1])}))
    >>> sorted(both.data_vars)
    ['intensity_error', 'spectrum_intensity', 'spectrum_values', 'values_error']
    """
    older = {str(name): str(name).replace(VALUES, INTENSITY) for name in data.data_vars if OLDER.fullmatch(str(name))}
    return data.assign({newer: data[name] for name, newer in older.items() if newer not in data})
