"""Frequencies of a time evolution, and time-dependent Green's functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import finite_numbers, taking
from ...clusters import InvalidValue
from ...hamiltonians import Operator
from ...hamiltonians.transitions import transitions
from ...solvers import Options, State
from ...solvers.arguments import levels_of, read_options
from ...solvers.costs import choose_engine
from ...solvers.evolution.motion import Motion
from ..labelled import dataset_of
from ..spectra.functions import Levels
from ..spectra.probes import Probe, probe_of
from .evolve import TOLERANCE, check_tolerance, times_of

EVEN = 1e-9
"""Largest relative difference of the time steps."""
NOISE = 1e-8
"""Default noise level: singular values below this times the largest are omitted."""
SHORTER = 0.85
"""Fraction of the times used for a second determination of the frequencies, for their errors."""


@taking(times=times_of)
def motion_frequencies(
    times: Sequence[float] | NDArray[np.float64],
    values: Sequence[complex] | NDArray[Any],
    noise: float = NOISE,
    count: int | None = None,
) -> xr.Dataset:
    r"""Find the frequencies of a signal by the matrix-pencil method, a variant of Prony's method.

    .. math:: f(t) = \sum_k c_k\,e^{-i\omega_k t - \gamma_k t}

    Frequencies closer than the inverse duration are resolved if the signal is exact. A real signal has each frequency
    with both signs.

    Parameters
    ----------
    times : (n,) float
        Equidistant times.
    values : (n,) float or complex
        The signal.
    noise : float
        Singular values of the Hankel matrix below this times the largest are omitted; set it to the relative error
        of the signal.
    count : int, optional
        Largest number of frequencies.

    Returns
    -------
    xarray.Dataset
        Over ``line``, the strongest first: ``frequencies`` [energy], ``decays`` [energy], ``amplitudes`` c_k at the
        first time, and ``errors`` of the frequencies, their change when the last times are omitted. ``defect`` is
        the largest deviation of the sum from the signal.

    References
    ----------
    Y. Hua and T. K. Sarkar, IEEE Trans. Acoust. Speech Signal Process. 38, 814 (1990).

    Examples
    --------
    >>> times = np.linspace(0.0, 10.0, 41)
    >>> found = motion_frequencies(times, np.exp(-0.7j * times) + 0.5 * np.exp(-1.1j * times))
    >>> found.frequencies.values.round(9)
    array([0.7, 1.1])
    """
    grid, signal = np.asarray(times, float), np.asarray(values, complex)
    if signal.shape != grid.shape or len(grid) < 4:
        raise InvalidValue(f"values of shape {signal.shape} for {len(grid)} times; give one each, of four or more")
    steps = np.diff(grid)
    if np.ptp(steps) > EVEN * float(np.max(steps)):
        raise InvalidValue("times are not evenly spaced; take { start, stop, count }, or numpy.linspace")
    width = float(np.mean(steps))
    roots, amplitudes = _pencil(signal, noise, count)
    fewer, _ = _pencil(signal[: max(4, int(SHORTER * len(signal)))], noise, count)
    exponents = 1j * np.log(roots) / width
    others = 1j * np.log(fewer) / width
    errors = [float(np.min(np.abs(others - e), initial=np.inf)) for e in exponents]
    order = np.lexsort((exponents.real, -np.abs(amplitudes).round(12)))
    curve = (amplitudes * roots ** np.arange(len(grid))[:, None]).sum(axis=1)
    return dataset_of(
        {
            "frequencies": (exponents.real[order], "line", "omega_k", "energy"),
            "decays": (-exponents.imag[order], "line", "gamma_k", "energy"),
            "amplitudes": (amplitudes[order], "line", "c_k"),
            "errors": (np.array(errors)[order], "line", "change of omega_k without the last times", "energy"),
            "defect": (float(np.max(np.abs(curve - signal), initial=0.0)), "", "largest |f - sum|"),
        }
    )


def _pencil(signal: NDArray[Any], noise: float, count: int | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return ``exp(-i omega_k dt - gamma_k dt)`` and the amplitudes."""
    rows = len(signal) // 2
    hankel = np.array([signal[k : k + len(signal) - rows + 1] for k in range(rows)])
    left, sizes, _ = np.linalg.svd(hankel, full_matrices=False)
    rank = int(np.sum(sizes > noise * sizes[0])) if sizes[0] > 0 else 0
    rank = max(1, min(rank, rows - 1, count or rank))
    space = left[:, :rank]
    roots = np.linalg.eigvals(np.linalg.lstsq(space[:-1], space[1:], rcond=None)[0])
    roots = roots[np.abs(roots) > 0]
    powers = roots ** np.arange(len(signal))[:, None]
    return roots, np.linalg.lstsq(powers, signal, rcond=None)[0]


