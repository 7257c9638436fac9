"""``[flux]``: energy, persistent current and stiffness as functions of the flux; minima; the hc/2e criterion."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..._core.lazy import rich_table, xr
from ...analysis import flux
from ...hamiltonians import InvalidModel, Model, Problem, Sector
from ...hamiltonians.model import GENERIC
from ...hamiltonians.parameters import show
from ...hamiltonians.sector import sector_problems
from ...hamiltonians.symmetry.labels import block_problems
from ..execution.tables import columns, with_error
from ..file.json_values import entries, label, plain, prefixed
from ..file.values import Counts, Fluxes, Switch
from .base import Solved, Task, key

if TYPE_CHECKING:
    from .setting import Setting

CORNERS = ("E0", "E_half_pi", "E_pi")
TENSOR = "Currents along the rows of the supercell; tensors row by row, in x, y (and z)."
AT_MINIMUM = ("phi", "energy", "energy_error", "stiffness", "stiffness_error")


@dataclass(frozen=True, repr=False)
class FluxTask(Task):
    """Energy, current and stiffness as functions of the flux.

    Attributes
    ----------
    values : tuple of float, or of tuple of float
        Values of phi = 2 pi Phi / (hc/e); on lattices flux vectors.
    minimum : bool
        Whether to search for the minima of E_0.
    criterion : bool
        Whether to evaluate the hc/2e criterion from E_0 at 0, pi/2 and pi and its harmonics; on lattices along each
        row of the supercell.
    average : tuple of int
        Numbers of twists in each direction for an average of E_0.
    """

    name: ClassVar[str] = "flux"
    swept = ("flux_energies", "flux_stiffness")
    figures = (("flux", "flux_energies", "plot_flux"), ("flux-period", "flux_period_curve", "plot_flux_period"))
    summary = ("flux_minimum_phi", "flux_minimum_stiffness", "flux_period_ratio")

    values: tuple[Any, ...] = key(Fluxes)
    minimum: bool = key(Switch, False)
    criterion: bool = key(Switch, False)
    average: tuple[int, ...] = key(Counts, ())

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield the problems of the model and sector with a flux."""
        number = model.cluster.fluxes
        given = values["values"]
        if wrong := [v for v in given if number > 1 and (not isinstance(v, tuple) or len(v) != number)]:
            vectors = f"flux vectors of {number} numbers, one for each row of the supercell"
            allowed = f"allowed: {vectors}, as {[[0.0] * number]}"
            yield Problem("flux.values", show(_listed(wrong[0])), allowed)
            return
        phi = next((value for value in given if np.any(value)), 1.0 if number == 1 else GENERIC[:number])
        try:
            threaded = replace(model, flux=phi)
        except InvalidModel as error:
            allowed = error.problems[0].allowed.replace("allowed: 0", "allowed: no [flux] table")
            yield Problem("flux.values", show([_listed(v) for v in given]), allowed)
            return
        if sector is None:
            return
        for problem in list(sector_problems(threaded, sector)) or block_problems(threaded, sector):
            yield replace(problem, allowed=f"{problem.allowed} ([flux] has phi = {shown_flux(phi)})")
        for name in ("minimum", "criterion"):
            if values.get(name) and sector.momentum is not None:
                allowed = "leave it out, or leave sector.momentum out: E_0 of one momentum is not periodic in the flux"
                yield Problem(f"flux.{name}", "true", allowed)
        average = values.get("average") or ()
        if average and (len(average) != number or min(average) < 1):
            allowed = f"allowed: {number} whole numbers, 1 or more: twists in each direction"
            yield Problem("flux.average", show(list(average)), allowed)

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the lowest level with a flux, for which the amplitudes are complex."""
        return [] if sector is None else [(replace(model, flux=GENERIC[: model.cluster.fluxes]), sector, 1)]

    @property
    def repeats(self) -> str:
        """Number of fluxes, including those for minima and harmonics."""
        count = f"{len(self.values)} values of the flux, each like the sector of the file"
        if not (self.minimum or self.criterion):
            return count
        points, most = flux.POINTS, flux.MOST_POINTS
        half = f"{points // 2 + 1} to {most // 2 + 1}"
        whole = f"{half} more for minima and harmonics ({points} to {most} if H is complex)"
        return f"{count}; {whole}; on lattices as many for the harmonics along each row, and about 60 for minima"

    def run(self, setting: Setting) -> xr.Dataset:
        """Solve at each flux."""
        model, sector, solver, reporter = setting.model, setting.block, setting.solver, setting.reporter
        known = setting.known

        def progress(phi: Any) -> None:
            reporter.step(f"flux {shown_flux(phi)}")

        shown = None if known is None else lambda part: known(self.named(part))
        how: Any = {"options": solver, "progress": progress, "search": reporter.lanczos}
        number = model.cluster.fluxes
        if number == 1:
            parts = [flux.flux_response(model, sector, _numbers(self.values), **how, known=shown)]
        else:
            parts = [flux.flux_tensor(model, sector, self.values, **how, known=shown)]
        if self.criterion or (self.minimum and number == 1):
            for j, direction in enumerate(np.eye(number).tolist()):
                line = flux.FluxLine(model, sector, solver, progress, reporter.lanczos, tuple(direction))
                curve, more = flux.FluxCurve(line), "" if number == 1 else f"_{j}"
                parts += [prefixed("minimum", flux.minimum_of(curve))] if self.minimum and number == 1 else []
                if self.criterion:
                    found = flux.criterion_of(curve)
                    sizes = {dim: f"{dim}{more}" for dim in found.dims if more}
                    parts += [prefixed(f"period{more}", found.rename(sizes))]
        if self.minimum and number > 1:
            surface = flux.FluxSurface(model, sector, solver, progress, reporter.lanczos)
            parts += [prefixed("minimum", flux.lowest_of(surface))]
        if self.average:
            parts += [prefixed("average", flux.twist_average(model, sector, self.average, **how))]
        return self.named(xr.merge(parts, combine_attrs="override"))

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return current and stiffness."""
        return {f"flux_{name}": f"flux_{name}_errors" for name in ("current", "stiffness")}

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return energies, currents and stiffness, and if requested minima and criterion."""
        names = [name for name, *_ in flux.SERIES]
        blocks = [[label(text) for text in str(level).split(" | ")] for level in data["flux_blocks"].values]
        phi = data["flux_phi"] if "flux_phi" in data else data["phi"]
        found = {"phi": plain(phi), **entries(data, cls.name, names), "blocks": blocks}
        if "flux_minimum_phi" in data:
            minima = {"energies": "local_energies", "energy_errors": "local_errors"}
            others = {name: plain(data[f"flux_minimum_{own}"]) for name, own in minima.items()}
            best = entries(data, "flux_minimum", AT_MINIMUM)
            places = data["local_phi" if "local_phi" in data else "flux_minimum_local_phi"]
            found["minimum"] = {**best, "minima": {"phi": plain(places), **others}}
        names = [*CORNERS, "error", "harmonics", "harmonic_errors", "ratio", "verdict", "definition"]
        periods = [entries(data, prefix, names) for prefix in _periods(data)]
        if periods:
            found["half_flux_quantum"] = periods[0] if "flux_period_ratio" in data else periods
        if "flux_average_energy" in data:
            found["average"] = entries(data, "flux_average", ("energy", "energy_error", "spread", "energies", "twists"))
        return found

    @classmethod
    def summarized(cls, data: xr.Dataset) -> Iterator[tuple[str, str]]:
        """Yield the stiffness at the first flux, and if requested minimum and criterion."""
        if "flux_phi" not in data:
            first = data.isel(phi=0)
            pair = (float(first[f"flux_stiffness{end}"]) for end in ("", "_errors"))
            yield f"stiffness({float(first['phi']):.4g})", with_error(*pair)
        yield from super().summarized(data)

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield energy, current and stiffness over the flux, then minima, criterion and averages."""
        table = columns("flux", ("phi", "energy", "current", "stiffness", "block"))
        bars = {"energies": "energy_errors", "current": "current_errors", "stiffness": "stiffness_errors"}
        phi = (data["flux_phi"] if "flux_phi" in data else data["phi"]).values
        for i, at in enumerate(phi):
            pairs = (tuple(np.ravel(data[f"flux_{name}"].values[i]) for name in pair) for pair in bars.items())
            cells = (", ".join(with_error(float(v), float(e)) for v, e in zip(*pair, strict=True)) for pair in pairs)
            table.add_row(shown_flux(at), *cells, str(data["flux_blocks"].values[i]))
        yield table
        if "flux_phi" in data:
            yield TENSOR
        if "flux_minimum_phi" in data:
            best, *found = (data[f"flux_minimum_{name}"].values for name in AT_MINIMUM)
            energy, *stiffness = (with_error(float(v), float(e)) for values, errors in (found[:2], found[2:])
                                  for v, e in zip(np.ravel(values), np.ravel(errors), strict=True))  # fmt: skip
            at = ", ".join(f"{x:.8g}" for x in np.ravel(best).tolist())
            yield f"Minimum at phi = {at}: E = {energy}, stiffness {', '.join(stiffness)}."
        for prefix in _periods(data):
            verdict, definition = (str(data[f"{prefix}_{name}"].values) for name in ("verdict", "definition"))
            first, second = data[f"{prefix}_harmonics"].values
            row = prefix.removeprefix("flux_period").removeprefix("_")
            where = f" along row {row}" if row else ""
            yield f"Flux period{where}: {verdict} ({definition}); harmonics {first:.6g} and {second:.6g}."
        if "flux_average_energy" in data:
            value = with_error(float(data["flux_average_energy"]), float(data["flux_average_energy_error"]))
            twists, spread = data.sizes["twist"], float(data["flux_average_spread"])
            yield f"Mean over {twists} twist{'s' if twists > 1 else ''}: E = {value}, standard deviation {spread:.6g}."


def _periods(data: xr.Dataset) -> list[str]:
    """Return the prefixes of the variables of the criterion for each direction."""
    names = [str(name) for name in data.data_vars]
    return sorted(name.removesuffix("_ratio") for name in names if re.fullmatch(r"flux_period(_\d)?_ratio", name))


def _numbers(values: Sequence[Any]) -> list[float]:
    """Return scalar fluxes, which may be given as lists with one element."""
    return [float(np.ravel(value)[0]) for value in values]


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def shown_flux(phi: Any) -> str:
    """Return a flux or flux vector as text."""
    return ", ".join(f"{x:.6g}" for x in np.ravel(phi).tolist())
