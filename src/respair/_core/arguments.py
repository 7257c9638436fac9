"""Checks of the arguments of public functions; each error states the value given and the values allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from inspect import Signature, signature
from typing import Any, ParamSpec, TypeVar

import numpy as np

from .errors import InvalidType, InvalidValue

Kind = TypeVar("Kind")
LONGEST = 60
"""Largest number of characters of a value in a message."""


def shown(value: object) -> str:
    """Return a value as text for a message: numbers and strings as written, other objects by their type."""
    if isinstance(value, str | int | float | complex | bool | np.generic | type(None)):
        text = repr(value.item() if isinstance(value, np.generic) else value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    if isinstance(value, list | tuple | dict | set | np.ndarray) and len(repr(value)) <= LONGEST:
        return repr(value)
    name = type(value).__name__
    return f"{_article(name)} {name}" if not isinstance(value, type) else f"the class {value.__name__}"


def scalar(value: Any) -> Any:
    """Return the number in an array without dimensions; anything else is returned unchanged."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def is_whole(value: object) -> bool:
    """True for integers, including those of NumPy and floats such as 4.0, but not for booleans."""
    value = scalar(value)
    if isinstance(value, bool | np.bool_):
        return False
    return isinstance(value, int | np.integer) or (isinstance(value, float | np.floating) and value.is_integer())


def whole_number(name: str, value: Any, least: int = 0, most: float = math.inf) -> int:
    """Return an integer as an int.

    Raises
    ------
    InvalidValue
        If the value is not an integer, or out of range.

    Examples
    --------
    >>> whole_number("states", np.int64(3), 1)
    3
    """
    value = scalar(value)
    if is_whole(value) and least <= value <= most:
        return int(value)
    allowed = f"{least} or more" if most == math.inf else f"from {least} to {most:g}"
    raise InvalidValue(f"{name} = {shown(value)} is invalid; allowed: a whole number, {allowed}")


def real_number(name: str, value: Any, allowed: str, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a number from `least` to `most`, inclusive, as a float.

    Raises
    ------
    InvalidValue
        If the value is not a number, or out of range; `allowed` describes the range in the message.

    Examples
    --------
    >>> real_number("flux", 1, "any finite number")
    1.0
    """
    value = scalar(value)
    numeric = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if numeric and least <= value <= most:
        return float(value)
    raise InvalidValue(f"{name} = {shown(value)} is invalid; allowed: {allowed}")


def a_list(value: Any) -> Any:
    """Return a single number or name as a list, any other value unchanged."""
    value = scalar(value)
    return [value] if isinstance(value, str | int | float | np.generic) and not isinstance(value, bool) else value


def instance(name: str, value: Any, kind: type[Kind] | tuple[type[Kind], ...], cure: str) -> Kind:
    """Return the value after checking its class.

    Raises
    ------
    InvalidType
        If it is not an instance; `cure` tells what to write.
    """
    if isinstance(value, kind):
        return value
    kinds: Sequence[type] = kind if isinstance(kind, tuple) else (kind,)
    wanted = " or ".join(each.__name__ for each in kinds)
    raise InvalidType(f"{name} is {shown(value)}, and must be {_article(wanted)} {wanted}: {cure}")


def _article(noun: str) -> str:
    return "an" if noun[:1] in "AEIOUaeiou" else "a"


Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")
Reader = Callable[[str, Any], Any]
"""From the name and the value of an argument to the converted value; raises for invalid values."""


def taking(**readers: Reader) -> Callable[[Callable[Arguments, Value]], Callable[Arguments, Value]]:
    """Decorate a public function to check and convert arguments; default values are not checked.

    Examples
    --------
    >>> @taking(count=whole_number)
    ... def doubled(count):
    ...     return 2 * count
    >>> doubled(4.0)
    8
    """

    def decorated(function: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
        places = signature(function)

        @wraps(function)
        def reading(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
            try:
                given = places.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{function.__name__}: {error}; write {function.__name__}{_call(places)}") from None
            for name, value in given.arguments.items():
                if name in readers and value is not places.parameters[name].default:
                    given.arguments[name] = readers[name](name, value)
            return function(*given.args, **given.kwargs)

        return reading

    return decorated


def _call(places: Signature) -> str:
    """Return the argument list of a signature, without annotations."""
    return str(places.replace(parameters=[each.replace(annotation=each.empty) for each in places.parameters.values()],
                              return_annotation=places.empty))  # fmt: skip


def of_kind(kind: type[Any] | tuple[type[Any], ...], cure: str) -> Reader:
    """Return a reader that accepts instances of a class."""
    return lambda name, value: instance(name, value, kind, cure)


def numbers(name: str, value: Any) -> Any:
    """Return a single number as a list, and a list of numbers unchanged.

    Raises
    ------
    InvalidType
        If the value is neither.
    """
    listed = a_list(value)
    try:
        array = None if isinstance(value, str) else np.asarray(listed, dtype=float)
    except (TypeError, ValueError):
        array = None
    if array is None or array.ndim == 0:
        raise InvalidType(f"{name} is {shown(value)}, and must be a list of numbers, as [0.1, 0.2]")
    return listed


def finite_numbers(name: str, value: Any) -> Any:
    """Return a single number as a list, and a nonempty list of finite numbers unchanged.

    Raises
    ------
    InvalidType
        If the value is neither.
    InvalidValue
        If the list is empty or nested, or contains NaN or infinity.
    """
    listed = numbers(name, value)
    array = np.asarray(listed, dtype=float)
    if array.ndim != 1 or not len(array):
        raise InvalidValue(f"{name} is {shown(value)}: give at least one number, in a plain list as [0.1, 0.2]")
    wrong = np.flatnonzero(~np.isfinite(array))
    if len(wrong):
        raise InvalidValue(f"{name}[{wrong[0]}] = {array[wrong[0]]} is invalid; allowed: finite numbers")
    return listed


def words(name: str, value: Any) -> Any:
    """Return a single name as a list, and a list of names unchanged; "all" gives None.

    Raises
    ------
    InvalidType
        If the value is neither.
    """
    if isinstance(value, str):
        return None if value == "all" else [value]
    listed = [*value] if isinstance(value, Iterable) else [value]
    if value is None or all(isinstance(word, str) for word in listed):
        return None if value is None else listed
    raise InvalidType(f'{name} is {shown(value)}, and must be a list of names, as ["electron_density"], or "all"')
