"""How a ground level answers a change of a parameter: charges, gap, and the state itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._core.arguments import taking
from ...hamiltonians import ModelFunction, Operator, Sector, parameter_derivative
from ...hamiltonians.arguments import a_model_function, a_sector
from ...solvers import LabelledLevels, Options, Progress, silent, symmetry_sectors
from ...solvers.arguments import read_options
from ..observables.averages import expectation
from ..observables.error_bars import gap_above, isolated_ground, mixing
from .perturbation import Perturbed, is_smooth, slopes_of


@dataclass(frozen=True)
class Evaluation:
    """A ground level at one value of a parameter p.

    Attributes
    ----------
    parameter : float
        p.
    energy, energy_error : float
        E_0 and its error bar.
    charge, charge_error : float
        The average of an operator and its error bar.
    charge_slope, charge_slope_error : float
        Its derivative with respect to p, with an error bar to first order in the admixture; NaN where levels cross.
    gap, gap_error, gap_slope : float
        E_1 - E_0 above the whole multiplet, its error bar, and its derivative; NaN where there is no E_1.
    fidelity_susceptibility, fidelity_error : float
        chi_F along p and its error bar, to first order in the admixture; NaN where levels cross.
    multiplicity : int
        States in the level.
    """

    parameter: float
    energy: float
    energy_error: float
    charge: float
    charge_error: float
    charge_slope: float
    charge_slope_error: float
    gap: float
    gap_error: float
    gap_slope: float
    fidelity_susceptibility: float
    fidelity_error: float
    multiplicity: int


def evaluate(
    model_of: ModelFunction,
    at: float,
    sector: Sector,
    blocks: tuple[Sector, ...],
    operator: Operator,
    largest: float,
    options: Options | None = None,
    search: Progress = silent,
) -> Evaluation:
    """Solve at one value of a parameter, and differentiate by one linear solve.

    Parameters
    ----------
    model_of : function
        From p to a model.
    at : float
        p.
    sector : Sector
        Quantum numbers.
    blocks : tuple of Sector
        Blocks that the Hamiltonian has for every p, from `common_blocks`.
    operator : Operator
        What is averaged.
    largest : float
        Difference between its largest and its smallest eigenvalue.
    options, search
        How to solve, and what is called meanwhile.
    """
    model = model_of(at)
    levels = isolated_ground(model, sector, options, search, blocks)
    assert isinstance(levels, LabelledLevels)
    force = parameter_derivative(model_of, at)
    parts = [Perturbed.of(part, force) for part in levels.lowest]
    slopes = slopes_of(parts)
    count, errors, above = levels.multiplicity, levels.certificate.energy_errors, np.nan
    if count < len(levels.energies):
        above = expectation(levels.level(count), force).real
    smooth, admixture = is_smooth(slopes, parts[0].scale), mixing(levels)
    return Evaluation(
        float(at),
        float(levels.energies[0]),
        float(errors[0]),
        expectation(levels.ground, operator).real,
        largest * admixture,
        sum(part.response(operator) for part in parts) / count if smooth else np.nan,
        admixture * sum(part.response_sensitivity(operator, force) for part in parts) / count if smooth else np.nan,
        gap_above(levels),
        float(errors[0] + errors[count]) if count < len(errors) else np.nan,
        float(above - np.mean(slopes)),
        sum(float(np.linalg.norm(part.answer)) ** 2 for part in parts) / count if smooth else np.nan,
        admixture * sum(part.sensitivity(force) for part in parts) / count if smooth else np.nan,
        count,
    )


def common_blocks(model_of: ModelFunction, sector: Sector, start: float, stop: float) -> tuple[Sector, ...]:
    """Return the symmetry blocks that the Hamiltonian has for every p between two values.

    They are those at a value that is nothing special: where a coupling vanishes, or two of them are equal, there may
    be more symmetry, which dH/dp breaks.
    """
    return symmetry_sectors(model_of(start + 0.381966 * (stop - start)), sector)


@taking(model_of=a_model_function, sector=a_sector, options=read_options)
def fidelity_susceptibility(
    model_of: ModelFunction,
    at: float,
    sector: Sector | int,
    options: Options | None = None,
    search: Progress = silent,
) -> float:
    r"""Compute how fast the ground state turns with a parameter p.

    .. math:: \chi_F = \sum_{n \ne 0} \frac{|\langle n|\partial_p H|0\rangle|^2}{(E_n - E_0)^2},\qquad
              |\langle 0(p)|0(p + dp)\rangle| = 1 - \tfrac12 \chi_F\, dp^2 + O(dp^3)

    by one linear solve, without excited states. It peaks where the ground state changes its nature.

    Parameters
    ----------
    model_of : function
        From p to a model; its operators are the same for all p. `with_parameter` names the numbers of a model.
    at : float
        p.
    sector : Sector or int
        Quantum numbers.
    options : Options, optional
        How to solve.
    search : Progress
        Called as the search for the ground state goes on.

    Returns
    -------
    float
        chi_F, the average over the states of a degenerate level; NaN where levels cross.

    References
    ----------
    W.-L. You, Y.-W. Li and S.-J. Gu, Phys. Rev. E 76, 022101 (2007).

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model, with_parameter
    >>> tilted = Model(dimer(), Electrons(hopping=1.0, level=[0.0, 0.0]))
    >>> tilt = lambda p: with_parameter(tilted, "electrons.level", [p, -p])  # H = p s_z - s_x
    >>> round(float(fidelity_susceptibility(tilt, 0.0, 1)), 12)
    0.25
    """
    sector = sector if isinstance(sector, Sector) else Sector(sector)
    blocks = common_blocks(model_of, sector, at, at + 0.05 * (abs(at) or 1.0))
    nothing = Operator()
    return evaluate(model_of, at, sector, blocks, nothing, 0.0, options, search).fidelity_susceptibility
