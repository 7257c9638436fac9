"""Response of a ground level to a parameter: charges, gap, and fidelity susceptibility."""

from __future__ import annotations

from collections.abc import Callable
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
        The average of the operator and its error bar.
    charge_slope, charge_slope_error : float
        Derivative of the average with respect to p, with an error bar to first order in the admixture; NaN at level
        crossings.
    gap, gap_error, gap_slope : float
        E_1 - E_0 above the ground multiplet, its error bar, and its derivative; NaN without E_1.
    fidelity_susceptibility, fidelity_susceptibility_error : float
        chi_F along p and its error bar, to first order in the admixture; NaN at level crossings.
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
    fidelity_susceptibility_error: float
    multiplicity: int


@dataclass(frozen=True)
class ParameterLine:
    """Ground levels of models that depend on a parameter p, and their derivatives.

    Attributes
    ----------
    model_of : function
        From p to a model.
    sector : Sector
        Quantum numbers.
    blocks : tuple of Sector
        Symmetry blocks of the Hamiltonian for every p, from `common_blocks`.
    operator : Operator
        The operator whose average is computed.
    largest : float
        Difference between the largest and the smallest eigenvalue of the operator.
    options, search
        Options of the solver, and callback for its progress.
    """

    model_of: ModelFunction
    sector: Sector
    blocks: tuple[Sector, ...]
    operator: Operator
    largest: float
    options: Options | None = None
    search: Progress = silent

    def evaluate(self, at: float) -> Evaluation:
        """Solve at one value of the parameter, and differentiate with one linear solve."""
        levels = isolated_ground(self.model_of(at), self.sector, self.options, self.search, self.blocks)
        assert isinstance(levels, LabelledLevels)
        force = parameter_derivative(self.model_of, at)
        parts = [Perturbed.of(part, force) for part in levels.lowest]
        slopes = slopes_of(parts)
        count, errors, admixture = levels.multiplicity, levels.certificate.energy_errors, mixing(levels)
        above = expectation(levels.level(count), force).real if count < len(levels.energies) else np.nan
        smooth = is_smooth(slopes, parts[0].scale)

        def averaged(quantity: Callable[[Perturbed], float]) -> float:
            """Return the average over the states of the level; NaN at level crossings."""
            return sum(quantity(part) for part in parts) / count if smooth else np.nan

        return Evaluation(
            parameter=float(at),
            energy=float(levels.energies[0]),
            energy_error=float(errors[0]),
            charge=expectation(levels.ground, self.operator).real,
            charge_error=self.largest * admixture,
            charge_slope=averaged(lambda part: part.response(self.operator)),
            charge_slope_error=admixture * averaged(lambda part: part.response_sensitivity(self.operator, force)),
            gap=gap_above(levels),
            gap_error=float(errors[0] + errors[count]) if count < len(errors) else np.nan,
            gap_slope=float(above - np.mean(slopes)),
            fidelity_susceptibility=averaged(lambda part: part.block.norm(part.answer) ** 2),
            fidelity_susceptibility_error=admixture * averaged(lambda part: part.sensitivity(force)),
            multiplicity=count,
        )


def common_blocks(model_of: ModelFunction, sector: Sector, start: float, stop: float) -> tuple[Sector, ...]:
    """Return the symmetry blocks of the Hamiltonian that exist for every p between two values.

    They are determined at a generic value in between: at values where a coupling vanishes, or two couplings are equal,
    H may have more symmetry, which dH/dp breaks.
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
    r"""Compute the fidelity susceptibility of the ground state with respect to a parameter p.

    .. math:: \chi_F = \sum_{n \ne 0} \frac{|\langle n|\partial_p H|0\rangle|^2}{(E_n - E_0)^2},\qquad
              |\langle 0(p)|0(p + dp)\rangle| = 1 - \tfrac12 \chi_F\, dp^2 + O(dp^3)

    It is computed by one linear solve, without excited states, and peaks where the ground state changes its character.

    Parameters
    ----------
    model_of : function
        From p to a model; the operators must be the same for all p. See `with_parameter` for the parameters of a model.
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
    return (
        ParameterLine(model_of, sector, blocks, Operator(), 0.0, options, search).evaluate(at).fidelity_susceptibility
    )
