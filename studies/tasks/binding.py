"""``[resonance]`` on infinite lattices: the value of a parameter at which two particles begin to bind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import analysis
from ..._core.lazy import rich_table, xr
from ...analysis.labelled import labelled
from ...analysis.response import CRITERIA
from ...hamiltonians import Model, Problem, Sector, with_parameter
from ...hamiltonians.parameters import show
from ...solvers.infinite.levels import accuracy_of
from ..execution.tables import columns, with_error
from ..file.json_values import entries, plain

if TYPE_CHECKING:
    from .setting import Setting

CRITERION = "binding"
KEY = "resonance_boundary"
"""Variable that exists only for infinite lattices."""
FINEST = 1e-6
"""Accuracy of the energies, unless phonons.accuracy is larger."""
SHARE = 1e-3
"""Relative width to which the boundary is bracketed."""
CHARGES = ("on", "species", "target")
"""Keys of other criteria."""


def problems(values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
    """Yield the problems of a search for the onset of binding."""
    given = values.get("criterion", "charge")
    if model.cluster.is_infinite and given != CRITERION:
        yield Problem("resonance.criterion", show(given), f'allowed on infinite lattices: "{CRITERION}"')
    if not model.cluster.is_infinite and given == CRITERION:
        others = ", ".join(f'"{name}"' for name in CRITERIA)
        yield Problem("resonance.criterion", show(given), f"allowed on finite clusters: {others}")
    if not model.cluster.is_infinite:
        return
    for key in (key for key in CHARGES if key in values):
        yield Problem(f"resonance.{key}", show(values[key]), "leave it out: the onset of binding involves no charge")
    if sector is not None and (sector.charge, sector.spin_excess) != (2, 0):
        allowed = "allowed: charge = 2, two_sz = 0, the pair whose binding is examined"
        yield Problem("sector.charge", show(sector.charge), allowed)
    elif sector is not None and sector.wave_vector is not None and np.any(np.asarray(sector.wave_vector)):
        yield Problem("sector.wave_vector", show(sector.wave_vector), "leave it out: the pair has k = 0")


def search(setting: Setting, parameter: str, bracket: tuple[float, float]) -> xr.Dataset:
    """Return the onset of binding."""
    reporter, model = setting.reporter, setting.model
    found = analysis.binding_boundary(
        partial(with_parameter, model, parameter),
        bracket,
        tolerance=SHARE * (bracket[1] - bracket[0]),
        accuracy=max(FINEST, accuracy_of(model)),
        options=setting.solver,
        progress=lambda value: reporter.step(f"{parameter} = {value:.8g}"),
    )
    words = {"parameter_name": parameter, "criterion": CRITERION}
    return found.assign({name: labelled(name, np.array(word), [], name) for name, word in words.items()})


def record(data: xr.Dataset) -> dict[str, object]:
    """Return the object of the JSON record."""
    found = {"parameter": str(data["resonance_parameter_name"].values), "criterion": CRITERION}
    value, error = (plain(data[f"resonance_{name}"]) for name in ("boundary", "boundary_error"))
    series = entries(data, "resonance", ("parameter", "binding"))
    return {**found, "value": value, "error": error, "evaluations": {"parameters": series["parameter"],
            "binding": series["binding"]}}  # fmt: skip


def tables(data: xr.Dataset) -> Iterator[rich_table.Table | str]:
    """Yield the evaluations, then the onset of binding."""
    name = str(data["resonance_parameter_name"].values)
    table = columns("resonance", (name, "E_2 - 2 min E_1"))
    for value, binding in zip(data["resonance_parameter"].values, data["resonance_binding"].values, strict=True):
        table.add_row(f"{value:.10g}", f"{binding:.6g}")
    yield table
    where = with_error(float(data["resonance_boundary"]), float(data["resonance_boundary_error"]))
    yield f"Two particles begin to bind at {name} = {where}."
