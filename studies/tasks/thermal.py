"""``[thermal]``: thermodynamics and thermal averages, exact or from random vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import AfterValidator, Field

from ..._core.lazy import rich_table, xr
from ..._core.wording import listed
from ...analysis import thermal
from ...analysis.thermal import METHODS, SUSCEPTIBLE, Ensemble, Sampling
from ...hamiltonians import Model, Problem, Sector
from ...hamiltonians.parameters import show
from ...solvers import Options
from ...solvers.costs import format_bytes, format_seconds
from ...solvers.ensemble_blocks import ENSEMBLES
from ..execution.tables import columns, decimals, number, short_names, with_error
from ..file.json_values import entries, missing, plain, prefixed
from ..file.values import Floats, Number, one_of
from .base import Point, Task, key
from .flux import TENSOR, FluxTask, shown_flux
from .observable_names import Names, chosen_names, elsewhere, measured_over, measured_record, missing_species
from .static_tables import susceptibility_record, susceptibility_tables

if TYPE_CHECKING:
    from .setting import Setting

POTENTIALS = ("grand_potential", "free_energy")
QUANTITIES = ("energy", "entropy", "specific_heat", "charge", "charge_variance", "compressibility")
CONDENSATES = ("boson", "electron_pair", "combined")
MORE = ("spin_susceptibility", "chemical_potential", "cutoff_probability")
COLUMNS = {"energy": "<H>", "entropy": "S", "specific_heat": "C", "charge": "<N>", "compressibility": "kappa"}
MOST_SAMPLES = 100_000
GRAND = "grand-canonical"
SWEPT = "thermal.temperatures"
"""An axis of a sweep that the column of T shows already."""


def _whole(least: int, most: int) -> Any:
    return Annotated[int, Field(ge=least, le=most, description=f"a whole number from {least} to {most}")]


ENSEMBLE = ", ".join(f'"{name}"' for name in ENSEMBLES)
Method = Annotated[str, AfterValidator(one_of(METHODS)), Field(description=listed(METHODS))]
DEFAULT = Sampling()
FIRST_LOOK: Mapping[str, Any] = MappingProxyType({"method": "auto", "samples": 2, "steps": 20, "target_error": None})
"""How a sum is taken that only has to be seen soon."""
Susceptible = Annotated[
    list[Annotated[str, AfterValidator(one_of(SUSCEPTIBLE))]],
    Field(description=f"a list of {listed(SUSCEPTIBLE)}"),
]
TargetError = Annotated[Number, Field(gt=0, description="an error bar of the energy, above 0")]


@dataclass(frozen=True, repr=False)
class ThermalTask(Task):
    """Thermal averages of an ensemble.

    Attributes
    ----------
    temperatures : tuple of float
        T in the user's unit of energy.
    ensemble : str
        "grand-canonical"; "canonical": all S_z at the charge of the sector; "sector".
    density : float or None
        Wanted <N> per site; mu is found for it.
    sampling : Sampling
        Exact or sampled, by the keys that `Sampling` has.
    observables : tuple of str or None
        Names of the observables; None: all that the model has.
    susceptibilities : tuple of str
        Operators whose static susceptibilities are given at every momentum; see `thermal_susceptibilities`.
    """

    name: ClassVar[str] = "thermal"
    needs_sector = False
    solved_levels = 0
    figures = (("thermal", "thermal_entropy", "plot_thermal"),)
    swept = ("thermal_entropy", "thermal_specific_heat")

    temperatures: tuple[float, ...] = key(Floats)
    ensemble: str = key(Annotated[str, AfterValidator(one_of(ENSEMBLES)), Field(description=ENSEMBLE)], GRAND)
    density: float | None = key(Number, None)
    method: str = key(Method, DEFAULT.method)
    samples: int = key(_whole(2, MOST_SAMPLES), DEFAULT.samples)
    steps: int | None = key(_whole(2, 1000), DEFAULT.steps)
    exact_levels: int = key(_whole(1, 100), DEFAULT.exact_levels)
    target_error: float | None = key(TargetError, DEFAULT.target_error)
    observables: tuple[str, ...] | None = key(Names, None)
    susceptibilities: tuple[str, ...] = key(Susceptible, ())

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> Self:
        """Make the task; each observable and each susceptibility once."""
        static = tuple(dict.fromkeys(values.get("susceptibilities", ())))
        return cls(**{**values, "observables": chosen_names(values), "susceptibilities": static})

    @property
    def sampling(self) -> Sampling:
        """Exact or sampled."""
        own = (each.name for each in fields(DEFAULT) if hasattr(self, each.name))
        return replace(DEFAULT, **{name: getattr(self, name) for name in own})

    def state_of(self, sector: Sector | None) -> Ensemble:
        """Return the ensemble of a sector."""
        return Ensemble(self.ensemble, sector, self.density)

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield observables of species that are not there, an ensemble without its sector, and too few temperatures."""
        yield from missing_species(cls.name, values, has)
        if has("crossover"):
            yield from thermal.temperature_problems(values.get("temperatures", ()))
        kind = values.get("ensemble", GRAND)
        if kind != GRAND and not has("sector"):
            yield Problem("sector", "nothing", f'add a [sector] table with its charge; ensemble = "{kind}" needs it')
        if {"samples", "target_error"} <= values.keys():
            target = show(values["target_error"])
            yield Problem("thermal.target_error", target, "allowed: either samples or target_error")

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield what the thermal average refuses for this model."""
        yield from elsewhere(cls.name, values, model)
        task = cls.of(values, model)
        kind = task.state_of(sector) if sector else Ensemble(GRAND, None, task.density)
        yield from thermal.thermal_problems(model, task.temperatures, kind, task.sampling, ())
        at = "thermal.susceptibilities"
        yield from thermal.susceptibility_problems(model, task.susceptibilities, task.ensemble, at)

    def forecast(self, model: Model, sector: Sector | None) -> str:
        """Return blocks, memory and time of the sum."""
        kind = self.state_of(sector)
        capped, count = thermal.likely_caps(model, kind, self.temperatures), len(self.temperatures)
        need = thermal.estimate_thermal(capped, kind, self.sampling, count)
        how = "all over all levels"
        if need.sampled:
            how = f"{need.sampled:,} of them by {self.sampling.samples} random vectors, the others over all levels"
        size = f"the largest has about {need.largest:,} states and takes {format_bytes(need.memory)}"
        time = f"{format_seconds(need.seconds)} on one core"
        return f"thermal: {need.blocks:,} blocks, {how}; {size}; {time}, and again for each spectrum and flux"

    def check_fits(self, model: Model, sector: Sector | None, options: Options) -> None:
        """Raise MemoryError if the largest block is sure not to fit."""
        thermal.check_largest(model, self.state_of(sector), self.sampling, options)

    def first_look(self, setting: Setting) -> xr.Dataset:
        """Return thermodynamics from few random vectors, with error bars that leave out the phonon cutoff."""
        data = thermal.thermal_averages(
            setting.model,
            self.temperatures,
            ensemble=self.state_of(setting.sector),
            sampling=replace(self.sampling, **FIRST_LOOK),
            options=setting.solver,
            cutoff_errors=False,
        )
        return self.named(data)

    def run(self, setting: Setting) -> xr.Dataset:
        """Sum over all blocks."""
        step = setting.reporter.step

        def progress(done: int, count: int, what: str) -> None:
            step(f"thermal, block {min(done + 1, count)} of {count}: {what}")

        how: Any = {"ensemble": self.state_of(setting.sector), "sampling": self.sampling, "options": setting.kept}
        data = thermal.thermal_averages(
            setting.model,
            self.temperatures,
            names=self.observables,
            displacement_grid=setting.grid,
            progress=progress,
            **how,
        )
        parts = [data]
        for task in (task for task in setting.tasks if isinstance(task, FluxTask)):
            asked = setting.model, task.values, self.temperatures
            parts.append(prefixed("flux", thermal.thermal_flux_response(*asked, progress=step, **how)))
        if self.susceptibilities:
            names = self.susceptibilities
            found = thermal.thermal_susceptibilities(setting.model, self.temperatures, names, progress=step, **how)
            parts.append(prefixed("susceptibility", found))
        return self.named(xr.merge(parts, combine_attrs="override"))

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return quantities, observables, and the errors of both."""
        own = {str(name).removeprefix("thermal_"): data[name] for name in data.data_vars if str(name)[:8] == "thermal_"}
        names = [name for name in (*POTENTIALS, *QUANTITIES, *MORE) if name in own]
        values = {name: array for name, array in own.items() if not name.endswith("_error")}
        errors = {name.removesuffix("_error"): array for name, array in own.items() if name.endswith("_error")}
        cut = {name.removesuffix("_cutoff"): array for name, array in errors.items() if name.endswith("_cutoff")}
        cutoff = {"cutoff_errors": {**{n: plain(cut[n]) for n in names if n in cut}, **measured_record(cut)}}
        caps = {"total_quanta": plain(own["total_quanta"])} if "total_quanta" in own else {}
        return {
            "temperatures": plain(data["temperature"]),
            **{name: plain(values[name]) for name in names},
            "observables": measured_record(values),
            "errors": {**{name: plain(errors[name]) for name in names}, **measured_record(errors)},
            **(cutoff if cut else {}),
            **caps,
            "sampled_blocks": plain(own["sampled_blocks"]),
            "skipped_share": plain(own["skipped_share"]),
            **({"flux": _flux_record(data)} if "flux_current" in own else {}),
            **({"susceptibilities": static} if (static := susceptibility_record(data)) else {}),
        }

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield thermodynamics against the temperature."""
        yield _thermal_table([({}, data)])
        yield from _average_tables(data)
        yield from _flux_tables(data)
        yield from susceptibility_tables(data)
        yield _how(data)

    @classmethod
    def sweep_tables(cls, points: Sequence[Point]) -> Iterator[rich_table.Table | str]:
        """Yield thermodynamics against the swept parameters and the temperature."""
        if points:
            yield _thermal_table(points)


def _thermal_table(points: Sequence[Point]) -> rich_table.Table:
    """Return thermodynamics, a row for each point and temperature."""
    swept, first = points[0]
    keys = [key for key in swept if key != SWEPT]
    potential = next(name for name in POTENTIALS if f"thermal_{name}" in first)
    there = {name: title for name, title in COLUMNS.items() if all(f"thermal_{name}" in data for _, data in points)}
    names = {potential: "Omega" if potential == "grand_potential" else "F", **there}
    if np.ptp(np.concatenate([data["thermal_chemical_potential"].values for _, data in points])) > 0:
        names["chemical_potential"] = "mu"
    table = columns("thermal", (*short_names(keys), "T", *names.values()))
    for point, data in points:
        for i, t in enumerate(data["temperature"].values):
            place = (f"{value:.6g}" for value in (*(point[key] for key in keys), t))
            table.add_row(*place, *(_cell(data, name, i) for name in names))
    return table


def _how(data: xr.Dataset) -> str:
    """Return in words how the sum was made, and why so."""
    sampled, skipped = data["thermal_sampled_blocks"], float(data["thermal_skipped_share"])
    how = "every block"
    if int(sampled):
        which = sampled.attrs["formula"].rpartition(": ")[2]
        how = (
            f"{int(sampled)} blocks by {int(data['thermal_random_vectors'])} random vectors each ({which}), the others"
        )
    cut = "; the phonon cutoff is in the error bars" if "thermal_energy_cutoff_error" in data else ""
    left = f"; blocks left out weigh less than {skipped:.0e}" if skipped else ""
    return f"Summed {how} over all levels{left}{cut}."


def _average_tables(data: xr.Dataset) -> Iterator[rich_table.Table]:
    """Yield averages on the first site and mode, and the largest eigenvalue of each pair density matrix."""
    over = [measured_over(data, "temperature", dim, prefix="thermal_") for dim in ("site", "bond", "mode")]
    there = {f"{symbol}[0]": (name, 0) for symbols in over for name, symbol in symbols.items()}
    there |= {f"lambda_0 {kind.replace('_', ' ')}": (f"condensate_{kind}", 0) for kind in CONDENSATES}
    there = {heading: place for heading, place in there.items() if f"thermal_{place[0]}" in data}
    if not there:
        return
    rows = (
        [f"{t:.6g}", *(_cell(data, name, i, *place) for name, *place in there.values())]
        for i, t in enumerate(data["temperature"].values)
    )
    yield columns("thermal averages", ("T", *there), rows)


def _flux_record(data: xr.Dataset) -> dict[str, object]:
    """Return the response to a flux, lists over temperatures of lists over phi."""
    names = [name for name in (*POTENTIALS, "current", "stiffness", "drude") if f"thermal_flux_{name}" in data]
    errors = {name: plain(data[f"thermal_flux_{name}_error"]) for name in names}
    reason = missing(data["thermal_flux_drude"], "drude_missing")
    return {"phi": plain(_fluxes(data)), **entries(data, "thermal_flux", names), "errors": errors, **reason}


def _fluxes(data: xr.Dataset) -> xr.DataArray:
    """Return the fluxes: numbers, or vectors of a lattice."""
    return data["thermal_flux_phi" if "thermal_flux_phi" in data else "phi"]


def _flux_tables(data: xr.Dataset) -> Iterator[rich_table.Table | str]:
    """Yield stiffness and Drude weight, a row for each temperature and flux."""
    if "thermal_flux_current" not in data:
        return
    potential = next(name for name in POTENTIALS if f"thermal_flux_{name}" in data)
    names = {potential: "F", "current": "current", "stiffness": 'D_s = pi L F"', "drude": 'D = pi L sum p_n E_n"'}
    fluxes = _fluxes(data)
    if fluxes.ndim > 1:
        names |= {"stiffness": "D_s,ab", "drude": "D_ab"}
    rows = (
        [f"{t:.6g}", shown_flux(phi), *(_cells(data, f"flux_{name}", i, j) for name in names)]
        for i, t in enumerate(data["temperature"].values)
        for j, phi in enumerate(fluxes.values)
    )
    yield columns("thermal response to the flux", ("T", "phi", *names.values()), rows)
    if fluxes.ndim > 1:
        yield TENSOR
    yield from (f"Drude weight D: {why}." for why in missing(data["thermal_flux_drude"], "").values())


def _cells(data: xr.Dataset, name: str, *place: int) -> str:
    """Return a number, or those of a vector or a tensor row by row."""
    inner = np.ndindex(data[f"thermal_{name}"].shape[len(place) :])
    return ", ".join(_cell(data, name, *place, *rest) for rest in inner)


def _cell(data: xr.Dataset, name: str, *place: int) -> str:
    value, error = (data[f"thermal_{name}{end}"].values[place] for end in ("", "_error"))
    if np.isnan(value):
        return "--"
    return with_error(float(value.real), float(error)) if error else number(value, decimals(0.0))
