"""Resonances: the parameter value at which a charge is shared, changes fastest, or the gap is smallest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from scipy.optimize import brentq, minimize_scalar

from ..._core.arguments import taking
from ...clusters import InvalidValue, Told
from ...hamiltonians import Model, ModelFunction, Operator, Sector, boson_number, electron_number
from ...hamiltonians.arguments import a_model_function, a_sector
from ...hamiltonians.operators import total
from ...solvers import Options, Progress, silent
from ...solvers.arguments import read_options
from ..labelled import dataset
from .parameters import Evaluation, ParameterLine, common_blocks

FINE = 1e-12
"""Width to which a root is bracketed, relative to the initial bracket."""
COARSE = 0.02
"""Relative width to which a minimum of the gap is bracketed before the root of its slope is."""
PEAKED = 1e-7
"""Relative width to which a maximum is bracketed."""
JUMP = 1e-6
"""If the charge at a root differs from the target by more than this, it jumps across the target."""
EDGE = 1e-4
"""An extremum closer than this to an end, relative to the bracket, is rejected."""


class BracketError(Told, ValueError):
    """A bracket without a resonance; the message gives the values at its ends.

    Attributes
    ----------
    data : xarray.Dataset or None
        The result of `resonance`, with all evaluations and NaN for the resonance.
    """

    def __init__(self, message: str, data: xr.Dataset | None = None) -> None:
        super().__init__(message)
        self.data = data


@taking(model_of=a_model_function, sector=a_sector, options=read_options)
def resonance(
    model_of: ModelFunction,
    sector: Sector | int,
    bracket: Sequence[float],
    criterion: str = "charge",
    on: Sequence[int] | None = None,
    species: str = "electrons",
    target: float = 1.0,
    options: Options | None = None,
    progress: Callable[[float], None] = lambda parameter: None,
    search: Progress = silent,
) -> xr.Dataset:
    r"""Find a resonance from exact ground states with certificates.

    ========= ==========================================================================================
    criterion resonance
    ========= ==========================================================================================
    charge    Q = target, by root finding; Q is the number of electrons (or local pairs) on the sites `on`
    slope     \|dQ/dp\| is largest; ``dQ/dp = -2 Re <Q (H - E_0)^-1 dH/dp>`` by a linear solve
    gap       E_1 - E_0 is smallest: the root of ``<1|dH/dp|1> - <0|dH/dp|0>``
    ========= ==========================================================================================

    Parameters
    ----------
    model_of : function
        From p to a model; the operators must be the same for all p. See `with_parameter` for the parameters of a model.
    sector : Sector or int
        Quantum numbers.
    bracket : pair of float
        Values of p between which the resonance is searched.
    criterion : "charge", "slope" or "gap"
        Definition of the resonance.
    on : sequence of int, optional
        Sites whose charge counts; by default those of the class "ligand".
    species : "electrons" or "bosons"
        Particles that are counted.
    target : float
        Target value of the charge.
    options : Options, optional
        Options of the solver.
    progress : function
        Called with each value of p before it is solved.
    search : Progress
        Called with the progress of each search.

    Returns
    -------
    xarray.Dataset
        ``value`` and ``error``: p and its error bar, which follows from that of Q or of the gap, and thus from the
        certificates. ``charge``, ``charge_slope``, ``gap``, ``fidelity_susceptibility`` at the resonance, with the
        error bars ``charge_slope_error`` and ``fidelity_susceptibility_error``; ``crossing``: whether levels cross
        there, so that Q jumps. All evaluations over ``evaluation``, ordered by p: ``parameters``, ``energies``,
        ``charges``, ``gaps``, ``fidelity_susceptibilities`` with ``energy_errors``, ``charge_errors``, ``gap_errors``,
        ``fidelity_susceptibility_errors``, and ``charge_slopes`` with ``charge_slope_errors``. ``problem`` is empty.

    Raises
    ------
    BracketError
        If there is no resonance in the bracket, with the values at its ends; ``data`` contains the evaluations.
    ValueError
        If the criterion, the species, the sites or the bracket are not valid.

    Examples
    --------
    >>> from respair.clusters import ligand_centre
    >>> from respair.hamiltonians import Electrons, Model, Phonons, with_parameter
    >>> electrons = Electrons(hopping={"ring": 1.0, "centre": 0.35}, level={"ligand": 1.5})
    >>> model = Model(ligand_centre(4), electrons, None, Phonons(1.0, on="ligand", max_quanta=30))
    >>> found = resonance(lambda p: with_parameter(model, "phonons.electron_coupling", p), 2, [1.2, 1.5])
    >>> round(float(found.value), 8), 7**0.5 / 2
    (1.32287566, 1.3228756555322954)
    """
    if len(bracket) != 2 or not bracket[0] < bracket[1]:
        raise InvalidValue(f"bracket = {list(bracket)} is not a bracket; give two numbers, the smaller one first")
    start, stop = float(bracket[0]), float(bracket[1])
    sector = sector if isinstance(sector, Sector) else Sector(sector)
    sites = counted_sites(model_of(start), on, species)
    count, most = COUNTED[species]
    blocks = common_blocks(model_of, sector, start, stop)
    levels = ParameterLine(model_of, sector, blocks, total(map(count, sites)), most * len(sites), options, search)
    if criterion not in CRITERIA:
        raise InvalidValue(f"criterion = {criterion!r} is unknown; allowed: {', '.join(map(repr, CRITERIA))}")
    line = Bracket(levels, (start, stop), target, progress)
    try:
        found = CRITERIA[criterion](line)
        return _dataset(line, replace(found, error=found.error + _crossing_width(line, found.best)))
    except BracketError as error:
        raise BracketError(str(error), _dataset(line, None, str(error))) from None


@dataclass(frozen=True)
class Found:
    """A resonance, its error bar, and whether levels cross there."""

    best: Evaluation
    error: float
    crossing: bool


@dataclass(frozen=True)
class Bracket:
    """Models between two values of a parameter, with cached results."""

    levels: ParameterLine
    ends: tuple[float, float]
    target: float
    progress: Callable[[float], None]
    known: dict[float, Evaluation] = field(default_factory=dict, repr=False)

    @property
    def width(self) -> float:
        """Distance between the ends."""
        return self.ends[1] - self.ends[0]

    def at(self, parameter: float) -> Evaluation:
        """Return the ground level at a value of the parameter."""
        p = float(parameter)
        if p not in self.known:
            self.progress(p)
            self.known[p] = self.levels.evaluate(p)
        return self.known[p]

    def root(self, quantity: Callable[[Evaluation], float], start: float, stop: float) -> Evaluation:
        """Return the root of a quantity between two values at which its signs differ."""
        return self.at(brentq(lambda p: quantity(self.at(p)), start, stop, xtol=FINE * self.width))

    def smallest(self, quantity: Callable[[Evaluation], float], share: float, what: str) -> Evaluation:
        """Return the minimum of a quantity to a fraction of the bracket; it must not be at an end."""
        for end in self.ends:
            self.at(end)
        tolerance = {"xatol": share * self.width}
        minimize_scalar(lambda p: quantity(self.at(p)), bounds=self.ends, method="bounded", options=tolerance)
        best = min(self.known.values(), key=quantity)
        if min(abs(best.parameter - end) for end in self.ends) < EDGE * self.width:
            ends = ", ".join(f"{abs(quantity(self.at(end))):.8g} at {end:g}" for end in self.ends)
            raise BracketError(f"{what} at an end of the bracket: {ends}; move or widen the bracket")
        return best

    def beside(self, best: Evaluation, share: float) -> tuple[Evaluation, Evaluation]:
        """Return the closest evaluations on both sides beyond a fraction of the bracket."""
        below = [e for e in self.known.values() if e.parameter < best.parameter - share * self.width]
        above = [e for e in self.known.values() if e.parameter > best.parameter + share * self.width]
        return max(below, key=lambda e: e.parameter), min(above, key=lambda e: e.parameter)


COUNTED: Mapping[str, tuple[Callable[[int], Operator], int]] = MappingProxyType(
    {"electrons": (electron_number, 2), "bosons": (boson_number, 1)}
)
"""Number operator of a site and its largest eigenvalue, by species."""


def counted_sites(model: Model, on: Sequence[int] | None, species: str) -> list[int]:
    """Return the sites whose charge counts, after checking them.

    Raises
    ------
    ValueError
        If there are none, or they do not carry the species.
    """
    if species not in COUNTED:
        raise InvalidValue(f"species = {species!r} is unknown; allowed: {', '.join(map(repr, COUNTED))}")
    ligands = [i for i, name in enumerate(model.cluster.classes) if name == "ligand"]
    sites = ligands if on is None else list(on)
    if not sites:
        raise InvalidValue("on is empty; give the sites whose charge counts, as in on = [0]")
    there = model.boson_sites if species == "bosons" else range(model.cluster.sites if model.electrons else 0)
    if missing := [i for i in sites if i not in there]:
        raise InvalidValue(f"on = {sites}: site {missing[0]} carries no {species}; allowed: {list(there)}")
    return sites


def _shared_charge(line: Bracket) -> Found:
    """Return the parameter value at which the charge equals the target."""
    low, high = (line.at(end) for end in line.ends)

    def excess(here: Evaluation) -> float:
        return here.charge - line.target

    if excess(low) * excess(high) > 0:
        raise BracketError(
            f"the charge does not pass {line.target:g} between {low.parameter:g} and {high.parameter:g}: it is "
            f"{low.charge:.8g} and {high.charge:.8g} there; move or widen the bracket"
        )
    best, width = line.root(excess, *line.ends), FINE * line.width
    steep = abs(best.charge_slope)
    if not abs(excess(best)) <= JUMP + 10 * width * steep:
        return Found(best, width, True)
    return Found(best, width + best.charge_error / steep if steep else np.inf, False)


def _largest_slope(line: Bracket) -> Found:
    """Return the parameter value at which the charge changes fastest."""

    def slope(here: Evaluation) -> float:
        return -abs(here.charge_slope) if np.isfinite(here.charge_slope) else -np.inf

    best, width = line.smallest(slope, PEAKED, "the charge changes fastest"), PEAKED * line.width
    if slope(best) == -np.inf:
        return Found(best, width, True)
    noise = abs(best.charge_slope) * 4 * best.charge_error / line.levels.largest
    return Found(best, width + _flat_width(line, best, slope, noise), False)


def _smallest_gap(line: Bracket) -> Found:
    """Return the parameter value at which the gap is smallest."""

    def gap(here: Evaluation) -> float:
        return here.gap

    if not all(np.isfinite(line.at(end).gap) for end in line.ends):
        raise BracketError("the sector has no level above the ground level, and so no gap")
    coarse = line.smallest(gap, COARSE, "the gap is smallest")
    low, high = line.beside(coarse, 0.0)
    if not low.gap_slope < 0 < high.gap_slope:
        raise BracketError(
            f"the gap has several minima between {low.parameter:g} and {high.parameter:g}; choose a smaller bracket"
        )
    best, width = line.root(lambda here: here.gap_slope, low.parameter, high.parameter), FINE * line.width
    if best.multiplicity > coarse.multiplicity:
        return Found(best, width, True)
    return Found(best, width + _flat_width(line, best, gap, best.gap_error), False)


def _flat_width(line: Bracket, best: Evaluation, quantity: Callable[[Evaluation], float], noise: float) -> float:
    """Return the distance from an extremum at which a quantity has changed by twice its error bar."""
    low, high = line.beside(best, 1e-3)
    x, y = np.array([(e.parameter - best.parameter, quantity(e)) for e in (low, best, high)]).T
    bend = abs(np.polyfit(x, y - y[1], 2)[0])
    return float(np.sqrt(2 * noise / bend)) if bend > 0 else np.inf


def _crossing_width(line: Bracket, best: Evaluation) -> float:
    """Return how far the error of the gap moves the crossing of the two levels, which part with the steepest slope."""
    slopes = [abs(e.gap_slope) for e in line.known.values() if np.isfinite(e.gap_slope)]
    return best.gap_error / max(slopes) if max(slopes, default=0.0) > 0 and np.isfinite(best.gap_error) else 0.0


CRITERIA: Mapping[str, Callable[[Bracket], Found]] = MappingProxyType(
    {"charge": _shared_charge, "slope": _largest_slope, "gap": _smallest_gap}
)
"""Searches by the name of the criterion."""
QUANTITIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "energy": ("E_0", "energy"),
        "charge": ("Q", "1"),
        "charge_slope": ("dQ/dp", "1"),
        "gap": ("E_1 - E_0", "energy"),
        "fidelity_susceptibility": ("chi_F", "1"),
    }
)
"""Formula and units of what an evaluation holds, with its error bar."""


def _dataset(line: Bracket, found: Found | None, problem: str = "") -> xr.Dataset:
    series, best = [line.known[p] for p in sorted(line.known)], found.best if found else None
    crossing = found is not None and found.crossing
    rows: list[tuple[Any, ...]] = [
        ("value", best.parameter if best else np.nan, [], "p at the resonance"),
        ("error", found.error if found else np.nan, [], "error bar"),
        ("problem", np.array(problem), [], "why there is no resonance"),
        ("crossing", np.array(crossing), [], "whether levels cross at the resonance"),
        ("parameters", np.array([e.parameter for e in series]), ["evaluation"], "p"),
    ]
    for name, (formula, units) in QUANTITIES.items():
        for key, plural, text in ((name, f"{name}s".replace("ys", "ies"), formula), (f"{name}_error", "", "error bar")):
            values = np.array([getattr(e, key) for e in series])
            rows.append((plural or f"{key}s", values, ["evaluation"], text, units))
            if key in AT_THE_RESONANCE:
                rows.append((key, getattr(best, key) if best else np.nan, [], text, units))
    return dataset(*rows)


AT_THE_RESONANCE = (
    "charge", "charge_slope", "charge_slope_error", "gap", "fidelity_susceptibility", "fidelity_susceptibility_error"
)  # fmt: skip
"""What is returned at the resonance itself."""
