"""The random vectors of the blocks of a thermal sum, or parts of those that the same model has with higher caps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians import Block, Sector, Space
from ...solvers import Eigenstates
from ...solvers.engines.table import engine_of
from ...solvers.krylov.long_samples import long_samples
from ...solvers.krylov.operator import Vector
from ...solvers.krylov.sampling import MOST_STEPS, Random, Sample, settled_samples, stored_samples
from .blocks import Planned, ensemble_members, is_long, most_steps, numbered_seed
from .ensembles import ThermalSum


@dataclass(frozen=True)
class RandomVectors:
    """Draws the random vectors of blocks.

    Attributes
    ----------
    asked : ThermalSum
        The sum.
    numbers : mapping of Sector to int
        The places of the blocks in the ensemble of the model with higher caps; empty without one.
    """

    asked: ThermalSum
    numbers: Mapping[Sector, int] = field(repr=False)

    @classmethod
    def of(cls, asked: ThermalSum, twins: bool) -> RandomVectors:
        """Return those of a sum."""
        if asked.within is None:
            return cls(asked, {})
        every = ensemble_members(asked, asked.within, twins)
        return cls(asked, {member.sector: number for number, member in enumerate(every)})

    def settled(
        self, planned: Planned, block: Block, lowest: Eigenstates, known: NDArray[np.float64]
    ) -> Iterator[Sample]:
        """Yield vectors orthogonal to the lowest levels, with as many Lanczos steps as their thermal states take.

        `known` is what these levels add to Z at each temperature.
        """
        asked = self.asked
        t, origin, how = asked.temperatures, float(lowest.energies[0]), asked.sampling
        if is_long(block.most_entries, how):
            random = self._of_block(planned, block, lowest)
            return long_samples(random, t, origin, known, asked.memory_limit, MOST_STEPS)
        return settled_samples(self.stored(planned, block, lowest), t, origin, known, most_steps(block, asked))

    def stored(self, planned: Planned, block: Block, lowest: Eigenstates) -> Iterator[Sample]:
        """Yield vectors orthogonal to the lowest levels, each with the Krylov space with which it begins."""
        return stored_samples(self._of_block(planned, block, lowest), self.asked.sampling.steps)

    def _of_block(self, planned: Planned, block: Block, lowest: Eigenstates) -> Random:
        h, known = engine_of(block, "tensor"), lowest.amplitudes
        number, count = self.numbers.get(planned.member.sector), self.asked.sampling.samples
        if self.asked.within is None or number is None:
            return Random(h, count, numbered_seed(planned.number, self.asked), known)
        larger = Space(self.asked.within, planned.plain).phonons
        places = larger.index(block.space.phonons.occupations.astype(np.int64))
        shape, rows = (block.rows, len(larger)), block.share.own if block.share else slice(None)

        def draw(generator: np.random.Generator) -> Vector:
            part = _part(generator, shape, rows, places)
            if h.dtype.kind == "c":
                part = part + 1j * _part(generator, shape, rows, places)
            return np.asarray(part, h.dtype)

        return Random(h, count, numbered_seed(number, self.asked), known, draw)


def _part(
    generator: np.random.Generator, shape: tuple[int, int], rows: slice | NDArray[np.int64], places: NDArray[np.int64]
) -> Vector:
    """Return the part on some rows and phonon states of normal numbers on all of them, whatever rank asks."""
    return np.ascontiguousarray(generator.standard_normal(shape)[rows][:, places]).ravel()
