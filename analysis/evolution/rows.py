"""Results of a time evolution, for each time and as a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import shown
from ...clusters import InvalidType, InvalidValue
from ...solvers import State
from ...solvers.evolution.course import Snapshot
from ..labelled import dataset_of, labelled
from ..observables.table import observables
from .error_bars import OF_MATRICES, error_scales
from .initial import Beginning
from .question import Measure, Question
from .sampled import averaged, one_by_one, single, weights_of

NUMBERS = ("time", "energy", "norm", "current", "return_probability", "error", "estimate", "products")
LABEL = "observable "
OWN = "own "
RESERVED = (
    "time", "energy", "norm", "return_probability", "rate_function", "absorbed_energy", "vector_potential", "current",
    "errors", "error_estimates", "initial_error", "multiplicity", "tolerance", "held_until", "total_quanta", "products",
)  # fmt: skip
"""Names of the variables of the result."""


def row_of(
    snapshot: Snapshot, asked: Question, known: dict[int, Mapping[str, float]], sampled: bool = False
) -> dict[str, Any]:
    """Return all variables at a time by name; for random vectors separately along the first axis.

    The scales of errors are cached by the cutoff.
    """
    row: dict[str, Any] = {name: getattr(snapshot, name) for name in NUMBERS}

    def measured(state: State) -> dict[str, Any]:
        found = observables(state, list(asked.names), asked.grid)
        return {str(name): array.values for name, array in found.data_vars.items()}

    every = one_by_one(snapshot.state, measured) if sampled else measured(snapshot.state)
    row |= {f"{LABEL}{name}": values for name, values in every.items()}
    if sampled:
        row |= {"energy": snapshot.energies, "current": snapshot.currents, "return_probability": np.nan}
    phonons = snapshot.state.hamiltonian.space.phonons
    if phonons.max_quanta not in known:
        known[phonons.max_quanta] = error_scales(snapshot.state, asked.names)
    row |= {f"scale {name}": scale for name, scale in known[phonons.max_quanta].items()}
    row["quanta"] = phonons.total_quanta
    if asked.measure is not None:
        row |= {f"{OWN}{name}": value for name, value in _measured(asked.measure, snapshot, asked.names).items()}
    return row


def _error_scale_key(variable: str, row: Mapping[str, Any]) -> str | None:
    """Return the key of the error scale of a variable: its own name, or that of its observable."""
    names = (variable, *(name for name in OF_MATRICES if variable.startswith(f"{name}_")))
    return next((f"scale {name}" for name in names if f"scale {name}" in row), None)


def _measured(measure: Measure, snapshot: Snapshot, taken: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the user-defined variables as arrays; their names must be new."""
    own = measure(snapshot.state, snapshot.time)
    if not isinstance(own, Mapping):
        raise InvalidType(f"measure returned {shown(own)}, and must return numbers by name, as {{'here': 1.0}}")
    found = {}
    for name, value in own.items():
        if not isinstance(name, str) or name in RESERVED or name.removesuffix("_error") in taken:
            raise InvalidValue(f"measure returned {shown(name)}, which is another variable; give it a different name")
        found[name] = np.asarray(value)
        if found[name].dtype.kind not in "biufc":
            raise InvalidType(f"measure returned {shown(value)} for {name!r}; allowed: a number or an array of numbers")
    return found


