"""Errors of this package: each message says what is wrong and what is allowed.

A message names the keys of model files where it is about one, and the arguments of calls anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, Self, TypeVar

Given = ParamSpec("Given")
Returned = TypeVar("Returned")
_of_file = ContextVar("of_file", default=False)
"""True while a model file is read or computed."""
ARGUMENTS = tuple(
    (re.compile(key), argument)
    for key, argument in (
        (r"\bsolver\.(?=\w)", "options."),
        (
            r"\bsector: got nothing; add a \[sector\] table.*",
            'ensemble.sector: got None; write Ensemble("canonical", Sector(4))',
        ),
        (r"\bthermal\.(?=temperatures\b|ensemble\b)", ""),
        (r"\bthermal\.density\b", "ensemble.density"),
        (r"\bthermal\.observables\b", "names"),
        (r"\bthermal\.(?=\w)", "sampling."),
        (r"\bspectrum\.operator\b", "name"),
        (r"\bcompare\.approximations\b", "names"),
        (r"\b(?:spectrum|compare|evolution)\.(?=\w)", ""),
        (r"\badd \[(\w+)\]", r"give the model \1"),
    )
)
"""What stands for a key of a model file in the arguments of a call."""


def about_model_files(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """Let the errors of a function name keys of model files."""

    @wraps(function)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        token = _of_file.set(True)
        try:
            return function(*args, **kwargs)
        finally:
            _of_file.reset(token)

    return run


def in_arguments(message: str) -> str:
    """Return a message with the arguments of calls in the place of keys of model files.

    Examples
    --------
    >>> in_arguments("thermal.samples: got 1; raise solver.memory_limit")
    'sampling.samples: got 1; raise options.memory_limit'
    """
    for key, argument in ARGUMENTS:
        message = key.sub(argument, message)
    return message


class Told:
    """An error of this package, whatever else it is: `InvalidValue`, `InvalidModel`, `DoesNotFit` and others."""

    of_file = False
    """True for an error about a model file."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Note whether a model file is read or computed; errors of other processes are made anew in this one."""
        error = super().__new__(cls, *args, **kwargs)
        if _of_file.get():
            error.of_file = True
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (type(self), getattr(self, "args", ()), vars(self))

    def __str__(self) -> str:
        message = super().__str__()
        return message if self.of_file else in_arguments(message)


def _made_again(kind: type[Told], args: tuple[Any, ...], attributes: dict[str, Any]) -> Told:
    """Return a pickled error, its message as it was."""
    error = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error


class InvalidValue(Told, ValueError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """An argument with a wrong value; the message says what is allowed."""


class InvalidType(InvalidValue, TypeError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """An argument of a wrong type; the message says what to write."""


class DoesNotFit(Told, MemoryError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """A calculation that needs more memory than it may take; the message says what would fit."""


class InvalidIndex(Told, IndexError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """An index out of range; the message says which there are."""
