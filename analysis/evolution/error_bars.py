r"""How much the error of a state can change an average.

For states of norm 1 at a distance epsilon, :math:`|\Delta\langle O\rangle| \le 2\,\|O\|\,\epsilon`. The norm of a
product of charge operators is at most one. Lattice operators have no norm; that on the states up to the cutoff, and a
few quanta beyond it, takes its place: their error bars are estimates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...hamiltonians import Operator
from ...solvers import State
from ..observables.table import OBSERVABLES

TWICE = 2.0
BEYOND = 2
"""Quanta beyond the cutoff that the exact state is taken to reach."""


def error_scales(state: State, names: Sequence[str]) -> dict[str, float]:
    """Return ``2 ||O||`` of observables, the largest over their places; those without a formula are left out."""
    space = state.hamiltonian.space
    most = space.phonons.max_quanta if space.phonons.modes else 0
    found = {}
    for name in names:
        formula = OBSERVABLES[name].formula
        if formula is not None:
            sizes = [norm_of(operator, most) for operator in formula.operators(space.model).ravel()]
            found[name] = TWICE * max(sizes, default=0.0)
        elif name == "displacement_squared":
            found[name] = TWICE * 4.0 * (most + BEYOND)
    return found


def norm_of(operator: Operator, most: int) -> float:
    """Return the sum of the norms of the products of an operator, on states with up to so many quanta in a mode."""
    total = 0.0
    for (_, lattice), value in operator.terms.items():
        powers = [math.sqrt(most + BEYOND + up) ** (up + low) for _, up, low in lattice]
        total += abs(value) * float(np.prod(powers))
    return total
