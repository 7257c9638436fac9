"""Two temperatures of pairing: T*, below which pairs form, and T_phi, below which their phases agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from ..._core.arguments import taking
from ...clusters import Cluster
from ...hamiltonians import Model, Problem
from ...hamiltonians.parameters import show
from ...solvers import Options
from ..labelled import arrays
from ..lattice.displacements import default_grid
from ..observables.table import OBSERVABLES
from ..spectra.excitations import Resolution
from ..spectra.functions import silent
from ..spectra.probes import probe
from .averages import summed_observables
from .block_files import remove_blocks
from .cutoff import with_cutoff_errors
from .ensembles import THERMAL_ARGUMENTS, Ensemble, Sampling, ThermalSum, in_words
from .flux import has_stiffness, thermal_curvatures
from .spectra import thermal_lines
from .sums import Replicates, jackknife, thermal_totals, with_error

FINE = 4000
"""Temperatures between the first and the last one at which a curve is looked at."""
FEWEST = 6
"""Temperatures that a crossover takes at least."""
BROADENING = 0.2
AXES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"exchange": ("bosons", "exchange"), "level": ("bosons", "level"), "boson_coupling": ("phonons", "boson_coupling")}
)
"""Couplings against which crossover temperatures are tabled, by their keys."""


@dataclass(frozen=True)
class Estimator:
    """A definition of a crossover temperature.

    Attributes
    ----------
    role : str
        "T*" or "T_phi".
    curve : str
        The quantity whose decay with the temperature is followed.
    find : function
        From temperatures and the curve to the crossover; NaN where the temperatures do not bracket it.
    definition : str
        In plain text.
    planar : bool
        For lattices closed in two directions alone.
    """

    role: str
    curve: str
    find: Callable[[NDArray[np.float64], NDArray[np.float64]], float]
    definition: str
    planar: bool = False


def steepest(t: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Return the temperature of the largest decrease with T, NaN at either end.

    Examples
    --------
    >>> t = np.linspace(0.1, 3.0, 200)
    >>> round(steepest(t, -np.tanh(3 * (t - 1.2))), 2)
    1.2
    """
    fine = np.geomspace(t[0], t[-1], FINE)
    slope = -PchipInterpolator(t, values)(fine, 1)
    at = int(np.argmax(slope))
    return float(fine[at]) if 0 < at < FINE - 1 and slope[at] > 0 else np.nan


def level(share: float, to_hot: bool) -> Callable[[NDArray[np.float64], NDArray[np.float64]], float]:
    """Return what finds where a curve has gone a share of its way from its cold value to zero, or to its hot one.

    Examples
    --------
    >>> t = np.linspace(0.1, 3.0, 200)
    >>> round(level(0.5, to_hot=False)(t, np.exp(-t)), 2)  # half of exp(-0.1)
    0.79
    """

    def find(t: NDArray[np.float64], values: NDArray[np.float64]) -> float:
        target = values[0] + share * ((values[-1] if to_hot else 0.0) - values[0])
        fine = np.geomspace(t[0], t[-1], FINE)
        return _first_zero(fine, (PchipInterpolator(t, values)(fine) - target) * np.sign(values[0] - target))

    return find


def _first_zero(t: NDArray[np.float64], above: NDArray[np.float64]) -> float:
    """Return where a curve first comes down to zero; NaN where it does not."""
    crossed = np.flatnonzero((above[:-1] > 0) & (above[1:] <= 0))
    if not len(crossed):
        return np.nan
    first = crossed[0]
    weight = above[first] / (above[first] - above[first + 1])
    return float(t[first] + weight * (t[first + 1] - t[first]))


