"""``[crossover]``: T* and T_phi of the thermal state of the file, by their definitions, each with an error bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import xarray as xr
from pydantic import Field
from rich.table import Table as TextTable
from rich.text import Text

from ...analysis.plots.crossover import plot_crossover
from ...analysis.thermal.crossover import BROADENING, CURVES, ESTIMATORS, crossover_temperatures
from ...analysis.thermal.ensembles import Ensemble
from ...hamiltonians import Model, Problem, Sector
from ..execution.tables import columns, number, with_error
from ..file.json_values import plain
from ..file.values import LEFT_OUT, Number, Table
from .base import Figure, Setting, Solved, Task
from .thermal import ThermalTask

ROLES: Mapping[str, str] = {"T*": "T_star", "T_phi": "T_phi"}
"""The keys of the record."""


class CrossoverTable(Table):
    """Keys of ``[crossover]``."""

    broadening: Annotated[Number, Field(gt=0, description="a number above 0")] = LEFT_OUT


@dataclass(frozen=True)
class CrossoverTask(Task):
    """T* and T_phi of the thermal state that ``[thermal]`` describes.

    Attributes
    ----------
    broadening : float
        Half width at half maximum of the lines of A(omega) behind A(0, T).
    """

    name: ClassVar[str] = "crossover"
    table: ClassVar[type[Table]] = CrossoverTable
    needs_sector: ClassVar[bool] = False
    figures: ClassVar[tuple[Figure, ...]] = (("crossover", "crossover_value", plot_crossover),)

    broadening: float = BROADENING

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield a thermal state, electrons or local pairs that are missing."""
        if not has("thermal"):
            allowed = "add a [thermal] table; [crossover] follows pairs over its temperatures"
            yield Problem("thermal", "nothing", allowed)
        for species in ("electrons", "bosons"):
            if not has(species):
                yield Problem("crossover", "a table", f"leave it out, or add [{species}]; it follows pairs of both")

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return nothing: the blocks are checked one by one as the sums go on."""
        return []

    def run(self, setting: Setting) -> xr.Dataset:
        """Find the crossovers of the thermal state."""
        warm = next(task for task in setting.tasks if isinstance(task, ThermalTask))
        kind = Ensemble(warm.ensemble, setting.sector, warm.density)
        how = (None, (), kind, warm.sampling, setting.kept, self.broadening, setting.reporter.step)
        data = crossover_temperatures(setting.model, warm.temperatures, *how)
        return self.named(data.drop_vars(["role", "definition"]).rename(crossover="value", crossover_error="error"))

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return each definition with its number and error bar, and the curves behind them."""
        found: dict[str, dict[str, object]] = {key: {} for key in ROLES.values()}
        for name, estimator in ESTIMATORS.items():
            one = data.sel(estimator=name)
            numbers = {"value": plain(one["crossover_value"]), "error": plain(one["crossover_error"])}
            found[ROLES[estimator.role]][name] = {**numbers, "definition": estimator.definition}
        curves = {name: plain(data[f"crossover_{name}"]) for name in CURVES}
        errors = {name: plain(data[f"crossover_{name}_error"]) for name in CURVES}
        phi = plain(data["crossover_flux"])
        return {**found, "temperatures": plain(data["temperature"]), "flux": phi, "curves": curves, "errors": errors}

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable | Text]:
        """Yield T* and T_phi, each with its definition."""
        table = columns("crossovers", ("", "temperature", "definition"))
        for name, estimator in ESTIMATORS.items():
            table.add_row(estimator.role, _cell(data, name), estimator.definition)
        yield table
        yield Text(_note(data))

    @classmethod
    def sweep_tables(cls, points: Sequence[tuple[Mapping[str, object], xr.Dataset]]) -> Iterator[TextTable | Text]:
        """Yield all estimates against the swept parameters, and below them what they are."""
        if not points:
            return
        keys = [key.partition(".")[2] for key in points[0][0]]
        names = {name: f"{estimator.role} {name}" for name, estimator in ESTIMATORS.items()}
        table = columns("crossovers", (*keys, *names.values(), "phi"))
        for point, data in points:
            cells = (_cell(data, name) for name in names)
            table.add_row(
                *(f"{value:.6g}" for value in point.values()), *cells, number(float(data["crossover_flux"]), 4)
            )
        yield table
        for name, heading in names.items():
            yield Text(f"{heading}: {ESTIMATORS[name].definition}")
        yield Text("A dash: not bracketed by the temperatures; phi: the flux of the stiffness.")


def _cell(data: xr.Dataset, name: str) -> str:
    one = data.sel(estimator=name)
    return with_error(float(one["crossover_value"]), float(one["crossover_error"]))


def _note(data: xr.Dataset) -> str:
    t, phi = data["temperature"].values, float(data["crossover_flux"])
    place = "no stiffness: the cluster has no loop" if np.isnan(phi) else f"stiffness at phi = {phi:.6g}"
    return f"T from {t[0]:g} to {t[-1]:g}; a dash: not bracketed by these temperatures; {place}."
