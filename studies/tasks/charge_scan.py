"""``[charge_scan]``: the lowest energy for each charge, whether pairs bind, charge and spin gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import xarray as xr
from pydantic import Field
from rich.table import Table as TextTable

from ...analysis import charge_scan
from ...analysis.plots.coherence import plot_gaps
from ...analysis.plots.states import plot_charge_scan
from ...hamiltonians import Model, Problem, Sector
from ...hamiltonians.parameters import show
from ...hamiltonians.sector import allowed_two_sz, sector_problems
from ..execution.tables import columns, with_error
from ..file.json_values import entries, plain
from ..file.values import LEFT_OUT, Switch, Table
from .base import Figure, Setting, Solved, Task

HEADINGS = {
    "charge_scan_binding": "pair binding",
    "charge_scan_charge_gap": "charge gap",
    "charge_scan_inverse_compressibility": "1 / compressibility",
    "charge_scan_spin_gap": "spin gap",
}
QUANTITIES = {
    "charge_scan_binding": "binding_charge",
    "charge_scan_charge_gap": "gap_charge",
    "charge_scan_inverse_compressibility": "gap_charge",
    "charge_scan_spin_gap": "charge",
}
"""What follows from the energies, with the charges over which it is known."""


class ChargeScanTable(Table):
    """Keys of ``[charge_scan]``."""

    charges: Annotated[list[int], Field(min_length=1, description="a list of one or more whole numbers")] = LEFT_OUT
    spin: Switch = LEFT_OUT


@dataclass(frozen=True, repr=False)
class ChargeScanTask(Task):
    """The lowest energy for each charge at minimal ``|S_z|``, and the gaps between them.

    Attributes
    ----------
    charges : tuple of int
        Values of N = N_e + 2 N_b.
    spin : bool
        Take the spin gap too.
    """

    name: ClassVar[str] = "charge_scan"
    table: ClassVar[type[Table]] = ChargeScanTable
    needs_sector: ClassVar[bool] = False
    figures: ClassVar[tuple[Figure, ...]] = (
        ("binding", "charge_scan_binding", plot_charge_scan),
        ("gaps", "charge_scan_charge_gap", plot_gaps),
    )

    charges: tuple[int, ...]
    spin: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> Self:
        """Make the task; all charges that some state has by default."""
        every = (n for n in range(model.max_charge + 1) if allowed_two_sz(model, n))
        return cls(tuple(values.get("charges", every)), bool(values.get("spin")))

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
        """Return the lowest level of each charge and spin."""
        spins = {n: [n % 2, n % 2 + 2] if self.spin else [n % 2] for n in self.charges}
        return [(model, Sector(n, s), 1) for n in spins for s in spins[n] if s in allowed_two_sz(model, n)]

    def run(self, setting: Setting) -> xr.Dataset:
        """Solve charge by charge."""
        reporter = setting.reporter

        def progress(charge: int) -> None:
            reporter.step(f"charge {charge}")

        how = (setting.solver, progress, self.spin, reporter.lanczos)
        return self.named(charge_scan(setting.model, self.charges, *how))

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return energies, pair binding and gaps."""
        names = [str(name).removeprefix(f"{cls.name}_") for name in data.data_vars if str(name) in QUANTITIES]
        with_errors = [name for quantity in names for name in (quantity, f"{quantity}_errors")]
        return {
            "charges": plain(data["charge"]),
            "binding_charges": plain(data["binding_charge"]),
            "gap_charges": plain(data["gap_charge"]),
            **entries(data, cls.name, ("energies", "energy_errors", *with_errors)),
        }

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable]:
        """Yield energy, pair binding and gaps against the charge."""
        shown = {name: dim for name, dim in QUANTITIES.items() if name in data}
        table = columns("charge scan", ("N", "energy", *(HEADINGS[name] for name in shown)))
        at = {name: _by_charge(data, name, dim) for name, dim in shown.items()}
        energies = zip(data["charge_scan_energies"].values, data["charge_scan_energy_errors"].values, strict=True)
        for charge, (energy, error) in zip(data["charge"].values.tolist(), energies, strict=True):
            rest = (with_error(*at[name][charge]) if charge in at[name] else "" for name in shown)
            table.add_row(str(charge), with_error(energy, error), *rest)
        yield table


def _by_charge(data: xr.Dataset, name: str, dim: str) -> dict[int, tuple[float, float]]:
    pairs = zip(data[name].values.tolist(), data[f"{name}_errors"].values.tolist(), strict=True)
    return dict(zip(data[dim].values.tolist(), pairs, strict=True))
