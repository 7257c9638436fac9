"""Descriptions and checks of the arguments of cluster functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import SupportsInt, TypeGuard, get_args, get_type_hints

import numpy as np

from .._core.errors import InvalidValue
from .cluster import Cluster

MAX_SITES = 20
"""Largest number of sites of a cluster; memory and 64-bit basis states limit solvable models much earlier."""


@dataclass(frozen=True)
class Argument:
    """Description of an argument of a cluster function, in the annotation of its type.

    Attributes
    ----------
    allowed : str
        Allowed values, as shown to users of model files.
    first : int, list or None
        Initial value in the explorer, which has no control for an argument whose initial value is None.
    name : str
        Label of the control.
    """

    allowed: str
    first: int | list[int] | None = None
    name: str = ""


def is_index(value: object) -> TypeGuard[SupportsInt]:
    """True for integers, including those of NumPy, but not for booleans."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def count(name: str, value: int, least: int, most: int = MAX_SITES) -> int:
    """Return an integer after checking its range.

    Raises
    ------
    InvalidValue
        If `value` is not an integer from `least` to `most`.
    """
    if not is_index(value) or not least <= value <= most:
        raise InvalidValue(f"{name} = {value!r} is out of range; allowed: whole numbers from {least} to {most}")
    return int(value)


def arguments(function: Callable[..., Cluster]) -> Mapping[str, Argument]:
    """Return the descriptions of the arguments of a cluster function."""
    hints = get_type_hints(function, include_extras=True)
    return {name: get_args(hints[name])[1] for name in signature(function).parameters}
