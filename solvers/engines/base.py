"""What an engine has to provide: its needs, the product with H, and vectors of a block in its own form."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import sp
from ..block_size import BlockSize
from ..checkpoint import Checkpoint
from ..krylov.eigenpairs import Levels, lowest_eigenpairs
from ..krylov.memory import KEPT_BYTES, STORED_BYTES
from ..krylov.operator import HermitianOperator, Matvec, Vector
from ..krylov.search import Limits, Memory

if TYPE_CHECKING:
    from ...hamiltonians import Amplitudes, Block, Model, Operator


class Engine(HermitianOperator):
    """A block of the Hamiltonian as one engine handles it.

    An engine needs `name`, `needs`, `size`, `dtype` and `product`. Its vectors are those of an orthonormal basis, whose
    columns in the product states of the sector are `basis`; an engine with other vectors overrides `vector` and
    `amplitudes`.

    Parameters
    ----------
    block : Block
        The block of the Hamiltonian.
    """

    name: ClassVar[str]
    kept_bytes: int = KEPT_BYTES
    """Memory for the first Lanczos vectors of a long search."""
    basis: sp.csr_array | None = None
    """Isometry from the vectors of the engine to the product states of the sector; None where they are the same."""

    def __init__(self, block: Block) -> None:
        self.block = block

    @classmethod
    @abstractmethod
    def needs(cls, size: BlockSize) -> tuple[float, float]:
        """Return bytes and seconds that a search for the lowest levels takes, about."""

    @classmethod
    def check(cls, model: Model) -> None:
        """Raise MemoryError, with the numbers, where the engine cannot represent the states of a model."""
        return

    @classmethod
    def for_levels(cls, block: Block, states: int, memory_limit: int) -> Engine:
        """Return the engine that computes the lowest `states` levels: this one, or LAPACK where that is faster."""
        return cls(block)

    @property
    def dimension(self) -> int:
        """Number of independent states of the block."""
        return self.block.dimension

    def vector(self, phi: Amplitudes) -> Vector:
        """Return the vector of a state given by its stored amplitudes ``phi[row, p]``."""
        psi = self.block.expand(phi).ravel()
        return psi if self.basis is None else np.asarray(self.basis.conj().T @ psi)

    def amplitudes(self, columns: Vector) -> NDArray[Any]:
        """Return stored amplitudes ``phi[k, row, p]`` of vectors, given as columns."""
        whole = (columns.T if self.basis is None else (self.basis @ columns).T).reshape(-1, *self.block.space.shape)
        return np.array([self.block.compress(psi) for psi in whole], whole.dtype).reshape(-1, *self.block.shape)

    def acting(self, operator: Operator) -> Matvec:
        """Return the product with another operator that has the symmetry of the block."""
        matrix = self.block.hamiltonian.matrix_of(operator)
        if self.basis is not None:
            matrix = sp.csr_array(self.basis.conj().T @ matrix @ self.basis)

        def act(v: Vector, out: Vector) -> Vector:
            out[:] = matrix @ v
            return out

        return act

    def lowest(self, limits: Limits, checkpoint: Checkpoint) -> Levels:
        """Return the lowest levels, and all states of the ground level, by Lanczos searches."""
        memory = Memory(STORED_BYTES, self.kept_bytes, checkpoint)
        return lowest_eigenpairs(self, limits, memory, self.block.hamiltonian.scale)
