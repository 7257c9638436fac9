"""Spectral functions of a thermal state, with their sum rules, detailed balance and the measure of the pseudogap."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import numbers, taking
from ...clusters import InvalidValue
from ...hamiltonians import Model
from ...hamiltonians.operators import total
from ...hamiltonians.terms import level_width, sector_operator
from ...hamiltonians.transitions import charge_change
from ...solvers import Options
from ..coordinates import with_coordinates, with_newer_names
from ..labelled import arrays, check_numbers, dataset_of
from ..spectra.excitations import MOMENTS, Resolution
from ..spectra.functions import DEFAULT_BROADENING, silent
from ..spectra.probes import Probe, check_cross, probe_of, probe_problems
from ..spectra.sum_rules import moment_formulas
from .block_sums import block_sums
from .blocks import Blocks, plan
from .cutoff import with_cutoff_errors
from .ensembles import THERMAL_ARGUMENTS, Ensemble, Sampling, ThermalSum, in_words
from .flux import NO_DRUDE, thermal_curvatures
from .spectral_lines import SpectrumSum
from .sum_rules import ThermalLines, allowed_misses, check_rules, detailed_balance
from .sums import SIGMAS, Replicates, Totals, jackknife, settled, with_error

MOST_TERMS = 4000
"""Longer formulas of moments are left out of the sum rules."""
MOST_POLES = 2000
"""Longer lists of lines are not given; the curve shows them."""
SAME = 1e-9
"""Lines closer than this are one."""
FAINT = 1e-14
"""Lines with less than this share of all weights at every temperature are left out of the list."""
STATIC = "int_0^(1/T) dtau <B+(tau) B> - |<B>|^2 / T; with a momentum the mean of q and -q"
PSEUDOGAP = "A(0, T) / A(0, T_high), T_high the highest temperature"


@taking(**THERMAL_ARGUMENTS, frequencies=numbers)
def thermal_spectral_function(
    model: Model,
    probe: Probe | str,
    temperatures: Sequence[float],
    frequencies: Sequence[float] | NDArray[np.float64],
    broadening: float = DEFAULT_BROADENING,
    lineshape: str = "lorentzian",
    ensemble: Ensemble | str = "grand-canonical",
    sampling: Sampling | None = None,
    options: Options | None = None,
    progress: Callable[[str], None] = silent,
    cross: Probe | str | None = None,
) -> xr.Dataset:
    r"""Compute the spectrum of a probe in a thermal state.

    .. math:: A(\omega) = \sum_{mn} p_m |\langle n|B|m\rangle|^2\,\delta(\omega - E_n + E_m)
              + \sum_{mn} p_m |\langle n|B^\dagger|m\rangle|^2\,\delta(\omega - E_m + E_n)

    with B adding charge; the second part is there for charged probes only. omega is measured from the chemical
    potential. Blocks of the ensemble that are small enough take all their levels; in the others the lines of the lowest
    levels are exact and the rest is sampled with random vectors, with as many Lanczos steps as the curve needs. Error
    bars contain the errors of random vectors, Lanczos steps and the phonon cutoff. For the probe "current" it is
    the regular optical conductivity at omega > 0,

    .. math:: \sigma_{reg}(\omega) = \frac{\pi}{L}\,\frac{1 - e^{-\omega/T}}{\omega}
              \sum_{mn} p_m |\langle n|J|m\rangle|^2\,\delta(\omega - E_n + E_m).

    Parameters
    ----------
    model : Model
        The Hamiltonian, with its chemical potential.
    probe : Probe
        See `respair.analysis.probe`.
    temperatures : (t,) float
        T above zero.
    frequencies : (n,) float
        omega [energy].
    broadening, lineshape : float, str
        As for `spectral_function`.
    ensemble : Ensemble or str
        Which states m are summed over; with a wanted density, mu is found for it at each temperature.
    sampling : Sampling, optional
        Exact or sampled.
    options : Options, optional
        Seed, engine and memory limit.
    progress : function
        Called with the next block, in words.
    cross : Probe, optional
        A second probe A: ``<m|A^+|n><n|B|m>`` takes the place of the weights, with its sign or phase, and for charged
        probes ``<m|B|n><n|A^+|m>`` that of the removal, as in `spectral_function`. Where model and probes are real, so
        is the spectrum; else values, weights and moments are complex, each with one error bar for its distance.

    Returns
    -------
    xarray.Dataset
        Over ``temperature``: ``intensity``, ``addition``, ``removal`` (and ``omega``) [1/energy], ``moments`` with
        ``sum_rules``, ``sum_rule_defects`` and ``sum_rule_errors`` (the largest defects allowed) over ``order``,
        ``addition_weight``, ``removal_weight``, ``zero_frequency`` A(0), ``pseudogap`` A(0) / A(0) at the highest
        temperature, ``balance`` (the other half of the spectrum by detailed balance; NaN where the ensemble
        has none; for two Hermitian probes the conjugate of the other half) with ``balance_defect``, and the error bars
        ``NAME_error``, which carry the uncertainty of a chemical potential that is found by sampling, with phonons also
        ``NAME_cutoff_error``, the part of it that comes from the cutoff; ``static_susceptibility``,
        ``int_0^(1/T) dtau <B^+(tau) B> - |<B>|^2 / T``, where N is free or B keeps it. Where there are
        few lines, all of them: ``pole_weights`` over ``temperature`` and ``pole``, at ``pole_frequencies``. The
        conductivity has ``drude``, ``fsum`` and ``fsum_defect`` as well.

    Raises
    ------
    InvalidModel
        If temperatures or ensemble are wrong.
    ValueError
        If the two probes change the charge differently, or one is the current.
    CutoffError
        If no affordable cap reaches ``phonons.accuracy``, with ``cutoff = "auto"``.
    ArithmeticError
        If a moment misses its sum rule, or the spectrum detailed balance, by more than they may.

    References
    ----------
    J. Jaklic and P. Prelovsek, Adv. Phys. 49, 1 (2000).

    Examples
    --------
    >>> from respair.analysis import probe
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons
    >>> one = Model(site(), Electrons(hubbard_u=2.0), chemical_potential=1.0)  # half filling
    >>> data = thermal_spectral_function(one, probe(one, "electron"), [0.5], [0.0])
    >>> data.pole_frequencies.values.round(12), data.pole_weights.values.round(12)
    (array([-1.,  1.]), array([[0.5, 0.5]]))
    """
    probe, cross = probe_of(model, "probe", probe), None if cross is None else probe_of(model, "cross", cross)
    missing = probe_problems(model, probe.name) if probe.name == "current" else ()
    asked = ThermalSum.of(model, temperatures, ensemble, sampling, options, in_words(progress), more=missing)
    if cross is not None:
        if "current" in (cross.name, probe.name):
            raise InvalidValue("the conductivity has one operator; leave cross out")
        check_cross(model, cross, probe)
    resolution = Resolution.of(frequencies, broadening, lineshape, asked.options)

    def with_caps(asked: ThermalSum) -> xr.Dataset:
        found = thermal_lines(asked, probe, resolution, cross)
        data = _dataset(found)
        check_numbers(data, ("values", "values_error", "moments", "moments_error", "chemical_potential"))
        check_rules(data, found)
        if found.wanted.loop:
            data = data.merge(_conductivity(found), combine_attrs="override")
        found.kept.remove()
        return data

    return with_coordinates(with_newer_names(with_cutoff_errors(asked, with_caps)))


def thermal_lines(
    asked: ThermalSum, probe: Probe, resolution: Resolution, cross: Probe | None = None, has_rules: bool = True
) -> ThermalLines:
    """Return everything that `thermal_spectral_function` reads off the lines, as replicates."""
    model, t, energy = asked.model, asked.temperatures, sector_operator(asked.model)
    resolution = replace(resolution, options=replace(asked.options, pool=None, checkpoint=None))
    settled_sum, shift = settled(asked)
    axis = probe.axis
    if not has_rules:
        averaged = []
    elif axis is not None:
        averaged = [axis.derivative(model, 2)]
    else:
        formulas = itertools.islice(moment_formulas(model, energy, cross or probe, probe), MOMENTS)
        averaged = [formula for formula in formulas if len(formula.terms) <= MOST_TERMS]
    wanted = SpectrumSum(
        probe,
        t,
        resolution,
        offset=shift[0] * charge_change(model, probe.addition)[0],
        loop=0.0 if axis is None else axis.sites,
        averaged=tuple(averaged),
        level_width=level_width(model),
    )
    if cross is not None:
        operators = (energy, cross.addition, probe.addition)
        real = not any(np.imag(value) for operator in operators for value in operator.terms.values())
        # the mean of both weights is no smaller than the sum of |<m|A+|n><n|B|m>|
        extent = total(0.5 * next(moment_formulas(model, energy, each, each)) for each in (cross, probe))
        wanted = replace(wanted, cross=cross, extent=(extent,), is_real=real)
    elif wanted.is_susceptible and probe.removal is None and not any(charge_change(model, probe.addition)):
        wanted = replace(wanted, extent=(probe.addition,))
    what = f"spectrum of {probe.name}"
    planned, skipped = plan(settled_sum, what, twins=True)
    parts, kept = block_sums(settled_sum, wanted, planned, what)
    totals = Totals.of(parts, t, shift=shift)
    return ThermalLines(asked, wanted, Blocks().of(planned[0]), totals, parts, skipped, kept)


SKEWED = 1.08
"""Curves are positive and their errors skewed: error bars are longer so that two of them hold in 95 % of all points."""


def _dataset(found: ThermalLines) -> xr.Dataset:
    wanted = found.wanted
    t, resolution = wanted.temperatures, wanted.resolution
    coords = {"temperature": t, "omega": resolution.frequencies}
    variables: dict[str, xr.DataArray] = {}

    def add(
        name: str,
        replicates: Replicates,
        dims: tuple[str, ...],
        formula: str,
        units: str = "1",
        steps: NDArray[np.float64] | float | None = None,
    ) -> None:
        value, error = jackknife(replicates)
        if steps is not None:  # a curve, which is not negative
            if wanted.cross is None:
                value, error = np.maximum(value, 0.0), SKEWED * jackknife(replicates, SIGMAS[1:])[1]
            error = np.hypot(error, steps)
        over = ["temperature", *dims]
        there = {dim: coords[dim] for dim in over if dim in coords}
        variables.update(with_error(name, (value, error), over, formula, units, there))

    form = "Lorentzian" if resolution.lineshape == "lorentzian" else "Gaussian"
    formula = f"sum_mn p_m |<n|O|m>|^2 of {form} lines"
    add("values", found.both("curve"), ("omega",), formula, "1/energy", found.unsettled("curve"))
    nothing = np.zeros_like(found.both("curve"))
    for part in ("addition", "removal"):
        there = part in found.names
        curve, off = (found[f"{part}_curve"], found.unsettled("curve", part)) if there else (nothing, 0.0)
        add(part, curve, ("omega",), f"lines of {part}", "1/energy", off)
        weight = found[f"{part}_moments"][..., 0] if there else nothing[..., 0]
        add(f"{part}_weight", weight, (), f"sum of the weights of {part}")
    moments = found.both("moments")
    add("moments", moments, ("order",), "sum of weight omega^order", "energy^order")
    zero = found.both("zero")
    off = found.unsettled("zero")
    add("zero_frequency", zero, (), "A(0, T)", "1/energy", off)
    hottest = int(np.argmax(t))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = zero / zero[:, hottest, None]
        off = np.hypot(off, np.abs(ratio[0]) * off[hottest]) / np.abs(zero[0, hottest])
        add("pseudogap", ratio, (), PSEUDOGAP, "1", off)
    if not wanted.loop:
        rules = np.full_like(moments, np.nan)
        rules[..., : len(wanted.averaged)] = found["averages"]
        add("sum_rules", rules, ("order",), "thermal averages of commutators", "energy^order")
        add("sum_rule_defects", moments - rules, ("order",), "moments less sum rules", "energy^order")
        made, half = detailed_balance(found)
        add("balance", made, (), "int f(omega) A, or int_0 exp(-omega / T) A for operators that keep the charge")
        add("balance_defect", made - half, (), "balance less the weight of removal, or of omega < 0")
        allowed = allowed_misses(found, variables["sum_rule_defects_error"].values)
        errors = {"sum_rule_errors": (allowed, "temperature order", "largest defect allowed", "energy^order")}
        variables |= arrays(errors, coords)
    has_static = all(f"{part}_static" in found.totals.observables for part in found.names)
    if has_static and (found.asked.ensemble.is_grand if "removal" in found.names else wanted.extent):
        add("static_susceptibility", static_susceptibility(found), (), STATIC, "1/energy")
    add("chemical_potential", found.asked.included + found.totals.shift, (), "mu", "energy")
    numbers = {
        "skipped_share": (found.skipped, "", "bound on the weight of blocks left out"),
        "broadening": (resolution.broadening, "", "half width at half maximum", "energy"),
    }
    return xr.Dataset(variables | arrays(numbers) | _poles(found))


def static_susceptibility(found: ThermalLines) -> Replicates:
    """Return the static susceptibility of the operator of a spectrum, without the product of its averages."""
    if "removal" in found.names:
        return found.both("static")
    mean = found.totals.observables["extent"][..., 0]
    return np.asarray(2.0 * found.both("static") - np.abs(mean) ** 2 / found.wanted.temperatures)


def _poles(found: ThermalLines) -> dict[str, xr.DataArray]:
    """Return all lines of an exact spectrum with their weights at each temperature, if they are few."""
    t = found.wanted.temperatures
    if found.wanted.loop or not has_every_line(found):
        return {}
    x, w = every_line(found)
    if not len(x):
        return {}
    strong = np.any(np.abs(w) > FAINT * np.sum(np.abs(w), axis=1, keepdims=True), axis=0)
    if np.count_nonzero(strong) > MOST_POLES:
        return {}
    places, over = x[strong], "pole"
    if np.any(found.wanted.offset):
        places, over = places - found.wanted.offset[:, None], "temperature pole"
    table = {
        "pole_frequencies": (places, over, "omega_n", "energy"),
        "pole_weights": (w[:, strong], "temperature pole", "w_n"),
    }
    return arrays(table, {"temperature": t, "pole": np.arange(np.count_nonzero(strong))})


def has_every_line(found: ThermalLines) -> bool:
    """True for an exact spectrum no block of which has more lines than are kept."""
    return found.is_exact and not any(np.isnan(x).any() for part in found.parts for x, _ in part.lines.values())


def every_line(found: ThermalLines) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return all lines (n,), those at one place added up, and their weights at each temperature, (t, n)."""
    t, totals = found.wanted.temperatures, found.totals
    at, weights = [np.zeros(0)], [np.zeros((len(t), 0))]
    for part in found.parts:
        above = totals.above(part.origin, part.member.sector.charge)
        factor = np.exp(-above / t - totals.log_partition[0])
        for x, w in part.lines.values():
            at.append(x)
            weights.append(w * factor[:, None])
    x, w = np.concatenate(at), np.concatenate(weights, axis=1)
    if not len(x):
        return x, w
    order = np.argsort(x, kind="stable")
    x, w = x[order], w[:, order]
    apart = np.diff(x) > np.maximum(found.wanted.level_width, SAME * np.abs(x[1:]))
    starts = np.flatnonzero(np.concatenate([[True], apart]))
    return x[starts], np.add.reduceat(w, starts, axis=1)