def universal_jump(t: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    r"""Return where D_s(T) / 8 comes down to T: the stiffness of a plane of pairs at its transition.

    A phase theta of pairs costs :math:`\frac{\rho_s}{2}\int(\nabla\theta)^2`; a vector potential turns it by 2A, so
    that :math:`\rho_s = D_s / 4\pi`, and :math:`T = \frac{\pi}{2}\rho_s(T)`.

    References
    ----------
    D. R. Nelson and J. M. Kosterlitz, Phys. Rev. Lett. 39, 1201 (1977).

    Examples
    --------
    >>> t = np.linspace(0.1, 3.0, 200)
    >>> round(universal_jump(t, np.full(200, 8.0)), 6)
    1.0
    """
    fine = np.geomspace(t[0], t[-1], FINE)
    return _first_zero(fine, PchipInterpolator(t, values)(fine) / 8 - fine)


ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {
        "pair_steepest": Estimator("T*", "pair", steepest, "largest -d/dT of the local pair amplitude |<D+_i b_i>|"),
        "pair_half": Estimator(
            "T*", "pair", level(0.5, to_hot=False), "|<D+_i b_i>| is half of its value at the lowest temperature"
        ),
        "pseudogap": Estimator(
            "T*", "dos", level(0.5, to_hot=True), "A(0, T) is halfway between its lowest and highest temperature"
        ),
        "stiffness": Estimator(
            "T_phi", "stiffness", level(0.5, to_hot=False), "D_s is half of its value at the lowest T"
        ),
        "condensate": Estimator(
            "T_phi", "condensate", level(0.5, to_hot=True), "lambda_0 is halfway between its lowest and highest T"
        ),
        "nelson_kosterlitz": Estimator(
            "T_phi", "stiffness", universal_jump, "T = (pi/2) rho_s(T) with rho_s = D_s / 4 pi, in a plane", planar=True
        ),
    }
)
"""By name; the largest eigenvalue lambda_0 is that of the combined pair density matrix."""


def estimators_of(cluster: Cluster) -> dict[str, Estimator]:
    """Return the definitions that a cluster has."""
    return {name: each for name, each in ESTIMATORS.items() if not each.planar or cluster.fluxes == 2}


@taking(**THERMAL_ARGUMENTS)
def crossover_temperatures(
    model: Model,
    temperatures: Sequence[float],
    axis: str | None = None,
    values: Sequence[float] = (),
    ensemble: Ensemble | str = "grand-canonical",
    sampling: Sampling | None = None,
    options: Options | None = None,
    broadening: float = BROADENING,
    progress: Callable[[str], None] = silent,
) -> xr.Dataset:
    """Compute T* and T_phi by several definitions, each with an error bar.

    Curves are interpolated between the temperatures by monotone cubics. The error bar holds the jackknife error over
    the random vectors, with all correlations, and the larger change when every second temperature is left out, the
    even or the odd ones. Both temperatures are estimators of crossovers: nothing is sharp on a small cluster.

    Parameters
    ----------
    model : Model
        With electrons and local pairs; the phase stiffness is there on rings and lattices, at that of the fluxes 0 and
        pi (round each row) with the lower free energy at the lowest temperature; of a lattice the mean over the axes.
    temperatures : (t,) float
        T, ascending, from well below to well above both crossovers.
    axis : str, optional
        A coupling against which everything is tabled: "exchange", "level" or "boson_coupling".
    values : sequence of float
        Of the coupling.
    ensemble, sampling, options
        As for `thermal_averages`.
    broadening : float
        Of A(omega) [energy].
    progress : function
        Called with the next step, in words.

    Returns
    -------
    xarray.Dataset
        ``crossover`` and ``crossover_error`` [energy] over ``estimator``; NaN where the temperatures do not bracket a
        crossover, or the model lacks the quantity; ``role`` ("T*" or "T_phi") and ``definition`` as text; the curves
        ``pair``, ``dos``, ``stiffness`` and ``condensate`` over ``temperature`` with ``NAME_error``; ``flux``. With an
        axis everything has it as first dimension.

    Raises
    ------
    InvalidModel
        If the model has no pairs to follow, or anything else is wrong.

    References
    ----------
    J. Ranninger and J. M. Robin, Phys. Rev. B 53, R11961 (1996), for T* and T_phi.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Bosons, Electrons
    >>> found = crossover_temperatures(
    ...     Model(dimer(), Electrons(1.0), Bosons(exchange=0.8)), np.geomspace(0.05, 4.0, 12)
    ... )
    >>> print(f"{float(found.crossover.sel(estimator='pair_half')):.1f}, {found.role.values[1]}")
    0.6, T*
    """
    problems = [*temperature_problems(temperatures)]
    if model.electrons is None or model.bosons is None:
        problems.append(Problem("model", "no pairs", "allowed: a model with electrons and local pairs"))
    if axis is not None and (axis not in AXES or getattr(model, AXES[axis][0]) is None):
        there = [name for name, (species, _) in AXES.items() if getattr(model, species) is not None]
        problems.append(Problem("axis", show(axis), f"allowed: {', '.join(there)}"))
    asked = ThermalSum.of(model, temperatures, ensemble, sampling, options, in_words(progress), more=problems)
    at_zero = Resolution.of([0.0], broadening, options=asked.options)
    kept, found = replace(asked, options=replace(asked.options, keep_blocks=True)), []
    for value in [None] if axis is None else values:
        if axis is not None and value is not None:
            progress(f"{axis} = {value:g}")
            species, key = AXES[axis]
            changed = replace(getattr(model, species), **{key: float(value)})
            kept = replace(kept, model=replace(model, **{species: changed}))
        found.append(with_cutoff_errors(kept, partial(_with_caps, at_zero=at_zero)))
    if not asked.options.keep_blocks:
        remove_blocks(asked.options.checkpoint)
    if axis is None:
        return found[0]
    texts = found[0][["role", "definition"]]
    joined = xr.concat([data.drop_vars(list(texts)) for data in found], dim=axis, combine_attrs="override")
    return joined.assign_coords({axis: np.asarray(values, dtype=float)}).merge(texts, combine_attrs="override")


