"""``[evolution]``: time evolution after a quench, a kick, or in a pulse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from ... import analysis, solvers
from ..._core.lazy import rich_table, xr
from ...analysis import evolution as motion
from ...analysis.evolution.kicks import Kick
from ...analysis.evolution.thermal_start import Thermal
from ...hamiltonians import InvalidModel, Model, Problem, Sector
from ...hamiltonians.arguments import number_basis_problems
from ...hamiltonians.conservation import conservation_problems, holds
from ...hamiltonians.parameters import show
from ...hamiltonians.parametric import with_parameters
from ...hamiltonians.pulse import Pulse, direction_in
from ...hamiltonians.sector import resolved
from ...solvers import Options
from ...solvers.checkpoint import beside
from ...solvers.evolution.configuration import Configuration
from ...solvers.evolution.needs import motion_needs
from ..execution.tables import columns, decimals, number, with_error
from ..file.json_values import entries, plain
from ..file.kept_file import KEPT_STATE, KeptFile
from ..file.values import Number, Whole
from .base import Solved, Task, key, missing_tables
from .evolution_probe import PREFIX, ProbeTable, ProbeValue, probe_record, probe_table
from .evolution_tables import (
    Changes,
    KickValue,
    PulseValue,
    StateValue,
    ThermalValue,
    Times,
    changes_problems,
)
from .observable_names import Names, chosen_names, measured_over, measured_record, missing_species

if TYPE_CHECKING:
    from .setting import Setting

TOLERANCE = 1e-8
Tolerance = Annotated[Number, Field(gt=0, le=1, description="a number above 0, up to 1")]
Level = Annotated[Whole, Field(ge=0, le=100_000, description="a whole number, 0 for the ground level")]
MOST_ROWS = 12
"""Number of times shown on the terminal."""
NUMBERS = ("energy", "norm", "return_probability", "errors")
MORE = (
    "rate_function", "absorbed_energy", "vector_potential", "current", "error_estimates", "initial_error",
    "multiplicity", "tolerance", "held_until", "total_quanta", "products",
)  # fmt: skip
SAMPLED = ("random_vectors", "energy_error", "current_error")
"""Variables that exist only for random vectors."""
ERROR = "_error"


@dataclass(frozen=True, repr=False)
class EvolutionTask(Task):
    """Time evolution of a state.

    Attributes
    ----------
    times : tuple of float
        Times of the measurements; the evolution starts at 0, or at the first time if that is earlier.
    initial : mapping of str to value, or "kept", optional
        The ground level of the model with these values is the initial state: a quench. "kept": the state of ``[kept]``.
    state : Configuration or None
        Charges on sites with oscillators in coherent states, as the initial state.
    level : int
        Index of the initial level of the sector, of the model or of that given by `initial`; 0, the ground level, by
        default.
    thermal : Thermal or None
        A thermal initial state of the sector, for the model or that of `initial`.
    kick : Kick or None
        Operator applied to the initial state.
    pulse : Pulse or None
        Vector potential acting on all hops.
    observables : tuple of str or None
        Names of the observables; "all" for all available ones. By default densities and displacements.
    tolerance : float
        Requested bound on the norm of the error of the state at the last time.
    probe : ProbeTable or None
        Probe pulse of a time-resolved spectrum.
    kept : KeptFile or None
        The file of ``[kept]``.
    """

    name: ClassVar[str] = "evolution"
    solved_levels = 2
    resumes = True
    figures = (
        ("evolution", "evolution_energy", "plot_evolution"),
        ("probe", "evolution_probe_intensity", "plot_probe_spectrum"),
    )

    times: tuple[float, ...] = key(Times)
    initial: Mapping[str, Any] | str | None = key(Changes, None)
    state: Configuration | None = key(StateValue, None)  # noqa: RUF009
    level: int = key(Level, 0)
    thermal: Thermal | None = key(ThermalValue, None)  # noqa: RUF009
    kick: Kick | None = key(KickValue, None)  # noqa: RUF009
    pulse: Pulse | None = key(PulseValue, None)  # noqa: RUF009
    observables: tuple[str, ...] | str | None = key(Names, None)
    tolerance: float = key(Tolerance, TOLERANCE)
    probe: ProbeTable | None = key(ProbeValue, None)  # noqa: RUF009
    kept: KeptFile | None = None

    @classmethod
    def completed(cls, values: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return the keys, with the file of saved states if the evolution starts from it."""
        moves = values.get("initial") == KEPT_STATE and "file" in tables.get("kept", {})
        return {**values, "kept": KeptFile(**tables["kept"])} if moves else values

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> Self:
        """Make the task; each observable once."""
        made = dict(values)
        for name, build in (("state", "configuration"), ("thermal", "thermal"), ("kick", "kick"), ("pulse", "pulse")):
            if name in made:
                made[name] = getattr(made[name], build)()
        if "observables" in made:
            made["observables"] = "all" if (names := chosen_names(values)) is None else names
        return cls(**made)

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield observables of absent species, and conflicting initial states."""
        if "observables" in values:
            yield from missing_species(cls.name, values, has)
        if values.get("initial") == KEPT_STATE:
            yield from missing_tables("evolution.initial", KEPT_STATE, ["kept"], has)
        if {"initial", "state"} <= values.keys():
            yield Problem("evolution.state", "a table", "allowed: either state or initial")
        if {"state", "thermal"} <= values.keys():
            yield Problem("evolution.thermal", "a table", "allowed: either thermal or state")
        kept = values.get("initial") == KEPT_STATE
        if kept and "thermal" in values:
            yield Problem("evolution.thermal", "a table", f"allowed: either thermal or initial = {show(KEPT_STATE)}")
        given = [key for key in ("state", "thermal") if key in values] + ["initial"] * kept
        if given and values.get("level"):
            allowed = f"leave it out; the initial state is given by {given[0]}"
            yield Problem("evolution.level", show(values["level"]), allowed)

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield parameters, charges, kicks and directions that do not fit the model."""
        yield from number_basis_problems(model, "a motion")
        if isinstance(values.get("initial"), Mapping):
            yield from changes_problems(model, values["initial"], "evolution.initial")
        if "state" in values:
            yield from _state_problems(values["state"].configuration(), model, sector)
        if "thermal" in values:
            yield from _thermal_problems(values, model, sector)
        if "kick" in values:
            yield from values["kick"].kick().problems(model)
        if "pulse" in values:
            yield from _pulse_problems(values["pulse"], model)
        if "probe" in values:
            yield from values["probe"].problems(model, values)

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the sector, for the initial model if there is one."""
        if self.state is not None or self.thermal is not None or self.kept is not None or sector is None:
            return []
        changes = self.initial if isinstance(self.initial, Mapping) else {}
        first = with_parameters(model, changes) if changes else model
        return [(first, sector, self.solved_levels + self.level)]

    def forecast(self, model: Model, sector: Sector | None) -> str:
        """Return products, memory and time of the evolution."""
        if sector is None:
            return ""
        used = solvers.forecast(model, sector)
        need = motion_needs(used, sector, self._duration, self.pulse is not None)
        if self.thermal is not None:
            need = need.times(motion.states_of(self.thermal, used, sector))
        return f"evolution to t = {self.times[-1]:g}: {need}"

    def check_fits(self, model: Model, sector: Sector | None, options: Options) -> None:
        """Raise MemoryError if the vectors of a step do not fit."""
        if sector is not None:
            motion_needs(model, sector, self._duration, self.pulse is not None).check(options.memory_limit)

    @property
    def _duration(self) -> float:
        return self.times[-1] - min(0.0, self.times[0])

    def run(self, setting: Setting) -> xr.Dataset:
        """Compute the initial state and its time evolution."""
        model, reporter = setting.model, setting.reporter
        solver = setting.solver
        reporter.step("initial state")
        changes = self.initial if isinstance(self.initial, Mapping) else None
        warm = replace(self.thermal, of=changes) if self.thermal else None
        initial = self.kept.state if self.kept is not None else self.state or warm or changes
        first = motion.beginning(
            model,
            setting.block,
            initial,
            self.tolerance,
            replace(solver, checkpoint=beside(solver.checkpoint, "start")),
            reporter.lanczos,
            self.level,
        )

        def progress(matvecs: int, energy: float, residual: float) -> None:
            """Receive products, time and error of the evolution."""
            reporter.step(f"t = {energy:.6g} of {self.times[-1]:.6g}: {matvecs} products, error {residual:.1e}")

        own = replace(solver, checkpoint=beside(solver.checkpoint, "evolution"))
        asked = motion.Question(
            np.array(self.times),
            self.kick,
            self.pulse,
            motion.names_of(model, self.observables),
            setting.grid,
            self.tolerance,
            own,
        )
        data = self.named(motion.evolved(first, asked, progress, automatic=motion.has_automatic_cutoff(model)))
        if self.probe is None:
            return data
        reporter.step("spectrum with the probe")
        moves = {"initial": initial, "kick": self.kick, "pulse": self.pulse, "tolerance": self.tolerance}
        return data.merge(self.probe.spectrum(setting, progress, self.times, **moves))

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return energies, norms, return probability, errors and observables, lists over times."""
        there = (str(n) for n in data.data_vars if str(n).startswith("evolution_") and not str(n).startswith(PREFIX))
        own = {name.removeprefix("evolution_"): data[name] for name in there}
        bars = {name.removesuffix(ERROR): array for name, array in own.items() if name.endswith(ERROR)}
        for name in ("initial", "energy", "current"):
            bars.pop(name, None)
        values = {name: array for name, array in own.items() if not name.endswith(ERROR)}
        return {
            "times": plain(data["time"]),
            **entries(data, cls.name, (*NUMBERS, *MORE, *(name for name in SAMPLED if f"{cls.name}_{name}" in data))),
            "observables": measured_record(values),
            "observable_errors": measured_record(bars),
            **probe_record(data),
        }

    @classmethod
    def summarized(cls, data: xr.Dataset) -> Iterator[tuple[str, str]]:
        """Yield the numbers at the last time."""
        last = data.isel(time=-1)
        yield f"E({last['time'].values:.4g})", f"{float(last['evolution_energy']):.8g}"
        yield "|<0|t>|^2", f"{float(last['evolution_return_probability']):.6g}"
        error = float(last["evolution_errors"])
        for heading, (name, place) in _places(data).items():
            yield heading, _cell(last, name, place, error)
        yield "error", f"{error:.1e}"

    @classmethod
    def swept_names(cls, data: xr.Dataset) -> list[str]:
        """Return energies, return probability, and observables with at most one dimension besides time."""
        own = [f"{cls.name}_{name}" for name in ("energy", "return_probability", *analysis.OBSERVABLES)]
        inner = {"time", "site", "mode", "bond"}
        return [n for n in own if n in data and {str(d) for d in data[n].dims if "." not in str(d)} <= inner]

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield the observables over time, and the accuracy."""
        yield _time_table(data)
        yield _verdict(data)
        if f"{PREFIX}intensity" in data:
            yield probe_table(data)
        if "evolution_random_vectors" in data:
            yield f"The thermal state is the average over {int(data['evolution_random_vectors'])} random vectors."
        elif (count := int(data["evolution_multiplicity"])) > 1:
            yield f"The initial state is a mixture of {count} states."


def _state_problems(state: Configuration, model: Model, sector: Sector | None) -> Iterator[Problem]:
    found = state.problems(model)
    for name, (value, allowed) in found.items():
        yield Problem(f"evolution.state.{name}", show(value), allowed)
    if sector is None or found:
        return
    if not holds(model, resolved(model, sector), state.charge, state.two_sz):
        has = f"N = {state.charge}, 2 S_z = {state.two_sz}"
        own = resolved(model, sector)
        plain = f"charge = {own.charge} and two_sz = {own.two_sz}"
        is_mixed = own.parity is not None or own.has_all_spins
        wanted = f"charges of the sector, {own.plain.title if is_mixed else plain}"
        yield Problem("evolution.state", has, f"allowed: {wanted}")
    elif sector.has_symmetry:
        allowed = f"leave {' and '.join(sector.labels)} out of [sector]; charges on sites have no such quantum number"
        yield Problem("evolution.state", "a table", allowed)


def _thermal_problems(values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
    if motion.has_automatic_cutoff(model):
        yield Problem("evolution.thermal", "a table", "allowed with numbers for max_quanta or total_quanta alone")
        return
    if sector is not None and sector.has_symmetry:
        allowed = f"leave {' and '.join(sector.labels)} out of [sector]; a thermal state is that of all blocks"
        yield Problem("evolution.thermal", "a table", allowed)
    derived = (
        [name for name in values.get("observables", ()) if analysis.OBSERVABLES[name].derived]
        if isinstance(values.get("observables"), list | tuple)
        else []
    )
    if sector is not None and derived and motion.is_sampled(model, sector):
        yield Problem("evolution.observables", show(derived[0]), "allowed: averages, where random vectors are taken")


def _pulse_problems(table: Any, model: Model) -> Iterator[Problem]:
    yield from conservation_problems(model, "pulses", "charge")
    try:
        direction_in(model.cluster, table.pulse().direction)
    except (ValueError, InvalidModel) as error:
        yield Problem("evolution.pulse.direction", show(list(table.direction)), str(error))


def _time_table(data: xr.Dataset) -> rich_table.Table:
    """Return a table of some times with energies and observables at the first sites or modes."""
    rows = np.unique(np.linspace(0, data.sizes["time"] - 1, MOST_ROWS).round().astype(int))
    there = _places(data)
    table = columns("evolution", ("t", "energy", "|<0|t>|^2", *there, "error"))
    for n in rows.tolist():
        error = float(data["evolution_errors"].values[n])
        cells = [_cell(data.isel(time=n), name, place, error) for name, place in there.values()]
        first = (f"{data['time'].values[n]:.6g}", f"{data['evolution_energy'].values[n]:.10g}")
        table.add_row(*first, f"{data['evolution_return_probability'].values[n]:.8g}", *cells, f"{error:.1e}")
    return table


def _places(data: xr.Dataset) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return the observables at the first sites or modes, by their headings."""
    there: dict[str, tuple[str, tuple[int, ...]]] = {}
    for dim in ("site", "mode"):
        for name, symbol in measured_over(data, "time", dim, prefix="evolution_").items():
            there[f"{symbol}[0]"] = (name, (0,))
    return there


