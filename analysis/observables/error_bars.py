"""How far averages in a computed ground level may be from the exact ones: error bars from the certificate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...hamiltonians import Model, Sector
from ...solvers import Eigenstates, LabelledLevels, Options, Progress, ground_state, levels_by_symmetry
from ...solvers.larger_space import is_steep
from ...solvers.work import silent

COVERING = 1.3
"""Differences between two phonon spaces are multiplied by this."""
RESOLVED = 0.3
"""A leak that another phonon space makes smaller than this share is seen in the difference of the two."""


def isolated_ground(
    model: Model,
    sector: Sector | int,
    options: Options | None = None,
    progress: Progress = silent,
    blocks: Sequence[Sector] | None = None,
) -> Eigenstates | LabelledLevels:
    """Compute the ground level of a sector with its whole multiplet, and one level above where there is one.

    `blocks` as for `levels_by_symmetry`.
    """
    sector = sector if isinstance(sector, Sector) else Sector(sector)

    def solve(states: int) -> Eigenstates | LabelledLevels:
        if sector.has_symmetry and blocks is None:
            return ground_state(model, sector, states, options, progress)
        return levels_by_symmetry(model, sector, states, options, progress, blocks)

    levels = solve(2)
    return levels if levels.multiplicity < 2 else solve(levels.multiplicity + 1)


def gap_above(levels: Eigenstates | LabelledLevels) -> float:
    """Return the distance from the ground level to the next one, whole multiplets counted once; NaN for none."""
    above = levels.relative[levels.multiplicity :]
    return float(above[0] - levels.relative[0]) if len(above) else np.nan


def mixing(levels: Eigenstates | LabelledLevels) -> float:
    r"""Return the largest admixture of other states to the computed ground level.

    .. math:: \sin\theta \le \min\Big(\frac{\sqrt{r^2 + l^2}}{\Delta},\ \frac{r}{\Delta} + \sqrt{\epsilon/\Delta}\Big)

    with the residual r, the leak l and the part epsilon of the error bar of the energy that the cutoff makes: the
    theorems of Davis and Kahan, and of Eckart. Delta is the computed gap, or the distance to the energy of what leaks
    if that is smaller; so it is an error bar and not a bound, as the gap is not exact.

    An operator with eigenvalues from 0 to M then has an average within ``M sin theta`` of the exact one.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        From `isolated_ground`: at least one level above the ground level, if the sector has one.

    Returns
    -------
    float
        From 0 to 1.

    References
    ----------
    C. Davis and W. M. Kahan, SIAM J. Numer. Anal. 7, 1 (1970); B. N. Parlett, The Symmetric Eigenvalue Problem,
    section 11.7.
    """
    c, ground = levels.certificate, slice(0, min(levels.multiplicity, len(levels.energies)))
    residual, leak = float(np.max(c.residuals[ground])), float(np.max(c.leaks[ground]))
    beyond = c.leak_energies[ground] - levels.energies[0]
    gap = float(np.nanmin([gap_above(levels), *beyond, np.inf]))
    if residual == leak == 0.0:
        return 0.0
    if not gap > 0:
        return 1.0
    cut = float(np.max(np.maximum(c.energy_errors[ground] - c.residuals[ground], 0.0)))
    return min(1.0, float(np.hypot(residual, leak)) / gap, residual / gap + float(np.sqrt(cut / gap)))


def entropy_error(admixture: float, limit: float) -> float:
    r"""Return how far the entropy of a reduced state may be from the exact one.

    .. math:: |\Delta S| \le T \ln d - T \ln T - (1 - T) \ln(1 - T)

    Parameters
    ----------
    admixture : float
        T = sin theta of `mixing`: the trace distance of the states.
    limit : float
        ln d, the largest entropy.

    References
    ----------
    K. M. R. Audenaert, J. Phys. A 40, 8127 (2007).

    Examples
    --------
    >>> entropy_error(0.0, 1.0), round(entropy_error(1e-3, 1.0), 6)
    (0.0, 0.008907)
    """
    parts = np.array([admixture, 1.0 - admixture])
    there = parts[parts > 0]
    return float(admixture * limit - there @ np.log(there)) + 0.0


def unseen_leak(model: Model, here: Eigenstates | LabelledLevels, there: Eigenstates | LabelledLevels) -> float:
    r"""Return how much of the ground state leaks out of both phonon spaces, which their difference cannot show.

    In a frame that follows the charges, these leave their lattice behind and go far beyond either cutoff. To first
    order the state lacks :math:`\theta = l / (E_Q - E)` of what leaks; where the leak of the other space is not smaller
    by far, that much stays unseen. In other frames a leak goes to the next shells, which another cutoff shows.
    In steep potentials averages oscillate as the cap grows, by a few times the error of the energy in units of the
    frequency; two of them may agree by chance.

    Parameters
    ----------
    model : Model
        As it was asked for.
    here, there : Eigenstates or LabelledLevels
        The ground level in both spaces.
    """
    phonons = model.phonons
    if phonons is None:
        return 0.0
    if is_steep(model):
        return float(there.certificate.energy_errors[0]) / model.lowest_frequency
    if phonons.frame not in ("lang-firsov", "auto") or not here.hamiltonian.space.is_dressed:
        return 0.0
    leak = float(there.certificate.leaks[0])
    if leak <= RESOLVED * here.certificate.leaks[0] or not here.certificate.leaks[0]:
        return 0.0
    pairs = ((each.certificate, each.energies) for each in (here, there))
    return min(float(c.shifts(energies)[0] / c.leaks[0]) for c, energies in pairs) * max(1.0, leak)
