"""States whose phonons follow the charges, in number states that do not."""

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
"""Beyond the largest displacement, in units of its own, to which a displaced state reaches."""
LARGEST = 20_000_000
"""Amplitudes at most."""
LOST = 1e-6
"""Largest part of a state that may be missing, in the norm."""


def in_static_frame(state: State) -> State:
    """Return a state in number states about displacements that are the same for all charges.

    Of optimal oscillator states nothing is lost; in the Lang-Firsov frame the caps are chosen so that less than 1e-6
    is. Other states are returned as they are.

    Raises
    ------
    InvalidValue
        If so many number states are too many.
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
        raise InvalidValue(f"number states hold the state but for {found.error:.1e}; at most {LOST:.0e} may be missing")
    return found.state
