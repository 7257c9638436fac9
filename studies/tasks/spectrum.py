"""``[spectrum]``: spectral functions and the optical conductivity of the ground level, or of a thermal state."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from ... import analysis
from ..._core.lazy import rich_table, xr
from ..._core.wording import listed
from ...analysis.spectra import DEFAULT_BROADENING, KINDS, LINESHAPES, NAMES
from ...clusters.translations import Momentum
from ...hamiltonians import Model, Problem, Sector, with_parameter
from ...hamiltonians.conservation import conservation_problems, moved
from ...hamiltonians.parameters import show
from ...hamiltonians.parametric import parameter_problem
from ...hamiltonians.sector import resolved
from ...hamiltonians.space.product import dimensions
from ...hamiltonians.transitions import charge_change
from ...solvers import Options
from ...solvers.caps import capped
from ..execution.tables import columns, energy, number, with_error
from ..file.json_values import entries, line_list, plain
from ..file.values import Floats, Number, Numbers, Whole, one_of
from ..fits import check_blocks_fit
from .base import Solved, Task, key
from .spectrum_measures import MEASURES, measures, measures_record, measures_text, transfer
from .spectrum_operators import ALL, OWN, cross_problems, operator_problems, probes_of
from .thermal import ThermalTask
from .thermal_spectrum import thermal_spectrum_record, thermal_spectrum_tables
from .varied import value_problems

if TYPE_CHECKING:
    from ...solvers import Eigenstates, LabelledLevels
    from .setting import Setting

ROUGH, ROUGH_FROM = 1e-2, 20_000
"""Tolerance of a preliminary spectrum, and number of states above which it is computed."""
MOST_LINES = 12
"""Number of lines shown on the terminal, the strongest first."""
ERROR = "_error"
DECIMALS = 12
"""Decimals of moments; smaller values are rounding errors."""
ROUNDING = 1e-10
"""Error bars up to this are not shown."""
CURVE = ("values", "moments", "addition_weight", "removal_weight", "drude", "fsum")
JUDGED = (*CURVE, *MEASURES)
"""Variables with error bars from another phonon space."""
MEASURED = (*(name for name, kind in KINDS.items() if kind.removes), "displacement")
"""Operators whose spectra define quasi-particles and a gap, or an effective frequency."""


def _whole_or_all(value: object) -> object:
    if value == ALL or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, list) and all(isinstance(m, int) and not isinstance(m, bool) for m in value):
        return tuple(value) if len(value) != 1 else value[0]
    raise PydanticCustomError("whole_or_all", "neither a whole number nor all")


WholeOrAll = Annotated[
    int | str | tuple[int, ...],
    PlainValidator(_whole_or_all),
    Field(description='a whole number, or "all"; on lattices a list of whole numbers'),
]
Name = Annotated[str, Field(description=f"{listed(NAMES)}, {OWN}")]
Cross = Annotated[str, Field(description=f"{listed(NAMES[:-1])}, {OWN}")]
Spin = Annotated[Literal["up", "dn"], Field(description='"up" or "dn"')]
Broadening = Annotated[Number, Field(gt=0, description="a number above 0")]
Lineshape = Annotated[str, AfterValidator(one_of(tuple(LINESHAPES))), Field(description=listed(LINESHAPES))]
Direction = Annotated[
    Numbers, Field(min_length=1, max_length=3, description="a list of one to three numbers, as [1, 0]")
]
Parameters = Annotated[
    dict[str, Number], Field(min_length=1, description="a table of numbers by the names of parameters")
]


@dataclass(frozen=True, repr=False, kw_only=True)
class SpectrumTask(Task):
    """The spectrum of an operator in the ground level.

    Attributes
    ----------
    operator : str
        Name of the probe B, see `probe`, or of a formula in ``[operators]``; an operator that lowers the charge
        gives the removal part, its adjoint the addition part.
    site : int or None
        Site on which it acts (for "bond_pair" the bond); None: site 0, unless there is a momentum.
    momentum : int, "all" or None
        m of ``B_k = L^-1/2 sum_j exp(-i k j) B_j``, k = 2 pi m / L; "all" gives a map over all momenta.
    spin : str or None
        Spin of an electron that is added or removed; up by default.
    frequencies : tuple of float
        Frequencies omega of the broadened spectrum.
    broadening : float
        Half width at half maximum of the lines.
    lineshape : str
        "lorentzian" or "gaussian".
    cross : str or None
        The probe A of a cross spectrum ``<0|A+|n><n|B|0>``; at the same place without `cross_site`.
    cross_site : int or None
        Site on which A acts.
    transfer_from : mapping of str to float, optional
        Other values of parameters, to compute the weight transferred from the spectrum with these values.
    direction : tuple of float or None
        Cartesian direction of the current on a lattice; None: the first axis.
    formulas : mapping of str to str
        Formulas of ``[operators]`` by name.
    """

    name: ClassVar[str] = "spectrum"
    figures = (
        ("spectrum", "spectrum_steps", "plot_spectrum"),
        ("spectrum", "spectrum_zero_frequency", "plot_thermal_spectrum"),
    )
    swept = ("spectrum_values",)
    changes_charge = 2

    operator: str = key(Name, "electron")
    site: int | None = key(Whole, None)
    momentum: int | tuple[int, ...] | str | None = key(WholeOrAll, None)
    spin: str | None = key(Spin, None)
    frequencies: tuple[float, ...] = key(Floats)
    broadening: float = key(Broadening, DEFAULT_BROADENING)
    lineshape: str = key(Lineshape, "lorentzian")
    cross: str | None = key(Cross, None)
    cross_site: int | None = key(Whole, None)
    transfer_from: Mapping[str, float] | None = key(Parameters, None)
    direction: tuple[float, ...] | None = key(Direction, None)
    formulas: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def completed(cls, values: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return the keys with the formulas they refer to."""
        named = {values.get(key) for key in ("operator", "cross")} - set(NAMES)
        own = {name: text for name, text in tables.get("operators", {}).items() if name in named}
        return {**values, "formulas": MappingProxyType(own)}

    @classmethod
    def requires_sector(cls, has: Callable[[str], bool]) -> bool:
        """Return False with ``[thermal]``, which checks for its sector itself."""
        return not has("thermal")

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield keys not allowed for thermal states or maps."""
        if has("thermal") and values.get("momentum") == ALL:
            yield Problem("spectrum.momentum", show(ALL), "allowed with [thermal]: a whole number")
        if values.get("operator") == "current" and values.get("momentum") == ALL:
            yield Problem("spectrum.momentum", show(ALL), "leave it out; the current is that of the whole cluster")
        if values.get("momentum") == ALL and "cross_site" in values:
            allowed = "leave it out; a map has both operators at each momentum"
            yield Problem("spectrum.cross_site", show(values["cross_site"]), allowed)
        if has("thermal") and "transfer_from" in values:
            allowed = "leave it out, or leave [thermal] out"
            yield Problem("spectrum.transfer_from", show(values["transfer_from"]), allowed)

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield operators, sites and momenta that do not exist."""
        asked = cls(**values)
        if asked.operator == "current":
            yield from conservation_problems(model, "currents", "charge")
        yield from operator_problems(asked, model)
        for name, value in (asked.transfer_from or {}).items():
            path = f'spectrum.transfer_from."{name}"'
            wrong = parameter_problem(model, name, path)
            yield from [wrong] if wrong else value_problems(model, name, value, path)
        yield from cross_problems(asked, model)

    @property
    def one_momentum(self) -> Momentum | None:
        """The momentum; None for a map."""
        return self.momentum if isinstance(self.momentum, int | tuple) else None

    @property
    def cross_place(self) -> tuple[int | None, Momentum | None]:
        """Site and momentum of A."""
        return (self.cross_site, None) if self.cross_site is not None else (self.site, self.one_momentum)

    def run(self, setting: Setting) -> xr.Dataset:
        """Compute the lines in all blocks reached from the ground level or from the thermal state."""
        warm = next((task for task in setting.tasks if isinstance(task, ThermalTask)), None)
        if warm is not None:
            left, right = probes_of(self, setting.model)
            data = analysis.thermal_spectral_function(
                setting.model,
                right,
                warm.temperatures,
                self.frequencies,
                broadening=self.broadening,
                lineshape=self.lineshape,
                ensemble=warm.state_of(setting.sector),
                sampling=warm.sampling,
                options=setting.kept,
                progress=setting.reporter.step,
                cross=left,
            )
            return self.named(data)
        if setting.known is not None and self._has_first_look(setting):
            setting.known(self.named(self._spectrum(setting.ground, setting, tolerance=ROUGH)))
        data = self._spectrum(setting.ground, setting)
        if self.cross is None and self.operator in MEASURED:
            data = data.assign(measures(data, charged=self.operator != "displacement"))
        if self.transfer_from is None:
            return self.named(data)
        setting.reporter.step("reference spectrum for the transferred weight")
        other = setting.ground_of(self._before(setting.model), setting.block)
        return self.named(data.assign(transfer(self._spectrum(other, setting), data, self.transfer_from)))

    def _has_first_look(self, setting: Setting) -> bool:
        plain = self.operator != "current" and self.momentum != ALL
        return plain and math.prod(dimensions(capped(setting.model), setting.block)) > ROUGH_FROM

    def _before(self, model: Model) -> Model:
        """Return the model of the reference spectrum for the transferred weight."""
        return reduce(lambda changed, pair: with_parameter(changed, *pair), (self.transfer_from or {}).items(), model)

    def _spectrum(self, levels: Eigenstates | LabelledLevels, setting: Setting, **accuracy: Any) -> xr.Dataset:
        """Return the spectrum of a ground level; a tolerance is possible for a single operator only."""
        how: dict[str, Any] = {
            "frequencies": self.frequencies,
            "broadening": self.broadening,
            "lineshape": self.lineshape,
            "options": setting.solver,
            "progress": setting.reporter.step,
        }
        if self.operator == "current":
            return analysis.optical_conductivity(levels, **how, direction=self.direction)
        if self.momentum == ALL:
            return analysis.spectral_map(levels, self.operator, cross=self.cross, spin=self.spin, **how)
        left, right = probes_of(self, levels.hamiltonian.space.model)
        return analysis.spectral_function(levels, right, cross=left, **how, **accuracy)

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the lowest level of the sector, also for the model of the reference spectrum."""
        here = super().solves(model, sector)
        return here if self.transfer_from is None else [*here, *super().solves(self._before(model), sector)]

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return curve, moments, weights and derived quantities; thermal spectra have their own error bars."""
        if "spectrum_zero_frequency" in data:
            return {}
        return {f"spectrum_{name}": f"spectrum_{name}{ERROR}" for name in JUDGED}

    def check_fits(self, model: Model, sector: Sector | None, options: Options) -> None:
        """Raise MemoryError if a sector reached from the ground level does not fit."""
        if sector is None or self.operator == "current":
            return
        change = charge_change(model, probes_of(self, model)[1].addition)
        for sign in (1, -1) if any(change) else ():
            there = moved(model, resolved(model, sector), (sign * change[0], sign * change[1]))
            if there is not None:
                check_blocks_fit(model, there, 1, options)

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return the curve, lines, moments with their sum rules, and the weights; lists over the momenta of a map."""
        if "spectrum_zero_frequency" in data:
            return thermal_spectrum_record(data)
        if "momentum" in data["spectrum_values"].dims:
            each = [_record(data.isel(momentum=m).dropna("pole", how="all")) for m in range(data.sizes["momentum"])]
            lists: dict[str, object] = {key: [one[key] for one in each] for key in each[0]}
            names = data["momenta"] if "momenta" in data.coords else data["momentum"]
            shared = {"momenta": plain(names), "frequencies": plain(data["omega"])}
            return lists | shared | measures_record(data)
        return _record(data) | measures_record(data)

    @classmethod
    def summarized(cls, data: xr.Dataset) -> Iterator[tuple[str, str]]:
        """Yield the weights and the gap."""
        for name in ("addition_weight", "removal_weight"):
            if f"spectrum_{name}" in data and not data[f"spectrum_{name}"].ndim:
                bar = data.get(f"spectrum_{name}{ERROR}")
                value = float(data[f"spectrum_{name}"].real)
                yield name.replace("_", " "), _with_bar(value, 0.0 if bar is None else float(bar))
        if "spectrum_gap_gap" in data:
            bar = data.get(f"spectrum_gap_gap{ERROR}")
            yield "spectral gap", _with_bar(float(data["spectrum_gap_gap"]), 0.0 if bar is None else float(bar))

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield the strongest lines, and the moments beside their sum rules."""
        if "spectrum_zero_frequency" in data:
            yield from thermal_spectrum_tables(data)
            return
        yield from _map_tables(data) if "momentum" in data["spectrum_values"].dims else _line_tables(data)
        yield from measures_text(data)


