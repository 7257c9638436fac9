"""``[flux]``: energy, persistent current and stiffness against the flux through a ring; minima; the hc/2e criterion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ..._core.lazy import rich_table, xr
from ...analysis import flux
from ...hamiltonians import InvalidModel, Model, Problem, Sector
from ...hamiltonians.parameters import show
from ...hamiltonians.sector import sector_problems
from ...hamiltonians.symmetry.labels import block_problems
from ..execution.tables import columns, with_error
from ..file.json_values import entries, label, plain, prefixed
from ..file.values import Floats, Switch
from .base import Solved, Task, key

if TYPE_CHECKING:
    from .setting import Setting

CORNERS = ("E0", "E_half_pi", "E_pi")
AT_MINIMUM = ("phi", "energy", "energy_error", "stiffness", "stiffness_error")


@dataclass(frozen=True, repr=False)
class FluxTask(Task):
    """Energy, current and stiffness against the flux.

    Attributes
    ----------
    values : tuple of float
        phi = 2 pi Phi / (hc/e).
    minimum : bool
        Look for the minima of E_0 as well.
    criterion : bool
        Compare E_0 at 0, pi/2 and pi, and its harmonics, as well.
    """

    name: ClassVar[str] = "flux"
    figures = (("flux", "flux_energies", "plot_flux"), ("flux-period", "flux_period_curve", "plot_flux_period"))
    summary = ("flux_minimum_phi", "flux_minimum_stiffness", "flux_period_ratio")

    values: tuple[float, ...] = key(Floats)
    minimum: bool = key(Switch, False)
    criterion: bool = key(Switch, False)

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield what a flux makes impossible."""
        phi = next((value for value in values["values"] if value), 1.0)
        try:
            threaded = replace(model, flux=phi)
        except InvalidModel as error:
            allowed = error.problems[0].allowed.replace("allowed: 0", "allowed: no [flux] table")
            yield Problem("flux.values", show(list(values["values"])), allowed)
            return
        if sector is None:
            return
        for problem in list(sector_problems(threaded, sector)) or block_problems(threaded, sector):
            yield replace(problem, allowed=f"{problem.allowed} ([flux] has phi = {phi:g})")
        for name in ("minimum", "criterion"):
            if values.get(name) and sector.momentum is not None:
                allowed = "leave it out, or leave sector.momentum out: E_0 of one momentum is not periodic in the flux"
                yield Problem(f"flux.{name}", "true", allowed)

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the lowest level with a flux, whose amplitudes are complex."""
        return [] if sector is None else [(replace(model, flux=1.0), sector, 1)]

    @property
    def repeats(self) -> str:
        """The fluxes, and those that minima and harmonics add."""
        count = f"{len(self.values)} values of the flux, each like the sector of the file"
        if not (self.minimum or self.criterion):
            return count
        points, most = flux.POINTS, flux.MOST_POINTS
        half = f"{points // 2 + 1} to {most // 2 + 1}"
        return f"{count}; {half} more for minima and harmonics ({points} to {most} if H is complex)"

    def run(self, setting: Setting) -> xr.Dataset:
        """Solve flux by flux."""
        model, sector, solver, reporter = setting.model, setting.block, setting.solver, setting.reporter
        known = setting.known

        def progress(phi: float) -> None:
            reporter.step(f"flux {phi:.4g}")

        shown = None if known is None else lambda part: known(self.named(part))
        how: Any = {"options": solver, "progress": progress, "search": reporter.lanczos, "known": shown}
        parts = [flux.flux_response(model, sector, self.values, **how)]
        if self.minimum or self.criterion:
            curve = flux.FluxCurve(flux.FluxLine(model, sector, solver, progress, reporter.lanczos))
            parts += [prefixed("minimum", flux.minimum_of(curve))] if self.minimum else []
            parts += [prefixed("period", flux.criterion_of(curve))] if self.criterion else []
        return self.named(xr.merge(parts, combine_attrs="override"))

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return current and stiffness."""
        return {f"flux_{name}": f"flux_{name}_errors" for name in ("current", "stiffness")}

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return energies, currents and stiffness; the minima and the criterion where they were asked for."""
        names = [name for name, *_ in flux.SERIES]
        blocks = [[label(text) for text in str(level).split(" | ")] for level in data["flux_blocks"].values]
        found = {"phi": plain(data["phi"]), **entries(data, cls.name, names), "blocks": blocks}
        if "flux_minimum_phi" in data:
            minima = {"energies": "local_energies", "energy_errors": "local_errors"}
            others = {name: plain(data[f"flux_minimum_{own}"]) for name, own in minima.items()}
            best = entries(data, "flux_minimum", AT_MINIMUM)
            found["minimum"] = {**best, "minima": {"phi": plain(data["local_phi"]), **others}}
        if "flux_period_ratio" in data:
            names = [*CORNERS, "error", "harmonics", "harmonic_errors", "ratio", "verdict", "definition"]
            found["half_flux_quantum"] = entries(data, "flux_period", names)
        return found

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield energy, current and stiffness against the flux, then minima and criterion."""
        table = columns("flux", ("phi", "energy", "current", "stiffness", "block"))
        bars = {"energies": "energy_errors", "current": "current_errors", "stiffness": "stiffness_errors"}
        for i, phi in enumerate(data["phi"].values):
            cells = (with_error(*(float(data[f"flux_{name}"].values[i]) for name in pair)) for pair in bars.items())
            table.add_row(f"{phi:.6g}", *cells, str(data["flux_blocks"].values[i]))
        yield table
        if "flux_minimum_phi" in data:
            phi, *pairs = (float(data[f"flux_minimum_{name}"]) for name in AT_MINIMUM)
            energy, stiffness = with_error(*pairs[:2]), with_error(*pairs[2:])
            yield f"Minimum at phi = {phi:.8g}: E = {energy}, stiffness {stiffness}."
        if "flux_period_ratio" in data:
            verdict, definition = (str(data[f"flux_period_{name}"].values) for name in ("verdict", "definition"))
            first, second = data["flux_period_harmonics"].values
            yield f"Flux period: {verdict} ({definition}); harmonics {first:.6g} and {second:.6g}."
