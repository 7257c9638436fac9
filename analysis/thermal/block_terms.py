"""What one block adds to thermal sums: partition function, energies, observables; exactly or from random vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..._core.threads import one_blas_thread
from ...clusters import InvalidValue
from ...hamiltonians import Amplitudes, Block, Factor, Hamiltonian, Operator
from ...hamiltonians.kernels.tensor import TensorOperator
from ...solvers import State
from ...solvers.all_levels import AllLevels
from ...solvers.ensemble_blocks import Member
from ..observables.averages import Averages as StateAverages
from ..observables.operators import Measured, Places, differs_in_twins
from ..observables.table import OBSERVABLES, REPORTED, measured
from .blocks import Blocks, Planned, lowest_levels
from .ensembles import ThermalSum
from .random_vectors import RandomVectors

Sums = Mapping[str, NDArray[np.complex128]]
"""For each observable ``sum <O> exp(-(E - origin) / T)``, shape (samples, temperatures, ...)."""
Lines = tuple[NDArray[np.float64], NDArray[Any]]
"""Frequencies (lines,), and weights (temperatures, lines) that carry Boltzmann factors; complex of cross spectra."""
Terms = tuple[NDArray[np.float64], Mapping[str, NDArray[Any]]]
"""Moments of the energy, shape (3, temperatures), and sums of observables, shape (temperatures, ...)."""
NEGLIGIBLE = 1e-18
"""Levels with a smaller share at every temperature are left out of distributions."""


@dataclass(frozen=True)
class Contribution:
    """Thermal sums over one block, without its copies.

    Attributes
    ----------
    member : Member
        The block.
    exact : bool
        From all levels; otherwise from random vectors, and one row for each.
    origin : float
        Energy from which Boltzmann factors are counted, the lowest (Ritz) level.
    partition, energy, energy_squared : (samples, temperatures) float
        Sums of ``w``, ``(E - origin) w`` and ``(E - origin)^2 w`` with ``w = exp(-(E - origin) / T)``.
    sums : mapping
        The same for observables, shape (samples, temperatures, ...).
    lines : mapping of str to Lines
        Spectral lines that start in the block, where all of them are kept.
    """

    member: Member
    exact: bool
    origin: float
    partition: NDArray[np.float64]
    energy: NDArray[np.float64]
    energy_squared: NDArray[np.float64]
    sums: Sums
    lines: Mapping[str, Lines] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        planned: Planned,
        origin: float,
        known: Terms,
        vectors: Sequence[Terms] = (),
        lines: Mapping[str, Lines] | None = None,
    ) -> Contribution:
        """Add what levels of a block give to what each random vector gives for the others."""
        moments, sums = known
        rows = [known]
        if not planned.exact:
            rows = [(moments + more, {name: sums[name] + found[name] for name in sums}) for more, found in vectors]
        z, energy, squared = np.stack([row for row, _ in rows], axis=1)
        totals = {name: np.array([found[name] for _, found in rows], complex) for name in sums}
        return cls(planned.member, planned.exact, float(origin), z, energy, squared, totals, lines or {})


def boltzmann(
    energies: NDArray[np.float64], origin: float, temperatures: NDArray[np.float64], weights: float | Any = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``w exp(-(E - origin) / T)``, shape (t, levels), and its three moments in ``E - origin``, shape (3, t)."""
    above = energies - origin
    factors = np.exp(-above / temperatures[:, None]) * weights
    return factors, np.array([factors @ above**power for power in range(3)])


SumOverBlock = Callable[[Planned], Contribution]
"""Sums over one block after the other, and keeps what they share."""


class Operators:
    """Operators on one block after the other; blocks of one sector with the same symmetries share charge matrices."""

    def __init__(self, operators: Sequence[Operator]) -> None:
        self._operators = operators
        self._hamiltonian: Hamiltonian | None = None
        self._factors: dict[object, list[tuple[Factor, ...]]] = {}

    def on(self, block: Block) -> list[TensorOperator]:
        """Return the operators on stored amplitudes of a block."""
        if self._hamiltonian is not block.hamiltonian:
            self._hamiltonian, self._factors = block.hamiltonian, {}
        turns = tuple(replace(symmetry, block=0) for symmetry in block.symmetries)
        if turns not in self._factors:
            self._factors[turns] = [block.space.factorise(block.symmetric(operator)) for operator in self._operators]
        return [block.of_factors(factors, block.energy.dtype) for factors in self._factors[turns]]


