"""``[coherence]``: amplitude and phase of the pairs on a ring, at the flux that the ground state prefers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import xarray as xr
from pydantic import AfterValidator, Field
from rich.table import Table as TextTable
from rich.text import Text

from ..._core.wording import listed
from ...analysis.flux.minima import POINTS
from ...analysis.pairing.phase import QUANTITIES, SEARCHES, coherence
from ...analysis.plots.coherence import plot_coherence
from ...hamiltonians import Model, Problem, Sector
from ...hamiltonians.space.charges import charge_dimension
from ..execution.tables import columns, decimals, number, with_error
from ..file.json_values import entries
from ..file.values import LEFT_OUT, Table, one_of
from .base import Figure, Setting, Solved, Task


class CoherenceTable(Table):
    """Keys of ``[coherence]``."""

    search: Annotated[str, AfterValidator(one_of(SEARCHES)), Field(description=listed(SEARCHES))] = LEFT_OUT


@dataclass(frozen=True, repr=False)
class CoherenceTask(Task):
    """Local pair amplitude, condensate, stiffness and gaps.

    Attributes
    ----------
    search : str
        Where the best flux is looked for: "ends" (0 and pi) or "circle".
    """

    name: ClassVar[str] = "coherence"
    table: ClassVar[type[Table]] = CoherenceTable
    figures: ClassVar[tuple[Figure, ...]] = (("coherence", "coherence_stiffness", plot_coherence),)
    summary: ClassVar[tuple[str, ...]] = tuple(
        f"coherence_{name}" for name in ("phi", "amplitude", "fraction", "stiffness", "pair_gap")
    )

    search: str = "ends"

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield a cluster without a loop, and quantum numbers that a flux breaks."""
        if not model.cluster.has_loop:
            cluster = f"a {model.cluster.kind} of {model.cluster.sites} sites"
            yield Problem("coherence", "a table", f"leave it out: {cluster} has no loop; rings of 3 or more have")
        if sector is not None and sector.has_symmetry:
            name, value = next(iter(sector.labels.items()))
            yield Problem(
                f"sector.{name}", str(value), "leave it out: [coherence] looks for the best flux over all blocks"
            )

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the sector with a flux, and those with a pair more and a pair less."""
        if sector is None or not model.cluster.has_loop:
            return []
        threaded, spin = replace(model, flux=1.0), sector.spin_excess
        beside = (Sector(sector.charge + step, spin) for step in (-2, 2))
        there = [s for s in beside if 0 <= s.charge <= model.max_charge and charge_dimension(model, s.charge, spin)]
        return [(threaded, sector, 2), *((threaded, s, 1) for s in there)]

    @property
    def repeats(self) -> str:
        """Two fluxes, or the whole circle."""
        return "each at phi = 0 and pi" if self.search == "ends" else f"the first at {POINTS // 2 + 1} fluxes or more"

    def run(self, setting: Setting) -> xr.Dataset:
        """Look for the best flux and measure there."""
        told = setting.reporter
        return self.named(coherence(setting.model, setting.block, setting.solver, self.search, told.step, told.lanczos))

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return all numbers."""
        return entries(data, cls.name, QUANTITIES)

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable | Text]:
        """Yield the numbers, one a line."""
        of = {name: float(data[f"coherence_{name}"]) for name in QUANTITIES}
        digits = decimals(of["admixture"])
        bars = {
            "energy": of["energy_error"],
            "gap": 2 * of["energy_error"],
            "pair_gap": of["pair_gap_error"],
            "stiffness": of["stiffness_error"],
        }
        table = columns("coherence", ("quantity", "value", "what it is"))
        for name in (n for n in QUANTITIES if not n.endswith("_error") and n not in ("admixture", "multiplicity")):
            value = with_error(of[name], bars[name]) if name in bars else number(of[name], digits)
            table.add_row(name.replace("_", " "), value, QUANTITIES[name][0])
        yield table
        if (count := round(of["multiplicity"])) > 1:
            yield Text(f"The ground level has {count} states; the numbers of the pairs are averages over all of them.")
