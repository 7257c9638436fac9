"""What ``[ground_state]`` is on infinite lattices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import solvers
from ..._core.lazy import rich_table, xr
from ...analysis.labelled import labelled
from ...clusters import InvalidValue
from ...hamiltonians import Model, Problem
from ...hamiltonians.parameters import show
from ...solvers.infinite.endings import ACCURACY, remark
from ...solvers.infinite.formula import cell_formula
from ...solvers.level_count import ALL
from ..file.json_values import plain

if TYPE_CHECKING:
    from ...solvers import InfiniteLevels
    from .setting import Setting

KEY = "variational_states"
"""The variable that only infinite lattices have."""
LEVELS = ("energies", "residuals", "leaks", "energy_errors", "energy_bounds")


def problems(values: Mapping[str, Any], model: Model) -> Iterator[Problem]:
    """Yield the keys of ``[ground_state]`` that infinite lattices do not take, and what differs between cells."""
    try:
        cell_formula(model)
    except InvalidValue as error:
        yield Problem("cluster.kind", show(model.cluster.kind), f"allowed: a finite cluster; {error}")
    if values.get("states") == ALL:
        yield Problem("ground_state.states", show(ALL), "allowed on infinite lattices: a number")
    if values.get("keep_states"):
        yield Problem("ground_state.keep_states", "true", "leave it out: infinite_levels returns the states")
    for key in ("observables", "displacement_grid"):
        if key in values:
            got = values[key] if isinstance(values[key], str) else list(values[key])
            yield Problem(f"ground_state.{key}", show(got), "leave it out: see phonon_cloud and effective_mass")


def ground_state(setting: Setting, states: int | str) -> xr.Dataset:
    """Return the lowest levels."""
    model, sector, reporter = setting.model, setting.block, setting.reporter
    reporter.step(f"levels on an {model.cluster.kind}")
    assert isinstance(states, int)
    levels = solvers.infinite_levels(model, sector, states, options=setting.solver, progress=reporter.lanczos)
    return level_data(levels)


def level_data(levels: InfiniteLevels) -> xr.Dataset:
    """Return levels as a labelled dataset."""
    c, count = levels.certificate, len(levels.space)
    variables: dict[str, tuple[Any, list[str], str, str]] = {
        "energies": (levels.energies, ["level"], "E_n, upper bounds, from the empty lattice", "energy"),
        "residuals": (c.residuals, ["level"], "||H psi - E psi||", "energy"),
        "leaks": (c.leaks, ["level"], "||Q H psi||, Q beyond the variational space", "energy"),
        "energy_errors": (c.energy_errors, ["level"], "error bar from second order and growth", "energy"),
        "energy_bounds": (c.bounds, ["level"], "sqrt(residual^2 + leak^2)", "energy"),
        "labels": (np.array([levels.sector.label] * len(levels.energies), str), ["level"], "wave vector", "1"),
        "dimension": (count, [], "states of the variational space", "1"),
        "stored": (count, [], "amplitudes kept", "1"),
        KEY: (count, [], "states of the variational space", "1"),
        "accuracy": (levels.accuracy, [], "largest error bar wanted", "energy"),
        "accuracy_reached": (int(levels.ending == ACCURACY), [], "1 where the error bars are below it", "1"),
        "ending": (np.array(levels.ending), [], "what ended the growth of the space", "1"),
    }
    return xr.Dataset({name: labelled(name, *parts) for name, parts in variables.items()})


def record(data: xr.Dataset) -> dict[str, object]:
    """Return the object of the JSON record."""
    levels: dict[str, object] = {key: plain(data[key]) for key in LEVELS}
    levels |= {"labels": [str(text) for text in data["labels"].values], "states": int(data[KEY])}
    if "ending" not in data:
        return levels
    reached = {"accuracy": float(data["accuracy"]), "reached": bool(data["accuracy_reached"])}
    return levels | {"growth": reached | {"ending": str(data["ending"].values)}}


def tables(data: xr.Dataset) -> Iterator[rich_table.Table | str]:
    """Yield the output below the table of levels."""
    yield f"The energies are upper bounds in a variational space of {int(data[KEY]):,} states."
    if "ending" in data and not data["accuracy_reached"]:
        yield remark(str(data["ending"].values), float(data["accuracy"]))
