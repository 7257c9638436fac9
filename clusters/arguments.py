"""What the functions of the library say about their arguments, and how they check them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import SupportsInt, TypeGuard, get_args, get_type_hints

import numpy as np

from .._core.errors import InvalidValue
from .cluster import Cluster

MAX_SITES = 20
"""Most sites along a cluster; what can be solved is bounded by memory and 64-bit states long before."""


@dataclass(frozen=True)
class Argument:
    """What is said about an argument of a cluster, as the annotation of its type.

    Attributes
    ----------
    allowed : str
        Which values model files take.
    first : int, list or None
        What the explorer begins with; it has no control for an argument that begins with None.
    name : str
        On its controls.
    """

    allowed: str
    first: int | list[int] | None = None
    name: str = ""


def is_index(value: object) -> TypeGuard[SupportsInt]:
    """True for whole numbers, NumPy's too, and not for True and False."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def count(name: str, value: int, least: int, most: int = MAX_SITES) -> int:
    """Return a whole number within limits.

    Raises
    ------
    InvalidValue
        If it is not one.
    """
    if not is_index(value) or not least <= value <= most:
        raise InvalidValue(f"{name} = {value!r} is out of range; allowed: whole numbers from {least} to {most}")
    return int(value)


def arguments(function: Callable[..., Cluster]) -> Mapping[str, Argument]:
    """Return what is said about the arguments of a kind of clusters."""
    hints = get_type_hints(function, include_extras=True)
    return {name: get_args(hints[name])[1] for name in signature(function).parameters}
