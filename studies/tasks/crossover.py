"""``[crossover]``: T* and T_phi of the thermal state by several definitions, each with an error bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from ... import analysis
from ..._core.lazy import rich_table, xr
from ...analysis.thermal import BROADENING, CURVES, ESTIMATORS, Estimator
from ...hamiltonians import Problem
from ..execution.tables import columns, short_names, with_error
from ..file.json_values import plain
from ..file.values import Number
from .base import Point, Task, key, missing_tables
from .flux import shown_flux
from .thermal import ThermalTask

if TYPE_CHECKING:
    from .setting import Setting

ROLES: Mapping[str, str] = {"T*": "T_star", "T_phi": "T_phi"}
"""The keys of the record."""


Broadening = Annotated[Number, Field(gt=0, description="a number above 0")]


@dataclass(frozen=True, repr=False)
class CrossoverTask(Task):
    """T* and T_phi of the thermal state defined by ``[thermal]``.

    Attributes
    ----------
    broadening : float
        Half width at half maximum of the lines of A(omega), used for A(0, T).
    """

    name: ClassVar[str] = "crossover"
    needs_sector = False
    solved_levels = 0
    figures = (("crossover", "crossover_value", "plot_crossover"),)

    broadening: float = key(Broadening, BROADENING)

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield missing tables of the thermal state, electrons or local pairs."""
        if not has("thermal"):
            allowed = "add a [thermal] table; [crossover] follows pairs over its temperatures"
            yield Problem("thermal", "nothing", allowed)
        for species in ("electrons", "bosons"):
            yield from missing_tables("crossover", None, [species], has, "; it follows pairs of both")

    def run(self, setting: Setting) -> xr.Dataset:
        """Compute the crossover temperatures of the thermal state."""
        warm = next(task for task in setting.tasks if isinstance(task, ThermalTask))
        data = analysis.crossover_temperatures(
            setting.model,
            warm.temperatures,
            ensemble=warm.state_of(setting.sector),
            sampling=warm.sampling,
            options=setting.kept,
            broadening=self.broadening,
            progress=setting.reporter.step,
        )
        return self.named(data.drop_vars(["role", "definition"]).rename(crossover="value", crossover_error="error"))

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return each estimate with its error bar, and the curves from which they follow."""
        found: dict[str, dict[str, object]] = {key: {} for key in ROLES.values()}
        for name, estimator in _estimators(data).items():
            one = data.sel(estimator=name)
            numbers = {"value": plain(one["crossover_value"]), "error": plain(one["crossover_error"])}
            found[ROLES[estimator.role]][name] = {**numbers, "definition": estimator.definition}
        curves = {name: plain(data[f"crossover_{name}"]) for name in CURVES}
        errors = {name: plain(data[f"crossover_{name}_error"]) for name in CURVES}
        phi = plain(data["crossover_flux"])
        return {**found, "temperatures": plain(data["temperature"]), "flux": phi, "curves": curves, "errors": errors}

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield T* and T_phi, each with its definition."""
        rows = ((each.role, _cell(data, name), each.definition) for name, each in _estimators(data).items())
        yield columns("crossovers", ("", "temperature", "definition"), rows)
        t, phi = data["temperature"].values, data["crossover_flux"].values
        where = "no stiffness: the cluster has no loop"
        if not np.any(np.isnan(phi)):
            where = f"stiffness at phi = {shown_flux(phi)}"
        yield f"T from {t[0]:g} to {t[-1]:g}; a dash: not bracketed by these temperatures; {where}."

    @classmethod
    def sweep_tables(cls, points: Sequence[Point]) -> Iterator[rich_table.Table | str]:
        """Yield all estimates over the swept parameters, followed by their definitions."""
        if not points:
            return
        keys = short_names(list(points[0][0]))
        names = {name: f"{each.role} {name}" for name, each in _estimators(points[0][1]).items()}
        rows = []
        for point, data in points:
            place = (f"{value:.6g}" for value in point.values())
            rows.append([*place, *(_cell(data, name) for name in names), shown_flux(data["crossover_flux"].values)])
        yield columns("crossovers", (*keys, *names.values(), "phi"), rows)
        for name, heading in names.items():
            yield f"{heading}: {ESTIMATORS[name].definition}"
        yield "A dash: not bracketed by the temperatures; phi: the flux of the stiffness."


def _estimators(data: xr.Dataset) -> dict[str, Estimator]:
    """Return the definitions contained in a result."""
    return {str(name): ESTIMATORS[str(name)] for name in data["estimator"].values}


def _cell(data: xr.Dataset, name: str) -> str:
    one = data.sel(estimator=name)
    return with_error(float(one["crossover_value"]), float(one["crossover_error"]))
