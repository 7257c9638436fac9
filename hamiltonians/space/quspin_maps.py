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
    about_x : bool
        True where they are exchanged by a turn about x, in the place of y.
    """

    sites: tuple[int, ...]
    bosons: tuple[int, ...]
    modes: tuple[int, ...]
    odd: bool
    period: int
    block: int
    flips: bool = False
    about_x: bool = False

    def arguments(self, width: int) -> NDArray[np.uint64]:
        """Return the arguments of the compiled map."""
        marks = int(self.odd) + 2 * int(self.flips) + 4 * int(self.about_x)
        head = [len(self.sites), len(self.bosons), len(self.modes), width, marks]
        return np.array([*head, *self.sites, *self.bosons, *self.modes], np.uint64)