def _conductivity(found: ThermalLines) -> xr.Dataset:
    """Return the thermal Drude weight, and the f-sum rule with it."""
    t, loop = found.wanted.temperatures, found.wanted.loop
    assert found.wanted.probe.axis is not None
    along, model = np.array(found.wanted.probe.axis.flux), found.asked.model
    bent = jackknife(thermal_curvatures(found.asked, [np.array(model.fluxes)])[0].bendings)[0]
    drude = np.pi / loop * np.einsum("j,tjk,k->t", along, bent, along)
    fsum, error = jackknife(np.pi / (2 * loop) * found["averages"][..., 0])
    weight = found.both("moments")[0, :, 0]
    data = dataset_of(
        {
            "drude": (drude, "temperature", "pi / L sum_n p_n d2E_n/dtheta2", "energy"),
            "fsum": (fsum, "temperature", "pi / (2 L) <-T_hop>", "energy"),
            "fsum_error": (error, "temperature", "error bar of fsum", "energy"),
            "fsum_defect": (0.5 * drude + weight - fsum, "temperature", "D / 2 + int_0 sigma - fsum", "energy"),
        },
        {"temperature": t},
    )
    if np.any(np.isnan(drude)):
        data["drude"].attrs["missing"] = NO_DRUDE
    return data
