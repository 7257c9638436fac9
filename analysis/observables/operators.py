"""Observables in sums over states: distinct operators, exact matrices, and their symmetries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Block, Hamiltonian, Model, Operator, Space, hamiltonian_operator
from ...hamiltonians.algebra import canonical
from ...hamiltonians.conservation import conserving, sectors_of
from ...hamiltonians.hamiltonian import sparse_matrix
from ...hamiltonians.operators import ChargeWord, LatticeWord
from ...hamiltonians.sector import allowed_two_sz
from ...hamiltonians.symmetry.operations import Symmetry, relabelled
from ...solvers import State, symmetry_sectors
from .averages import Averages, operator_key
from .table import OBSERVABLES, REPORTED, STANDARD, measured

Places = Mapping[str, NDArray[np.int64]]
"""For each observable, an array of the indices of the operators or matrices of which it is the average."""


@dataclass(frozen=True)
class Measured:
    """The distinct operators needed for some observables.

    Attributes
    ----------
    operators : tuple of Operator
        Operators that are distinct up to the symmetries of the Hamiltonian.
    places : mapping of str to int array
        For each observable, an array of the indices of its operators.
    others : tuple of str
        Observables that are not averages of operators.
    """

    operators: tuple[Operator, ...] = field(repr=False)
    places: Places
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: Model, names: Sequence[str]) -> Measured:
        """Collect the operators behind some observables.

        Examples
        --------
        >>> from respair.clusters import ring
        >>> from respair.hamiltonians import Electrons
        >>> found = Measured.of(Model(ring(6), Electrons(1.0)), ["electron_density", "density_correlation"])
        >>> len(found.operators), found.places["density_correlation"][0]
        (5, array([1, 2, 3, 4, 3, 2]))
        """
        sector = sectors_of(model, 0)[0]
        block = Block.of(Hamiltonian.of(model, sector), symmetry_sectors(model, sector)[0])
        if not all(_holds_anywhere(model, symmetry) for symmetry in block.symmetries):
            block = block.whole  # the few states of that sector do not feel what breaks it
        known: dict[object, int] = {}
        operators: list[Operator] = []
        places = {}
        formulas = {name: OBSERVABLES[name].formula for name in names if name in OBSERVABLES}
        for name, formula in formulas.items():
            if formula is None:
                continue
            array = formula.operators(model)
            numbers = np.empty(array.size, np.int64)
            for k, operator in enumerate(array.ravel()):
                key = operator_key(block.symmetric(operator))
                if key not in known:
                    known[key] = len(operators)
                    operators.append(operator)
                numbers[k] = known[key]
            places[name] = numbers.reshape(array.shape)
        return cls(tuple(operators), places, tuple(name for name in names if name not in places))

    def matrices(self, space: Space) -> tuple[list[sp.csr_array], Places]:
        """Return matrices on one (N, S_z) sector, and the index arrays of all observables that have matrices."""
        matrices, places = [sparse_matrix(space, operator) for operator in self.operators], dict(self.places)
        for name in self.others:
            if own := (OBSERVABLES | REPORTED)[name].matrices:
                found, first = own(space), len(matrices)
                matrices += found if isinstance(found, list) else [found]
                places[name] = np.arange(first, len(matrices)) if isinstance(found, list) else np.array(first)
        return matrices, places


def _holds_anywhere(model: Model, symmetry: Symmetry) -> bool:
    """True where the formula of the Hamiltonian itself is mapped onto itself."""
    energy = hamiltonian_operator(model)
    return not canonical(relabelled(energy, model, symmetry), -energy).terms


def thermal_form(name: str, model: Model, grid: NDArray[np.float64]) -> xr.DataArray | None:
    """Return an observable without a formula in a test state; None if it has no thermal average.

    The average in a mixture must be the mixture of the averages, which is tested on two states of a small sector.
    """
    model = conserving(model)
    charge = 0 if name in STANDARD else next(n for n in (2, 1, 0) if allowed_two_sz(model, n))
    sector = min(sectors_of(model, charge), key=lambda each: abs(each.spin_excess))
    block = Block.of(Hamiltonian.of(model, sector))
    states = np.random.default_rng(0).standard_normal((2, *block.shape))
    weights = np.array([2.0, 0.5])
    mixtures = (State(block, states[k], weights[k]) for k in (slice(0, 1), slice(1, 2), slice(0, 2)))
    one, other, both = (measured(name, Averages(state, grid)) for state in mixtures)
    if not all(isinstance(found, xr.DataArray) for found in (one, other, both)):
        return None
    assert isinstance(both, xr.DataArray)
    return both if np.allclose(both, np.asarray(one) + np.asarray(other), rtol=1e-9, atol=1e-12) else None


def differs_in_twins(name: str, model: Model) -> bool:
    """True if an observable may differ between states related by time reversal or spin flip."""
    entry = OBSERVABLES.get(name)
    if entry is None or entry.alike:
        return False
    return entry.formula is None or any(_turns(operator) for operator in entry.formula.operators(model).ravel())


TURNED = {"up": ("dn", 1.0), "dn": ("up", -1.0)}
"""The rotation c_up -> c_dn, c_dn -> -c_up."""


def _turns(operator: Operator) -> bool:
    """True if a formula is not real, or not invariant under the exchange of spins."""
    own = canonical(operator)
    if any(value.imag for value in own.terms.values()):
        return True
    image: defaultdict[tuple[ChargeWord, LatticeWord], complex] = defaultdict(complex)
    for (word, other), value in own.terms.items():
        turned = []
        for symbol, index in word:
            spin, sign = TURNED.get(symbol[-2:], (symbol[-2:], 1.0))
            value *= sign if symbol[0] == "c" else 1.0
            turned.append((symbol[:-2] + spin, index))
        image[tuple(turned), other] += value
    return bool(canonical(Operator(image), -own).terms)
