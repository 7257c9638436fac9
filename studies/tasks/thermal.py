"""``[thermal]``: thermodynamics and thermal averages, exact or from random vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import xarray as xr
from pydantic import AfterValidator, Field
from rich.table import Table as TextTable
from rich.text import Text

from ...analysis.plots.states import plot_thermal
from ...analysis.thermal.averages import thermal_averages
from ...analysis.thermal.crossover import temperature_problems
from ...analysis.thermal.cutoff import likely_caps
from ...analysis.thermal.ensembles import METHODS, Ensemble, Sampling, check_largest, thermal_problems
from ...analysis.thermal.estimate import estimate_thermal
from ...analysis.thermal.flux import thermal_flux_response
from ...hamiltonians import Model, Problem, Sector
from ...hamiltonians.parameters import show
from ...solvers import Options
from ...solvers.costs import format_bytes, format_seconds
from ...solvers.ensemble_blocks import ENSEMBLES
from ..execution.tables import columns, decimals, number, with_error
from ..file.json_values import entries, missing, plain
from ..file.values import LEFT_OUT, Floats, Number, Table, one_of
from .base import Figure, Setting, Solved, Task
from .flux import FluxTask
from .ground_state import MODE_COLUMNS, SITE_COLUMNS
from .observable_names import Names, chosen_names, measured_record, missing_species

POTENTIALS = ("grand_potential", "free_energy")
QUANTITIES = ("energy", "entropy", "specific_heat", "charge", "charge_variance", "compressibility")
CONDENSATES = ("boson", "electron_pair", "combined")
MORE = ("spin_susceptibility", "chemical_potential", "cutoff_probability")
COLUMNS = {"energy": "<H>", "entropy": "S", "specific_heat": "C", "charge": "<N>", "compressibility": "kappa"}
MOST_SAMPLES = 100_000
SWEPT = "thermal.temperatures"
"""An axis of a sweep that the column of T shows already."""


class ThermalTable(Table):
    """Keys of ``[thermal]``."""

    ensemble: Annotated[
        str, AfterValidator(one_of(ENSEMBLES)), Field(description=", ".join(f'"{name}"' for name in ENSEMBLES))
    ] = LEFT_OUT
    temperatures: Floats
    method: Annotated[str, AfterValidator(one_of(METHODS)), Field(description=", ".join(METHODS))] = LEFT_OUT
    samples: Annotated[int, Field(ge=2, le=MOST_SAMPLES, description=f"a whole number from 2 to {MOST_SAMPLES}")] = (
        LEFT_OUT
    )
    steps: Annotated[int, Field(ge=2, le=1000, description="a whole number from 2 to 1000")] = LEFT_OUT
    exact_levels: Annotated[int, Field(ge=1, le=100, description="a whole number from 1 to 100")] = LEFT_OUT
    target_error: Annotated[Number, Field(gt=0, description="an error bar of the energy, above 0")] = LEFT_OUT
    density: Number = LEFT_OUT
    observables: Names = LEFT_OUT


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
        Exact or sampled.
    observables : tuple of str or None
        Names of the observables; None: all that the model has.
    """

    name: ClassVar[str] = "thermal"
    table: ClassVar[type[Table]] = ThermalTable
    needs_sector: ClassVar[bool] = False
    figures: ClassVar[tuple[Figure, ...]] = (("thermal", "thermal_entropy", plot_thermal),)

    temperatures: tuple[float, ...]
    ensemble: str = "grand-canonical"
    density: float | None = None
    sampling: Sampling = field(default_factory=Sampling)
    observables: tuple[str, ...] | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> Self:
        """Make the task; each observable once."""
        how = Sampling(**{key: values[key] for key in vars(Sampling()) if key in values})
        kind = values.get("ensemble", "grand-canonical")
        return cls(tuple(values["temperatures"]), kind, values.get("density"), how, chosen_names(values))

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield observables of species that are not there, an ensemble without its sector, and too few temperatures."""
        yield from missing_species(cls.name, values, has)
        if has("crossover"):
            yield from temperature_problems(values.get("temperatures", ()))
        kind = values.get("ensemble", "grand-canonical")
        if kind != "grand-canonical" and not has("sector"):
            yield Problem("sector", "nothing", f'add a [sector] table with its charge; ensemble = "{kind}" needs it')
        if {"samples", "target_error"} <= values.keys():
            yield Problem(
                "thermal.target_error", show(values["target_error"]), "allowed: either samples or target_error"
            )

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield what the thermal average refuses for this model."""
        task = cls.of(values, model)
        kind = Ensemble(task.ensemble if sector or task.ensemble == "grand-canonical" else "grand-canonical", sector)
        if task.density is not None:
            kind = Ensemble(kind.kind, sector, task.density)
        yield from thermal_problems(model, task.temperatures, kind, task.sampling, ())

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return nothing: the blocks are checked one by one as the sum goes on."""
        return []

    def forecast(self, model: Model, sector: Sector | None) -> str:
        """Return blocks, memory and time of the sum."""
        kind = Ensemble(self.ensemble, sector, self.density)
        need = estimate_thermal(likely_caps(model, kind, self.temperatures), kind, self.sampling)
        how = "all over all levels"
        if need.sampled:
            how = f"{need.sampled:,} of them by {self.sampling.samples} random vectors, the others over all levels"
        size = f"the largest has about {need.largest:,} states and takes {format_bytes(need.memory)}"
        time = f"{format_seconds(need.seconds)} on one core"
        return f"thermal: {need.blocks:,} blocks, {how}; {size}; {time}, and again for each spectrum and flux"

    def check_fits(self, model: Model, sector: Sector | None, options: Options) -> None:
        """Raise MemoryError if the largest block is sure not to fit."""
        check_largest(model, Ensemble(self.ensemble, sector, self.density), self.sampling, options)

    def run(self, setting: Setting) -> xr.Dataset:
        """Sum over all blocks."""
        step, kind = setting.reporter.step, Ensemble(self.ensemble, setting.sector, self.density)
        data = thermal_averages(
            setting.model,
            self.temperatures,
            kind,
            self.sampling,
            self.observables,
            setting.kept,
            setting.grid,
            lambda done, count, what: step(f"thermal, block {min(done + 1, count)} of {count}: {what}"),
        )
        parts = [data]
        for task in (task for task in setting.tasks if isinstance(task, FluxTask)):
            how = (self.temperatures, kind, self.sampling, setting.kept, step)
            response = thermal_flux_response(setting.model, task.values, *how)
            parts.append(response.rename({name: f"flux_{name}" for name in response.data_vars}))
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
        }

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable | Text]:
        """Yield thermodynamics against the temperature."""
        yield _thermal_table([({}, data)])
        yield from _average_tables(data)
        yield from _flux_tables(data)
        yield Text(_how(data))

    @classmethod
    def sweep_tables(cls, points: Sequence[tuple[Mapping[str, object], xr.Dataset]]) -> Iterator[TextTable | Text]:
        """Yield thermodynamics against the swept parameters and the temperature."""
        if points:
            yield _thermal_table(points)


def _thermal_table(points: Sequence[tuple[Mapping[str, object], xr.Dataset]]) -> TextTable:
    """Return thermodynamics, a row for each point and temperature."""
    swept, first = points[0]
    keys = [key for key in swept if key != SWEPT]
    potential = next(name for name in POTENTIALS if f"thermal_{name}" in first)
    names = {potential: "Omega" if potential == "grand_potential" else "F", **COLUMNS}
    if np.ptp(np.concatenate([data["thermal_chemical_potential"].values for _, data in points])) > 0:
        names["chemical_potential"] = "mu"
    table = columns("thermal", (*(key.partition(".")[2] for key in keys), "T", *names.values()))
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


def _average_tables(data: xr.Dataset) -> Iterator[TextTable]:
    """Yield averages on the first site and mode, and the largest eigenvalue of each pair density matrix."""
    there = {f"{symbol}[0]": (name, 0) for name, symbol in (SITE_COLUMNS | MODE_COLUMNS).items()}
    there |= {f"lambda_0 {kind.replace('_', ' ')}": (f"condensate_{kind}", 0) for kind in CONDENSATES}
    there = {heading: place for heading, place in there.items() if f"thermal_{place[0]}" in data}
    if not there:
        return
    table = columns("thermal averages", ("T", *there))
    for i, t in enumerate(data["temperature"].values):
        table.add_row(f"{t:.6g}", *(_cell(data, name, i, *place) for name, *place in there.values()))
    yield table


def _flux_record(data: xr.Dataset) -> dict[str, object]:
    """Return the response to a flux, lists over temperatures of lists over phi."""
    names = [name for name in (*POTENTIALS, "current", "stiffness", "drude") if f"thermal_flux_{name}" in data]
    errors = {name: plain(data[f"thermal_flux_{name}_error"]) for name in names}
    reason = missing(data["thermal_flux_drude"], "drude_missing")
    return {"phi": plain(data["phi"]), **entries(data, "thermal_flux", names), "errors": errors, **reason}


def _flux_tables(data: xr.Dataset) -> Iterator[TextTable | Text]:
    """Yield stiffness and Drude weight, a row for each temperature and flux."""
    if "thermal_flux_current" not in data:
        return
    potential = next(name for name in POTENTIALS if f"thermal_flux_{name}" in data)
    names = {potential: "F", "current": "current", "stiffness": 'D_s = pi L F"', "drude": 'D = pi L sum p_n E_n"'}
    table = columns("thermal response to the flux", ("T", "phi", *names.values()))
    for i, t in enumerate(data["temperature"].values):
        for j, phi in enumerate(data["phi"].values):
            table.add_row(f"{t:.6g}", f"{phi:.6g}", *(_cell(data, f"flux_{name}", i, j) for name in names))
    yield table
    yield from (Text(f"Drude weight D: {why}.") for why in missing(data["thermal_flux_drude"], "").values())


def _cell(data: xr.Dataset, name: str, *place: int) -> str:
    value, error = (data[f"thermal_{name}{end}"].values[place] for end in ("", "_error"))
    if np.isnan(value):
        return "--"
    return with_error(float(value.real), float(error)) if error else number(value, decimals(0.0))
