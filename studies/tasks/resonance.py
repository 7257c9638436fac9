"""``[resonance]``: the parameter value at which a charge is shared, changes fastest, or the gap is smallest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, Field

from ... import analysis
from ..._core.lazy import rich_table, xr
from ..._core.wording import listed
from ...analysis.labelled import labelled
from ...analysis.response import COUNTED, CRITERIA, counted_sites
from ...clusters import place
from ...hamiltonians import Model, Problem, Sector, with_parameter
from ...hamiltonians.parameters import show
from ...hamiltonians.parametric import parameter_problem
from ..execution.tables import columns, with_error
from ..file.json_values import entries
from ..file.values import Number, Pair, WordOrSites, one_of
from . import binding
from .base import Solved, Task, key
from .varied import value_problems

if TYPE_CHECKING:
    from .setting import Setting

SERIES = (
    "parameters", "energies", "energy_errors", "charges", "charge_errors", "charge_slopes", "charge_slope_errors",
    "gaps", "gap_errors", "fidelity_susceptibilities", "fidelity_susceptibility_errors",
)  # fmt: skip
SCALARS = (
    "criterion", "value", "error", "charge", "charge_slope", "charge_slope_error", "gap", "fidelity_susceptibility",
    "fidelity_susceptibility_error", "crossing", "problem",
)  # fmt: skip


Parameter = Annotated[str, Field(description='a number of the file, as "phonons.electron_coupling"')]
Bracket = Annotated[Pair, Field(description="two numbers that bracket the resonance, as in [1.0, 1.6]")]
NAMES = (*CRITERIA, binding.CRITERION)
Criterion = Annotated[str, AfterValidator(one_of(NAMES)), Field(description=listed(NAMES))]
On = Annotated[WordOrSites, Field(description="a class name, or a list of site numbers")]
Species = Annotated[str, AfterValidator(one_of(tuple(COUNTED))), Field(description=listed(COUNTED))]


@dataclass(frozen=True, repr=False)
class ResonanceTask(Task):
    """A search for a resonance.

    Attributes
    ----------
    parameter : str
        Dotted key of the model file that is varied.
    bracket : (float, float)
        Values that bracket the resonance.
    criterion : str
        "charge": the charge is `target`; "slope": it changes fastest; "gap": the excitation gap is smallest; "binding",
        on infinite lattices: two particles begin to bind.
    on : tuple of int or None
        Sites whose charge counts; None: the ligand.
    species : str
        Particles that are counted as the charge.
    target : float
        Charge on these sites at the resonance.
    """

    name: ClassVar[str] = "resonance"
    figures = (("resonance", "resonance_parameters", "plot_resonance_search"),)
    swept = ("resonance_value", "resonance_boundary")
    on_infinite_lattices = True

    parameter: str = key(Parameter)
    bracket: tuple[float, float] = key(Bracket)
    criterion: str = key(Criterion, "charge")
    on: tuple[int, ...] | None = key(On, None)
    species: str = key(Species, "electrons")
    target: float = key(Number, 1.0)

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> ResonanceTask:
        """Create the task, with a class name replaced by its sites."""
        start, stop = values["bracket"]
        return cls(**{**values, "bracket": (start, stop), "on": _sites(values.get("on"), model)})

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield unknown parameters, brackets with invalid models, and sites without charge."""
        parameter, bracket = values.get("parameter"), values.get("bracket")
        wrong = parameter_problem(model, parameter, "resonance.parameter") if parameter is not None else None
        if wrong:
            yield wrong
        if bracket is not None and not bracket[0] < bracket[1]:
            yield Problem("resonance.bracket", show(bracket), "allowed: two numbers, the smaller one first")
        elif bracket is not None and parameter is not None and not wrong:
            for i, end in enumerate(bracket):
                yield from value_problems(model, parameter, end, f"resonance.bracket[{i}]")
        yield from binding.problems(values, model, sector)
        if model.cluster.is_infinite:
            return
        try:
            counted_sites(model, _sites(values.get("on"), model), values.get("species", "electrons"))
        except ValueError as error:
            yield Problem("resonance.on", show(values.get("on", "nothing")), str(error))

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the two lowest levels at one end of the bracket."""
        if sector is None or model.cluster.is_infinite:
            return []
        return [(with_parameter(model, self.parameter, self.bracket[0]), sector, 2)]

    @property
    def repeats(self) -> str:
        """Number of evaluations of the search."""
        return f"10 to 30 values of {self.parameter}, each like the two levels at an end of the bracket"

    def run(self, setting: Setting) -> xr.Dataset:
        """Search for the resonance; at a point of a sweep, the reason for a missing resonance is recorded."""
        if setting.model.cluster.is_infinite:
            return self.named(binding.search(setting, self.parameter, self.bracket))
        reporter = setting.reporter

        def progress(value: float) -> None:
            reporter.step(f"{self.parameter} = {value:.8g}")

        try:
            found = analysis.resonance(
                partial(with_parameter, setting.model, self.parameter),
                setting.block,
                self.bracket,
                criterion=self.criterion,
                on=self.on,
                species=self.species,
                target=self.target,
                options=setting.solver,
                progress=progress,
                search=reporter.lanczos,
            )
        except analysis.BracketError as error:
            if not setting.swept or error.data is None:
                raise
            found = error.data
        words = {"parameter": self.parameter, "criterion": self.criterion}
        texts = {name: labelled(name, np.array(word), [], name) for name, word in words.items()}
        return self.named(found.assign(texts))

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return the resonance and every evaluation."""
        if binding.KEY in data:
            return binding.record(data)
        found = entries(data, cls.name, ("parameter", *SCALARS))
        return found | {"evaluations": entries(data, cls.name, SERIES)}

    @classmethod
    def summarized(cls, data: xr.Dataset) -> Iterator[tuple[str, str]]:
        """Yield the position of the resonance, and the gap there."""
        if binding.KEY in data:
            yield "binding", with_error(float(data[binding.KEY]), float(data[f"{binding.KEY}_error"]))
            return
        yield "resonance", with_error(float(data["resonance_value"]), float(data["resonance_error"]))
        yield "gap there", f"{float(data['resonance_gap']):.8g}"

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield the evaluations, then the resonance."""
        if binding.KEY in data:
            yield from binding.tables(data)
            return
        parameter = str(data["resonance_parameter"].values)
        table = columns("resonance", (parameter, "energy", "charge", "d charge / d parameter", "gap"))
        series = (data[f"resonance_{name}"].values for name in SERIES)
        for p, energy, error, charge, charge_error, slope, slope_error, gap, gap_error, *_ in zip(*series, strict=True):
            shown = with_error(energy, error), with_error(charge, charge_error), with_error(slope, slope_error)
            table.add_row(f"{p:.10g}", *shown, with_error(gap, gap_error))
        yield table
        value, error, chi = (float(data[f"resonance_{k}"]) for k in ("value", "error", "fidelity_susceptibility"))
        where = f"{parameter} = {with_error(value, error)} by the criterion {str(data['resonance_criterion'].values)!r}"
        bar = float(data["resonance_fidelity_susceptibility_error"])
        rest = "levels cross there" if data["resonance_crossing"] else f"fidelity susceptibility {with_error(chi, bar)}"
        yield f"Resonance at {where}; {rest}."


def _sites(on: str | tuple[int, ...] | None, model: Model) -> tuple[int, ...] | None:
    """Return the sites of a class; none for an unknown class."""
    if not isinstance(on, str):
        return on
    try:
        return tuple(mode.index for mode in place(model.cluster, on, bonds_allowed=False))
    except ValueError:
        return ()
