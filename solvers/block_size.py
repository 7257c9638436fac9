"""The size of a block, from which engines estimate their needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._core.errors import DoesNotFit as DoesNotFit
from ..clusters import momenta, order
from ..clusters.translations import is_real
from ..hamiltonians import Model, Sector, hamiltonian_operator
from ..hamiltonians.parameters import COUPLINGS
from ..hamiltonians.symmetry.points import points_of

STEPS = 120
"""Lanczos steps that the search for a level takes, about."""
CONFIRMING = 60
"""Lanczos steps that make sure that no lower level was missed."""
WIDE = 32.0
"""Steps where the lattice has a wall, times the root of its coefficient in units of the frequency and the cap."""


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
    ranks : int
        Processes that share it.
    """

    model: Model
    sector: Sector
    charges: int
    phonons: int
    stored: int
    states: int
    ranks: int = 1

    @property
    def products(self) -> int:
        """Products for the levels, in two passes each, and to confirm that there is no other one."""
        return 2 * self.steps * self.states + CONFIRMING

    @property
    def steps(self) -> int:
        """Lanczos steps for a level: more where x^4 makes the spectrum wide."""
        model = self.model
        if model.phonons is None or "phonons.quartic" not in model.active:
            return STEPS
        quartic = getattr(model.couplings, COUPLINGS["phonons.quartic"].arrays[0])
        wall = float(np.max(quartic)) / model.lowest_frequency
        caps = (model.phonons.max_quanta, model.phonons.total_quanta)
        return max(STEPS, round(WIDE * math.sqrt(wall) * min(cap for cap in caps if cap is not None)))

    @property
    def is_complex(self) -> bool:
        """True where the amplitudes are complex."""
        sector = self.sector
        turned = sector.momentum is not None and not is_real(self.model.cluster, sector.momentum)
        return bool(self.model.flux) or not self.model.is_real or turned or (sector.irrep or "").endswith(("+", "-"))

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
    def ghosts(self) -> float:
        """Rows that a rank needs of the others, in units of its own: see `ghosts_of`."""
        return ghosts_of(self.ranks, self.model.cluster.sites, len(self.model.cluster.bonds))

    @property
    def operations(self) -> int:
        """Number of symmetry operations of the block."""
        sector, cluster = self.sector, self.model.cluster
        number = len(momenta(cluster)) if sector.momentum is not None else 1
        number *= (2 if sector.reflection is not None else 1) * (2 if sector.spin_flip is not None else 1)
        if sector.irrep is not None:
            points = points_of(self.model, sector.momentum)
            if sector.irrep in points.whole:
                return number * math.prod(order(sites) for sites, *_ in points.whole[sector.irrep])
            mirrored = points.mirror is not None and points.irreps[sector.irrep][1] is not None
            number *= order(points.rotation) * (order(points.mirror) if points.mirror and mirrored else 1)
        return number


def ghosts_of(ranks: int, sites: int = 8, bonds: int = 8) -> float:
    """Return how many rows a rank needs of the others for a product, in units of its own, about.

    A fit, good to a third, to what METIS finds for rings of 6, 8 and 10 sites and a square of 8 with their full
    symmetry, on 2 to 64 ranks.

    Parameters
    ----------
    ranks : int
        How many.
    sites, bonds : int
        Of the cluster.

    Examples
    --------
    >>> [round(ghosts_of(ranks), 2) for ranks in (1, 2, 4, 8, 64)]
    [0.0, 0.26, 0.69, 1.12, 2.41]
    """
    if ranks == 1:
        return 0.0
    of_ring = (0.43 * math.log2(ranks) - 0.17) * 8 / sites
    return min(ranks - 1.0, of_ring * math.pow(max(bonds, sites) / sites, 0.6))
