"""``[flux]``: energy, persistent current and stiffness against the flux through a ring; minima; the hc/2e criterion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import xarray as xr
from rich.table import Table as TextTable
from rich.text import Text

from ...analysis.flux.minima import MOST_POINTS, POINTS, FluxCurve, criterion_of, minimum_of
from ...analysis.flux.response import SERIES, FluxLine, flux_response
from ...analysis.plots.coherence import plot_flux_period
from ...analysis.plots.states import plot_flux
from ...hamiltonians import InvalidModel, Model, Problem, Sector
from ...hamiltonians.parameters import show
from ...hamiltonians.sector import sector_problems
from ...hamiltonians.symmetry.labels import block_problems
from ..execution.tables import columns, with_error
from ..file.json_values import entries, label, plain, prefixed
from ..file.values import LEFT_OUT, Floats, Switch, Table
from .base import Figure, Setting, Solved, Task

CORNERS = ("E0", "E_half_pi", "E_pi")
AT_MINIMUM = ("phi", "energy", "energy_error", "stiffness", "stiffness_error")


class FluxTable(Table):
    """Keys of ``[flux]``."""

    values: Floats
    minimum: Switch = LEFT_OUT
    criterion: Switch = LEFT_OUT


def _shown(known: Callable[[xr.Dataset], None], part: xr.Dataset) -> None:
    known(FluxTask.named(part))


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
    table: ClassVar[type[Table]] = FluxTable
    figures: ClassVar[tuple[Figure, ...]] = (
        ("flux", "flux_energies", plot_flux),
        ("flux-period", "flux_period_curve", plot_flux_period),
    )

    summary: ClassVar[tuple[str, ...]] = ("flux_minimum_phi", "flux_minimum_stiffness", "flux_period_ratio")

    values: tuple[float, ...]
    minimum: bool = False
    criterion: bool = False

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
        if sector is None:
            return
        for problem in list(sector_problems(threaded, sector)) or block_problems(threaded, sector):
            yield replace(problem, allowed=f"{problem.allowed} ([flux] has phi = {phi:g})")
        for key in ("minimum", "criterion"):
            if values.get(key) and sector.momentum is not None:
                allowed = "leave it out, or leave sector.momentum out: E_0 of one momentum is not periodic in the flux"
                yield Problem(f"flux.{key}", "true", allowed)

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the lowest level with a flux, whose amplitudes are complex."""
        return [] if sector is None else [(replace(model, flux=1.0), sector, 1)]

    @property
    def repeats(self) -> str:
        """The fluxes, and those that minima and harmonics add."""
        count = f"{len(self.values)} values of the flux, each like the sector of the file"
        if not (self.minimum or self.criterion):
            return count
        half, most = POINTS // 2 + 1, MOST_POINTS // 2 + 1
        return f"{count}; {half} to {most} more for minima and harmonics ({POINTS} to {MOST_POINTS} if H is complex)"

    def run(self, setting: Setting) -> xr.Dataset:
        """Solve flux by flux."""
        reporter = setting.reporter

        def progress(phi: float) -> None:
            reporter.step(f"flux {phi:.4g}")

        model, sector, solver = setting.model, setting.block, setting.solver
        known = None if setting.known is None else partial(_shown, setting.known)
        parts = [flux_response(model, sector, self.values, solver, progress, reporter.lanczos, known)]
        if self.minimum or self.criterion:
            curve = FluxCurve(FluxLine(model, sector, solver, progress, reporter.lanczos))
            parts += [prefixed("minimum", minimum_of(curve))] if self.minimum else []
            parts += [prefixed("period", criterion_of(curve))] if self.criterion else []
        return self.named(xr.merge(parts, combine_attrs="override"))

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return current and stiffness."""
        return {f"flux_{name}": f"flux_{name}_errors" for name in ("current", "stiffness")}

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return energies, currents and stiffness; the minima and the criterion where they were asked for."""
        names = [name for name, *_ in SERIES]
        blocks = [[label(text) for text in str(level).split(" | ")] for level in data["flux_blocks"].values]
        found = {"phi": plain(data["phi"]), **entries(data, cls.name, names), "blocks": blocks}
        if "flux_minimum_phi" in data:
            best = entries(data, "flux_minimum", AT_MINIMUM)
            minima = entries(data, "flux_minimum", ("local_energies", "local_errors"))
            others = dict(zip(("energies", "energy_errors"), minima.values(), strict=True))
            found["minimum"] = {**best, "minima": {"phi": plain(data["local_phi"]), **others}}
        if "flux_period_ratio" in data:
            keys = (*CORNERS, "error", "harmonics", "harmonic_errors", "ratio", "verdict", "definition")
            found["half_flux_quantum"] = entries(data, "flux_period", keys)
        return found

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable | Text]:
        """Yield energy, current and stiffness against the flux, then minima and criterion."""
        table = columns("flux", ("phi", "energy", "current", "stiffness", "block"))
        for i, phi in enumerate(data["phi"].values):
            energy, error = data["flux_energies"].values[i], float(data["flux_energy_errors"].values[i])
            bars = [(data[f"flux_{k}"].values[i], data[f"flux_{k}_errors"].values[i]) for k in ("current", "stiffness")]
            slopes = (with_error(float(value), float(bar)) for value, bar in bars)
            table.add_row(f"{phi:.6g}", with_error(energy, error), *slopes, str(data["flux_blocks"].values[i]))
        yield table
        if "flux_minimum_phi" in data:
            phi, *pairs = (float(data[f"flux_minimum_{key}"]) for key in AT_MINIMUM)
            energy, stiffness = with_error(*pairs[:2]), with_error(*pairs[2:])
            yield Text(f"Minimum at phi = {phi:.8g}: E = {energy}, stiffness {stiffness}.")
        if "flux_period_ratio" in data:
            verdict, definition = (str(data[f"flux_period_{key}"].values) for key in ("verdict", "definition"))
            first, second = data["flux_period_harmonics"].values
            yield Text(f"Flux period: {verdict} ({definition}); harmonics {first:.6g} and {second:.6g}.")
