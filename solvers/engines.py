"""The engines: the lowest levels of a block by LAPACK, by QuSpin, and by the factors of H applied on the fly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..hamiltonians import Amplitudes, Block, Hamiltonian
from ..hamiltonians.symmetry.group import isometry, representatives_of
from ..hamiltonians.terms import SAME
from .checkpoint import Checkpoint
from .krylov.deflation import Matvec, Projection
from .krylov.eigenpairs import KEPT_BYTES, SMALL, Levels, everything, lowest_levels, lowest_of, suits_lapack
from .krylov.recursion import Recursion, by_quspin, fused
from .krylov.search import Progress
from .options import Options


def is_degenerate(energy: float, other: float, width: float = SAME) -> bool:
    """True where two energies count as one level: no farther apart than `Hamiltonian.level_width`."""
    return abs(energy - other) <= width


Stored = Callable[[NDArray[Any]], Amplitudes]
"""From the vectors of an engine, as columns, to stored amplitudes ``phi[level, row, p]``."""
Engine = Callable[[Block, int, Options, Progress, Checkpoint], tuple[Levels, Stored]]


def block_isometry(hamiltonian: Hamiltonian) -> sp.csr_array | None:
    """Return the isometry from the block of the sector of a Hamiltonian; None for the whole sector."""
    return block_basis(Block.of(hamiltonian))


def block_basis(block: Block) -> sp.csr_array | None:
    """Return the isometry from the states of a block into the sector; None for the whole sector."""
    elements, size = block.elements, block.space.dimension
    return isometry(elements, representatives_of(elements, size), size) if elements else None


def _dense(
    block: Block, states: int, options: Options, progress: Progress, checkpoint: Checkpoint
) -> tuple[Levels, Stored]:
    """Kronecker products of the factors, reduced by an explicit isometry, and LAPACK."""
    matrix, expand = block.hamiltonian.kept_matrix, block_basis(block)
    if expand is not None:
        matrix = sp.csr_array(expand.conj().T @ matrix @ expand)
    alike = partial(is_degenerate, width=block.hamiltonian.level_width)
    return lowest_of(matrix.toarray(), states, alike, options.wanted_below, block.hamiltonian.scale), _by_isometry(
        block, expand
    )


def _by_isometry(block: Block, expand: sp.csr_array | None) -> Stored:
    shape = block.space.shape

    def stored(columns: NDArray[Any]) -> Amplitudes:
        whole = (columns.T if expand is None else (expand @ columns).T).reshape(-1, *shape)
        return np.array([block.compress(psi) for psi in whole], whole.dtype).reshape(-1, *block.shape)

    return stored


def _quspin(
    block: Block, states: int, options: Options, progress: Progress, checkpoint: Checkpoint
) -> tuple[Levels, Stored]:
    """The whole model in one QuSpin basis, its symmetry blocks through QuSpin's maps, and Lanczos."""
    hamiltonian, size = block.hamiltonian, block.space.dimension
    if not size:
        empty = np.zeros((0, 0), hamiltonian.dtype)
        return lowest_of(empty, states, partial(is_degenerate, width=0.0)), _by_isometry(block, None)
    real = all(abs(element.character.imag) < 1e-12 for element in block.elements)
    dtype, maps = hamiltonian.dtype if real else np.complex128, tuple(s.as_map() for s in block.symmetries)
    dressed = block.space.is_dressed  # QuSpin has no displacements: its basis, and the matrix from our factors
    basis, matrix = (hamiltonian.quspin_basis(maps), None) if dressed else hamiltonian.quspin(maps, dtype)
    order = product_index(hamiltonian, basis.states)
    if block.elements:
        expand = isometry(block.elements, order, size)
    else:
        expand = sp.csr_array((np.ones(size), (order, np.arange(size))), shape=(size, size))
    if matrix is None:
        matrix = sp.csr_array(expand.conj().T @ hamiltonian.matrix() @ expand)

    if matrix.shape[0] > SMALL and suits_lapack(matrix.shape[0], states, options.memory_limit):
        levels = lowest_of(matrix.toarray(), states, is_degenerate, options.wanted_below)
        return levels, _by_isometry(block, expand)

    def product(v: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
        out[:] = matrix @ v
        return out

    how = (hamiltonian, states, options, progress, checkpoint)
    levels = _searched(product, matrix.shape[0], dtype, *how, recursion=by_quspin)
    return levels, _by_isometry(block, expand)


def _tensor(
    block: Block, states: int, options: Options, progress: Progress, checkpoint: Checkpoint
) -> tuple[Levels, Stored]:
    """The factors applied on the fly, symmetry by orbit representatives of the charges, and Lanczos."""
    size = block.shape[0] * block.shape[1]
    if size <= SMALL or suits_lapack(size, states, options.memory_limit):
        return _dense(block, states, options, progress, checkpoint)
    energy = block.energy
    kind, space = energy.dtype.type, (energy.project, energy.dimension)
    how = (block.hamiltonian, states, options, progress, checkpoint, space)
    kept = 0 if block.spins else KEPT_BYTES  # with electrons alone, products cost less than memory
    levels = _searched(energy.image, energy.size, kind, *how, kept_bytes=kept)
    return levels, lambda columns: np.ascontiguousarray(columns.T).reshape(-1, *block.shape)


def _searched(
    product: Matvec,
    size: int,
    dtype: type,
    hamiltonian: Hamiltonian,
    states: int,
    options: Options,
    progress: Progress,
    checkpoint: Checkpoint,
    space: tuple[Projection, int | None] = (everything, None),
    recursion: Recursion = fused,
    kept_bytes: int = KEPT_BYTES,
) -> Levels:
    alike = partial(is_degenerate, width=hamiltonian.level_width)
    limits = (options.tolerance * hamiltonian.unit, options.seed, options.max_matvecs, alike)
    return lowest_levels(
        product,
        size,
        dtype,
        states,
        *limits,
        progress,
        *space,
        wanted_below=options.wanted_below,
        checkpoint=checkpoint,
        confirm=options.confirm,
        recursion=recursion,
        scale=hamiltonian.scale,
        kept_bytes=kept_bytes,
    )


def product_index(hamiltonian: Hamiltonian, states: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return ``e * phonon states + p`` of QuSpin's integers."""
    space = hamiltonian.space
    bits = np.uint64(space.charges.bits)
    charges = states & ((np.uint64(1) << bits) - np.uint64(1))
    width = int(space.phonons.max_quanta).bit_length()
    mask = np.uint64((1 << width) - 1)
    digits = [(states >> (bits + np.uint64(width * m))) & mask for m in range(space.phonons.modes)]
    occupations = np.array(digits, np.int64).reshape(space.phonons.modes, len(states)).T
    return space.charges.index(charges) * len(space.phonons) + space.phonons.index(occupations)


ENGINES: Mapping[str, Engine] = MappingProxyType({"dense": _dense, "quspin": _quspin, "tensor": _tensor})