def _cell(data: xr.Dataset, name: str, place: tuple[int, ...], error: float) -> str:
    """Return an observable at one time and place, with its error bar if any."""
    value, bars = complex(data[f"evolution_{name}"].values[place]), data.get(f"evolution_{name}{ERROR}")
    bar = 0.0 if bars is None else float(bars.values[place])
    return with_error(value.real, bar) if bar and not value.imag else number(value, decimals(error))


def _verdict(data: xr.Dataset) -> str:
    """Return a statement on the accuracy and the time until which the tolerance was met."""
    tolerance, errors = float(data["evolution_tolerance"]), data["evolution_errors"].values
    energy = data["evolution_energy"].values
    drift = f"norm within {np.max(np.abs(data['evolution_norm'].values - 1.0)):.1e} of 1"
    if not np.any(data["evolution_vector_potential"].values):
        drift += f", energy within {np.max(np.abs(energy - energy[0])):.1e} of its first value"
    if errors[-1] <= tolerance:
        return f"The error of the state is below {errors[-1]:.1e} at the last time; {drift}."
    until = float(data["evolution_held_until"])
    held = "at no time" if np.isnan(until) else f"until t = {until:.6g}"
    initial = float(data["evolution_initial_error"])
    part = f" ({initial:.1e} of it from the initial state)" if initial > 0.1 * tolerance else ""
    return (
        f"The tolerance {tolerance:.1e} held {held}: the bound on the error is {errors[-1]:.1e} at the last "
        f'time{part}; raise the phonon caps, or take cutoff = "auto"; {drift}.'
    )
