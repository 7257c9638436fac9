"""Error bars of averages in a computed ground level, from its certificate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...hamiltonians import Model, Sector
from ...solvers import Eigenstates, LabelledLevels, Options, Progress, ground_state, levels_by_symmetry
from ...solvers.larger_space import is_steep
from ...solvers.work import silent

COVERING = 1.3
"""Safety factor for differences between two phonon spaces."""
RESOLVED = 0.3
"""If the leak in another phonon space is below this fraction, the difference of the two spaces captures it."""


def isolated_ground(
    model: Model,
    sector: Sector | int,
    options: Options | None = None,
    progress: Progress = silent,
    blocks: Sequence[Sector] | None = None,
) -> Eigenstates | LabelledLevels:
    """Compute the complete ground multiplet of a sector, and one level above it if there is one.

    See `levels_by_symmetry` for `blocks`.
    """
    sector = sector if isinstance(sector, Sector) else Sector(sector)

    def solve(states: int) -> Eigenstates | LabelledLevels:
        if sector.has_symmetry and blocks is None:
            return ground_state(model, sector, states, options, progress)
        return levels_by_symmetry(model, sector, states, options, progress, blocks)

    levels = solve(2)
    return levels if levels.multiplicity < 2 else solve(levels.multiplicity + 1)


def gap_above(levels: Eigenstates | LabelledLevels) -> float:
    """Return the gap between the ground multiplet and the next level; NaN without one."""
    above = levels.relative[levels.multiplicity :]
    return float(above[0] - levels.relative[0]) if len(above) else np.nan


def mixing(levels: Eigenstates | LabelledLevels) -> float:
    r"""Return the largest admixture of other states to the computed ground level.

    .. math:: \sin\theta \le \min\Big(\frac{\sqrt{r^2 + l^2}}{\Delta},\ \frac{r}{\Delta} + \sqrt{\epsilon/\Delta}\Big)

    with the residual r, the leak l and the contribution epsilon of the cutoff to the error bar of the energy, by the
    theorems of Davis and Kahan, and of Eckart. Delta is the computed gap, or the distance to the energy of the leaked
    component if that is smaller. Since the gap is not exact, this is an error bar and not a bound.

    The average of an operator with eigenvalues from 0 to M is then within ``M sin theta`` of the exact one.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Result of `isolated_ground`, with at least one level above the ground level if the sector has one.

    Returns
    -------
    float
        sin theta, from 0 to 1.

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
    r"""Return an error bar for the entropy of a reduced state.

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
    r"""Return the part of the ground state missing in both phonon spaces, which their difference cannot show.

    In a frame that follows the charges, moving charges leave their lattice distortion behind, and the state leaks far
    beyond either cutoff. To first order the missing component is :math:`\theta = l / (E_Q - E)`; if the leak of the
    other space is not much smaller, it is not captured by the difference. In other frames the leak goes to the next
    shells, which another cutoff includes. In steep potentials averages oscillate as the cutoff grows, by a few times
    the error of the energy in units of the frequency, and two of them may agree by chance.

    Parameters
    ----------
    model : Model
        The model with the requested cutoff.
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
