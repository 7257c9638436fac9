"""``[charge_scan]``: the lowest energy for each charge, pair binding, charge and spin gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from ... import analysis
from ..._core.lazy import rich_table, xr
from ...hamiltonians import Model, Problem, Sector
from ...hamiltonians.conservation import conservation_problems
from ...hamiltonians.parameters import show
from ...hamiltonians.sector import allowed_two_sz, sector_problems
from ..execution.tables import columns, with_error
from ..file.json_values import entries, plain
from ..file.values import Switch
from .base import Solved, Task, key

if TYPE_CHECKING:
    from .setting import Setting

QUANTITIES = {
    "charge_scan_binding": ("binding_charge", "pair binding"),
    "charge_scan_charge_gap": ("gap_charge", "charge gap"),
    "charge_scan_inverse_compressibility": ("gap_charge", "1 / compressibility"),
    "charge_scan_spin_gap": ("charge", "spin gap"),
}
"""Quantities derived from the energies: dimension and heading."""
Charges = Annotated[list[int], Field(min_length=1, description="a list of one or more whole numbers")]


@dataclass(frozen=True, repr=False)
class ChargeScanTask(Task):
    """The lowest energy for each charge at minimal ``|S_z|``, and the gaps between them.

    Attributes
    ----------
    charges : tuple of int
        Values of N = N_e + 2 N_b; by default all.
    spin : bool
        Whether to compute the spin gap.
    """

    name: ClassVar[str] = "charge_scan"
    needs_sector = False
    swept = ("charge_scan_binding", "charge_scan_charge_gap")
    figures = (
        ("binding", "charge_scan_binding", "plot_charge_scan"),
        ("gaps", "charge_scan_charge_gap", "plot_gaps"),
    )

    charges: tuple[int, ...] = key(Charges, None)
    spin: bool = key(Switch, False)

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> Self:
        """Create the task, by default with all possible charges."""
        every = (n for n in range(model.max_charge + 1) if allowed_two_sz(model, n))
        return cls(tuple(values.get("charges", every)), bool(values.get("spin")))

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield charges without states, and repeated ones."""
        needed: tuple[Literal["charge", "spin"], ...] = ("charge", "spin") if values.get("spin") else ("charge",)
        problems = list(conservation_problems(model, "energies by charge", *needed))
        yield from problems
        charges: Sequence[int] = () if problems else values.get("charges", ())
        for i, charge in enumerate(charges):
            path = f"charge_scan.charges[{i}]"
            if charge in charges[:i]:
                yield Problem(path, show(charge), "allowed: each charge once")
            elif problem := next(sector_problems(model, Sector(charge)), None):
                yield Problem(path, show(charge), problem.allowed)

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the lowest level of each charge and spin."""
        every = [Sector(n) for n in self.charges] + [Sector(n, n % 2 + 2) for n in self.charges if self.spin]
        return [(model, each, 1) for each in every if not any(sector_problems(model, each))]

    def run(self, setting: Setting) -> xr.Dataset:
        """Solve for each charge."""
        reporter = setting.reporter

        def progress(charge: int) -> None:
            reporter.step(f"charge {charge}")

        data = analysis.charge_scan(
            setting.model,
            self.charges,
            options=setting.solver,
            progress=progress,
            spin=self.spin,
            search=reporter.lanczos,
        )
        return self.named(data)

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return energies, pair binding and gaps."""
        names = ["energies", "energy_errors"]
        for name in (str(n).removeprefix(f"{cls.name}_") for n in data.data_vars if n in QUANTITIES):
            names += [name, f"{name}_errors"]
        charges = {"charges": "charge", "binding_charges": "binding_charge", "gap_charges": "gap_charge"}
        return {name: plain(data[own]) for name, own in charges.items()} | entries(data, cls.name, names)

    @classmethod
    def summarized(cls, data: xr.Dataset) -> Iterator[tuple[str, str]]:
        """Yield pair binding and gaps at each charge."""
        for name, (dim, heading) in QUANTITIES.items():
            if name in data and name != "charge_scan_inverse_compressibility":
                for n, *pair in zip(data[dim].values, data[name].values, data[f"{name}_errors"].values, strict=True):
                    yield f"{heading}({n})", with_error(*map(float, pair))

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table]:
        """Yield energy, pair binding and gaps over the charge."""
        shown = {"charge_scan_energies": ("charge", "energy")}
        shown |= {name: about for name, about in QUANTITIES.items() if name in data}
        cells = {}
        for name, (dim, _) in shown.items():
            errors = data["charge_scan_energy_errors" if name == "charge_scan_energies" else f"{name}_errors"]
            for charge, *pair in zip(data[dim].values.tolist(), data[name].values, errors.values, strict=True):
                cells[name, charge] = with_error(*pair)
        rows = ((str(n), *(cells.get((name, n), "") for name in shown)) for n in data["charge"].values.tolist())
        yield columns("charge scan", ("N", *(heading for _, heading in shown.values())), rows)
