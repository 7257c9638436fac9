"""What one block adds to thermal sums: partition function, energies, observables, exactly or from random vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...hamiltonians import Amplitudes, Block, Factor, Hamiltonian, Model, Operator
from ...hamiltonians.kernels.tensor import TensorOperator
from ...solvers import Eigenstates, Options, State
from ...solvers.all_levels import AllLevels
from ...solvers.ensemble_blocks import Member
from ...solvers.krylov.sampling import Sample, settled_samples
from ..observables.averages import Averages as StateAverages
from ..observables.operators import Measured, Places
from ..observables.table import OBSERVABLES, REPORTED, measured
from .ensembles import Blocks, Planned, Sampling, most_steps, sampled_states

Sums = Mapping[str, NDArray[np.complex128]]
"""For each observable ``sum <O> exp(-(E - origin) / T)``, shape (samples, temperatures, ...)."""
Lines = tuple[NDArray[np.float64], NDArray[Any]]
"""Frequencies (lines,), and weights (temperatures, lines) that carry Boltzmann factors; complex of cross spectra."""
NEGLIGIBLE = 1e-18
"""Levels with a smaller share at every temperature are left out of distributions."""


@dataclass(frozen=True)
class Contribution:
    """Thermal sums over one block, without its copies.

    Attributes
    ----------
    member : Member
        The block.
    dimension : int
        Its states.
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
    dimension: int
    exact: bool
    origin: float
    partition: NDArray[np.float64]
    energy: NDArray[np.float64]
    energy_squared: NDArray[np.float64]
    sums: Sums
    lines: Mapping[str, Lines] = field(default_factory=dict)


Workshop = Callable[[Planned], Contribution]
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

    def workshop(self, model: Model, sampling: Sampling, options: Options) -> Workshop:
        """Return what sums over the blocks of a model.

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
        blocks, wanted = Blocks(), Measured.of(model, self.names)
        operators = Operators(wanted.operators)
        last: list[tuple[Hamiltonian, tuple[list[sp.csr_array], Places]]] = []

        def work(planned: Planned) -> Contribution:
            block = blocks.of(planned)
            if not planned.exact:
                states = sampled_states(planned, block, sampling, options)
                most = most_steps(block, sampling, options)
                how = (self.temperatures, self.grid, *states, most)
                return sampled_contribution(planned.member, block, wanted, operators.on(block), *how)
            if not last or last[0][0] is not block.hamiltonian:
                last[:] = [(block.hamiltonian, wanted.matrices(block.space))]
            return exact_contribution(planned.member, block, *last[0][1], self.temperatures, self.names, self.grid)

        return work


def exact_contribution(
    member: Member,
    block: Block,
    matrices: Sequence[sp.csr_array],
    places: Places,
    temperatures: NDArray[np.float64],
    names: Sequence[str],
    grid: NDArray[np.float64],
) -> Contribution:
    """Sum over all levels of a block, found by dense diagonalization.

    `places` are those of the observables that are averages of matrices of the sector; others are measured level by
    level.
    """
    levels = AllLevels.of(block)
    origin = float(levels.energies[0])
    above = levels.energies - origin
    boltzmann = np.exp(-above / temperatures[:, None])
    values = np.array([levels.averages_of(matrix) for matrix in matrices]).reshape(-1, len(above)).T
    sums = {name: np.tensordot(boltzmann, values[:, place], axes=1)[None] for name, place in places.items()}
    counting = np.flatnonzero(boltzmann.max(axis=0) > NEGLIGIBLE)
    for name in (name for name in names if name not in places):
        each = np.array([_in_one(name, levels.level(n), grid) for n in counting.tolist()])
        sums[name] = np.tensordot(boltzmann[:, counting], each, axes=1)[None]
    z, energy, squared = (np.asarray(boltzmann @ above**power)[None] for power in range(3))
    return Contribution(member, len(above), True, origin, z, energy, squared, sums)


def sampled_contribution(
    member: Member,
    block: Block,
    wanted: Measured,
    operators: Sequence[TensorOperator],
    temperatures: NDArray[np.float64],
    grid: NDArray[np.float64],
    lowest: Eigenstates,
    vectors: Iterable[Sample],
    most: int,
) -> Contribution:
    """Add up the lowest levels of a block, and estimate the rest from typical thermal states of random vectors."""
    origin, known = float(lowest.energies[0]), lowest.energies - lowest.energies[0]
    share = np.exp(-known / temperatures[:, None])
    first = np.array([share @ known**power for power in range(3)])
    exact = [_in_state(block, phi, operators, wanted, grid) for phi in lowest.amplitudes]
    moments: list[NDArray[np.float64]] = []
    found: list[list[dict[str, NDArray[np.complex128]]]] = []
    for sample in settled_samples(vectors, temperatures, origin, first[0], most):
        above = sample.energies - origin
        boltzmann = np.exp(-above / temperatures[:, None]) * sample.weights
        moments.append(first + np.array([boltzmann @ above**power for power in range(3)]))
        states = sample.thermal_states(temperatures, origin)
        found.append([_in_state(block, phi, operators, wanted, grid) for phi in states])
    sums = {
        name: np.array([[values[name] for values in row] for row in found])
        + np.tensordot(share, np.array([values[name] for values in exact]), axes=1)
        for name in exact[0]
    }
    z, energy, squared = np.moveaxis(np.array(moments), 1, 0)
    return Contribution(member, block.energy.dimension, False, origin, z, energy, squared, sums)


def _in_state(
    block: Block, phi: Amplitudes, operators: Sequence[TensorOperator], wanted: Measured, grid: NDArray[np.float64]
) -> dict[str, NDArray[np.complex128]]:
    """Return ``<phi|O|phi>`` of a state that is not normalised."""
    values = np.array([np.vdot(phi, operator.apply(phi)) for operator in operators], complex)
    state = State(block, phi[None], np.ones(1))
    found = {name: values[place] for name, place in wanted.places.items()}
    return found | {name: _in_one(name, state, grid) for name in wanted.others}


def _in_one(name: str, state: State, grid: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return an observable in a pure state."""
    return np.asarray(measured(name, StateAverages(state, grid)), complex)
