"""The distributed engine: the tensor engine on blocks whose rows several processes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..._core.ranks import agreed
from ...hamiltonians.kernels.ghosts import piece_of
from ..block_size import BlockSize
from ..checkpoint import Checkpoint
from ..krylov.eigenpairs import Levels
from ..krylov.operator import Vector
from ..krylov.search import Limits
from ..shared_checkpoint import SharedCheckpoint
from .tensor import TensorEngine

if TYPE_CHECKING:
    from ...hamiltonians import Block

AT_A_TIME = 1 << 16
"""Random numbers that are drawn at a time."""
MESSAGES = 4
"""Pieces of rows that a rank holds at once."""
UNEVEN = 0.1
"""Further time, as ranks wait for each other."""


class DistributedEngine(TensorEngine):
    """H on the rows of this process; the others have the rest of each vector.

    Every rank runs the same program: what runs over all entries is summed in the order of the ranks, so that the same
    number of ranks gives the same bits. Start vectors are those of the tensor engine for any number of ranks. Blocks
    that every rank has whole, small ones and those of electrons alone, and one process, need nothing of this.
    """

    name = "distributed"

    def __init__(self, block: Block) -> None:
        super().__init__(block)
        self._share = block.share

    @classmethod
    def needs(cls, size: BlockSize) -> tuple[float, float]:
        """Return bytes and seconds of a search, on each rank: a part of the vectors, and all charge configurations."""
        memory, seconds = super().needs(size)
        if size.ranks == 1:
            return memory, seconds
        vector = size.bytes_per_amplitude * size.stored / size.ranks
        pieces = min(MESSAGES * piece_of(vector), 2 * size.ghosts * vector)
        return memory + pieces, (1.0 + UNEVEN) * seconds

    @property
    def entries(self) -> int:
        """Entries of a vector, those of all processes together."""
        return self.block.entries

    @property
    def most_entries(self) -> int:
        """Entries of a vector of this process, or of another one where it has more."""
        return self.block.most_entries

    def lowest(self, limits: Limits, checkpoint: Checkpoint) -> Levels:
        """Return the lowest levels; a checkpoint is written and read by all ranks together."""
        if isinstance(checkpoint, SharedCheckpoint):
            checkpoint.share(self._share)
        return super().lowest(limits, checkpoint)

    def overlaps(self, rows: Vector, v: Vector) -> Vector:
        """Return ``<row|v>`` for each row of a (k, n) array."""
        return np.asarray(self.block.total(super().overlaps(rows, v)))

    def norm(self, v: Vector) -> float:
        """Return ``||v||``."""
        return self.block.norm(v)

    def three_terms(self, before: Vector, now: Vector, image: Vector, a: float, b: float, c: float) -> float:
        """Overwrite `before` by ``c (image - a now - b before)`` and return its norm."""
        own = super().three_terms(before, now, image, a, b, c)
        return float(np.sqrt(self.block.total(own * own))) if self._share else agreed(own)

    def drawn(self, generator: np.random.Generator) -> Vector:
        """Return a vector of random numbers that are drawn one after the other."""
        if self._share is None:
            return super().drawn(generator)
        vector: Vector = np.empty(self.size, self.dtype)
        self._draw(generator, vector.real)
        if self.dtype.kind == "c":
            self._draw(generator, vector.imag)
        return vector

    def _draw(self, generator: np.random.Generator, part: Vector) -> None:
        """Draw a number for every entry of all processes, in the order of the rows, and keep those of this one."""
        assert self._share is not None
        width = self.block.shape[1]
        step = max(1, AT_A_TIME // width)
        rows = part.reshape(-1, width)
        for first in range(0, self.block.rows, step):
            last = min(self.block.rows, first + step)
            drawn = generator.standard_normal((last - first, width))
            mine = self._share.own[slice(*np.searchsorted(self._share.own, (first, last)))]
            rows[self._share.place[mine]] = drawn[mine - first]
