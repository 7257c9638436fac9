"""What an engine has to provide: its needs, the product with H, and vectors of a block in its own form."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ...clusters import Told, order, point_group
from ...hamiltonians import Amplitudes, Block, Model, Sector, hamiltonian_operator
from ..checkpoint import Checkpoint
from ..krylov.eigenpairs import KEPT_BYTES, STORED_BYTES, Levels, lowest_eigenpairs
from ..krylov.operator import HermitianOperator, Vector
from ..krylov.search import Limits, Memory

STEPS = 120
"""Lanczos steps that the search for a level takes, about."""
CONFIRMING = 60
"""Lanczos steps that make sure that no lower level was missed."""


class DoesNotFit(Told, MemoryError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """A run that would not fit its memory limit; nothing was computed."""


@dataclass(frozen=True)
class BlockSize:
    """The size of a calculation, from which engines estimate their needs.

    Attributes
    ----------
    model, sector
        Of the block.
    charges, phonons : int
        Charge configurations and phonon states of the (N, S_z) sector.
    stored : int
        Amplitudes after symmetry, about.
    states : int
        Levels wanted.
    """

    model: Model
    sector: Sector
    charges: int
    phonons: int
    stored: int
    states: int

    @property
    def products(self) -> int:
        """Products for the levels, in two passes each, and to confirm that there is no other one."""
        return 2 * STEPS * self.states + CONFIRMING

    @property
    def is_complex(self) -> bool:
        """True where the amplitudes are complex."""
        sector = self.sector
        turned = 2 * (sector.momentum or 0) % order(self.model.cluster.translation or (0,))
        return self.model.flux != 0 or turned != 0 or (sector.irrep or "").endswith(("+", "-"))

    @property
    def bytes_per_amplitude(self) -> int:
        """16 for complex amplitudes, 8 for real ones."""
        return 16 if self.is_complex else 8

    @cached_property
    def entries(self) -> tuple[float, float]:
        """Expected matrix elements of a row, of charges that move and of the lattice on its own.

        Each product of ladder operators has an element on a share of the states.
        """
        moving, ladders = 0.0, 0.0
        for charge, lattice in hamiltonian_operator(self.model).terms:
            steps = sum(symbol not in ("nup", "ndn", "nb") for symbol, _ in charge)
            if steps:
                moving += 0.25 ** (steps / 2) * 0.5 ** (len(charge) - steps)
            elif any(up != low for _, up, low in lattice):
                ladders += 0.5 ** len(charge)
        return moving, ladders

    @property
    def operations(self) -> int:
        """Number of symmetry operations of the block."""
        sector, cluster = self.sector, self.model.cluster
        if sector.irrep is not None:
            points = point_group(cluster)
            mirrored = points.mirror is not None and points.irreps[sector.irrep][1] is not None
            return order(points.rotation) * (order(points.mirror) if points.mirror and mirrored else 1)
        return (cluster.sites if sector.momentum is not None else 1) * (2 if sector.reflection is not None else 1)


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

    def lowest(self, limits: Limits, checkpoint: Checkpoint) -> Levels:
        """Return the lowest levels, and all states of the ground level, by Lanczos searches."""
        memory = Memory(STORED_BYTES, self.kept_bytes, checkpoint)
        return lowest_eigenpairs(self, limits, memory, self.block.hamiltonian.scale)