@taking(levels=levels_of, times=finite_numbers, options=read_options)
def time_greens_function(
    levels: Levels,
    probe: Probe | str,
    times: Sequence[float] | NDArray[np.float64],
    tolerance: float = TOLERANCE,
    options: Options | None = None,
) -> xr.Dataset:
    r"""Compute Green's functions in time: the evolution of the ground level after a particle was added or removed.

    .. math:: G^>(t) = -i\,\langle 0|B^\dagger e^{-i(H - E_0)t} B|0\rangle,\qquad
              G^<(t) = i\,\langle 0|C^\dagger e^{i(H - E_0)t} C|0\rangle

    with B adding and C removing charge. With the lines of `spectral_function` these are
    ``-i sum_n w_n exp(-i omega_n t)`` over addition and ``i sum_n w_n exp(-i omega_n t)`` over removal.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Levels whose ground level is used; a degenerate one is averaged.
    probe : Probe or str
        See `probe`; a name denotes that operator on site 0. Operators that conserve the charge have no G^<.
    times : (n,) float
        Ascending times, 0 or larger.
    tolerance : float
        Tolerance of the error of the state at the last time.
    options : Options, optional
        Engine and memory.

    Returns
    -------
    xarray.Dataset
        ``greater`` and ``lesser`` over ``time``, and ``greater_error``, ``lesser_error``: bounds on the errors of the
        time evolution.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> levels = ground_state(Model(dimer(), Electrons(hopping=1.0)), 2)
    >>> time_greens_function(levels, "electron", [0.0, np.pi]).greater.values.round(9) + 0.0
    array([0.-0.5j, 0.+0.5j])
    """
    check_tolerance(tolerance)
    grid = times_of("times", times)
    if grid[0] < 0:
        raise InvalidValue(f"times[0] = {grid[0]} is before the particle is added; give times of 0 or more")
    options = options or Options()
    found = probe_of(levels.hamiltonian.space.model, "probe", probe)
    energy = float(levels.relative[0])
    rows: dict[str, Any] = {}
    for name, operator, sign in (("greater", found.addition, -1j), ("lesser", found.removal, 1j)):
        overlaps, errors = np.zeros(len(grid), complex), np.zeros(len(grid))
        for overlap, error in _moving(levels.ground, operator, grid, tolerance, options) if operator else ():
            overlaps, errors = overlaps + overlap, errors + error
        turned = np.exp(1j * energy * grid) * overlaps
        values = sign * (turned if name == "greater" else turned.conj())
        rows[name] = values, "time", f"G^{'>' if name == 'greater' else '<'}(t)"
        rows[f"{name}_error"] = errors, "time", f"bound on the error of the motion in {name}"
    return dataset_of(rows, {"time": grid})


def _moving(
    state: State, operator: Operator, grid: NDArray[np.float64], tolerance: float, options: Options
) -> Iterator[tuple[NDArray[Any], NDArray[np.float64]]]:
    """Yield ``<O psi| exp(-i H t) |O psi>`` of the parts of a mixture in the target blocks of an operator."""
    times = grid.tolist() if grid[0] == 0.0 else [0.0, *grid.tolist()]
    rate = tolerance / (times[-1] or 1.0)
    for part in state.parts:
        for transition in transitions(part.block, operator):
            block = transition.target
            engine = choose_engine(block.space.model, block.sector, options.engine)
            motion = Motion.of_hamiltonian(block, engine, options.memory_limit)
            for weight, phi in part.mixture:
                start = motion.vector(transition.apply(phi))
                if not (size := motion.operator.norm(start)):
                    continue
                moments = [*motion.moments(start, times, rate)][len(times) - len(grid) :]
                overlaps = np.array([motion.operator.dot(start, each.vector) for each in moments])
                yield weight * overlaps, weight * size * np.array([each.error for each in moments])