def temperature_problems(temperatures: Sequence[float]) -> Iterator[Problem]:
    """Yield temperatures that cannot bracket a crossover."""
    if len(temperatures) < FEWEST or np.any(np.diff(temperatures) <= 0):
        allowed = f"allowed: {FEWEST} or more numbers above 0, ascending, for crossovers"
        yield Problem("thermal.temperatures", show(list(temperatures)), allowed)


def _with_caps(asked: ThermalSum, at_zero: Resolution) -> xr.Dataset:
    """Return crossovers and curves with a given cutoff."""
    t, estimators = asked.temperatures, estimators_of(asked.model.cluster)
    curves, flux = _curves(asked, at_zero)
    pairs = [_estimate(estimator, t, curves[estimator.curve]) for estimator in estimators.values()]
    where, errors = np.array(pairs).T
    roles, definitions = (np.array([getattr(e, text) for e in estimators.values()]) for text in ("role", "definition"))
    table = {
        "crossover": (where, "estimator", "see definition", "energy"),
        "crossover_error": (errors, "estimator", "error bar", "energy"),
        "role": (roles, "estimator", "which temperature it estimates"),
        "definition": (definitions, "estimator", "in words"),
        "flux": (flux, "row" if np.ndim(flux) else "", "phi of the stiffness"),
    }
    variables = arrays(table, {"estimator": list(estimators)})
    for name, replicates in curves.items():
        formula, units = CURVES[name]
        variables |= with_error(name, jackknife(replicates), ["temperature"], formula, units, {"temperature": t})
    return xr.Dataset(variables)


CURVES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pair": ("|<D+_i b_i>|, averaged over the sites with local pairs", "1"),
        "condensate": ("largest eigenvalue of the combined pair density matrix", "1"),
        "dos": ("A(0, T) of an electron on site 0", "1/energy"),
        "stiffness": ("D_s = pi L d2F/dphi2; of a lattice (pi / sites) d2F/dA2, the mean over the axes", "energy"),
    }
)
"""Formulas and units."""


def _curves(asked: ThermalSum, at_zero: Resolution) -> tuple[dict[str, Replicates], NDArray[np.float64]]:
    """Return the curves that the estimators read, as replicates, and the flux of the stiffness."""
    model, t = asked.model, asked.temperatures
    names = summed_observables(model, ("pair_exchange", "condensate"))
    averages = thermal_totals(asked, names, default_grid(model), "averages").totals.observables
    amplitude = np.abs(averages["pair_exchange"][..., list(model.boson_sites)]).mean(axis=-1)
    derived = OBSERVABLES["condensate"].derived
    assert derived is not None
    curves = {"pair": amplitude, "condensate": derived.of(averages, asked.model)["combined"][0][..., 0]}
    curves["dos"] = thermal_lines(asked, probe(model, "electron"), at_zero).both("zero")
    if not has_stiffness(model.cluster):
        return curves | {"stiffness": np.full((1, len(t)), np.nan)}, np.array(np.nan)
    ends = [np.array(phi) for phi in product([0.0, np.pi], repeat=model.cluster.fluxes)]
    found = thermal_curvatures(asked, ends)
    best = int(np.argmin([each.potential[0, 0] for each in found]))
    curves["stiffness"] = found[best].stiffness(model)
    return curves, ends[best][0] if model.cluster.is_ring else ends[best]


def _estimate(estimator: Estimator, t: NDArray[np.float64], curve: Replicates) -> tuple[float, float]:
    """Return a crossover and its error bar: over random vectors, and from the grid of temperatures."""
    if np.any(np.isnan(curve)):
        return np.nan, np.nan
    found = np.array([estimator.find(t, row) for row in curve])
    value, error = jackknife(found)
    ends, inner = [0, len(t) - 1], range(1, len(t) - 1)
    coarse = [sorted({*ends, *inner[first::2]}) for first in (0, 1)]
    changes = [abs(estimator.find(t[kept], curve[0][kept]) - value) for kept in coarse]
    return float(value), float(np.hypot(error, np.max(changes)))
