r"""Error bars of averages from the error of a state.

For normalised states at a distance epsilon, :math:`|\Delta\langle O\rangle| \le 2\,\|O\|\,\epsilon`. The norm of a
product of charge operators is at most one. Lattice operators are unbounded; their norm on the states up to a few quanta
beyond the cutoff is used instead, so that their error bars are estimates. For eigenvalues and Fourier components of a
matrix of averages, the norm of its change is at most its dimension times the largest change of an element.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from ...hamiltonians import Operator
from ...solvers import State
from ..lattice.displacements import oscillator_functions
from ..observables.table import OBSERVABLES

TWICE = 2.0
BEYOND = 2
"""Quanta beyond the cutoff up to which the exact state is assumed to extend."""
OF_MATRICES = MappingProxyType({"condensate": 2, "structure_factor": 1})
"""Observables derived from matrices between sites: rows per site."""


def error_scales(state: State, names: Sequence[str]) -> dict[str, float]:
    """Return ``2 ||O||`` of observables, the largest over all places; those without a formula are omitted."""
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
        elif name == "displacement_distribution":
            found[name] = TWICE * _largest_density(most + BEYOND)
        elif name in OF_MATRICES:
            derived = OBSERVABLES[name].derived
            matrices = derived.inputs(space.model) if derived is not None else ()
            rows = OF_MATRICES[name] * space.model.cluster.sites
            found[name] = rows * max(error_scales(state, matrices).values(), default=0.0)
    return found


def _largest_density(most: int) -> float:
    """Return the largest ``<delta(X - X_m)>`` of any state with up to `most` quanta: sum_n h_n(X)^2."""
    edge = math.sqrt(2 * most + 1) + 1
    points = np.linspace(0.0, edge, 20 * (most + 2))
    return float(np.max(np.sum(oscillator_functions(most + 1, points) ** 2, axis=0)))


def norm_of(operator: Operator, most: int) -> float:
    """Return the sum of the norms of the products of an operator, on states with up to `most` quanta per mode."""
    total = 0.0
    for (_, lattice), value in operator.terms.items():
        powers = [math.sqrt(most + BEYOND + up) ** (up + low) for _, up, low in lattice]
        total += abs(value) * float(np.prod(powers))
    return total
