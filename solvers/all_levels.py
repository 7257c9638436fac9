"""All levels of a block by dense diagonalization, and what any operator has in each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..hamiltonians import Block, Operator
from ..hamiltonians.hamiltonian import sparse_matrix
from .engines.dense import DenseEngine
from .results import State

PIECE = 64
"""Levels whose states of the whole sector are held together."""


@dataclass(frozen=True)
class AllLevels:
    """Every eigenpair of a block.

    Attributes
    ----------
    block : Block
        What was diagonalised.
    energies : (n,) float
        Ascending, in the user's unit.
    vectors : (n, n) float or complex
        Orthonormal columns, in the basis of symmetric product states.
    basis : csr_array, shape (states of the sector, n)
        The isometry from that basis to the product states of the whole sector.
    """

    block: Block = field(repr=False)
    energies: NDArray[np.float64]
    vectors: NDArray[Any] = field(repr=False)
    basis: sp.csr_array = field(repr=False)

    @classmethod
    def of(cls, block: Block) -> AllLevels:
        """Diagonalise a block by LAPACK.

        Examples
        --------
        >>> from respair.clusters import dimer
        >>> from respair.hamiltonians import Electrons, Hamiltonian, Model, Sector
        >>> block = Block.of(Hamiltonian.of(Model(dimer(), Electrons(hopping=1.0, hubbard_u=4.0)), Sector(2)))
        >>> AllLevels.of(block).energies.round(6) + 0.0
        array([-0.828427,  0.      ,  4.      ,  4.828427])
        """
        engine = DenseEngine(block)
        basis = sp.csr_array(sp.eye_array(block.space.dimension)) if engine.basis is None else engine.basis
        energies, vectors = engine.everything()
        for array in (energies, vectors):
            array.setflags(write=False)
        return cls(block, energies, vectors, basis)

    def averages(self, operator: Operator) -> NDArray[np.complex128]:
        """Return ``<n| O |n>`` of an operator that keeps N and S_z, for each level: shape (n,)."""
        return self.averages_of(sparse_matrix(self.block.space, operator))

    def averages_of(self, matrix: sp.csr_array) -> NDArray[np.complex128]:
        """Return ``<n| O |n>`` of a matrix on the product states of the sector, for each level: shape (n,)."""
        reduced = sp.csr_array(self.basis.conj().T @ matrix @ self.basis)
        return np.asarray(np.sum(self.vectors.conj() * (reduced @ self.vectors), axis=0), dtype=complex)

    def elements(self, operator: Operator) -> NDArray[Any]:
        """Return ``<m| O |n>`` of an operator that keeps the block, shape (n, n)."""
        reduced = sp.csr_array(self.basis.conj().T @ sparse_matrix(self.block.space, operator) @ self.basis)
        return np.asarray(self.vectors.conj().T @ (reduced @ self.vectors))

    @cached_property
    def amplitudes(self) -> NDArray[Any]:
        """Stored amplitudes ``phi[n, row, p]`` of all levels."""
        count, kind = len(self.energies), np.result_type(self.basis.dtype, self.vectors.dtype)
        found = np.empty((count, *self.block.shape), kind)
        for first in range(0, count, PIECE):  # a state of the whole sector takes far more memory than one of the block
            whole = (self.basis @ self.vectors[:, first : first + PIECE]).T.reshape(-1, *self.block.space.shape)
            for n, psi in enumerate(whole, start=first):
                found[n] = self.block.compress(psi)
        found.setflags(write=False)
        return found

    def level(self, number: int) -> State:
        """Return one level as a pure state."""
        return State(self.block, self.amplitudes[number : number + 1], np.ones(1))
