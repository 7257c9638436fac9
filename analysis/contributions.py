"""What one block adds to thermal sums: partition function, energies, observables, exactly or from random vectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..hamiltonians import Amplitudes, Block, Space
from ..solvers import State
from ..solvers.all_levels import AllLevels
from ..solvers.members import Member
from ..solvers.sampling import Sample, samples
from .catalogue import observables
from .lattice import displacement_distribution
from .measured import Measured, squared_displacements

Sums = Mapping[str, NDArray[np.complex128]]
"""For each observable ``sum <O> exp(-(E - origin) / T)``, shape (samples, temperatures, ...)."""
CUTOFF_PROBABILITY = "cutoff_probability"
"""Weight of the phonon states at the cutoff, from which one more quantum would lead out."""
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
    """

    member: Member
    dimension: int
    exact: bool
    origin: float
    partition: NDArray[np.float64]
    energy: NDArray[np.float64]
    energy_squared: NDArray[np.float64]
    sums: Sums


@dataclass(frozen=True)
class Matrices:
    """The observables of one (N, S_z) sector as matrices on its product states.

    Attributes
    ----------
    measured : Measured
        What they are.
    operators : list of csr_array
        Those of `measured`.
    squares : list of csr_array
        Of the truncated displacements, if they are wanted.
    """

    measured: Measured
    operators: list[sp.csr_array] = field(repr=False)
    squares: list[sp.csr_array] = field(repr=False)

    @classmethod
    def of(cls, space: Space, measured: Measured, names: Sequence[str]) -> Matrices:
        """Build them once for all blocks of a sector."""
        squares = squared_displacements(space) if "displacement_squared" in names else []
        return cls(measured, measured.matrices(space), squares)


def exact_contribution(
    member: Member,
    block: Block,
    matrices: Matrices,
    temperatures: NDArray[np.float64],
    names: Sequence[str],
    grid: NDArray[np.float64],
) -> Contribution:
    """Sum over all levels of a block, found by dense diagonalization."""
    levels = AllLevels.of(block)
    origin = float(levels.energies[0])
    above = levels.energies - origin
    boltzmann = np.exp(-above / temperatures[:, None])
    each = (levels, matrices, names, grid, boltzmann.max(axis=0))
    sums = {name: np.tensordot(boltzmann, values, axes=1)[None] for name, values in _level_values(*each)}
    z, energy, squared = (np.asarray(boltzmann @ above**power)[None] for power in range(3))
    return Contribution(member, len(above), True, origin, z, energy, squared, sums)


def _level_values(
    levels: AllLevels,
    matrices: Matrices,
    names: Sequence[str],
    grid: NDArray[np.float64],
    share: NDArray[np.float64],
) -> Iterator[tuple[str, NDArray[np.complex128]]]:
    """Yield observables in every level, shape (levels, ...)."""
    block, count = levels.block, len(levels.energies)
    values = np.array([levels.averages_of(matrix) for matrix in matrices.operators]).reshape(-1, count).T
    for name, place in matrices.measured.places.items():
        yield name, values[:, place]
    if CUTOFF_PROBABILITY in names:
        yield CUTOFF_PROBABILITY, np.array([_at_cutoff(block, phi) for phi in levels.amplitudes], complex)
    if "displacement_squared" in names:
        squares = [levels.averages_of(matrix) for matrix in matrices.squares]
        yield "displacement_squared", np.array(squares).reshape(-1, count).T
    if "displacement_distribution" in names:
        nothing = np.zeros((block.space.phonons.modes, len(grid)))
        counting = (s > NEGLIGIBLE for s in share)
        curves = [
            displacement_distribution(levels.level(n), grid).values if s else nothing for n, s in enumerate(counting)
        ]
        yield "displacement_distribution", np.array(curves, complex).reshape(count, *nothing.shape)


def _at_cutoff(block: Block, phi: Amplitudes) -> float:
    """Return the weight of the phonon states at the cutoff in one state."""
    phonons = block.space.phonons
    occupations = phonons.occupations.astype(np.int64)
    more = [phonons.index(occupations + row) < 0 for row in np.eye(phonons.modes, dtype=np.int64)]
    edge = np.any(more, axis=0) if more else np.zeros(len(phonons), bool)
    return float(np.sum(np.abs(phi[:, edge]) ** 2))


def sampled_contribution(
    member: Member,
    block: Block,
    temperatures: NDArray[np.float64],
    names: Sequence[str],
    grid: NDArray[np.float64],
    count: int,
    steps: int,
    seed: np.random.SeedSequence,
) -> Contribution:
    """Estimate the sums over a block from typical thermal states of `count` random vectors."""
    rows = [_of_sample(s, temperatures, names, grid) for s in samples(block, count, steps, seed)]
    origin = min(lowest for lowest, *_ in rows)
    moments: list[NDArray[np.float64]] = []
    for lowest, m, _ in rows:
        moved = lowest - origin
        factor = np.exp(-moved / temperatures)
        moments.append(factor * np.array([m[0], m[1] + moved * m[0], m[2] + 2 * moved * m[1] + moved**2 * m[0]]))
    sums = {
        name: np.array(
            [
                np.exp(-(lowest - origin) / temperatures).reshape(-1, *(1,) * (found[name].ndim - 1)) * found[name]
                for lowest, _, found in rows
            ]
        )
        for name in rows[0][2]
    }
    z, energy, squared = np.moveaxis(np.array(moments), 1, 0)
    return Contribution(member, block.energy.dimension, False, origin, z, energy, squared, sums)


def _of_sample(
    sample: Sample, temperatures: NDArray[np.float64], names: Sequence[str], grid: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], dict[str, NDArray[np.complex128]]]:
    """Return the lowest Ritz value, the moments (3, temperatures) and the sums of observables above it."""
    origin = float(sample.energies[0])
    above = sample.energies - origin
    boltzmann = np.exp(-above / temperatures[:, None]) * sample.weights
    moments = np.array([boltzmann @ above**power for power in range(3)])
    sums: dict[str, list[NDArray[np.complex128]]] = {name: [] for name in names}
    for t, temperature in enumerate(temperatures):
        phi = sample.thermal_state(float(temperature), origin)
        norm = float(np.vdot(phi, phi).real)
        state = State(sample.block, phi[None] / np.sqrt(norm), np.ones(1))
        data = observables(state, [name for name in names if name != CUTOFF_PROBABILITY], grid)
        for name in names:
            at_cutoff = name == CUTOFF_PROBABILITY
            value = _at_cutoff(sample.block, state.amplitudes[0]) if at_cutoff else data[name].values
            sums[name].append(moments[0, t] * np.asarray(value, complex))
    return origin, moments, {name: np.array(values) for name, values in sums.items()}
