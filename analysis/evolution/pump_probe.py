"""Optical conductivity of evolving states, from the current induced by a weak probe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import finite_numbers, instance, real_number, taking
from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector
from ...hamiltonians.arguments import a_model, a_sector
from ...hamiltonians.pulse import Pulse, PulseTrain, direction_in, hop_steps
from ...solvers import Options, Progress
from ...solvers.arguments import read_options
from ...solvers.work import silent
from ..labelled import dataset_of
from ..spectra.functions import DEFAULT_BROADENING
from .error_bars import norm_of
from .evolve import check_tolerance, evolve
from .initial import Initial
from .kicks import Kick

TOLERANCE = 1e-9
AMPLITUDE = 1e-3
FOLLOWED = 16.0
"""Number of damping times over which the current is computed; it has then decayed to 1e-7."""
BEFORE = 6.5
"""Distance of the start of the probe from its centre, in widths; the amplitude there is 7e-10."""
POINTS = 2.5
"""Number of times per width of the probe."""


@taking(model=a_model, frequencies=finite_numbers, sector=a_sector, options=read_options)
def pump_probe_conductivity(
    model: Model,
    frequencies: Sequence[float] | NDArray[np.float64],
    time: float,
    sector: Sector | int | None = None,
    *,
    initial: Initial = None,
    kick: Kick | None = None,
    pulse: Pulse | PulseTrain | None = None,
    broadening: float = DEFAULT_BROADENING,
    direction: Sequence[float] | None = None,
    width: float | None = None,
    amplitude: float = AMPLITUDE,
    tolerance: float = TOLERANCE,
    options: Options | None = None,
    progress: Progress = silent,
) -> xr.Dataset:
    r"""Compute the optical conductivity measured by a probe at a given time, after a quench or during a pump pulse.

    .. math:: \sigma(z) = \frac{\int \delta j(t)\,e^{iz(t - t_p)}\,dt}{iz\,L \int A_{probe}(t)\,e^{iz(t - t_p)}\,dt},
              \qquad z = \omega + i\eta,\quad \delta j = \tfrac12\big(j_{+} - j_{-}\big)

    with the currents :math:`j_\pm = -\langle\partial H/\partial A\rangle` for the pump plus or minus the probe
    :math:`A_{probe}(t) = a\,e^{-(t - t_p)^2/2w^2}`: half their difference is the linear response up to order
    :math:`a^3`. L is the number of sites. Without a pump, the real part is that of `optical_conductivity` with
    Lorentzian lines at :math:`\pm\omega_n` and the Drude peak :math:`D\,\eta/\pi(\omega^2 + \eta^2)`.

    Parameters
    ----------
    model : Model
        The Hamiltonian of the time evolution, with a fixed phonon cutoff.
    frequencies : (n,) float
        omega [energy], not much larger than the inverse width of the probe.
    time : float
        t_p, the centre of the probe [1 / energy].
    sector, initial, kick, pulse, tolerance, options, progress
        As in `respair.evolve`; `pulse` is the pump. A quench or a kick acts at t = 0, before the probe begins.
    broadening : float
        eta, the damping of the response [energy].
    direction : sequence of float, optional
        Direction of the probe, of any length; the pump must have the same. By default as for `Pulse`.
    width : float, optional
        w [1 / energy]; by default the inverse of the largest frequency.
    amplitude : float
        a.

    Returns
    -------
    xarray.Dataset
        ``conductivity`` (complex) over ``omega`` with ``conductivity_error``, a bound on the errors of the states and
        of the truncated Fourier transform, plus an estimate of the order a^3; ``current`` and ``probe_current``,
        delta j, over ``time``.

    Raises
    ------
    InvalidValue
        If a number is not positive, the directions differ, or the probe begins before a quench or a kick.

    References
    ----------
    C. Shao, T. Tohyama, H.-G. Luo and H. Lu, Phys. Rev. B 93, 195144 (2016).

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons
    >>> data = pump_probe_conductivity(Model(ring(3), Electrons(hopping=1.0)), [0.0], 0.0, 1, broadening=0.5)
    >>> print(round(float(data.conductivity[0].real), 5))  # D / (pi eta) with D = 2 pi / 3
    1.33333
    """
    check_tolerance(tolerance)
    omega = np.asarray(frequencies, float)
    eta = real_number("broadening", broadening, "a number above 0", 1e-100)
    size = real_number("amplitude", amplitude, "a number above 0", 1e-100)
    middle = real_number("time", time, "a finite number", -1e100, 1e100)
    instance("pulse", pulse, (Pulse, PulseTrain, type(None)), "write Pulse(0.4, 2.0, 5.0, 1.0)")
    fastest = max(float(np.max(np.abs(omega))), eta)
    w = 1.0 / fastest if width is None else real_number("width", width, "a number above 0", 1e-100)
    pump = () if pulse is None else pulse.pulses if isinstance(pulse, PulseTrain) else (pulse,)
    along = _along(model, direction, pump)
    begin = middle - BEFORE * w
    if begin < 0.0 and (kick is not None or initial is not None):
        raise InvalidValue(
            f"time = {middle:g}: the probe of the width {w:g} begins at {begin:g}, before the quench or kick at 0; "
            f"allowed: {BEFORE * w:g} or more"
        )
    count = math.ceil((BEFORE * w + FOLLOWED / eta) * POINTS / w) + 1
    times = np.asarray(begin + w / POINTS * np.arange(count), np.float64)
    found = []
    for sign in (1.0, -1.0):
        train = PulseTrain(
            (*(replace(each, direction=along) for each in pump), Pulse(sign * size, 0.0, middle, w, along))
        )
        found.append(
            evolve(
                model, times, sector, initial=initial, kick=kick, pulse=train, observables=[], tolerance=tolerance,
                options=options, progress=progress,
            )
        )  # fmt: skip
    both = [data.current.values for data in found]
    added, errors = 0.5 * (both[0] - both[1]), 0.5 * (found[0].errors.values + found[1].errors.values)
    sigma, bar = _transformed(model, along, added, errors, times, omega + 1j * eta, (size, w, middle))
    about: dict[str, Any] = {
        "conductivity": (sigma, "omega", "sigma(omega + i eta)"),
        "conductivity_error": (bar, "omega", "error bar of the conductivity"),
        "current": (0.5 * (both[0] + both[1]), "time", "current of the pump", "energy"),
        "probe_current": (added, "time", "current that the probe adds", "energy"),
        "current_errors": (2.0 * _current_norm(model, along) * errors, "time", "error bar of both", "energy"),
        "broadening": (eta, "", "eta", "energy"),
        "width": (w, "", "of the probe", "1/energy"),
    }
    return dataset_of(about, {"omega": omega, "time": times})


def _transformed(
    model: Model,
    along: tuple[float, ...] | None,
    added: NDArray[np.float64],
    errors: NDArray[np.float64],
    times: NDArray[np.float64],
    z: NDArray[np.complex128],
    probe: tuple[float, float, float],
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Return the conductivity and its error bar from the current that a probe adds.

    Parameters
    ----------
    model : Model
        The Hamiltonian.
    along : tuple of float or None
        Direction of the probe.
    added, errors, times : (t,) float
        Added current, bounds on the errors of the states, and times.
    z : (n,) complex
        omega + i eta.
    probe : (float, float, float)
        Amplitude, width and centre of the probe.
    """
    size, w, middle = probe
    eta, step, delay = float(z[0].imag), times[1] - times[0], times - middle
    wave = size * w * math.sqrt(2.0 * math.pi) * np.exp(-0.5 * (z * w) ** 2)
    scale = 1j * z * _size(model) * wave
    damped = np.exp(-eta * delay)
    sigma = step * (np.exp(1j * z[:, None] * delay) @ added) / scale
    last = float(np.max(np.abs(added[len(added) // 2 :]))) * damped[-1] / eta
    bar = 1.0 / np.abs(scale) * (2.0 * _current_norm(model, along) * step * float(damped @ errors) + last)
    cubic = size**2 * max((s for s, _ in hop_steps(model, along)), default=0.0) ** 2
    return sigma, bar + cubic * np.abs(sigma)


def _along(model: Model, direction: Sequence[float] | None, pump: Sequence[Pulse]) -> tuple[float, ...] | None:
    """Return the direction of probe and pump, normalised if given."""
    if direction is None:
        return pump[0].direction if pump else None
    vector = direction_in(model.cluster, direction)
    if not np.all(np.isfinite(vector)) or not np.any(vector):
        raise InvalidValue(f"direction = {list(direction)} is invalid; allowed: finite numbers, not all 0, as [1, 0]")
    if pump:
        own = direction_in(model.cluster, pump[0].direction)
        if not np.allclose(np.outer(own, vector), np.outer(vector, own)):
            raise InvalidValue(
                f"the probe is along {list(direction)} and the pump along {own.tolist()}; allowed: the same direction"
            )
        return pump[0].direction
    return tuple((vector / np.linalg.norm(vector)).tolist())


def _size(model: Model) -> float:
    """Return L, the number of sites."""
    cluster = model.cluster
    return cluster.loop_length if cluster.is_ring else float(cluster.sites)


def _current_norm(model: Model, along: tuple[float, ...] | None) -> float:
    """Return an upper bound of the norm of the current."""
    table = model.phonons
    caps = [cap for cap in (table.max_quanta, table.total_quanta) if cap is not None] if table else []
    most = min(caps, default=0)
    return sum(2.0 * step * norm_of(forward, most) for step, forward in hop_steps(model, along))
