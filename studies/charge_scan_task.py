"""``[charge_scan]``: the lowest energy for each charge, and whether pairs bind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import xarray as xr
from pydantic import Field
from rich.table import Table as TextTable

from ..analysis import charge_scan
from ..analysis.plots import plot_charge_scan
from ..hamiltonians import Model, Problem, Sector
from ..hamiltonians.parameters import show
from ..hamiltonians.sector import allowed_two_sz, sector_problems
from .digits import columns, with_error
from .plain import entries, plain
from .task import Figure, Setting, Solved, Task
from .values import LEFT_OUT, Table


class ChargeScanTable(Table):
    """Keys of ``[charge_scan]``."""

    charges: Annotated[list[int], Field(min_length=1, description="a list of one or more whole numbers")] = LEFT_OUT


@dataclass(frozen=True)
class ChargeScanTask(Task):
    """The lowest energy for each charge at minimal ``|S_z|``.

    Attributes
    ----------
    charges : tuple of int
        Values of N = N_e + 2 N_b.
    """

    name: ClassVar[str] = "charge_scan"
    table: ClassVar[type[Table]] = ChargeScanTable
    needs_sector: ClassVar[bool] = False
    figures: ClassVar[tuple[Figure, ...]] = (("binding", "charge_scan_binding", plot_charge_scan),)

    charges: tuple[int, ...]

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> Self:
        """Make the task; all charges that some state has by default."""
        every = (n for n in range(model.max_charge + 1) if allowed_two_sz(model, n))
        return cls(tuple(values.get("charges", every)))

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield charges that no state has, or that are there twice."""
        charges: Sequence[int] = values.get("charges", ())
        for i, charge in enumerate(charges):
            path = f"charge_scan.charges[{i}]"
            if charge in charges[:i]:
                yield Problem(path, show(charge), "allowed: each charge once")
            elif problem := next(sector_problems(model, Sector(charge)), None):
                yield Problem(path, show(charge), problem.allowed)

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the lowest level of each charge."""
        return [(model, Sector(n), 1) for n in self.charges if model.electrons is not None or n % 2 == 0]

    def run(self, setting: Setting) -> xr.Dataset:
        """Solve charge by charge."""
        step = setting.reporter.step
        return self.named(charge_scan(setting.model, self.charges, setting.solver, lambda n: step(f"charge {n}")))

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return energies and pair binding."""
        return {
            "charges": plain(data["charge"]),
            "binding_charges": plain(data["binding_charge"]),
            **entries(data, cls.name, ("energies", "energy_errors", "binding", "binding_errors")),
        }

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable]:
        """Yield energy and pair binding against the charge."""
        table = columns("charge scan", ("N", "energy", "pair binding"))
        pairs = zip(data["charge_scan_binding"].values, data["charge_scan_binding_errors"].values, strict=True)
        binding = dict(zip(data["binding_charge"].values.tolist(), pairs, strict=True))
        energies = zip(data["charge_scan_energies"].values, data["charge_scan_energy_errors"].values, strict=True)
        for charge, (energy, error) in zip(data["charge"].values.tolist(), energies, strict=True):
            bound = with_error(*binding[charge]) if charge in binding else ""
            table.add_row(str(charge), with_error(energy, error), bound)
        yield table
