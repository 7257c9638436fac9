"""Spectral functions at zero temperature: broadened curves, lines, moments, and sum rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import numbers, taking
from ...solvers import Eigenstates, LabelledLevels, Options
from ...solvers.arguments import levels_of, read_options
from ...solvers.krylov.resolvents import TOLERANCE, added
from ..coordinates import with_coordinates, with_newer_names
from ..labelled import dataset_of
from .excitations import MOMENTS, Excitations, Resolution, excitations, merged, size_of
from .probes import Probe, check_cross, probe_of
from .sum_rules import allowed_defects, moments_from_commutators, rule_variables

Levels = Eigenstates | LabelledLevels
"""Lowest levels of a sector, in one block or in all blocks."""
DEFAULT_BROADENING = 0.1


def silent(what: str) -> None:
    """Report nothing."""


@taking(levels=levels_of, frequencies=numbers, options=read_options)
def spectral_function(
    levels: Levels,
    probe: Probe | str,
    frequencies: Sequence[float] | NDArray[np.float64],
    broadening: float = DEFAULT_BROADENING,
    lineshape: str = "lorentzian",
    options: Options | None = None,
    cross: Probe | str | None = None,
    progress: Callable[[str], None] = silent,
    tolerance: float = TOLERANCE,
) -> xr.Dataset:
    r"""Compute the spectrum of a probe in the ground level.

    .. math:: A(\omega) = \sum_n |\langle n|B|0\rangle|^2\,\delta(\omega - E_n + E_0)
              + \sum_n |\langle n|B^\dagger|0\rangle|^2\,\delta(\omega - E_0 + E_n)

    where B adds charge; the second part, removal, exists only for charged probes. omega is measured from the chemical
    potential, which is contained in H. A degenerate ground level is averaged.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Levels whose ground level is used.
    probe : Probe or str
        See `respair.analysis.probe`; a name denotes that operator on site 0.
    frequencies : (n,) float
        omega [energy].
    broadening : float
        Half width at half maximum eta of each line [energy].
    lineshape : str
        "lorentzian" or "gaussian".
    options : Options, optional
        Engine ("dense": exact lines; "tensor", "quspin": continued fractions), and limits.
    cross : Probe, optional
        A second probe A: the weights are ``<0|A^+|n><n|B|0>``, with sign or phase, and for the removal part of charged
        probes ``<0|B|n><n|A^+|0>``.
    progress : function
        Called with a description of the next step.
    tolerance : float
        Largest error of a continued fraction, in units of the weight divided by the broadening; 0.01 suffices for an
        overview and takes about a fifth of the time.

    Returns
    -------
    xarray.Dataset
        ``intensity`` (``values`` is its older name), ``addition``, ``removal`` over ``omega`` [1/energy];
        ``pole_frequencies``, ``pole_weights``, ``pole_kinds`` (1 addition, -1 removal) and ``pole_errors`` (0 if
        exact) over ``pole``; ``moments``, ``sum_rules`` and ``sum_rule_errors`` over ``order``; ``addition_weight``,
        ``removal_weight``; ``steps`` of the longest continued fraction (0 if all lines are exact) and ``error``, a
        bound on its error in the curves.

    Raises
    ------
    ValueError
        If there are no frequencies, the broadening or the tolerance is not positive, the two probes change the charge
        differently, or only one of them has a removal part.
    ArithmeticError
        If a moment violates its sum rule by more than ``sum_rule_errors``.

    References
    ----------
    E. Dagotto, Rev. Mod. Phys. 66, 763 (1994), section II.

    Examples
    --------
    >>> from respair.analysis import probe
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> model = Model(dimer(), Electrons(hopping=1.0))
    >>> data = spectral_function(ground_state(model, 2), probe(model, "electron"), [-1.0, 1.0])
    >>> data.pole_frequencies.values.round(12), data.pole_weights.values.round(12)
    (array([-1.,  1.]), array([0.5, 0.5]))
    """
    resolution = Resolution.of(frequencies, broadening, lineshape, options, tolerance)
    model = levels.hamiltonian.space.model
    probe, cross = probe_of(model, "probe", probe), None if cross is None else probe_of(model, "cross", cross)
    left = probe if cross is None else cross
    if cross is not None:
        check_cross(model, cross, probe)
    progress(f"spectrum of {probe.name}: addition" if probe.removal else f"spectrum of {probe.name}")
    parts = [excitations(levels, probe.addition, resolution, None if cross is None else cross.addition)]
    if left.removal is not None:
        progress(f"spectrum of {probe.name}: removal")
        parts.append(excitations(levels, left.removal, resolution, None if cross is None else probe.removal, sign=-1))
    progress("sum rules")
    return curves(parts, resolution).merge(_sum_rules(levels, left, probe, parts))


def curves(parts: Sequence[Excitations], resolution: Resolution) -> xr.Dataset:
    """Return addition, removal (if any) and their sum as broadened curves, with lines and moments."""
    shapes = [resolution.broadened(part.lines) for part in parts]
    shapes += [np.zeros(len(resolution.frequencies))] * (2 - len(shapes))
    apart = [merged(part.lines, part.level_width) for part in parts]
    lines, kinds = added(tuple(apart)), np.repeat([1, -1][: len(parts)], [len(each.energies) for each in apart])
    kinds = kinds[np.argsort(np.concatenate([each.energies for each in apart]), kind="stable")]
    weights = [part.lines.weights.sum() for part in parts] + [0.0] * (2 - len(parts))
    lorentzian = "eta / pi / ((omega - omega_n)^2 + eta^2)"
    form = lorentzian if resolution.lineshape == "lorentzian" else "Gaussian of HWHM eta"
    steps, error = max(part.lines.steps for part in parts), max(part.lines.error for part in parts)
    data = dataset_of(
        {
            "values": (sum(shapes), "omega", f"sum_n w_n {form}", "1/energy"),
            "addition": (shapes[0], "omega", "lines at E_n - E_0", "1/energy"),
            "removal": (shapes[1], "omega", "lines at E_0 - E_n", "1/energy"),
            "pole_frequencies": (lines.energies, "pole", "omega_n", "energy"),
            "pole_weights": (lines.weights, "pole", "w_n"),
            "pole_kinds": (kinds, "pole", "1 for addition, -1 for removal"),
            "pole_errors": (lines.errors, "pole", "a level lies within this distance", "energy"),
            "moments": (sum(part.moments() for part in parts), "order", "sum_n w_n omega_n^order", "energy^order"),
            "addition_weight": (weights[0], "", "sum of the weights of addition"),
            "removal_weight": (weights[1], "", "sum of the weights of removal"),
            "broadening": (resolution.broadening, "", "half width at half maximum", "energy"),
            "steps": (steps, "", "Lanczos steps of the longest continued fraction"),
            "error": (error / np.pi, "", "bound on what the continued fractions miss", "1/energy"),
        },
        {"omega": resolution.frequencies, "pole": np.arange(len(lines.energies))},
    )
    return with_coordinates(with_newer_names(data))


def _sum_rules(levels: Levels, left: Probe, right: Probe, parts: Sequence[Excitations]) -> xr.Dataset:
    """Compare the moments with averages of commutators in the ground level."""
    wanted = moments_from_commutators(levels.ground, left, right, MOMENTS)
    found = np.sum([part.moments() for part in parts], axis=0)
    poles = np.concatenate([np.abs(part.lines.energies) for part in parts])
    residual = float(levels.certificate.residuals[0])
    near_cutoff = np.sum([part.near_cutoff for part in parts], axis=0)
    if levels.hamiltonian.space.is_dressed:  # a probe also changes the frame and leaves the space from any phonon state
        near_cutoff = np.maximum(near_cutoff, abs(found[0] - wanted[0]))
    allowed = allowed_defects(
        sum(part.weight for part in parts),
        near_cutoff,
        float(np.max(poles, initial=0.0)),
        residual,
        levels.hamiltonian.scale,
        max(size_of(left.addition), size_of(right.addition)),
    )
    return rule_variables(f"the spectrum of {right.name}", found, wanted, allowed, "energy^order")
