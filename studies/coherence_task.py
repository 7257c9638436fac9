"""``[coherence]``: amplitude and phase of the pairs on a ring, at the flux that the ground state prefers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import xarray as xr
from pydantic import AfterValidator, Field
from rich.table import Table as TextTable
from rich.text import Text

from ..analysis.phase import QUANTITIES, SEARCHES, coherence
from ..hamiltonians import Model, Problem, Sector
from .digits import columns, decimals, number, with_error
from .plain import entries
from .task import Setting, Solved, Task
from .values import LEFT_OUT, Table, one_of
from .wording import listed


class CoherenceTable(Table):
    """Keys of ``[coherence]``."""

    search: Annotated[str, AfterValidator(one_of(SEARCHES)), Field(description=listed(SEARCHES))] = LEFT_OUT


@dataclass(frozen=True)
class CoherenceTask(Task):
    """Local pair amplitude, condensate, stiffness and gaps.

    Attributes
    ----------
    search : str
        Where the best flux is looked for: "ends" (0 and pi) or "circle".
    """

    name: ClassVar[str] = "coherence"
    table: ClassVar[type[Table]] = CoherenceTable

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
        """Return the sector with a flux."""
        return [] if sector is None or not model.cluster.has_loop else [(replace(model, flux=1.0), sector, 2)]

    def run(self, setting: Setting) -> xr.Dataset:
        """Look for the best flux and measure there."""
        step = setting.reporter.step
        return self.named(coherence(setting.model, setting.block, setting.solver, self.search, step))

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return all numbers."""
        return entries(data, cls.name, QUANTITIES)

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable | Text]:
        """Yield the numbers, one a line."""
        of = {name: float(data[f"coherence_{name}"]) for name in QUANTITIES}
        digits = decimals(of["admixture"])
        bars = {"energy": of["energy_error"], "gap": 2 * of["energy_error"], "pair_gap": of["pair_gap_error"]}
        table = columns("coherence", ("quantity", "value", "what it is"))
        for name in (n for n in QUANTITIES if not n.endswith("_error") and n not in ("admixture", "multiplicity")):
            value = with_error(of[name], bars[name]) if name in bars else number(of[name], digits)
            table.add_row(name.replace("_", " "), value, QUANTITIES[name][0])
        yield table
        if (count := round(of["multiplicity"])) > 1:
            yield Text(f"The ground level has {count} states; the numbers of the pairs are averages over all of them.")
