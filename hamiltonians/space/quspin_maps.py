"""Symmetries as QuSpin takes them: nothing is compiled here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_BITS = 64
"""Bits of a state in QuSpin's bases."""


@dataclass(frozen=True)
class SymmetryMap:
    """A symmetry as QuSpin wants it: the map multiplies psi by ``exp(+2 pi i block / period)``.

    Attributes
    ----------
    sites, bosons, modes : tuple of int
        Images of sites, of boson numbers and of modes.
    odd : bool
        True where each displacement changes sign as well.
    period : int
        Order of the map.
    block : int
        Quantum number, 0 to period - 1.
    flips : bool
        True where up and down are exchanged as well.
    """

    sites: tuple[int, ...]
    bosons: tuple[int, ...]
    modes: tuple[int, ...]
    odd: bool
    period: int
    block: int
    flips: bool = False

    def arguments(self, width: int) -> NDArray[np.uint64]:
        """Return the arguments of the compiled map."""
        head = [len(self.sites), len(self.bosons), len(self.modes), width, int(self.odd) + 2 * int(self.flips)]
        return np.array([*head, *self.sites, *self.bosons, *self.modes], np.uint64)