@dataclass(frozen=True)
class Averages:
    """Thermal averages of observables as a sum over blocks.

    Attributes
    ----------
    temperatures : (t,) float
        T.
    names : tuple of str
        Of the observables.
    grid : (n,) float
        X of P(X).
    """

    temperatures: NDArray[np.float64]
    names: tuple[str, ...]
    grid: NDArray[np.float64]

    @property
    def about(self) -> object:
        """What the sums depend on."""
        return self.temperatures.tolist(), self.names, self.grid.tolist()

    def twins(self, asked: ThermalSum) -> bool:
        """True where blocks with the same levels are summed over one by one."""
        return any(differs_in_twins(name, asked.model) for name in self.names)

    def on_blocks(self, asked: ThermalSum) -> SumOverBlock:
        """Return the function that sums over one block after the other.

        Raises
        ------
        ValueError
            If an observable is not in the table of this process.
        """
        if unknown := [n for n in self.names if n not in OBSERVABLES and n not in REPORTED]:
            raise InvalidValue(
                f"the observable {unknown[0]!r} is not known in this process; add it in a module that every process "
                "imports, or leave the pool out"
            )
        blocks, wanted, t = Blocks(), Measured.of(asked.model, self.names), self.temperatures
        operators = Operators(wanted.operators)
        random = RandomVectors.of(asked, self.twins(asked))
        kept: list[tuple[Hamiltonian, tuple[list[sp.csr_array], Places]]] = []

        def over(planned: Planned) -> Contribution:
            block = blocks.of(planned)
            if planned.exact:
                if not kept or kept[0][0] is not block.hamiltonian:
                    kept[:] = [(block.hamiltonian, wanted.matrices(block.space))]
                return self._exact(planned, AllLevels.of(block), *kept[0][1])

            with one_blas_thread():
                return sampled(planned, block)

        def sampled(planned: Planned, block: Block) -> Contribution:
            lowest = lowest_levels(planned, block, asked)
            own, origin = operators.on(block), lowest.energies[0]

            def averages(states: Iterable[Amplitudes]) -> dict[str, NDArray[np.complex128]]:
                rows = []
                for phi in states:  # not normalised
                    values = np.array([block.dot(phi, operator.apply(phi)) for operator in own], complex)
                    row = {name: values[place] for name, place in wanted.places.items()}
                    state = State(block, phi[None], np.ones(1))
                    rows.append(row | {name: self._in_one(name, state) for name in wanted.others})
                return {name: np.array([row[name] for row in rows]) for name in rows[0]}

            share, first = boltzmann(lowest.energies, origin, t)
            known = {name: np.tensordot(share, values, axes=1) for name, values in averages(lowest.amplitudes).items()}
            rest = []
            for sample in random.settled(planned, block, lowest, first[0]):
                moments = boltzmann(sample.energies, origin, t, sample.weights)[1]
                rest.append((moments, averages(sample.thermal_states(t, origin))))
            return Contribution.of(planned, origin, (first, known), rest)

        return over

    def _exact(
        self, planned: Planned, levels: AllLevels, matrices: Sequence[sp.csr_array], places: Places
    ) -> Contribution:
        """Sum over all levels of a block, found by dense diagonalization.

        `places` are those of the observables that are averages of matrices of the sector; others are measured level by
        level.
        """
        factors, moments = boltzmann(levels.energies, levels.energies[0], self.temperatures)
        values = np.array([levels.averages_of(matrix) for matrix in matrices]).reshape(-1, len(levels.energies)).T
        sums = {name: np.tensordot(factors, values[:, place], axes=1) for name, place in places.items()}
        counting = np.flatnonzero(factors.max(axis=0) > NEGLIGIBLE)
        for name in (name for name in self.names if name not in places):
            each = np.array([self._in_one(name, levels.level(n)) for n in counting.tolist()])
            sums[name] = np.tensordot(factors[:, counting], each, axes=1)
        return Contribution.of(planned, levels.energies[0], (moments, sums))

    def _in_one(self, name: str, state: State) -> NDArray[np.complex128]:
        """Return an observable in a pure state."""
        return np.asarray(measured(name, StateAverages(state, self.grid)), complex)
