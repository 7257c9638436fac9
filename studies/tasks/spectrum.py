"""``[spectrum]``: spectral functions and the optical conductivity of the ground level, or of a thermal state."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import xarray as xr
from pydantic import AfterValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError
from rich.table import Table as TextTable
from rich.text import Text

from ..._core.wording import listed
from ...analysis import optical_conductivity, probe, spectral_function, spectral_map
from ...analysis.observables.error_bars import isolated_ground
from ...analysis.plots.spectra import plot_spectrum, plot_thermal_spectrum
from ...analysis.spectra.excitations import LINESHAPES
from ...analysis.spectra.functions import DEFAULT_BROADENING
from ...analysis.spectra.probes import KINDS, NAMES, Probe, probe_problems
from ...analysis.thermal.ensembles import Ensemble
from ...analysis.thermal.spectra import thermal_spectral_function
from ...hamiltonians import InvalidModel, Model, Problem, Sector, with_parameter
from ...hamiltonians.parameters import show
from ...hamiltonians.parametric import parameter_problem
from ...hamiltonians.sector import allowed_two_sz
from ...hamiltonians.space.product import dimensions
from ...hamiltonians.transitions import charge_change
from ...solvers import Eigenstates, LabelledLevels, Options
from ...solvers.cutoff import capped
from ...solvers.krylov.resolvents import TOLERANCE
from ..execution.tables import columns, energy, number, with_error
from ..file.json_values import entries, line_list, plain
from ..file.values import LEFT_OUT, Floats, Number, Table, Whole, one_of
from .base import Figure, Setting, Solved, Task, check_blocks_fit
from .spectrum_measures import MEASURES, measures, measures_record, measures_text, transfer
from .thermal import ThermalTask
from .thermal_spectrum import thermal_spectrum_record, thermal_spectrum_tables

ROUGH, ROUGH_FROM = 1e-2, 20_000
"""Tolerance of a first look, and states from which on there is one."""
MOST_LINES = 12
"""Lines that the terminal shows, the strongest first."""
ALL = "all"
ERROR = "_error"
ROUNDING = 1e-10
"""Error bars up to this are not shown."""
CURVE = ("values", "moments", "addition_weight", "removal_weight", "drude", "fsum")
JUDGED = (*CURVE, *MEASURES)
"""What gets error bars from another phonon space."""
MEASURED = (*(name for name, kind in KINDS.items() if kind.removes), "displacement")
"""Operators whose spectra have quasi-particles and a gap, or an effective frequency."""


def _whole_or_all(value: object) -> object:
    if value == ALL or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise PydanticCustomError("whole_or_all", "neither a whole number nor all")


WholeOrAll = Annotated[int | str, PlainValidator(_whole_or_all), Field(description='a whole number, or "all"')]
Name = Annotated[str, AfterValidator(one_of(NAMES)), Field(description=listed(NAMES))]


class SpectrumTable(Table):
    """Keys of ``[spectrum]``."""

    operator: Name = LEFT_OUT
    site: Whole = LEFT_OUT
    momentum: WholeOrAll = LEFT_OUT
    spin: Annotated[Literal["up", "dn"], Field(description='"up" or "dn"')] = LEFT_OUT
    frequencies: Floats
    broadening: Annotated[Number, Field(gt=0, description="a number above 0")] = LEFT_OUT
    lineshape: Annotated[str, AfterValidator(one_of(tuple(LINESHAPES))), Field(description=listed(LINESHAPES))] = (
        LEFT_OUT
    )
    cross: Annotated[str, AfterValidator(one_of(NAMES[:-1])), Field(description=listed(NAMES[:-1]))] = LEFT_OUT
    cross_site: Whole = LEFT_OUT
    transfer_from: Annotated[
        dict[str, Number], Field(min_length=1, description="a table of numbers by the names of parameters")
    ] = LEFT_OUT


@dataclass(frozen=True, repr=False)
class SpectrumTask(Task):
    """The spectrum of an operator in the ground level.

    Attributes
    ----------
    operator : str
        Name of the probe B, as `probe` takes it.
    site : int or None
        Site on which it acts (for "bond_pair" the bond); None: site 0, unless there is a momentum.
    momentum : int, "all" or None
        m of ``B_k = L^-1/2 sum_j exp(-i k j) B_j``, k = 2 pi m / L; "all" makes a map over all of them.
    spin : str or None
        Spin of an electron that is added or removed; up by default.
    frequencies : tuple of float
        omega at which the broadened spectrum is given.
    broadening : float
        Half width at half maximum of the lines.
    lineshape : str
        "lorentzian" or "gaussian".
    cross : str or None
        The probe A of a cross spectrum ``<0|A+|n><n|B|0>``; at the same place without `cross_site`.
    cross_site : int or None
        Site on which A acts.
    transfer_from : mapping of str to float, optional
        Parameters with other values: the weight that has moved from the spectrum with these.
    """

    name: ClassVar[str] = "spectrum"
    table: ClassVar[type[Table]] = SpectrumTable
    figures: ClassVar[tuple[Figure, ...]] = (
        ("spectrum", "spectrum_steps", plot_spectrum),
        ("spectrum", "spectrum_zero_frequency", plot_thermal_spectrum),
    )

    changes_charge: ClassVar[int] = 2

    frequencies: tuple[float, ...]
    operator: str = "electron"
    site: int | None = None
    momentum: int | str | None = None
    spin: str | None = None
    broadening: float = DEFAULT_BROADENING
    lineshape: str = "lorentzian"
    cross: str | None = None
    cross_site: int | None = None
    transfer_from: Mapping[str, float] | None = None

    @classmethod
    def requires_sector(cls, has: Callable[[str], bool]) -> bool:
        """Return False for a thermal state, which asks for its sector itself."""
        return not has("thermal")

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield what a thermal state does not have, and what a map does not take."""
        if has("thermal") and values.get("momentum") == ALL:
            yield Problem("spectrum.momentum", show(ALL), "allowed with [thermal]: a whole number")
        if values.get("operator") == "current" and values.get("momentum") == ALL:
            yield Problem("spectrum.momentum", show(ALL), "leave it out; the current is that of the whole ring")
        if values.get("momentum") == ALL and "cross_site" in values:
            allowed = "leave it out; a map has both operators at each momentum"
            yield Problem("spectrum.cross_site", show(values["cross_site"]), allowed)
        if has("thermal") and "transfer_from" in values:
            allowed = "leave it out, or leave [thermal] out"
            yield Problem("spectrum.transfer_from", show(values["transfer_from"]), allowed)

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield operators, sites and momenta that are not there."""
        asked = cls(**values)
        for problem in probe_problems(model, asked.operator, asked.site, asked._one_momentum, asked.spin):
            is_map = asked.momentum == ALL and problem.path == "spectrum.momentum"
            yield replace(problem, got=show(ALL)) if is_map else problem
        yield from _transfer_problems(asked.transfer_from or {}, model)
        if asked.cross is None:
            if asked.cross_site is not None:
                yield Problem("spectrum.cross_site", show(asked.cross_site), "leave it out, or add cross = an operator")
            return
        if asked.operator == "current":
            yield Problem("spectrum.cross", show(asked.cross), "leave it out; the conductivity has one operator")
            return
        for problem in probe_problems(model, asked.cross, *asked._cross_place):
            yield replace(problem, path=problem.path.replace("operator", "cross").replace(".site", ".cross_site"))
        if KINDS[asked.cross].removes != KINDS[asked.operator].removes:
            allowed = f"allowed: an operator that changes the charge as {asked.operator} does"
            yield Problem("spectrum.cross", show(asked.cross), allowed)

    @property
    def _one_momentum(self) -> int | None:
        """The momentum, or for a map its first one."""
        return self.momentum if isinstance(self.momentum, int) else None if self.momentum is None else 0

    @property
    def _cross_place(self) -> tuple[int | None, int | None]:
        return (self.cross_site, None) if self.cross_site is not None else (self.site, self._one_momentum)

    def run(self, setting: Setting) -> xr.Dataset:
        """Find the lines in all blocks that the operator reaches from the ground level, or from the thermal state."""
        warm = next((task for task in setting.tasks if isinstance(task, ThermalTask)), None)
        if warm is not None:
            kind = Ensemble(warm.ensemble, setting.sector, warm.density)
            form = (self.frequencies, self.broadening, self.lineshape, kind)
            how = (warm.sampling, setting.kept, setting.reporter.step)
            left, right = self._probes(setting.model)
            return self.named(thermal_spectral_function(setting.model, right, warm.temperatures, *form, *how, left))
        if setting.known is not None and self._has_first_look(setting):
            setting.known(self.named(self._spectrum(setting.ground, setting, ROUGH)))
        data = self._spectrum(setting.ground, setting)
        if self.cross is None and self.operator in MEASURED:
            data = data.assign(measures(data, charged=self.operator != "displacement"))
        if self.transfer_from is None:
            return self.named(data)
        setting.reporter.step("the spectrum from which weight has moved")
        other = isolated_ground(self._before(setting.model), setting.block, setting.solver, setting.reporter.lanczos)
        return self.named(data.assign(transfer(self._spectrum(other, setting), data, self.transfer_from)))

    def _has_first_look(self, setting: Setting) -> bool:
        plain = self.operator != "current" and self.momentum != ALL
        return plain and math.prod(dimensions(capped(setting.model), setting.block)) > ROUGH_FROM

    def _before(self, model: Model) -> Model:
        """Return the model from whose spectrum weight has moved."""
        return reduce(lambda changed, pair: with_parameter(changed, *pair), (self.transfer_from or {}).items(), model)

    def _spectrum(
        self, levels: Eigenstates | LabelledLevels, setting: Setting, tolerance: float = TOLERANCE
    ) -> xr.Dataset:
        """Return the spectrum of a ground level; the conductivity and maps know one tolerance only."""
        reporter, model = setting.reporter, levels.hamiltonian.space.model
        shape = (self.frequencies, self.broadening, self.lineshape, setting.solver)
        if self.operator == "current":
            return optical_conductivity(levels, *shape, progress=reporter.step)
        if self.momentum == ALL:
            return spectral_map(levels, self.operator, *shape, self.cross, self.spin, progress=reporter.step)
        left, right = self._probes(model)
        return spectral_function(levels, right, *shape, left, reporter.step, tolerance)

    def _probes(self, model: Model) -> tuple[Probe | None, Probe]:
        """Return A and B."""
        right = probe(model, self.operator, self.site, self._one_momentum, self.spin)
        return None if self.cross is None else probe(model, self.cross, *self._cross_place, self.spin), right

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the lowest level of the sector, and that of the model from which weight has moved."""
        here = super().solves(model, sector)
        return here if self.transfer_from is None else [*here, *super().solves(self._before(model), sector)]

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return the curve, its moments and weights, and what is read off it; a thermal state judges its own."""
        if "spectrum_zero_frequency" in data:
            return {}
        return {f"spectrum_{name}": f"spectrum_{name}{ERROR}" for name in JUDGED}

    def check_fits(self, model: Model, sector: Sector | None, options: Options) -> None:
        """Raise MemoryError if a sector that the operator reaches from the ground level does not fit."""
        if sector is None or self.operator == "current":
            return
        change = charge_change(model, self._probes(model)[1].addition)
        for sign in (1, -1) if any(change) else ():
            charge, two_sz = (n + sign * d for n, d in zip((sector.charge, sector.spin_excess), change, strict=True))
            if 0 <= charge <= model.max_charge and two_sz in allowed_two_sz(model, charge):
                check_blocks_fit(model, Sector(charge, two_sz), 1, options)

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return the curve, lines, moments with their sum rules, and the weights; lists over the momenta of a map."""
        if "spectrum_zero_frequency" in data:
            return thermal_spectrum_record(data)
        if "momentum" in data["spectrum_values"].dims:
            each = [_record(data.isel(momentum=m).dropna("pole", how="all")) for m in range(data.sizes["momentum"])]
            lists: dict[str, object] = {key: [one[key] for one in each] for key in each[0]}
            shared = {"momenta": plain(data["momentum"]), "frequencies": plain(data["omega"])}
            return lists | shared | measures_record(data)
        return _record(data) | measures_record(data)

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable | Text]:
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
    """Return a number to the digits that its error bar supports, and to eight where that is less than rounding."""
    given = complex(value)
    if given.imag:
        return number(given, 8)
    return with_error(given.real, float(error)) if error > ROUNDING else energy(given.real, 8, 0.0)


