"""``[resonance]``: the value of a parameter where a charge is shared, changes fastest, or the gap is smallest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

import numpy as np
import xarray as xr
from pydantic import AfterValidator, Field
from rich.table import Table as TextTable
from rich.text import Text

from ..._core.wording import listed
from ...analysis import BracketError, resonance
from ...analysis.labelled import labelled
from ...analysis.plots.coherence import plot_resonance_search
from ...analysis.response.resonance import COUNTED, CRITERIA, counted_sites
from ...clusters import place
from ...hamiltonians import InvalidModel, Model, Problem, Sector, with_parameter
from ...hamiltonians.parameters import show
from ...hamiltonians.parametric import parameter_problem
from ..execution.tables import columns, with_error
from ..file.json_values import entries
from ..file.values import LEFT_OUT, Number, Point, Table, WordOrSites, one_of
from .base import Figure, Setting, Solved, Task

SERIES = (
    "parameters", "energies", "energy_errors", "charges", "charge_errors", "charge_slopes", "charge_slope_errors",
    "gaps", "gap_errors", "fidelity_susceptibilities", "fidelity_susceptibility_errors",
)  # fmt: skip
SCALARS = (
    "criterion", "value", "error", "charge", "charge_slope", "charge_slope_error", "gap", "fidelity_susceptibility",
    "fidelity_susceptibility_error", "crossing", "problem",
)  # fmt: skip


class ResonanceTable(Table):
    """Keys of ``[resonance]``."""

    parameter: Annotated[str, Field(description='a number of the file, as in "phonons.electron_coupling"')]
    bracket: Annotated[Point, Field(description="two numbers between which to look, as in [1.0, 1.6]")]
    criterion: Annotated[str, AfterValidator(one_of(tuple(CRITERIA))), Field(description=listed(CRITERIA))] = LEFT_OUT
    on: Annotated[WordOrSites, Field(description="a class name, or a list of site numbers")] = LEFT_OUT
    species: Annotated[str, AfterValidator(one_of(tuple(COUNTED))), Field(description=listed(COUNTED))] = LEFT_OUT
    target: Number = LEFT_OUT


@dataclass(frozen=True, repr=False)
class ResonanceTask(Task):
    """A search for a resonance.

    Attributes
    ----------
    parameter : str
        Dotted key of the model file that is varied.
    bracket : (float, float)
        Values between which the resonance is looked for.
    criterion : str
        "charge": the charge is `target`; "slope": it changes fastest; "gap": the excitation gap is smallest.
    on : tuple of int or None
        Sites whose charge counts; None: the ligand.
    species : str
        What is counted as the charge.
    target : float
        Charge on these sites at the resonance.
    """

    name: ClassVar[str] = "resonance"
    table: ClassVar[type[Table]] = ResonanceTable
    figures: ClassVar[tuple[Figure, ...]] = (("resonance", "resonance_parameters", plot_resonance_search),)
    summary: ClassVar[tuple[str, ...]] = ("resonance_value", "resonance_error", "resonance_gap")

    parameter: str
    bracket: tuple[float, float]
    criterion: str = "charge"
    on: tuple[int, ...] | None = None
    species: str = "electrons"
    target: float = 1.0

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> ResonanceTask:
        """Make the task of the checked keys, with sites in the place of a class name."""
        start, stop = values["bracket"]
        return cls(**{**values, "bracket": (start, stop), "on": _sites(values.get("on"), model)})

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield a parameter that is no number, ends of the bracket that make no model, and sites without charge."""
        key, bracket = values.get("parameter"), values.get("bracket")
        wrong = parameter_problem(model, key, "resonance.parameter") if key is not None else None
        if wrong:
            yield wrong
        if bracket is not None and not bracket[0] < bracket[1]:
            yield Problem("resonance.bracket", show(bracket), "allowed: two numbers, the smaller one first")
        elif bracket is not None and key is not None and not wrong:
            yield from _end_problems(model, key, bracket)
        try:
            counted_sites(model, _sites(values.get("on"), model), values.get("species", "electrons"))
        except ValueError as error:
            yield Problem("resonance.on", show(values.get("on", "nothing")), str(error))

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the two lowest levels at one end of the bracket."""
        return [] if sector is None else [(with_parameter(model, self.parameter, self.bracket[0]), sector, 2)]

    @property
    def repeats(self) -> str:
        """The evaluations of the search."""
        return f"10 to 30 values of {self.parameter}, each like the two levels at an end of the bracket"

    def run(self, setting: Setting) -> xr.Dataset:
        """Search; at a point of a sweep, a bracket without a resonance leaves a gap with the reason."""
        reporter = setting.reporter

        def progress(value: float) -> None:
            reporter.step(f"{self.parameter} = {value:.8g}")

        model_of: Callable[[float], Model] = partial(with_parameter, setting.model, self.parameter)
        wanted = (self.bracket, self.criterion, self.on, self.species, self.target)
        try:
            found = resonance(model_of, setting.block, *wanted, setting.solver, progress, reporter.lanczos)
        except BracketError as error:
            if not setting.swept or error.data is None:
                raise
            found = error.data
        words = {"parameter": self.parameter, "criterion": self.criterion}
        texts = {name: labelled(name, np.array(word), [], name) for name, word in words.items()}
        return self.named(found.assign(texts))

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return the resonance and every evaluation."""
        found = entries(data, cls.name, ("parameter", *SCALARS))
        return found | {"evaluations": entries(data, cls.name, SERIES)}

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable | Text]:
        """Yield the evaluations, then the resonance."""
        key = str(data["resonance_parameter"].values)
        table = columns("resonance", (key, "energy", "charge", "d charge / d parameter", "gap"))
        series = (data[f"resonance_{name}"].values for name in SERIES)
        for p, energy, error, charge, charge_error, slope, slope_error, gap, gap_error, *_ in zip(*series, strict=True):
            shown = with_error(energy, error), with_error(charge, charge_error), with_error(slope, slope_error)
            table.add_row(f"{p:.10g}", *shown, with_error(gap, gap_error))
        yield table
        value, error, chi = (float(data[f"resonance_{k}"]) for k in ("value", "error", "fidelity_susceptibility"))
        where = f"{key} = {with_error(value, error)} by the criterion {str(data['resonance_criterion'].values)!r}"
        bar = float(data["resonance_fidelity_susceptibility_error"])
        rest = "levels cross there" if data["resonance_crossing"] else f"fidelity susceptibility {with_error(chi, bar)}"
        yield Text(f"Resonance at {where}; {rest}.")


def _sites(on: str | tuple[int, ...] | None, model: Model) -> tuple[int, ...] | None:
    """Return the sites that a class name stands for; an unknown one stands for none."""
    if not isinstance(on, str):
        return on
    try:
        return tuple(mode.index for mode in place(model.cluster, on, bonds_allowed=False))
    except ValueError:
        return ()


def _end_problems(model: Model, key: str, bracket: list[float]) -> Iterator[Problem]:
    for i, end in enumerate(bracket):
        try:
            with_parameter(model, key, end)
        except InvalidModel as error:
            for problem in error.problems:
                yield Problem(f"resonance.bracket[{i}]", show(end), f"{key}: {problem.allowed}")
