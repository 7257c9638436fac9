"""Options, levels and states as arguments of Python calls."""

from __future__ import annotations

from typing import Any

from .._core.arguments import instance, shown
from ..clusters import InvalidType
from .options import read_options
from .results import Eigenstates, LabelledLevels, State

__all__ = ["levels_of", "read_options", "state_of"]


def levels_of(name: str, value: Any) -> Eigenstates | LabelledLevels:
    """Return the levels of a sector; raise an error for anything else."""
    kinds = (Eigenstates, LabelledLevels)
    if isinstance(value, kinds):
        return value
    raise InvalidType(f"{name} is {shown(value)}, and must be the levels of a sector: write ground_state(model, 4)")


def state_of(name: str, value: Any) -> State:
    """Return a state, of levels that of the ground level."""
    if isinstance(value, Eigenstates | LabelledLevels):
        return value.ground
    return instance(name, value, State, "write ground_state(model, 4).ground")
