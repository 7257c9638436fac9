"""Levels that were computed before as starts of other searches."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..clusters import InvalidValue
from ..hamiltonians import Amplitudes, Block
from ..hamiltonians.space.transfer import carried
from .arguments import levels_of
from .results import Eigenstates, LabelledLevels


@dataclass(frozen=True)
class Starts:
    """From a block to stored amplitudes near its lowest levels.

    Attributes
    ----------
    levels : Eigenstates or LabelledLevels
        What is known.
    """

    levels: Eigenstates | LabelledLevels = field(repr=False)

    def __call__(self, block: Block) -> list[Amplitudes]:
        """Return the levels with the quantum numbers of a block, in its phonon states."""
        blocks = self.levels.blocks if isinstance(self.levels, LabelledLevels) else (self.levels,)
        is_real = not np.issubdtype(block.energy.dtype, np.complexfloating)
        found = []
        for own in blocks:
            if block.symmetries and own.block.symmetries != block.symmetries:
                continue
            for phi in own.amplitudes:
                try:
                    psi = carried(own.block.space, block.space, own.block.expand(phi))
                except InvalidValue:  # of another sector
                    return []
                same = (psi.real if is_real else psi).astype(block.energy.dtype)
                found.append(np.ascontiguousarray(block.compress(same)))
        return [phi for phi in found if block.norm(phi) > 0]


def starting_from(levels: Eigenstates | LabelledLevels) -> Starts:
    """Return what lets searches begin from known levels: ``Options(starts=starting_from(levels))``.

    The levels may belong to other couplings, caps or phonon frames, as long as sites, charges and oscillators are the
    same. Each block begins from those with its own quantum numbers, the whole sector from all; a block for which there
    are none begins from a random vector. The levels that are found, and how exact they are, do not depend on it.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        As `ground_state` or `respair.load` return them.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import Options, ground_state
    >>> near = ground_state(Model(ring(6), Electrons(1.0, hubbard_u=4.0)), 6)
    >>> options = Options(engine="tensor", starts=starting_from(near))
    >>> found = ground_state(Model(ring(6), Electrons(1.0, hubbard_u=4.1)), 6, options=options)
    >>> round(found.energies[0], 6)
    np.float64(-3.602984)
    """
    return Starts(levels_of("levels", levels))
