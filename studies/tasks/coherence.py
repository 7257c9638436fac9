"""``[coherence]``: amplitude and phase of pairs on rings and lattices, at the flux of lowest energy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from ..._core.lazy import rich_table, xr
from ..._core.wording import listed
from ...analysis import flux, pairing
from ...clusters.loops import no_loop
from ...hamiltonians import Model, Problem, Sector
from ...hamiltonians.conservation import conservation_problems
from ...hamiltonians.model import GENERIC
from ...hamiltonians.sector import resolved
from ...hamiltonians.space.charges import charge_dimension
from ..execution.tables import columns, decimals, number, with_error
from ..file.json_values import entries
from ..file.values import one_of
from .base import Solved, Task, key, multiplet_note
from .flux import shown_flux

if TYPE_CHECKING:
    from .setting import Setting

SEARCHES = pairing.SEARCHES
Search = Annotated[str, AfterValidator(one_of(SEARCHES)), Field(description=listed(SEARCHES))]


@dataclass(frozen=True, repr=False)
class CoherenceTask(Task):
    """Local pair amplitude, condensate, stiffness and gaps.

    Attributes
    ----------
    search : str
        Fluxes among which the minimum is searched: "ends" (0 and pi) or "circle".
    """

    name: ClassVar[str] = "coherence"
    figures = (("coherence", "coherence_stiffness", "plot_coherence"),)
    swept = ("coherence_amplitude", "coherence_stiffness")
    summary = tuple(f"coherence_{name}" for name in ("phi", "amplitude", "fraction", "stiffness", "pair_gap"))

    search: str = key(Search, "ends")

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield clusters without a loop, and quantum numbers broken by a flux."""
        if not model.cluster.has_loop:
            yield Problem("coherence", "a table", f"leave it out: {no_loop(model.cluster)}")
        yield from conservation_problems(model, "stiffness and pair gaps", "charge", sector=sector)
        if sector is not None and sector.has_symmetry:
            name, value = next(iter(sector.labels.items()))
            allowed = "leave it out: [coherence] searches for the optimal flux over all blocks"
            yield Problem(f"sector.{name}", str(value), allowed)

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the sector with a flux, and those with one pair more and one pair less."""
        if sector is None or not model.cluster.has_loop:
            return []
        threaded, spin = replace(model, flux=GENERIC[: model.cluster.fluxes]), resolved(model, sector).two_sz
        beside = (Sector(sector.charge + step, spin) for step in (-2, 2))
        there = [s for s in beside if 0 <= s.charge <= model.max_charge and charge_dimension(model, s)]
        return [(threaded, sector, 2), *((threaded, s, 1) for s in there)]

    @property
    def repeats(self) -> str:
        """Number of fluxes: two, or those on the circle."""
        circle = f"the first at {flux.POINTS // 2 + 1} fluxes or more"
        return "each at phi = 0 and pi (round each row)" if self.search == "ends" else circle

    def run(self, setting: Setting) -> xr.Dataset:
        """Find the optimal flux and evaluate the quantities there."""
        data = pairing.coherence(
            setting.model,
            setting.block,
            options=setting.solver,
            search=self.search,
            progress=setting.reporter.step,
            solving=setting.reporter.lanczos,
        )
        return self.named(data)

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return all numbers."""
        return entries(data, cls.name, pairing.QUANTITIES)

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield the numbers, one per line."""
        of = {name: float(data[f"coherence_{name}"]) for name in pairing.QUANTITIES if name != "phi"}
        digits = decimals(of["admixture"])
        bars = {name: of[f"{name}_error"] for name in ("energy", "pair_gap", "stiffness")}
        bars["gap"] = 2 * of["energy_error"]
        table = columns("coherence", ("quantity", "value", "description"))
        for name, (formula, _) in pairing.QUANTITIES.items():
            if name == "phi":
                table.add_row(name, shown_flux(data["coherence_phi"].values), formula)
            elif not name.endswith("_error") and name not in ("admixture", "multiplicity"):
                value = with_error(of[name], bars[name]) if name in bars else number(of[name], digits)
                table.add_row(name.replace("_", " "), value, formula)
        yield table
        rest = "; the numbers of the pairs are averages over all of them."
        yield from multiplet_note(round(of["multiplicity"]), rest)
