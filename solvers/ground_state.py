"""Lowest states of a model in a sector, by the engine that suits its size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..hamiltonians import Amplitudes, Hamiltonian, Model, Sector
from ..hamiltonians.quspin_basis import SymmetryMap
from ..hamiltonians.symmetry import Action, group, isometry, representatives_of, sector_symmetries
from ..hamiltonians.tensor import TensorHamiltonian
from .certificate import Certificate, Certifier
from .estimate import check_memory, choose_engine
from .lanczos import Levels, hermitian_levels, lowest_levels
from .recursion import Progress, silent

DEGENERATE = 1e-9
"""Levels closer than this times max(1, |E|) count as one."""


@dataclass(frozen=True)
class Options:
    """How to solve.

    Attributes
    ----------
    engine : str
        "auto", "dense" or "quspin".
    tolerance : float
        Largest residual of a level.
    seed : int
        Seed of the random start vectors.
    memory_limit : int
        Bytes that the run may take.
    max_matvecs : int
        Products with H after which a search is given up.
    """

    engine: str = "auto"
    tolerance: float = 1e-10
    seed: int = 0
    memory_limit: int = 16 << 30
    max_matvecs: int = 20_000


@dataclass(frozen=True)
class State:
    """A normalised mixture of pure states of one sector.

    Attributes
    ----------
    hamiltonian : Hamiltonian
        Of the sector; its space says what the amplitudes mean.
    vectors : (k, charge configurations, phonon states)
        Orthonormal amplitudes, read-only.
    weights : (k,) float
        Probabilities; they add up to one.
    """

    hamiltonian: Hamiltonian = field(repr=False)
    vectors: Amplitudes = field(repr=False)
    weights: NDArray[np.float64]

    @property
    def mixture(self) -> Iterator[tuple[float, Amplitudes]]:
        """Yield (weight, amplitudes) of each pure state."""
        return zip(self.weights.tolist(), self.vectors, strict=True)


@dataclass(frozen=True)
class Eigenstates:
    """Lowest levels of a sector with their certificates.

    Attributes
    ----------
    hamiltonian : Hamiltonian
        Of the sector.
    energies : (k,) float
        Ascending, with multiplicity, in the user's unit.
    certificate : Certificate
        Residuals, leaks and error bars of these levels.
    vectors : (m, charge configurations, phonon states)
        Amplitudes of the levels, m >= k: the whole ground multiplet is there.
    multiplicity : int
        Number of states in the ground level.
    engine : str
        Engine that found them.
    stored : int
        Amplitudes kept for one state after symmetry.
    matvecs : int
        Products with H; 0 for dense diagonalisation.
    """

    hamiltonian: Hamiltonian = field(repr=False)
    energies: NDArray[np.float64]
    certificate: Certificate = field(repr=False)
    vectors: Amplitudes = field(repr=False)
    multiplicity: int
    engine: str
    stored: int
    matvecs: int

    @property
    def ground(self) -> State:
        """The ground level: a pure state, or the even mixture of a degenerate multiplet."""
        count = self.multiplicity
        return State(self.hamiltonian, self.vectors[:count], np.full(count, 1.0 / count))

    def level(self, number: int) -> State:
        """Return one eigenstate as a pure state."""
        if not 0 <= number < len(self.vectors):
            raise IndexError(f"level {number} was not computed; there are levels 0 to {len(self.vectors) - 1}")
        return State(self.hamiltonian, self.vectors[number : number + 1], np.ones(1))


def ground_state(
    model: Model,
    sector: Sector | int,
    states: int = 1,
    options: Options | None = None,
    progress: Progress = silent,
) -> Eigenstates:
    """Compute the lowest levels of a model in a sector, each with its certificate.

    Parameters
    ----------
    model : Model
        The Hamiltonian.
    sector : Sector or int
        Quantum numbers; a number stands for ``Sector(charge)``.
    states : int
        Levels wanted, counted with multiplicity; fewer come back if the sector is smaller.
    options : Options, optional
        Engine, tolerance, seed and limits.
    progress : Progress
        Called as the solver goes on.

    Returns
    -------
    Eigenstates
        Energies [user's unit], states and certificate.

    Raises
    ------
    InvalidModel
        If the sector does not exist or the model lacks its symmetry.
    MemoryError
        If the run would not fit `options.memory_limit`; nothing was computed then.
    ConvergenceError
        If Lanczos gave up, with the residual reached.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> levels = ground_state(Model(dimer(), Electrons(hopping=1.0, hubbard_u=4.0)), 2, states=2)
    >>> levels.energies.round(8) + 0.0
    array([-0.82842712,  0.        ])
    """
    options = options or Options()
    sector = sector if isinstance(sector, Sector) else Sector(sector)
    engine = choose_engine(model, sector, options.engine)
    check_memory(model, sector, engine, states, options.memory_limit)
    hamiltonian = Hamiltonian.of(model, sector)
    block = _block(hamiltonian)
    levels = ENGINES[engine](hamiltonian, block, states, options, progress)
    return _eigenstates(hamiltonian, levels, states, engine)


def _eigenstates(hamiltonian: Hamiltonian, levels: _BlockLevels, states: int, engine: str) -> Eigenstates:
    found = levels.levels
    energies = found.energies[:states].copy()
    multiplicity = int(sum(is_degenerate(found.energies[0], e) for e in found.energies)) if len(energies) else 0
    kept = found.vectors[:, : max(states, multiplicity)]
    vectors = levels.expand(kept)
    for array in (energies, vectors):
        array.setflags(write=False)
    certificate = Certifier(hamiltonian).certify(energies, list(vectors[: len(energies)]))
    stored = found.vectors.shape[0]
    return Eigenstates(hamiltonian, energies, certificate, vectors, multiplicity, engine, stored, found.matvecs)


def is_degenerate(energy: float, other: float) -> bool:
    """True where two energies count as one level: closer than 1e-9 max(1, |E|)."""
    return abs(energy - other) <= DEGENERATE * max(1.0, abs(energy))


@dataclass(frozen=True)
class _Block:
    """Symmetries of a sector: QuSpin's maps and the group with its characters (empty where none is fixed)."""

    maps: tuple[SymmetryMap, ...]
    elements: tuple[Action, ...]


@dataclass(frozen=True)
class _BlockLevels:
    """Levels of a block, and how its vectors (columns) become amplitudes ``psi[level, e, p]`` of the sector."""

    levels: Levels
    expand: Callable[[NDArray[Any]], Amplitudes]


def _block(hamiltonian: Hamiltonian) -> _Block:
    symmetries = sector_symmetries(hamiltonian.space, hamiltonian.operator)
    return _Block(tuple(s.as_map() for s in symmetries), group(hamiltonian.space, symmetries) if symmetries else ())


def block_isometry(hamiltonian: Hamiltonian) -> sp.csr_array | None:
    """Return the isometry from the block of fixed momentum or reflection into the sector; None for the whole sector."""
    elements = _block(hamiltonian).elements
    size = hamiltonian.space.dimension
    return isometry(elements, representatives_of(elements, size), size) if elements else None


Engine = Callable[[Hamiltonian, _Block, int, Options, Progress], _BlockLevels]


def _dense(hamiltonian: Hamiltonian, block: _Block, states: int, options: Options, progress: Progress) -> _BlockLevels:
    """Kronecker products of the factors, reduced by an explicit isometry, and LAPACK."""
    matrix = hamiltonian.matrix()
    expand = block_isometry(hamiltonian)
    if expand is not None:
        matrix = sp.csr_array(expand.conj().T @ matrix @ expand)
    return _BlockLevels(_lapack(matrix), _by_isometry(hamiltonian, expand))


def _by_isometry(hamiltonian: Hamiltonian, expand: sp.csr_array | None) -> Callable[[NDArray[Any]], Amplitudes]:
    shape = hamiltonian.space.shape

    def expanded(columns: NDArray[Any]) -> Amplitudes:
        whole = columns if expand is None else expand @ columns
        return np.ascontiguousarray(whole.T).reshape(-1, *shape)

    return expanded


def _quspin(hamiltonian: Hamiltonian, block: _Block, states: int, options: Options, progress: Progress) -> _BlockLevels:
    """The whole model in one QuSpin basis, its symmetry blocks through QuSpin's maps, and Lanczos."""
    size = hamiltonian.space.dimension
    if not size:
        return _BlockLevels(_lapack(sp.csr_array((0, 0), dtype=hamiltonian.dtype)), _by_isometry(hamiltonian, None))
    real = all(abs(element.character.imag) < 1e-12 for element in block.elements)
    dtype = hamiltonian.dtype if real else np.complex128
    basis, matrix = hamiltonian.quspin(block.maps, dtype)
    order = _product_index(hamiltonian, basis.states)
    if block.elements:
        expand = isometry(block.elements, order, size)
    else:
        expand = sp.csr_array((np.ones(size), (order, np.arange(size))), shape=(size, size))

    def product(v: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
        out[:] = matrix @ v
        return out

    levels = lowest_levels(
        product,
        matrix.shape[0],
        dtype,
        states,
        options.tolerance,
        options.seed,
        options.max_matvecs,
        is_degenerate,
        progress,
    )
    return _BlockLevels(levels, _by_isometry(hamiltonian, expand))


def _tensor(hamiltonian: Hamiltonian, block: _Block, states: int, options: Options, progress: Progress) -> _BlockLevels:
    """The factors applied on the fly, symmetry by orbit representatives of the charges, and Lanczos."""
    operator = TensorHamiltonian(hamiltonian, block.elements)
    levels = lowest_levels(
        operator.dot,
        operator.size,
        operator.dtype.type,
        states,
        options.tolerance,
        options.seed,
        options.max_matvecs,
        is_degenerate,
        progress,
        operator.project,
        operator.dimension,
    )

    def expanded(columns: NDArray[Any]) -> Amplitudes:
        whole = [operator.expand(np.ascontiguousarray(column)) for column in columns.T]
        return np.array(whole, operator.dtype).reshape(-1, *hamiltonian.space.shape)

    return _BlockLevels(levels, expanded)


def _product_index(hamiltonian: Hamiltonian, states: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return ``e * phonon states + p`` of QuSpin's integers."""
    space = hamiltonian.space
    bits = np.uint64(space.charges.bits)
    charges = states & ((np.uint64(1) << bits) - np.uint64(1))
    width = int(space.phonons.max_quanta).bit_length()
    mask = np.uint64((1 << width) - 1)
    digits = [(states >> (bits + np.uint64(width * m))) & mask for m in range(space.phonons.modes)]
    occupations = np.array(digits, np.int64).reshape(space.phonons.modes, len(states)).T
    return space.charges.index(charges) * len(space.phonons) + space.phonons.index(occupations)


def _lapack(matrix: sp.csr_array) -> Levels:
    return Levels(*hermitian_levels(matrix.toarray()), 0)


ENGINES: Mapping[str, Engine] = MappingProxyType({"dense": _dense, "quspin": _quspin, "tensor": _tensor})
