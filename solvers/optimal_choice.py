"""Whether optimal phonon states need less than number states do, where the solver chooses both frame and cutoff."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..clusters import InvalidValue
from ..hamiltonians import Model, Phonons, Sector
from ..hamiltonians.couplings import on_bonds
from ..hamiltonians.space.product import dimensions
from .caps import capped
from .certificate import SAFETY
from .optimal_states import followed

FIRST_SHIFT = 1e-3
"""Second-order shift with one excitation in optimal states, for each mode and in units of its frequency."""
DECADES = {"bosons": 1.65, "electrons": 1.0, "both": 1.0}
"""Decades by which it falls from cap to cap, by what the states follow."""
SET_COST = {"bosons": 2.5, "electrons": 7.0, "both": 7.0}
"""Cost of a product with such states, for each amplitude and relative to number states."""
PAYS = 4.0
"""They are chosen where number states cost so many times as much: the search for them costs as well."""
FEW = 1e6
"""They are not chosen where so few number states will do."""


def likely_cap(model: Model) -> int:
    """Return the cap that an accuracy is expected to need in optimal phonon states.

    From rings and dimers: second-order shifts begin at `FIRST_SHIFT` a mode and fall by `DECADES` from cap to cap.
    """
    assert model.phonons is not None
    goal = model.phonons.accuracy / SAFETY / (FIRST_SHIFT * len(model.modes) * float(np.max(model.couplings.frequency)))
    return 1 + max(0, math.ceil(-math.log10(min(1.0, goal)) / DECADES[followed(model)]))


def may_be_optimal(table: Phonons | None) -> bool:
    """True where frame and cutoff are left to the solver, and number states are not asked for otherwise."""
    return table is not None and table.cutoff is not None and table.frame == "auto" and table.basis == "number"


def in_optimal_states(model: Model, sector: Sector, states: float) -> Model | None:
    """Return the model in optimal phonon states where these are expected to need much less; None elsewhere.

    Parameters
    ----------
    model : Model
        With ``frame = "auto"`` and ``cutoff = "auto"``.
    sector : Sector
        Quantum numbers.
    states : float
        Number states that the accuracy needs, times the relative cost of a product.
    """
    table = model.phonons
    if states < FEW or table is None or not may_be_optimal(table) or on_bonds(model.modes) or model.terms:
        return None
    optimal = replace(model, phonons=replace(table, frame="none", dressing=None, basis="optimal"))
    try:
        charges, phonons = dimensions(capped(optimal, likely_cap(optimal)), sector)
    except InvalidValue:
        return None
    return optimal if PAYS * charges * phonons * SET_COST[followed(optimal)] <= states else None
