"""``[ground_state]``: the lowest levels of the sector, and the observables of the lowest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

from ... import analysis, solvers
from ..._core.lazy import rich_table, xr
from ...analysis.labelled import labelled
from ...hamiltonians import Model, Problem, Sector
from ...hamiltonians.parameters import show
from ...hamiltonians.space.oscillator_sets import OscillatorSets
from ...solvers.caps import size_in_words
from ...solvers.kept import ABOUT, VALUES
from ...solvers.level_count import ALL, level_count
from ..execution.tables import columns, decimals, energy, error_bar, number, numbers, with_error
from ..file.json_values import label, plain
from ..file.values import Floats, Switch
from . import infinite
from .base import Solved, Task, key, missing_tables, multiplet_note
from .observable_names import (
    Names,
    chosen_names,
    elsewhere,
    measured_over,
    measured_record,
    missing_species,
    observable_of,
)

if TYPE_CHECKING:
    from ...solvers import Eigenstates, LabelledLevels
    from .setting import Setting

MAX_STATES = 1000
ERROR = "_error"
LEVELS = ("energies", "residuals", "leaks", "energy_errors", "energy_bounds")
STRUCTURE = "structure_factor"
SMALL = 0.05
"""An error bar below this fraction of the gap or frequency is small."""
NATURAL, SHOWN = 12, 6
"""Number of natural occupations that are stored, and shown."""
SET_NAMES = {
    "bosons": ("bosons = 0", "bosons = 1"),
    "electrons": ("electrons = 0", "electrons = 1", "electrons = 2"),
    "both": tuple(f"electrons = {n}, bosons = {b}" for n in range(3) for b in range(2)),
}
"""Labels of the local charges, each with its own set of oscillator states."""
FOLLOWED = {"bosons": "local pair", "electrons": "electrons", "both": "electrons and the local pair"}
KEPT = (ABOUT, VALUES)
"""Variables that contain the states."""
ROUNDING = 1e-10
"""Error bars of averages up to this are not shown."""


def _number_or_all(value: object) -> object:
    if value == ALL or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_STATES):
        return value
    raise PydanticCustomError("number_or_all", "neither a number of levels nor all")


ALLOWED = f'a whole number from 1 to {MAX_STATES}, or "{ALL}"'
States = Annotated[int | str, PlainValidator(_number_or_all), Field(description=ALLOWED)]


@dataclass(frozen=True, repr=False)
class GroundStateTask(Task):
    """The lowest levels of the sector and the observables of the lowest one.

    Attributes
    ----------
    states : int or "all"
        Number of levels, with multiplicity.
    observables : tuple of str or None
        Names of the observables; None: all available ones.
    displacement_grid : tuple of float or None
        Grid of X for P(X); None: a grid adapted to the model.
    keep_states : bool
        Whether the states are saved in the result, from which `respair.load` reads them.
    """

    name: ClassVar[str] = "ground_state"
    resumes = True
    on_infinite_lattices = True
    figures = (
        ("levels", "energies", "plot_levels"),
        ("lattice", "displacement_distribution", "plot_distribution"),
        ("structure-factors", "q_x", "plot_structure_factors"),
        ("correlations", "density_correlation", "plot_correlations"),
    )
    swept = (
        "energies",
        "electron_density",
        "boson_density",
        "pair_exchange",
        "displacement",
        "quanta",
        "displacement_distribution",
    )

    states: int | str = key(States, 1)
    observables: tuple[str, ...] | None = key(Names, None)
    displacement_grid: tuple[float, ...] | None = key(Floats, None)
    keep_states: bool = key(Switch, False)

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> Self:
        """Create the task, with each observable once."""
        return cls(**{**values, "observables": chosen_names(values)})

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield observables and grids of absent species."""
        yield from missing_species(cls.name, values, has)
        if "displacement_grid" in values:
            grid = list(values["displacement_grid"])
            yield from missing_tables("ground_state.displacement_grid", grid, ["phonons"], has)

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield unavailable observables, and ``states = "all"`` with an automatic cutoff."""
        if model.cluster.is_infinite:
            yield from infinite.problems(values, model)
            return
        yield from elsewhere(cls.name, values, model)
        if values.get("states") == ALL and model.phonons is not None and model.phonons.cutoff is not None:
            allowed = "a number, or phonons.max_quanta or total_quanta instead of cutoff"
            yield Problem("ground_state.states", show(ALL), f"allowed: {allowed}")

    @property
    def takes_optimal(self) -> bool:
        """True unless the states are kept: what is computed from them elsewhere may need others."""
        return not self.keep_states

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the sector with the number of levels; nothing on infinite lattices, whose space is adaptive."""
        if model.cluster.is_infinite:
            return []
        return [] if sector is None else [(model, sector, level_count(self.states, model, sector))]

    def run(self, setting: Setting) -> xr.Dataset:
        """Compute levels and observables; the variables have no prefix."""
        model, sector, reporter = setting.model, setting.block, setting.reporter
        if model.cluster.is_infinite:
            return infinite.ground_state(setting, self.states)
        reporter.step(f"ground state of {size_in_words(model, sector)}")
        solve: Any = solvers.ground_state if sector.has_symmetry else solvers.levels_by_symmetry
        levels = solve(model, sector, self.states, options=setting.solver, progress=reporter.lanczos)
        reporter.step("observables")
        measured = analysis.observables(levels.ground, self.observables, setting.grid)
        about = _level_data(levels).assign(_phonon_data(model, levels))
        if self.keep_states:
            about = about.assign(levels.to_dataset()[list(KEPT)])
        return xr.merge([about, measured], combine_attrs="override")

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return the observables."""
        names = map(str, data.data_vars)
        return {n: f"{n}{ERROR}" for n in names if observable_of(n)}

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return levels, cutoff and observables with their error bars."""
        if infinite.KEY in data:
            return infinite.record(data)
        arrays = {str(name): array for name, array in data.data_vars.items()}
        bars = {name.removesuffix(ERROR): array for name, array in arrays.items() if name.endswith(ERROR)}
        arrays = {name: array for name, array in arrays.items() if not name.endswith(ERROR)}
        measured = {"multiplicity": int(data["multiplicity"]), **measured_record(arrays)}
        labels = {"labels": [label(text) for text in data["labels"].values]}
        cutoff: dict[str, object] = {key: int(data[key]) for key in ("max_quanta", "total_quanta")}
        cutoff |= {"suffices": bool(data["cutoff_suffices"])} if "cutoff_suffices" in data else {}
        if "natural_occupations" in data:
            occupations = data["natural_occupations"]
            sets = {str(q): plain(occupations.sel(set=q)) for q in occupations["set"].values}
            basis = {"follows": str(data["basis_follows"].values), "mode_classes": plain(data["mode_classes"])}
            cutoff |= {"basis": basis | {"natural_occupations": sets}}
        frame = {"dressing": float(data["dressing"])} if "dressing" in data else {}
        levels = {key: plain(data[key]) for key in LEVELS} | labels | {"cutoff": cutoff} | frame
        return levels | {"observables": measured, "observable_errors": measured_record(bars)}

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield levels, sites, modes, energies and condensates."""
        yield _level_table(data)
        if infinite.KEY in data:
            yield from infinite.tables(data)
            return
        if "accuracy" in data:
            chosen = f"total_quanta = {int(data['total_quanta'])}: {int(data['dimension']):,} states"
            yield f"The accuracy of {float(data['accuracy']):.1e} needed {chosen}."
        if "natural_occupations" in data:
            yield f"The phonon states follow the {FOLLOWED[str(data['basis_follows'].values)]} of the site."
            yield _natural_table(data["natural_occupations"])
        if "dressing" in data:
            yield f"Phonons are counted in the Lang-Firsov frame with dressing = {float(data['dressing']):.6g}."
        if "cutoff_suffices" in data and not data["cutoff_suffices"]:
            bar, automatic = float(data["energy_errors"].values[0]), "accuracy" in data
            step = "take a smaller phonons.accuracy" if automatic else 'raise the caps, or take cutoff = "auto"'
            start = "Two levels are not resolved" if automatic else "The phonon cutoff is too small"
            yield (
                f"{start}: the error bar of the ground level, {bar:.1e}, is not small against the gap or the phonon "
                f"frequency; {step}."
            )
        yield from multiplet_note(int(data["multiplicity"]), "; observables are averages over all of them.")
        yield from _observable_tables(data)
        if ABOUT in data:
            yield f"The states are kept: {data[VALUES].size:,} amplitudes; respair.load reads them from the result."


def _level_data(levels: Eigenstates | LabelledLevels) -> xr.Dataset:
    c, space = levels.certificate, levels.hamiltonian.space
    variables: dict[str, tuple[Any, list[str], str, str]] = {
        "energies": (levels.energies, ["level"], "E_n", "energy"),
        "residuals": (c.residuals, ["level"], "||H psi - E psi||", "energy"),
        "leaks": (c.leaks, ["level"], "||Q H psi||, Q beyond the phonon cutoff", "energy"),
        "energy_errors": (c.energy_errors, ["level"], "error bar, see certificate", "energy"),
        "energy_bounds": (c.bounds, ["level"], "sqrt(residual^2 + leak^2)", "energy"),
        "labels": (np.array([s.label for s in levels.labels], dtype=str), ["level"], "spatial quantum numbers", "1"),
        "multiplicity": (levels.multiplicity, [], "states in the ground level", "1"),
        "dimension": (space.dimension, [], "states of the sector", "1"),
        "stored": (levels.stored, [], "amplitudes kept after symmetry", "1"),
        "max_quanta": (space.phonons.max_quanta, [], "most phonons in a mode", "1"),
        "total_quanta": (space.phonons.total_quanta, [], "most phonons in all modes", "1"),
    }
    return xr.Dataset({name: labelled(name, *parts) for name, parts in variables.items()})


def _phonon_data(model: Model, levels: Eigenstates | LabelledLevels) -> dict[str, xr.DataArray]:
    """Return the accuracy of an automatic cutoff, the adequacy of a given one, and the dressing of the frame."""
    solved, found = levels.hamiltonian.space.model, {}
    if model.phonons is not None and model.phonons.cutoff is not None:
        found["accuracy"] = labelled("accuracy", model.phonons.accuracy, [], "largest error bar wanted", "energy")
    if solved.modes and len(levels.energies):
        above = (levels.relative - levels.relative[0])[levels.multiplicity :]
        scale = min([float(np.min(solved.couplings.frequency)), *above[:1].tolist()])
        enough = int(levels.certificate.energy_errors[0] <= SMALL * scale)
        words = "1 where the error bar of the ground level is below a twentieth of the gap and of the lowest frequency"
        found["cutoff_suffices"] = labelled("cutoff_suffices", enough, [], words)
    if (sets := levels.hamiltonian.space.sets) is not None:
        found |= _set_data(sets)
    if solved.phonons is not None and solved.phonons.frame == "lang-firsov":
        share = solved.phonons.strength
        found["dressing"] = labelled("dressing", share, [], "share of the displacement that follows the charges")
    return found


def _set_data(sets: OscillatorSets) -> dict[str, xr.DataArray]:
    """Return the local charge of optimal phonon states, and their occupations."""
    kept = sets.weights[..., :NATURAL]
    dims, formula = ["mode_class", "set", "natural"], "probability of a charge of the site and a natural state"
    coords, follows = {"set": np.array(SET_NAMES[sets.follows])}, np.array(sets.follows)
    return {
        "basis_follows": labelled("basis_follows", follows, [], "charge that chooses the states of a mode"),
        "mode_classes": labelled("mode_classes", np.array(sets.classes), ["mode"], "class of equivalent modes"),
        "natural_occupations": labelled("natural_occupations", kept, dims, formula, "1", coords),
    }


def _level_table(data: xr.Dataset) -> rich_table.Table:
    labels, energies, errors = (data[name].values for name in ("labels", "energies", "energy_errors"))
    headings = ["level", "energy", "above ground", "residual", "leak", "error bar", *(["block"] if any(labels) else [])]
    rows = []
    for n, (level, error) in enumerate(zip(energies, errors, strict=True)):
        gap = with_error(level - energies[0], error + errors[0]) if n else ""
        small = (f"{x:.1e}" for x in (data["residuals"].values[n], data["leaks"].values[n]))
        cells = [str(n), with_error(level, error), gap, *small, error_bar(error, level), str(labels[n])]
        rows.append(cells[: len(headings)])
    return columns("levels", headings, rows)


def _natural_table(occupations: xr.DataArray) -> rich_table.Table:
    headings = ["class", "charge", *(f"state {n}" for n in range(min(SHOWN, occupations.sizes["natural"])))]
    rows = (
        (str(c), str(q), *(f"{w:.1e}" for w in occupations.values[c, n][:SHOWN]))
        for c in range(occupations.sizes["mode_class"])
        for n, q in enumerate(occupations["set"].values)
        if np.any(occupations.values[c, n])
    )
    return columns("natural occupations", headings, rows)


def measured_number(data: xr.Dataset, name: str, place: int | tuple[()], digits: int) -> str:
    """Return a number with its error bar, or with `digits` decimals without one."""
    value, bars = complex(data[name].values[place]), data.get(f"{name}{ERROR}")
    if bars is None or value.imag or not float(bars.values[place]) > ROUNDING:
        return number(value, digits)
    return with_error(value.real, float(bars.values[place]))


def _number_shown(data: xr.Dataset, name: str, digits: int, error: float) -> str:
    """Return one number with its error bar, or with `digits` decimals without one; energies as energies."""
    if data[name].attrs.get("units") != "energy" or np.iscomplexobj(data[name].values):
        return measured_number(data, name, (), digits)
    value, bars = float(data[name]), data.get(f"{name}{ERROR}")
    if bars is None or not float(bars) > ROUNDING:
        return energy(value, digits, error)
    return with_error(value, float(bars))


def _list_shown(data: xr.Dataset, name: str, digits: int) -> str:
    """Return the first few numbers of an array with the decimals supported by its largest error bar."""
    bars = data.get(f"{name}{ERROR}")
    largest = 0.0 if bars is None else float(np.max(bars.values, initial=0.0))
    return numbers(data[name].values, min(digits, decimals(largest)) if largest > ROUNDING else digits)


def _structure_table(data: xr.Dataset, digits: int) -> Iterator[rich_table.Table]:
    """Yield the structure factors with their wave vectors, in units of pi."""
    there = [n for n in map(str, data.data_vars) if observable_of(n) == STRUCTURE and not n.endswith(ERROR)]
    if not there:
        return
    over = data[there[0]].coords.items()
    axes = [str(name) for name, axis in over if axis.dims == ("momentum",) and name != "momentum"]
    headings = [*(f"{axis}/pi" for axis in axes), *(f"S_{name.removeprefix(STRUCTURE + '_')}(q)" for name in there)]
    rows = [
        [f"{data[axis].values[n] / np.pi:.4f}" for axis in axes]
        + [measured_number(data, name, n, digits) for name in there]
        for n in range(data.sizes["momentum"])
    ]
    yield columns("structure factors", headings, rows)


def _observable_tables(data: xr.Dataset) -> Iterator[rich_table.Table]:
    error = float(data["energy_errors"].values[0])
    digits = decimals(error)
    for dim in ("site", "bond", "mode"):
        there = measured_over(data, dim)
        if not there:
            continue
        places = enumerate(data[dim].values)
        rows = ((str(place), *(measured_number(data, name, i, digits) for name in there)) for i, place in places)
        yield columns(f"{dim}s", (dim, *there.values()), rows)
    yield from _structure_table(data, digits)
    rest = [(symbol, _number_shown(data, name, digits, error)) for name, symbol in measured_over(data).items()]
    parts = (name for name in map(str, data.data_vars) if observable_of(name) not in ("", name, STRUCTURE))
    rest += [(name, _list_shown(data, name, digits)) for name in parts if not name.endswith(ERROR)]
    if rest:
        yield columns("energies and condensates", (), rest)