def _record(data: xr.Dataset) -> dict[str, object]:
    """Return the curve, lines, moments with their sum rules, and the weights, of one operator."""
    poles = line_list(*(data[f"spectrum_pole_{key}"].values for key in ("frequencies", "weights")))
    defects = data["spectrum_moments"] - data["spectrum_sum_rules"]
    weights = {key: plain(data[f"spectrum_{key}_weight"]) for key in ("addition", "removal")}
    current = [key for key in ("drude", "fsum", "fsum_defect") if f"spectrum_{key}" in data]
    judged = [name for name in CURVE if f"spectrum_{name}{ERROR}" in data]
    bars = {name: plain(data[f"spectrum_{name}{ERROR}"]) for name in judged}
    both = {key: bars.pop(f"{key}_weight") for key in ("addition", "removal") if f"{key}_weight" in bars}
    lines = ("pole_weight_errors",) if "spectrum_pole_weight_errors" in data else ()
    return {
        "frequencies": plain(data["omega"]),
        **entries(data, "spectrum", ("values", "moments", "sum_rules", "sum_rule_errors")),
        "sum_rule_defects": plain(defects),
        "poles": poles,
        "weights": weights,
        **entries(data, "spectrum", ("pole_errors", *lines, "broadening", "steps", "error", *current)),
        "errors": bars | ({"weights": both} if both else {}),
    }


