"""Observables as a few operators: those that a symmetry of the Hamiltonian makes equal in a thermal state are one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ...hamiltonians import Block, Hamiltonian, Model, Operator, Sector, Space, displacement
from ...hamiltonians.hamiltonian import sparse_matrix
from ...solvers import symmetry_sectors
from . import table as catalogue


@dataclass(frozen=True)
class Measured:
    """What of some observables has to be evaluated.

    Attributes
    ----------
    operators : tuple of Operator
        Different ones, up to the symmetries of the Hamiltonian.
    places : mapping of str to int array
        For each observable, in its own shape, the numbers of the operators.
    """

    operators: tuple[Operator, ...] = field(repr=False)
    places: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, model: Model, names: Sequence[str]) -> Measured:
        """Collect the operators behind those observables that are averages of operators.

        Examples
        --------
        >>> from respair.clusters import ring
        >>> from respair.hamiltonians import Electrons
        >>> found = Measured.of(Model(ring(6), Electrons(1.0)), ["electron_density", "density_correlation"])
        >>> len(found.operators), found.places["density_correlation"][0]
        (5, array([1, 2, 3, 4, 3, 2]))
        """
        sector = Sector(0)
        block = Block.of(Hamiltonian.of(model, sector), symmetry_sectors(model, sector)[0])
        known: dict[object, int] = {}
        operators: list[Operator] = []
        places = {}
        formulas = {name: entry.formula for name, entry in catalogue.OBSERVABLES.items() if entry.formula}
        for name in (name for name in names if name in formulas):
            array = formulas[name].operators(model)
            numbers = np.empty(array.size, np.int64)
            for k, operator in enumerate(array.ravel()):
                key = _key(block.symmetric(operator))
                if key not in known:
                    known[key] = len(operators)
                    operators.append(operator)
                numbers[k] = known[key]
            places[name] = numbers.reshape(array.shape)
        return cls(tuple(operators), places)

    def matrices(self, space: Space) -> list[sp.csr_array]:
        """Return the matrices of all operators in one (N, S_z) sector."""
        return [sparse_matrix(space, operator) for operator in self.operators]


def squared_displacements(space: Space) -> list[sp.csr_array]:
    """Return the squares of the truncated matrices of ``a + a+``, one for each mode."""
    return [x @ x for x in (sparse_matrix(space, displacement(m)) for m in range(space.phonons.modes))]


def _key(operator: Operator) -> object:
    return frozenset((word, complex(np.round(value, 13))) for word, value in operator.terms.items())
