"""The block of a sector with fixed momentum and reflection: which amplitudes are stored, and operators on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.errors import DoesNotFit
from ..._core.lazy import sp, splinalg
from ..._core.ranks import agreed, current_ranks
from ...clusters import Card, Shown
from ..hamiltonian import Hamiltonian
from ..kernels.spin_products import ElectronHamiltonian, ElectronOperator, SpinFactors, Spins
from ..kernels.tensor import StoredHamiltonian, TensorHamiltonian, TensorOperator
from ..operators import Operator, total
from ..sector import Sector
from ..space.product import Amplitudes, Factor, Space, check_operator
from .group import Action, group, isometry, representatives_of
from .operations import Symmetry, relabelled
from .orbits import Orbits
from .quantum_numbers import sector_symmetries
from .share import SHARED_FROM, Share

MOST_GATHERED = 1 << 22
"""Stored amplitudes up to which each of several processes may take a whole state."""


@dataclass(frozen=True, repr=False)
class Block(Shown):
    """A block of the Hamiltonian, states of which are kept as amplitudes ``phi[row, p]``.

    Without symmetry a row is a charge configuration. With it, a row is a representative of an orbit of configurations,
    ``phi[r, p] = sqrt(size of the orbit) psi[r, p]``, and the other amplitudes follow.

    Attributes
    ----------
    hamiltonian : Hamiltonian
        Of the whole (N, S_z) sector.
    sector : Sector
        The sector with the spatial quantum numbers of the block.
    symmetries : tuple of Symmetry
        Generators whose quantum numbers the sector fixes.
    """

    hamiltonian: Hamiltonian = field(repr=False)
    sector: Sector
    symmetries: tuple[Symmetry, ...]

    def card(self) -> Card:
        """Return quantum numbers, size of the sector, and what is stored."""
        rows, phonons = self.rows, self.space.shape[1]
        operations = prod(symmetry.period for symmetry in self.symmetries)
        having = f", {operations} symmetry operations" if self.symmetries else ""
        note = f"{rows * phonons:,} amplitudes stored{having}"
        return Card(f"block {self.sector.markup} of {self.space.size}", note=note)

    @classmethod
    def of(cls, hamiltonian: Hamiltonian, sector: Sector | None = None) -> Block:
        """Return a block of a Hamiltonian: that of its own sector, or one with other spatial quantum numbers.

        Raises
        ------
        InvalidModel
            If the Hamiltonian does not have the symmetry.
        """
        sector = sector or hamiltonian.space.sector
        return cls(hamiltonian, sector, sector_symmetries(hamiltonian.space, hamiltonian.operator, sector))

    @property
    def whole(self) -> Block:
        """The whole (N, S_z) sector as one block, where operators may break the symmetry."""
        return Block(self.hamiltonian, self.sector.plain, ())

    @property
    def space(self) -> Space:
        """The states of the sector."""
        return self.hamiltonian.space

    @cached_property
    def elements(self) -> tuple[Action, ...]:
        """The group, with its characters; empty for the whole sector."""
        return group(self.space, self.symmetries) if self.symmetries else ()

    @cached_property
    def spins(self) -> Spins | None:
        """The configurations of each spin; None where there is more than electrons."""
        return Spins.of(self.space, self.symmetries)

    @cached_property
    def orbits(self) -> Orbits | None:
        """Orbits of the configurations; None for the whole sector."""
        if not self.symmetries:
            return None
        return self.spins.charge_orbits(self.space) if self.spins else Orbits.of(self.elements, self.space.phonons)

    @cached_property
    def share(self) -> Share | None:
        """Which process has which rows, where several share the block; None where this one has all of them."""
        ranks = current_ranks()
        if ranks is None or self.spins or self.entries < SHARED_FROM or self.rows < ranks.size:
            return None
        key = self.symmetries
        if key not in self.hamiltonian.shares:
            self.hamiltonian.shares[key] = Share.of(ranks, self._graph)
        return self.hamiltonian.shares[key]

    def _graph(self) -> sp.csr_array:
        """Return a matrix with an entry where H needs another row."""
        total = sp.csr_array((self.rows, self.rows))
        for factor in self.hamiltonian.factors:
            matrix = factor.rows(self.orbits.representatives if self.orbits else None)
            matrix = self.orbits.reduced(matrix)[0] if self.orbits else matrix
            total = total + sp.csr_array((np.ones(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape)
        return sp.csr_array(total)

    @property
    def rows(self) -> int:
        """Rows of stored amplitudes, those of all processes together."""
        if not self.symmetries:
            return self.space.shape[0]
        if self.spins:
            return len(self.spins.kept.places)
        return len(self.orbits.representatives) if self.orbits else 0

    @property
    def entries(self) -> int:
        """Stored amplitudes, those of all processes together."""
        return self.rows * self.space.shape[1]

    @property
    def most_entries(self) -> int:
        """Stored amplitudes of a process, the largest number of all."""
        return self.share.most * self.space.shape[1] if self.share else self.entries

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, phonon states) of stored amplitudes of this process."""
        return len(self.share.own) if self.share else self.rows, self.space.shape[1]

    def total(self, values: Any) -> Any:
        """Return numbers or arrays, each found from the rows of one process, added up."""
        return self.share.ranks.total(values) if self.share else agreed(values)

    def overlaps(self, left: Amplitudes, right: Amplitudes) -> NDArray[Any]:
        """Return ``<left_m|right_n>`` of stored amplitudes, shape (m, n)."""
        flat = (states.reshape(len(states), prod(states.shape[1:])) for states in (left, right))
        bras, kets = flat
        return np.asarray(self.total(bras.conj() @ kets.T))

    def dot(self, left: Amplitudes, right: Amplitudes) -> complex:
        """Return ``<left|right>`` of stored amplitudes, over all of several states where there are some."""
        return complex(self.total(np.vdot(left, right)))

    def norm(self, phi: Amplitudes) -> float:
        """Return the norm of stored amplitudes, that of several states together."""
        own = float(np.linalg.norm(phi))
        return float(np.sqrt(self.total(own * own))) if self.share else agreed(own)

    def own(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return the part of this process of something known for each row."""
        return rows[self.share.own] if self.share else rows

    @property
    def dimension(self) -> int:
        """Number of independent states."""
        if self.spins and self.symmetries:
            return len(self.spins.kept.places) - len(self.spins.kept.forbidden)
        return self.orbits.dimension if self.orbits else self.space.dimension

    @cached_property
    def energy(self) -> StoredHamiltonian:
        """H on stored amplitudes."""
        factors = SpinFactors.of(self.hamiltonian.operator, self.spins) if self.spins else None
        if self.spins is None or factors is None:
            return TensorHamiltonian(self.hamiltonian, self.orbits, self.share)
        return ElectronHamiltonian(self.hamiltonian, self.spins, factors)

    @cached_property
    def isometry(self) -> sp.csr_array | None:
        """The columns of orthonormal states of the block, in the product states of the sector; None for all of it."""
        size = self.space.dimension
        return isometry(self.elements, representatives_of(self.elements, size), size) if self.elements else None

    def matrix(self) -> sp.csr_array:
        """Return H on the independent states of the block, shape (dimension, dimension).

        With B the `isometry` it is ``B+ H B``; of an eigenvector v, ``B v`` is the state in the product states
        ``e * phonon states + p``.

        Examples
        --------
        >>> from respair.clusters import ring
        >>> from respair.hamiltonians import Electrons, Model
        >>> H = Hamiltonian.of(Model(ring(4), Electrons(hopping=1.0)), 1)
        >>> Block.of(H, Sector(1, momentum=0)).matrix().toarray().real.round(12)
        array([[-2.]])
        """
        if self.isometry is None:
            return self.hamiltonian.matrix()
        return sp.csr_array(self.isometry.conj().T @ self.hamiltonian.matrix() @ self.isometry)

    @property
    def linear_operator(self) -> splinalg.LinearOperator:
        """H on the same states as a SciPy `LinearOperator`, without its matrix."""
        basis = self.isometry
        shape = (self.space.dimension if basis is None else basis.shape[1],) * 2
        return splinalg.LinearOperator(shape, matvec=self._product, rmatvec=self._product, dtype=self._kind)

    @property
    def _kind(self) -> np.dtype[Any]:
        basis = self.isometry
        return np.result_type(self.hamiltonian.dtype, *(() if basis is None else (basis.dtype,)))

    def _product(self, v: NDArray[Any]) -> NDArray[Any]:
        basis = self.isometry
        psi = v.ravel() if basis is None else basis @ v.ravel()
        rows = np.ascontiguousarray(psi, np.result_type(psi, self._kind)).reshape(self.space.shape)
        image = self.whole.energy.apply(rows).ravel()
        return image if basis is None else np.asarray(basis.conj().T @ image)

    def symmetric(self, operator: Operator) -> Operator:
        """Return the average ``1/|G| sum_g U_g O U_g+``, which has the same expectation values in this block."""
        for symmetry in self.symmetries:
            image, images = operator, []
            for _ in range(symmetry.period):
                images.append(image)
                image = relabelled(image, self.space.model, symmetry)
            operator = (1.0 / symmetry.period) * total(images)
        return operator

    def operator(self, operator: Operator, dtype: np.dtype[Any]) -> ElectronOperator | TensorOperator:
        """Return a symmetric operator on stored amplitudes of a type.

        Raises
        ------
        ValueError
            If the operator changes N or S_z, or names what the model does not have.
        """
        check_operator(self.space.model, operator, self.space.sector)
        factors = SpinFactors.of(operator, self.spins) if self.spins else None
        if self.spins and factors:
            return ElectronOperator(self.spins, factors, dtype)
        return self.of_factors(self.space.factorise(operator), dtype)

    def of_factors(self, factors: Sequence[Factor], dtype: np.dtype[Any]) -> TensorOperator:
        """Return a symmetric operator that was split into charge matrices and lattice polynomials already."""
        lattice = [self.space.lattice_action(factor.lattice) for factor in factors]
        where = self.space.phonons, self.space.shape[0], self.orbits
        return TensorOperator(factors, lattice, *where, dtype, share=self.share)

    def gathered(self, phi: Amplitudes) -> NDArray[Any]:
        """Return stored amplitudes, of one state or of several, with the rows of all processes.

        Raises
        ------
        MemoryError
            If several processes share a block that is too large for one.
        """
        if self.share is None:
            return phi
        if self.entries > MOST_GATHERED:
            raise DoesNotFit(
                f"this needs the whole state in one process, which is not possible for {self.entries:,} amplitudes on "
                f"{self.share.ranks.size} ranks (at most {MOST_GATHERED:,}); run it on one rank, or lower the cutoff"
            )
        every = [self.share.whole(own) for own in phi.reshape(-1, *self.shape)]
        return np.array(every, phi.dtype).reshape(*phi.shape[:-2], self.rows, phi.shape[-1])

    def expand(self, phi: Amplitudes) -> NDArray[Any]:
        """Return the amplitudes ``psi[e, p]`` of the whole sector."""
        phi = self.gathered(phi)
        return phi if self.orbits is None else self.orbits.expand(phi)

    def amplitudes(self, phi: Amplitudes, configurations: NDArray[np.int64]) -> NDArray[Any]:
        """Return the amplitudes ``psi[e, p]`` of some charge configurations e."""
        phi = self.gathered(phi)
        return phi[configurations] if self.orbits is None else self.orbits.amplitudes(phi, configurations)

    def compress(self, psi: Amplitudes) -> NDArray[Any]:
        """Return the stored amplitudes of ``psi[e, p]``, which must lie in the block."""
        return self.own(psi if self.orbits is None else self.orbits.compress(psi))

    def weights(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of each charge configuration in a quantity known for each row."""
        rows = self.share.whole(rows) if self.share else rows
        return rows if self.orbits is None else self.orbits.weights(rows)

    def on_rows(self, configurations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a quantity known for each charge configuration on the rows: that of the representatives."""
        return self.own(configurations if self.orbits is None else configurations[self.orbits.representatives])

    def mode_values(self, rows: NDArray[np.float64], odd: bool = False) -> NDArray[np.float64]:
        """Return for each configuration and mode a quantity known for each row and mode.

        Parameters
        ----------
        rows : (rows, modes) float
            The quantity on the representatives.
        odd : bool
            It changes sign with the displacements.

        Returns
        -------
        (configurations, modes) float
            The same everywhere.
        """
        rows = self.share.whole(rows) if self.share else rows
        return rows if self.orbits is None else self.orbits.mode_values(rows, odd)
