"""Time-resolved spectra, measured by a probe pulse of finite duration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import finite_numbers, instance, real_number, taking
from ...clusters import InvalidValue
from ...hamiltonians import Model, Operator, Sector
from ...hamiltonians.arguments import a_model, a_sector
from ...hamiltonians.pulse import Pulse, PulseTrain
from ...solvers import Options, Progress, State
from ...solvers.arguments import read_options
from ...solvers.evolution.course import Course, course_of
from ...solvers.krylov.exponential import krylov_step
from ...solvers.work import silent
from ..labelled import dataset_of
from ..spectra.probes import Probe, probe_of
from .error_bars import norm_of
from .evolve import check_tolerance, times_of
from .initial import Beginning, Initial, beginning
from .kicks import Kick
from .two_times import Correlations, TwoTimes

TOLERANCE = 1e-6
CUT = 6.2
"""Half length of the window in durations; its height there is 5e-9."""
GAP = 6.5
"""Distance, in inverse durations, at which a line has decayed to 1e-18 of its height."""
SEEN = 1e-9
"""Weight below which energy components are neglected in the choice of the time step."""
LANCZOS = 60
COARSE = 1e-3
"""Tolerance of the preliminary evolution that determines the energies."""
WIDER = 1.15
"""Factor by which the range of energies found at a few times is widened."""


@taking(model=a_model, times=times_of, frequencies=finite_numbers, sector=a_sector, options=read_options)
def time_resolved_spectrum(
    model: Model,
    probe: Probe | str,
    times: Sequence[float] | NDArray[np.float64],
    frequencies: Sequence[float] | NDArray[np.float64],
    duration: float,
    sector: Sector | int | None = None,
    *,
    initial: Initial = None,
    kick: Kick | None = None,
    pulse: Pulse | PulseTrain | None = None,
    step: float | None = None,
    tolerance: float = TOLERANCE,
    options: Options | None = None,
    progress: Progress = silent,
) -> xr.Dataset:
    r"""Compute the spectrum of an evolving state measured by a probe pulse around each of the given times.

    .. math::
        A^>(\omega, t) &= \iint s(t_1 - t)\,s(t_2 - t)\,e^{i\omega(t_1 - t_2)}
                          \langle B^\dagger(t_1)\,B(t_2)\rangle\,dt_1\,dt_2,\\
        A^<(\omega, t) &= \iint s(t_1 - t)\,s(t_2 - t)\,e^{i\omega(t_1 - t_2)}
                          \langle C^\dagger(t_2)\,C(t_1)\rangle\,dt_1\,dt_2

    where B adds and C removes charge, with the window :math:`s(\tau) = (2\pi^{3/2}\sigma)^{-1/2}
    e^{-\tau^2/2\sigma^2}` of duration :math:`\sigma`. Without a pump the lines are those of `spectral_function`,
    each a Gaussian of standard deviation :math:`1/\sqrt2\sigma`, that is ``lineshape="gaussian"`` with
    ``broadening=sqrt(log(2)) / duration``. :math:`\int A^<\,d\omega` is the average of C+ C over the window. In a
    vector potential c_k refers to the gauge of the pulse, in which k is conserved.

    Parameters
    ----------
    model : Model
        The Hamiltonian of the time evolution, with a fixed phonon cutoff.
    probe : Probe or str
        See `respair.analysis.probe`, with a momentum for A(k, omega, t); a name denotes that operator on site 0.
    times : (n,) float
        Centres of the probe pulses, ascending [1 / energy].
    frequencies : (m,) float
        omega [energy].
    duration : float
        sigma [1 / energy].
    sector, initial, kick, pulse, options, progress
        As for `respair.evolve`. A quench or a kick acts at t = 0, and no window may start before it; a ground level or
        a given state evolves from the beginning of the first window.
    step : float, optional
        Step of the times t_1 and t_2; by default chosen from the energies of the states and the frequencies.
    tolerance : float
        Tolerance of the norm of the error of the states at the last time.

    Returns
    -------
    xarray.Dataset
        ``intensity``, the sum of ``addition`` and ``removal``, over ``time`` and ``omega`` [1/energy]; over ``time``
        ``addition_weight`` and ``removal_weight``, their integrals over all frequencies, and ``errors``, bounds on
        the error of the intensity: of the states (including the phonon cutoff), of the finite window, and of aliasing
        due to the time step. ``initial_error`` is an estimate of the contribution of the initial state to the error of
        the states.

    Raises
    ------
    InvalidValue
        If a window starts before a quench or a kick, or duration, step or tolerance are not positive.
    MemoryError
        If the states at all times do not fit.

    References
    ----------
    J. K. Freericks, H. R. Krishnamurthy and T. Pruschke, Phys. Rev. Lett. 102, 136401 (2009).

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> data = time_resolved_spectrum(Model(dimer(), Electrons(hopping=1.0)), "electron", [0.0], [-1.0, 0.0], 2.0, 2)
    >>> print(data.removal.values.round(6), np.round(0.5 * 2.0 / np.pi**0.5, 6))  # a line at -1 of the weight 1/2
    [[0.56419  0.010333]] 0.56419
    """
    check_tolerance(tolerance)
    width = real_number("duration", duration, "a number above 0", 1e-100)
    asked, omega = np.asarray(times, float), np.asarray(frequencies, float)
    if step is not None:
        step = real_number("step", step, "a number above 0", 1e-100)
    options = options or Options()
    instance("kick", kick, (Kick, type(None)), 'write Kick("displacement", 0.5, site=0)')
    instance("pulse", pulse, (Pulse, PulseTrain, type(None)), "write Pulse(0.4, 2.0, 5.0, 1.0)")
    _check_begin(initial, kick, float(asked[0]), width)
    sector = Sector(sector) if isinstance(sector, int) else sector
    first = beginning(model, sector, initial, tolerance, options, progress)
    found = probe_of(first.hamiltonian.space.model, "probe", probe)
    formula = None if kick is None else kick.formula(first.hamiltonian.space.model)
    course = Course(pulse, formula, tolerance, options)
    parts = {name: own for name, own in (("addition", found.addition), ("removal", found.removal)) if own is not None}
    window = (float(asked[0]) - CUT * width, float(asked[-1]) + CUT * width)
    step = step or _step(first, course, parts, window, omega, width)
    nodes = _nodes(asked, width, step)
    sums = {name: Correlations(own, _norm(first, own), course, len(nodes)) for name, own in parts.items()}
    for snapshot in course_of(first.start, first.hamiltonian, nodes, course, progress):
        for each in sums.values():
            each.add(snapshot)
    reach = math.sqrt(2.0) * CUT * width
    rate = tolerance / (reach or 1.0)
    seen = {name: each.between(nodes, reach, rate) for name, each in sums.items()}
    return _dataset(seen, {n: sums[n].size for n in sums}, np.array(nodes), asked, omega, width, step, first)


def _check_begin(initial: Initial, kick: Kick | None, middle: float, width: float) -> None:
    """Raise InvalidValue if a window starts before a quench or a kick."""
    sudden = kick is not None or not (initial is None or isinstance(initial, State))
    if sudden and middle < CUT * width:
        raise InvalidValue(
            f"times[0] = {middle:g}: a window of the duration {width:g} reaches {CUT} durations back, to before the "
            f"quench or kick at 0; allowed: times from {CUT * width:g} on, or a shorter probe"
        )


def _norm(first: Beginning, operator: Operator) -> float:
    phonons = first.hamiltonian.space.phonons
    return norm_of(operator, phonons.max_quanta if phonons.modes else 0)


def _step(
    first: Beginning,
    course: Course,
    parts: Mapping[str, Operator],
    window: tuple[float, float],
    omega: NDArray[np.float64],
    width: float,
) -> float:
    """Return a time step for which no line is aliased to a requested frequency."""
    looks = sorted({0.0, *window, 0.5 * sum(window)} if window[0] < 0 else {*window, 0.5 * sum(window)})
    low, high = float(np.min(omega)), float(np.max(omega))
    quick = replace(course, tolerance=max(COARSE, course.tolerance))
    sums = {name: Correlations(own, 1.0, quick, len(looks)) for name, own in parts.items()}
    for snapshot in course_of(first.start, first.hamiltonian, looks, quick):
        for name, each in sums.items():
            before, after = each.energies(snapshot, _energies)
            if not after:
                continue
            edges = (
                min(a for a, _ in after) - max(b for _, b in before),
                (max(b for _, b in after) - min(a for a, _ in before)),
            )
            start, stop = edges if name == "addition" else (-edges[1], -edges[0])
            more = 0.5 * (WIDER - 1.0) * (stop - start)
            low, high = min(low, start - more), max(high, stop + more)
    return 2.0 * math.pi / (high - low + GAP / width)


def _energies(motion: Any, vector: NDArray[Any]) -> tuple[float, float] | None:
    """Return the range of energies of a state."""
    if not motion.operator.norm(vector):
        return None
    step = krylov_step(motion.operator, vector, 1e3, 1e-300, min(LANCZOS, motion.most))
    there = (
        step.energies[np.cumsum(step.ritz[0] ** 2) > SEEN],
        step.energies[np.cumsum(step.ritz[0][::-1] ** 2)[::-1] > SEEN],
    )
    return float(there[0][0]), float(there[1][-1])


def _nodes(middles: NDArray[np.float64], width: float, step: float) -> list[float]:
    """Return the times of a grid that lie within one of the windows."""
    first = middles[0] - CUT * width
    count = math.floor((middles[-1] + CUT * width - first) / step) + 1
    grid = first + step * np.arange(count)
    near = np.abs(grid[:, None] - middles).min(axis=1) <= CUT * width * (1.0 + 1e-12)
    return [float(t) for t in grid[near]]


def _dataset(
    seen: Mapping[str, TwoTimes],
    norms: Mapping[str, float],
    nodes: NDArray[np.float64],
    middles: NDArray[np.float64],
    omega: NDArray[np.float64],
    width: float,
    step: float,
    first: Beginning,
) -> xr.Dataset:
    """Return the sums over pairs of times, with the bounds of the error."""
    shape = (len(middles), len(omega))
    curves = {name: np.zeros(shape) for name in ("addition", "removal")}
    weights, errors = {name: np.zeros(len(middles)) for name in curves}, np.zeros(len(middles))
    height = width / math.sqrt(math.pi)  # the square of the integral over the window
    for name, own in seen.items():
        sign, diagonal = (1.0 if name == "addition" else -1.0), np.diagonal(own.values).real
        reached = own.values != 0.0
        edge = math.pi / step
        for row, middle in enumerate(middles):
            s = step * np.exp(-0.5 * ((nodes - middle) / width) ** 2) / math.sqrt(2.0 * math.pi**1.5 * width)
            s[np.abs(nodes - middle) > CUT * width * (1.0 + 1e-12)] = 0.0
            curves[name][row] = _sum(own.values, s, sign * nodes, omega)
            weights[name][row] = 2.0 * math.pi / step * float(s**2 @ diagonal)
            covered = float(s @ reached @ s)
            beside = _lowest_intensity(own.values, s, sign * nodes, edge)
            errors[row] += float(s @ own.errors @ s) + norms[name] ** 2 * max(0.0, height - covered) + 2.0 * beside
    about: dict[str, Any] = {
        "intensity": (sum(curves.values()), "time omega", "A(omega, t)", "1/energy"),
        "addition": (curves["addition"], "time omega", "A^>(omega, t)", "1/energy"),
        "removal": (curves["removal"], "time omega", "A^<(omega, t)", "1/energy"),
        "addition_weight": (weights["addition"], "time", "integral of A^> over omega"),
        "removal_weight": (weights["removal"], "time", "integral of A^< over omega"),
        "errors": (errors, "time", "bound on the error of the intensity", "1/energy"),
        "initial_error": (first.start.error, "", "share of the initial state in the error of the states, an estimate"),
        "duration": (width, "", "sigma of the window", "1/energy"),
        "step": (step, "", "distance of the times", "1/energy"),
    }
    return dataset_of(about, {"time": middles, "omega": omega})


def _sum(
    values: NDArray[np.complex128], s: NDArray[np.float64], times: NDArray[np.float64], omega: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``sum_ij s_i s_j exp(i omega (t_i - t_j)) D_ij`` at each frequency."""
    waves = s * np.exp(-1j * omega[:, None] * times)
    return np.asarray(np.einsum("wi,ij,wj->w", waves.conj(), values, waves, optimize=True).real)


def _lowest_intensity(
    values: NDArray[np.complex128], s: NDArray[np.float64], times: NDArray[np.float64], edge: float
) -> float:
    """Return the lowest intensity over all frequencies, a measure of aliasing."""
    zone = np.linspace(-edge, edge, 65)
    return float(max(0.0, np.min(_sum(values, s, times, zone))))
