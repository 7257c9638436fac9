"""The number of levels that are wanted."""

from __future__ import annotations

import math

from .._core.arguments import whole_number
from ..clusters import InvalidValue
from ..hamiltonians import Model, Sector
from ..hamiltonians.space.product import dimensions
from .caps import capped

ALL = "all"
"""Stands for all levels."""


def level_count(states: int | str, model: Model, sector: Sector) -> int:
    """Return how many levels are wanted of a sector at most; "all" counts its states.

    Raises
    ------
    ValueError
        If it is not a number of levels.
    """
    if isinstance(states, str) and states == ALL:
        if model.phonons is not None and model.phonons.cutoff is not None:
            raise InvalidValue(f'states = "{ALL}" needs phonons.max_quanta or total_quanta, which limit their number')
        return max(1, math.prod(dimensions(capped(model), sector)))
    try:
        return whole_number("states", states, 1)
    except InvalidValue as error:
        raise InvalidValue(f'{error}, or "{ALL}"') from None