def _line_tables(data: xr.Dataset) -> Iterator[TextTable | Text]:
    """Yield the strongest lines, and the moments beside their sum rules."""
    frequencies, weights = (data[f"spectrum_pole_{key}"].values for key in ("frequencies", "weights"))
    strongest = np.sort(np.argsort(-np.abs(weights), kind="stable")[:MOST_LINES])
    table = columns(f"spectrum: {len(weights)} lines", ("omega", "weight"))
    known = data["spectrum_pole_errors"].values
    bars = np.zeros(len(weights))
    if "spectrum_pole_weight_errors" in data:
        bars = data["spectrum_pole_weight_errors"].values
    for n in strongest:
        table.add_row(_with_bar(frequencies[n], known[n]), _with_bar(weights[n], bars[n]))
    yield table
    table = columns("moments", ("order", "moment", "sum rule", "defect"))
    pairs = zip(data["spectrum_moments"].values, data["spectrum_sum_rules"].values, strict=True)
    for order, (moment, rule) in enumerate(pairs):
        known = np.isfinite(rule)
        table.add_row(str(order), f"{moment:.10g}", *((f"{rule:.10g}", f"{abs(moment - rule):.1e}") if known else "--"))
    yield table
    if (steps := int(data["spectrum_steps"])) > 0:
        yield Text(
            f"Continued fractions of up to {steps} steps; they miss at most {float(data['spectrum_error']):.1e}."
        )
    if "spectrum_drude" in data:
        yield Text(
            f"Drude weight {float(data['spectrum_drude']):.8f}; the f-sum rule is missed by "
            f"{float(data['spectrum_fsum_defect']):.1e}."
        )


def _transfer_problems(parameters: Mapping[str, float], model: Model) -> Iterator[Problem]:
    """Yield parameters that are none of this model, and values that make no model."""
    for key, value in parameters.items():
        path = f'spectrum.transfer_from."{key}"'
        if wrong := parameter_problem(model, key, path):
            yield wrong
            continue
        try:
            with_parameter(model, key, value)
        except InvalidModel as error:
            yield from (Problem(path, show(value), f"{key}: {problem.allowed}") for problem in error.problems)


def _map_tables(data: xr.Dataset) -> Iterator[TextTable]:
    """Yield the weights and first moments for each momentum."""
    table = columns("spectrum", ("momentum", "addition", "removal", "first moment", "sum rule"))
    for m in range(data.sizes["momentum"]):
        one = data.isel(momentum=m)
        weights = (f"{one[f'spectrum_{key}_weight'].values:.8f}" for key in ("addition", "removal"))
        means = (f"{one[f'spectrum_{key}'].values[1]:.8g}" for key in ("moments", "sum_rules"))
        table.add_row(str(int(one["momentum"])), *weights, *means)
    yield table
