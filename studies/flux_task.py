"""``[flux]``: energy, persistent current and stiffness against the flux through a ring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import xarray as xr
from rich.table import Table as TextTable

from ..analysis import flux_response
from ..analysis.plots import plot_flux
from ..hamiltonians import InvalidModel, Model, Problem, Sector
from ..hamiltonians.block_problems import block_problems
from ..hamiltonians.parameters import show
from ..hamiltonians.sector import sector_problems
from .digits import columns, decimals, number, with_error
from .plain import entries, plain
from .task import Figure, Setting, Task
from .values import Floats, Table


class FluxTable(Table):
    """Keys of ``[flux]``."""

    values: Floats


@dataclass(frozen=True)
class FluxTask(Task):
    """Energy, current and stiffness against the flux.

    Attributes
    ----------
    values : tuple of float
        phi = 2 pi Phi / (hc/e).
    """

    name: ClassVar[str] = "flux"
    table: ClassVar[type[Table]] = FluxTable
    figures: ClassVar[tuple[Figure, ...]] = (("flux", "flux_energies", plot_flux),)

    values: tuple[float, ...]

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield what a flux would make impossible."""
        phi = next((value for value in values["values"] if value), 1.0)
        try:
            threaded = replace(model, flux=phi)
        except InvalidModel as error:
            allowed = error.problems[0].allowed.replace("allowed: 0", "allowed: no [flux] table")
            yield Problem("flux.values", show(list(values["values"])), allowed)
            return
        if sector and any(values["values"]):
            for problem in list(sector_problems(threaded, sector)) or block_problems(threaded, sector):
                yield replace(problem, allowed=f"{problem.allowed} ([flux] has phi = {phi:g})")

    def run(self, setting: Setting) -> xr.Dataset:
        """Solve flux by flux."""
        step = setting.reporter.step
        response = flux_response(
            setting.model, setting.block, self.values, setting.solver, lambda phi: step(f"flux {phi:.4g}")
        )
        return self.named(response)

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return energies, currents and stiffness."""
        names = ("energies", "energy_errors", "current", "stiffness", "multiplicity")
        return {"phi": plain(data["phi"]), **entries(data, cls.name, names)}

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable]:
        """Yield energy, current and stiffness against the flux."""
        table = columns("flux", ("phi", "energy", "current", "stiffness"))
        for i, phi in enumerate(data["phi"].values):
            energy, error = data["flux_energies"].values[i], float(data["flux_energy_errors"].values[i])
            slopes = (number(data[f"flux_{k}"].values[i], decimals(error)) for k in ("current", "stiffness"))
            table.add_row(f"{phi:.6g}", with_error(energy, error), *slopes)
        yield table