def together(rows: Sequence[Mapping[str, Any]], first: Beginning, asked: Question) -> xr.Dataset:
    """Return the variables at all times as one dataset."""

    def over(name: str) -> NDArray[Any]:
        return np.array([row[name] for row in rows])

    state, times = first.start.state, over("time")
    example = observables(single(state) if first.sampled else state, list(asked.names), asked.grid)
    weights = weights_of(state)

    def mean(name: str) -> tuple[NDArray[Any], NDArray[Any] | float]:
        return averaged(over(name), weights, first.sampled) if first.sampled else (over(name), 0.0)

    (energy, energy_error), (current, current_error) = mean("energy"), mean("current")
    errors, probability = over("error"), over("return_probability")
    pulse = asked.pulse
    potential = np.zeros(len(times)) if pulse is None else pulse.vector_potential(times)
    held = times[errors <= asked.tolerance]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = -np.log(np.maximum(probability, 0.0)) / first.hamiltonian.space.model.cluster.sites
    about: dict[str, Any] = {
        "energy": (energy, "time", "<H(t)>, pulse included", "energy"),
        "norm": (over("norm"), "time", "||psi||"),
        "return_probability": (probability, "time", "|<psi(0)|psi(t)>|^2"),
        "rate_function": (rate + 0.0, "time", "-ln |<psi(0)|psi(t)>|^2 / sites"),
        "absorbed_energy": (energy - energy[0], "time", "<H(t)> - <H(t_first)>", "energy"),
        "vector_potential": (potential, "time", "A(t)"),
        "current": (current, "time", "-<dH/dA> along the pulse, 0 without one", "energy"),
        "errors": (errors, "time", "bound on ||psi_exact - psi||"),
        "error_estimates": (over("estimate"), "time", "estimate of ||psi_exact - psi||"),
        "initial_error": (first.start.error, "", "estimated error of the initial state"),
        "multiplicity": (first.multiplicity, "", "states that the initial state mixes"),
        "tolerance": (asked.tolerance, "", "requested bound at the last time"),
        "held_until": (held[-1] if len(held) else np.nan, "", "last time within the tolerance", "1/energy"),
        "total_quanta": (over("quanta"), "time", "most phonons in all modes"),
        "products": (int(rows[-1]["products"]) if rows else 0, "", "products with H"),
    }
    if first.sampled:
        about |= {
            "energy_error": (energy_error, "time", "error bar of the random vectors in energy", "energy"),
            "current_error": (current_error, "time", "error bar of the random vectors in current", "energy"),
            "random_vectors": (first.sampled, "", "number of random vectors of the thermal state"),
        }
    data = dataset_of(about, {"time": times})
    found: dict[str, xr.DataArray] = {}
    for key, array in example.data_vars.items():
        found |= _over_time(str(key), array, times, mean(f"{LABEL}{key}"), errors, rows)
    for name in (name for name in (rows[0] if rows else ()) if name.startswith(OWN)):
        values = over(name)
        dims = ("time", *(f"{name.removeprefix(OWN)}_{k}" for k in range(values.ndim - 1)))
        found[name.removeprefix(OWN)] = labelled(name, values, dims, "measured by the caller")
    return data.assign(found)


def _over_time(
    name: str,
    example: xr.DataArray,
    times: NDArray[np.float64],
    average: tuple[NDArray[Any], NDArray[Any] | float],
    errors: NDArray[np.float64],
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, xr.DataArray]:
    """Return an observable over time, and its error bar if the scale of its errors is known.

    Parameters
    ----------
    name : str
        Name of the variable.
    example : xarray.DataArray
        The variable at one time, with dimensions and attributes.
    times : (t,) float
        The times.
    average : (array, array or float)
        Values over time, and their error bars from random vectors.
    errors : (t,) float
        Bounds on the errors of the states.
    rows : sequence of mapping
        The variables at each time, with the scales of errors.
    """
    (values, sampling), attrs = average, example.attrs
    dims = ("time", *map(str, example.dims))
    coords = {"time": times} | {str(d): example.coords[d].values for d in example.dims if d in example.coords}
    units = str(attrs.get("units", "1"))
    found = {name: labelled(name, values, dims, str(attrs.get("formula", "")), units, coords)}
    if (key := _error_scale_key(name, rows[0])) is not None:
        scale = np.array([row[key] for row in rows]).reshape(-1, *(1,) * len(example.dims))
        bar = np.minimum(errors, 2.0).reshape(scale.shape) * scale * np.ones(found[name].shape) + sampling
        found[f"{name}_error"] = labelled(f"{name}_error", bar, dims, f"error bar of {name}", units, coords)
    return found
