"""Arguments of Python calls: what is clear is taken, anything else is named in one sentence with what is allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from .told import InvalidType, InvalidValue

Kind = TypeVar("Kind")
LONGEST = 60
"""Characters of a value in a message."""


def shown(value: object) -> str:
    """Return a value as a message names it: numbers and words as written, anything else by its type."""
    if isinstance(value, str | int | float | complex | bool | np.generic | type(None)):
        text = repr(value.item() if isinstance(value, np.generic) else value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    if isinstance(value, list | tuple | dict | set | np.ndarray) and len(repr(value)) <= LONGEST:
        return repr(value)
    name = type(value).__name__
    return f"{_article(name)} {name}" if not isinstance(value, type) else f"the class {value.__name__}"


def is_whole(value: object) -> bool:
    """True for whole numbers, numpy's and those written as 4.0 included; False for True and False."""
    if isinstance(value, bool | np.bool_):
        return False
    return isinstance(value, int | np.integer) or (isinstance(value, float | np.floating) and value.is_integer())


def whole_number(name: str, value: Any, least: int = 0, most: float = math.inf) -> int:
    """Return a whole number as an int.

    Raises
    ------
    InvalidValue
        If it is none, or out of range.

    Examples
    --------
    >>> whole_number("states", np.int64(3), 1)
    3
    """
    if is_whole(value) and least <= value <= most:
        return int(value)
    allowed = f"{least} or more" if most == math.inf else f"from {least} to {most:g}"
    raise InvalidValue(f"{name} = {shown(value)} cannot be; allowed: a whole number, {allowed}")


def real_number(name: str, value: Any, allowed: str, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a number between two others, both included, as a float.

    Raises
    ------
    InvalidValue
        If it is none, or out of range; `allowed` is what the message says is.

    Examples
    --------
    >>> real_number("flux", 1, "any finite number")
    1.0
    """
    numeric = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if numeric and least <= value <= most:
        return float(value)
    raise InvalidValue(f"{name} = {shown(value)} cannot be; allowed: {allowed}")


def a_list(value: Any) -> Any:
    """Return one number or name as a list of one, anything else as it is."""
    return [value] if isinstance(value, str | int | float | np.generic) and not isinstance(value, bool) else value


def instance(name: str, value: Any, kind: type[Kind] | tuple[type[Kind], ...], cure: str) -> Kind:
    """Return a value of a class.

    Raises
    ------
    InvalidType
        If it is of another one; `cure` says what to write.
    """
    if isinstance(value, kind):
        return value
    kinds: Sequence[type] = kind if isinstance(kind, tuple) else (kind,)
    wanted = " or ".join(each.__name__ for each in kinds)
    raise InvalidType(f"{name} is {shown(value)}, and must be {_article(wanted)} {wanted}: {cure}")


def _article(noun: str) -> str:
    return "an" if noun[:1] in "AEIOUaeiou" else "a"