def _with_bar(value: complex, error: float) -> str:
    """Return a number with the digits its error bar supports, and with eight decimals at rounding level."""
    given = complex(value)
    if given.imag:
        return number(given, 8)
    return with_error(given.real, float(error)) if error > ROUNDING else energy(given.real, 8, 0.0)


def _line_tables(data: xr.Dataset) -> Iterator[rich_table.Table | str]:
    """Yield the strongest lines, and the moments beside their sum rules."""
    frequencies, weights = (data[f"spectrum_pole_{key}"].values for key in ("frequencies", "weights"))
    strongest = np.sort(np.argsort(-np.abs(weights), kind="stable")[:MOST_LINES])
    known, none = data["spectrum_pole_errors"].values, xr.zeros_like(data["spectrum_pole_errors"])
    bars = data.get("spectrum_pole_weight_errors", none).values
    rows = ((_with_bar(frequencies[n], known[n]), _with_bar(weights[n], bars[n])) for n in strongest)
    yield columns(f"spectrum: {len(weights)} lines", ("omega", "weight"), rows)
    moments = []
    for order, moment in enumerate(data["spectrum_moments"].values):
        rule = data["spectrum_sum_rules"].values[order]
        right = (f"{rule:.10g}", f"{abs(moment - rule):.1e}") if np.isfinite(rule) else ("-", "-")
        moments.append((str(order), f"{moment:.10g}", *right))
    yield columns("moments", ("order", "moment", "sum rule", "defect"), moments)
    if (steps := int(data["spectrum_steps"])) > 0:
        yield f"Continued fractions of up to {steps} steps, error below {float(data['spectrum_error']):.1e}."
    if "spectrum_drude" in data:
        drude, defect = (float(data[f"spectrum_{name}"]) for name in ("drude", "fsum_defect"))
        yield f"Drude weight {drude:.8f}; defect of the f-sum rule {defect:.1e}."


def _map_tables(data: xr.Dataset) -> Iterator[rich_table.Table]:
    """Yield the weights and first moments for each momentum."""
    table = columns("spectrum", ("momentum", "addition", "removal", "first moment", "sum rule"))
    for m in range(data.sizes["momentum"]):
        one = data.isel(momentum=m)
        weights = (f"{one[f'spectrum_{key}_weight'].values:.8f}" for key in ("addition", "removal"))
        first = (one[f"spectrum_{key}"].values[1] for key in ("moments", "sum_rules"))
        means = (f"{np.round(value, DECIMALS) + 0.0:.8g}" for value in first)
        named = one["momenta"].values.tolist() if "momenta" in data.coords else int(one["momentum"])
        table.add_row(str(named), *weights, *means)
    yield table
