"""Optical conductivity of rings and lattices: Drude weight, regular part, and the f-sum rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import numbers, taking
from ...solvers import Options, State
from ...solvers.arguments import levels_of, read_options
from ...solvers.krylov.resolvents import Lines
from ...solvers.linear import solve
from ..labelled import dataset_of, labelled
from ..observables.averages import expectation
from .excitations import DROPPED, Excitations, Resolution, excitations, ground_in, images_of, off_ground, size_of
from .functions import DEFAULT_BROADENING, Levels, curves, silent
from .probes import Probe, probe
from .sum_rules import allowed_defects, moments_from_commutators, rule_variables

ELASTIC = 10
"""Lines below this frequency, in widths of levels, belong to the ground level; their weight is in the Drude peak."""
WEAKEST = 1e-10
"""Lines of smaller weight, in units of the largest hopping, are omitted from the list of poles."""
ROUNDING = 1e-9
"""Largest defect of the f-sum rule, relative to the weight."""


@taking(levels=levels_of, frequencies=numbers, options=read_options)
def optical_conductivity(
    levels: Levels,
    frequencies: Sequence[float] | NDArray[np.float64],
    broadening: float = DEFAULT_BROADENING,
    lineshape: str = "lorentzian",
    options: Options | None = None,
    progress: Callable[[str], None] = silent,
    *,
    direction: Sequence[float] | None = None,
) -> xr.Dataset:
    r"""Compute the optical conductivity of rings and lattices in the ground level, ``D delta(omega) + sigma_reg``.

    .. math:: \sigma_{reg}(\omega > 0) = \frac{\pi}{L} \sum_n \frac{|\langle n|J|0\rangle|^2}{E_n - E_0}
              \delta(\omega - E_n + E_0),\quad
              D = \frac{\pi}{L} \Big[\langle \partial_\theta^2 H\rangle
                  - 2 \sum_n \frac{|\langle n|J|0\rangle|^2}{E_n - E_0}\Big]

    with J = dH/dtheta, including phonon-assisted hopping; theta = phi / L is the phase of a bond and L the number of
    bonds around the flux (`Cluster.loop_length`), as in `flux_response`; hops of pairs count four times. On lattices
    theta is the uniform vector potential A along a direction e, ``phi_j = A e . T_j``, and L the number of sites: the
    result is :math:`\sigma_{ee}`, with the D of `flux_tensor`. The delta function at zero counts half, so that the
    f-sum rule is

    .. math:: \frac{D}{2} + \sum_n S_n = \frac{\pi}{2L} \langle \partial_\theta^2 H\rangle
              = \frac{\pi}{2L} \langle -T_{hop} \rangle.

    D is computed by one linear solve, independently of the lines, so that the sum rule is a check. A degenerate ground
    level is averaged; if its states cross as the flux varies, D is not the curvature of E_0.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Levels whose ground level is used.
    frequencies : (n,) float
        omega [energy]. All lines lie above 0; the curve at and below 0 contains only tails due to the broadening.
    broadening, lineshape, options, progress
        As in `spectral_function`.
    direction : (dimension,) float, optional
        Cartesian direction e on lattices, of any length; the first axis by default.

    Returns
    -------
    xarray.Dataset
        As for `spectral_function`: ``intensity`` is sigma_reg, and S_n are the weights of the lines. In addition
        ``drude`` D, ``fsum`` the right-hand side, and ``fsum_defect`` the left minus the right-hand side [energy].

    Raises
    ------
    InvalidModel
        If the cluster has no loop, or no current can flow along the direction.
    ArithmeticError
        If a moment violates its sum rule.

    References
    ----------
    W. Kohn, Phys. Rev. 133, A171 (1964); E. Dagotto, Rev. Mod. Phys. 66, 763 (1994), section II.D.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> data = optical_conductivity(ground_state(Model(ring(4), Electrons(hopping=1.0)), 1), [0.5])
    >>> round(float(data.drude), 10) == round(np.pi / 4 * 2, 10), len(data.pole)
    (True, 0)
    """
    model = levels.hamiltonian.space.model
    current = probe(model, "current", direction=direction)
    assert current.axis is not None
    resolution = Resolution.of(frequencies, broadening, lineshape, options)
    length = current.axis.sites
    progress("optical conductivity")
    found = excitations(levels, current.addition, resolution, off=True)
    regular = _regular(found, length, size_of(current.addition))
    largest = max((abs(value) for value in current.addition.terms.values()), default=0.0)
    progress("Drude weight")
    bent = expectation(levels.ground, current.axis.derivative(model, 2)).real
    drude = np.pi / length * (bent - 2 * _polarisation(levels, current))
    fsum = np.pi / (2 * length) * bent
    rules = _sum_rules(levels, found, regular, current, length, fsum - 0.5 * drude)
    strong = np.abs(regular.lines.weights) > WEAKEST * largest
    shown = replace(regular, lines=_kept(regular.lines, strong))
    data = curves([shown], resolution)
    data["moments"] = labelled("moments", regular.moments(), ["order"], "sum_n S_n omega_n^order", "energy^(order + 1)")
    defect = 0.5 * drude + regular.weight - fsum
    totals = dataset_of(
        {
            "drude": (drude, "", "pi / L d2E_0/dtheta2", "energy"),
            "fsum": (fsum, "", "pi / (2 L) <-T_hop>", "energy"),
            "fsum_defect": (defect, "", "D / 2 + sum S - fsum", "energy"),
        }
    )
    return data.assign({**totals.data_vars, **rules.data_vars})


def _kept(lines: Lines, mask: NDArray[np.bool_]) -> Lines:
    return replace(lines, energies=lines.energies[mask], weights=lines.weights[mask], errors=lines.errors[mask])


def _regular(found: Excitations, length: float, size: float) -> Excitations:
    """Return ``S_n = pi / L |<n|J|0>|^2 / omega_n`` of all lines outside the ground level."""
    lines = _kept(found.lines, np.abs(found.lines.energies) > ELASTIC * found.level_width)
    lines = _kept(lines, lines.weights > DROPPED**2 * max(size, found.weight))
    least = float(np.min(np.abs(lines.energies), initial=np.inf))
    weights = np.pi / length * lines.weights / lines.energies
    return replace(found, lines=replace(lines, weights=weights, error=lines.error / least), weight=float(weights.sum()))


def _polarisation(levels: Levels, current: Probe) -> float:
    """Return ``sum_n |<n|J|0>|^2 / (E_n - E_0)`` outside the ground level by linear solves."""
    total, energy = 0.0, float(levels.relative[0])
    for target, images, _ in images_of(levels.ground, current.addition):
        own = ground_in(levels.ground, target)[0].reshape(-1, *target.shape)
        pushed = np.array([off_ground(v, target, levels.ground) for v in images])
        if not target.norm(pushed) > 0:
            continue
        kind = np.result_type(pushed.dtype, own.dtype)
        answer = solve(target, energy, pushed.astype(kind), own.astype(kind) if len(own) else None)
        total += target.dot(pushed, answer).real
    return total


def _sum_rules(
    levels: Levels, found: Excitations, regular: Excitations, current: Probe, length: float, weight: float
) -> xr.Dataset:
    """Compare the moments of sigma_reg with the f-sum rule and with averages of commutators."""
    averages = moments_from_commutators(levels.ground, current, current, 3).real
    averages[0] -= _elastic(levels.ground, current)
    wanted = np.concatenate([[weight], np.pi / length * averages])
    scale = float(np.max(np.abs(regular.lines.energies), initial=0.0))
    least = float(np.min(np.abs(regular.lines.energies), initial=found.scale))
    residual, size = float(levels.certificate.residuals[0]), size_of(current.addition)
    allowed = allowed_defects(found.weight, found.near_cutoff, scale, residual, found.scale, size) * np.pi / length
    allowed = np.concatenate([[allowed[0] / least + ROUNDING * max(size**0.5, weight)], allowed[:3]])
    return rule_variables("the regular conductivity", regular.moments(), wanted, allowed, "energy^(order + 1)")


def _elastic(state: State, current: Probe) -> float:
    """Return ``|<0|J|0>|^2`` within the ground level."""
    return float(
        sum(
            np.linalg.norm(target.overlaps(ground_in(state, target)[0], image[None])) ** 2
            for target, images, _ in images_of(state, current.addition)
            for image in images
        )
    )
