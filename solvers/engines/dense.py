"""The dense engine: the whole matrix of a block, diagonalised by LAPACK."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ... import hamiltonians
from ..._core.lazy import sp
from ..block_size import BlockSize
from ..checkpoint import Checkpoint
from ..krylov.eigenpairs import Levels, hermitian_levels, lowest_of
from ..krylov.operator import Vector
from ..krylov.search import Limits
from .base import Engine

if TYPE_CHECKING:
    from ...hamiltonians import Block, Hamiltonian


def block_isometry(hamiltonian: Hamiltonian) -> sp.csr_array | None:
    """Return the isometry from the block of the sector of a Hamiltonian; None for the whole sector."""
    return block_basis(hamiltonians.Block.of(hamiltonian))


def block_basis(block: Block) -> sp.csr_array | None:
    """Return the isometry from the states of a block into the sector; None for the whole sector."""
    return block.isometry


class DenseEngine(Engine):
    """Kronecker products of the factors of H, projected onto the block by an isometry, as one dense matrix.

    Parameters
    ----------
    block : Block
        The block of the Hamiltonian.
    basis, matrix : csr_array, optional
        The isometry and H, where they are known already.
    """

    name = "dense"

    def __init__(self, block: Block, basis: sp.csr_array | None = None, matrix: sp.csr_array | None = None) -> None:
        super().__init__(block)
        self.basis = block_basis(block) if basis is None else basis
        if matrix is None:
            matrix = block.hamiltonian.kept_matrix
            if self.basis is not None:
                matrix = sp.csr_array(self.basis.conj().T @ matrix @ self.basis)
        self._matrix, self.size, self.dtype = matrix, matrix.shape[0], matrix.dtype

    @classmethod
    def needs(cls, size: BlockSize) -> tuple[float, float]:
        """Return bytes and seconds for all levels."""
        dimension = size.charges * size.phonons
        return 4.0 * size.bytes_per_amplitude * dimension**2, 2e-10 * dimension**3 * (4 if size.is_complex else 1)

    @cached_property
    def matrix(self) -> Vector:
        """H in the basis of the engine."""
        return np.asarray(self._matrix.toarray())

    def product(self, v: Vector, out: Vector) -> Vector:
        """Write ``H v`` to `out` and return it."""
        return np.matmul(self.matrix, v, out=out)

    def lowest(self, limits: Limits, checkpoint: Checkpoint) -> Levels:
        """Return the lowest levels, and all states of the ground level, by LAPACK."""
        scale = self.block.hamiltonian.scale
        return lowest_of(self._matrix.toarray(), limits.count, limits.degenerate, limits.wanted_below, scale)

    def everything(self) -> tuple[NDArray[np.float64], Vector]:
        """Return all levels, and their states as columns."""
        return hermitian_levels(self._matrix.toarray(), self.block.hamiltonian.scale)
