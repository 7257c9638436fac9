"""Conversion of states in charge-dependent phonon bases to number states."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...clusters import InvalidValue
from ...hamiltonians import Hamiltonian
from ...hamiltonians.lattice_tables import MAX_QUANTA
from ...hamiltonians.space.product import dimensions
from ...solvers import State
from ...solvers.evolution.start import Start, moved

ROOM = 4.0
"""Extent of a displaced state beyond the largest displacement, in zero-point units."""
LARGEST = 20_000_000
"""Largest number of amplitudes."""
LOST = 1e-6
"""Largest norm of the missing part of a state."""


def in_static_frame(state: State) -> State:
    """Return a state in number states about displacements that do not depend on the charges.

    The conversion is exact for optimal oscillator states; for the Lang-Firsov frame the cutoff is chosen such that less
    than 1e-6 is lost. Other states are returned unchanged.

    Raises
    ------
    InvalidValue
        If too many number states are needed.
    """
    space = state.hamiltonian.space
    if not space.is_dressed or space.model.phonons is None:
        return state
    low, high = space.frame.min(axis=0), space.frame.max(axis=0)
    if space.sets is not None:
        cap = space.sets.states.shape[-1] - 1
    else:
        cap = math.ceil((math.sqrt(space.phonons.max_quanta) + float(np.max(high - low)) / 2 + ROOM) ** 2)
    caps = {"max_quanta": min(cap, MAX_QUANTA), "total_quanta": None}
    frame = {"frame": (low + high).tolist(), "dressing": None, "basis": "number"}
    model = replace(space.model, phonons=replace(space.model.phonons, **frame, **caps))
    sector = space.sector.plain
    if (size := math.prod(dimensions(model, sector))) > LARGEST:
        raise InvalidValue(
            f"the phonons of this state follow the charges; in number states it has {size:,} amplitudes, and at most "
            f'{LARGEST:,} are allowed: solve the model with phonons.frame = "none" or "mean" and basis = "number"'
        )
    found = moved(Start(state), Hamiltonian.of(model, sector))
    if found.error > LOST:
        raise InvalidValue(f"number states miss {found.error:.1e} of the state; allowed: at most {LOST:.0e}")
    return found.state
