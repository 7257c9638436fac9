"""Results of self-energy approximations, and the corresponding exact quantities."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ....hamiltonians import Model, pair
from ....hamiltonians.operators import total
from ....solvers import Options
from ....solvers.caps import is_automatic
from ...labelled import Row, dataset_of
from ...spectra.greens_functions import thermal_greens_function
from ...spectra.susceptibilities import thermal_susceptibility
from ..base import Where
from .axis import Axis, Matrices

COUNT = 16
"""Number of lowest Matsubara frequencies at which Green's functions are compared."""
GREENS_FUNCTION, PAIR_SUSCEPTIBILITY = "matsubara_greens_function", "pair_susceptibility"
RESPONSES = (GREENS_FUNCTION, PAIR_SUSCEPTIBILITY)
"""Response functions that are compared in addition to averages."""
UNIFORM_PAIRS = "static susceptibility of (1/sqrt(L)) sum_i D_i"


def greens_function_row(axis: Axis, g: Matrices) -> dict[str, Row]:
    """Return the Green's function at the lowest frequencies, as a variable of a dataset."""
    values = g[axis.count : axis.count + COUNT]
    return {GREENS_FUNCTION: (values, "matsubara site site_", "G_ij(i omega_n), n = 0, 1, ...", "1/energy")}


def dressed(axis: Axis, g: Matrices, density: NDArray[np.float64], residual: float, more: dict[str, Row]) -> xr.Dataset:
    """Return the results of a self-consistent Green's function."""
    table: dict[str, Row] = {
        **greens_function_row(axis, g),
        "electron_density": (density, "site", "<n> of each site"),
        "residual": (residual, "", "largest change of G in the last round, relative to G"),
        **more,
    }
    return dataset_of(table)


def exact_response(name: str, model: Model, temperature: float, options: Options | None) -> tuple[xr.DataArray, float]:
    """Return the exact value of one of `RESPONSES` and its error bar, including that of the phonon cutoff."""
    how: dict[str, Any] = {"options": options, "error_bars": bool(model.modes)}
    if name == GREENS_FUNCTION:
        data = thermal_greens_function(model, temperature, COUNT, **how)
        data = data.rename(frequency="matsubara")
    else:
        sites = model.cluster.sites
        uniform = sites**-0.5 * total(pair(i) for i in range(sites))
        data = thermal_susceptibility(model, uniform, uniform, temperature, [0.0], **how)
        data = data.isel(frequency=0, drop=True)
    values = data["values"].drop_vars(list(data["values"].coords))
    numbers = values.values.astype(complex)
    error = float(np.max(data["values_error"].values)) if "values_error" in data else 0.0
    return values.copy(data=numbers if name == GREENS_FUNCTION else numbers.real), error


def caps_there(model: Model, where: Where) -> str | None:
    """Condition that the phonon cutoff is fixed, as sums over all levels require."""
    return "it needs max_quanta or total_quanta instead of an automatic cutoff" if is_automatic(model) else None


def positive_temperature(model: Model, where: Where) -> str | None:
    """Condition that the temperature is positive."""
    return None if isinstance(where, float | int) and where > 0 else "it needs a temperature above 0"
