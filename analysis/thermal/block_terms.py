"""What one block adds to thermal sums: partition function, energies, observables; exactly or from random vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...hamiltonians import Amplitudes, Block, Factor, Hamiltonian, Operator
from ...hamiltonians.kernels.tensor import TensorOperator
from ...solvers import State
from ...solvers.all_levels import AllLevels
from ...solvers.ensemble_blocks import Member
from ...solvers.krylov.sampling import settled_samples
from ..observables import table as catalogue
from ..observables.averages import Averages as StateAverages
from ..observables.operators import Measured, squared_displacements
from .blocks import Blocks, Planned, most_steps, sampled_states
from .ensembles import ThermalSum

Sums = Mapping[str, NDArray[np.complex128]]
"""For each observable ``sum <O> exp(-(E - origin) / T)``, shape (samples, temperatures, ...)."""
Lines = tuple[NDArray[np.float64], NDArray[Any]]
"""Frequencies (lines,), and weights (temperatures, lines) that carry Boltzmann factors; complex of cross spectra."""
CUTOFF_PROBABILITY = "cutoff_probability"
"""Weight of the phonon states at the cutoff, from which one more quantum would lead out."""
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


Matrices = Sequence[sp.csr_array]
"""Observables of one (N, S_z) sector on its product states."""
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

    def on_blocks(self, asked: ThermalSum) -> SumOverBlock:
        """Return the function that sums over one block after the other.

        Raises
        ------
        ValueError
            If an observable is not in the table of this process.
        """
        if unknown := [n for n in self.names if n not in catalogue.OBSERVABLES and n != CUTOFF_PROBABILITY]:
            raise InvalidValue(
                f"the observable {unknown[0]!r} is not known in this process; add it in a module that every process "
                "imports, or leave the pool out"
            )
        blocks, measured, t = Blocks(), Measured.of(asked.model, self.names), self.temperatures
        operators = Operators(measured.operators)
        kept: list[tuple[Hamiltonian, Matrices, Matrices]] = []

        def over(planned: Planned) -> Contribution:
            block = blocks.of(planned)
            if planned.exact:
                if not kept or kept[0][0] is not block.hamiltonian:
                    squares = squared_displacements(block.space) if "displacement_squared" in self.names else []
                    kept[:] = [(block.hamiltonian, measured.matrices(block.space), squares)]
                levels = AllLevels.of(block)
                factors, moments = boltzmann(levels.energies, levels.energies[0], t)
                each = self._in_levels(levels, measured, *kept[0][1:], factors.max(axis=0))
                sums = {name: np.tensordot(factors, values, axes=1) for name, values in each}
                return Contribution.of(planned, levels.energies[0], (moments, sums))

            lowest, vectors = sampled_states(planned, block, asked)
            own, origin = operators.on(block), lowest.energies[0]

            def averages(states: Iterable[Amplitudes]) -> dict[str, NDArray[np.complex128]]:
                rows = [self._in_state(block, phi, measured, own) for phi in states]
                return {name: np.array([row[name] for row in rows]) for name in rows[0]}

            share, first = boltzmann(lowest.energies, origin, t)
            known = {name: np.tensordot(share, values, axes=1) for name, values in averages(lowest.amplitudes).items()}
            rest = []
            for sample in settled_samples(vectors, t, origin, first[0], most_steps(block, asked)):
                moments = boltzmann(sample.energies, origin, t, sample.weights)[1]
                rest.append((moments, averages(sample.thermal_states(t, origin))))
            return Contribution.of(planned, origin, (first, known), rest)

        return over

    def _in_levels(
        self,
        levels: AllLevels,
        measured: Measured,
        operators: Matrices,
        squares: Matrices,
        share: NDArray[np.float64],
    ) -> Iterator[tuple[str, NDArray[np.complex128]]]:
        """Yield observables in every level, shape (levels, ...)."""
        block, count = levels.block, len(levels.energies)
        values = np.array([levels.averages_of(matrix) for matrix in operators]).reshape(-1, count).T
        for name, place in measured.places.items():
            yield name, values[:, place]
        if CUTOFF_PROBABILITY in self.names:
            yield CUTOFF_PROBABILITY, np.array([_at_cutoff(block, phi) for phi in levels.amplitudes], complex)
        if "displacement_squared" in self.names:
            each = [levels.averages_of(matrix) for matrix in squares]
            yield "displacement_squared", np.array(each).reshape(-1, count).T
        counting = np.flatnonzero(share > NEGLIGIBLE)
        for name in (name for name in self._others(measured) if name != "displacement_squared"):
            found = np.array([self._in_one(name, levels.level(n)) for n in counting.tolist()])
            values = np.zeros((count, *found.shape[1:]), complex)
            values[counting] = found
            yield name, values

    def _in_state(
        self, block: Block, phi: Amplitudes, measured: Measured, operators: Sequence[TensorOperator]
    ) -> dict[str, NDArray[np.complex128]]:
        """Return ``<phi|O|phi>`` of a state that is not normalised."""
        values = np.array([np.vdot(phi, operator.apply(phi)) for operator in operators], complex)
        found = {name: values[place] for name, place in measured.places.items()}
        state = State(block, phi[None], np.ones(1))
        if CUTOFF_PROBABILITY in self.names:
            found[CUTOFF_PROBABILITY] = np.asarray(_at_cutoff(block, phi), complex)
        return found | {name: self._in_one(name, state) for name in self._others(measured)}

    def _others(self, measured: Measured) -> list[str]:
        """Return the names of the observables that are no averages of given operators."""
        return [name for name in self.names if name not in measured.places and name != CUTOFF_PROBABILITY]

    def _in_one(self, name: str, state: State) -> NDArray[np.complex128]:
        """Return an observable in a pure state."""
        return np.asarray(catalogue.measured(name, state, StateAverages(state), self.grid), complex)


def _at_cutoff(block: Block, phi: Amplitudes) -> float:
    """Return the weight of the phonon states at the cutoff in one state."""
    phonons = block.space.phonons
    occupations = phonons.occupations.astype(np.int64)
    more = [phonons.index(occupations + row) < 0 for row in np.eye(phonons.modes, dtype=np.int64)]
    edge = np.any(more, axis=0) if more else np.zeros(len(phonons), bool)
    return float(np.sum(np.abs(phi[:, edge]) ** 2))
