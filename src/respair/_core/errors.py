"""Exceptions of this package, whose messages state what is wrong and what is allowed.

Messages about model files name keys of the file; all others name the arguments of the call.
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
"""True while a model file is read or run."""
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
"""Patterns of keys of model files and the corresponding arguments of calls."""


def about_model_files(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """Decorate a function whose error messages name keys of model files."""

    @wraps(function)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        token = _of_file.set(True)
        try:
            return function(*args, **kwargs)
        finally:
            _of_file.reset(token)

    return run


def in_arguments(message: str) -> str:
    """Return a message in which keys of model files are replaced by arguments of calls.

    Examples
    --------
    >>> in_arguments("thermal.samples: got 1; raise solver.memory_limit")
    'sampling.samples: got 1; raise options.memory_limit'
    """
    for key, argument in ARGUMENTS:
        message = key.sub(argument, message)
    return message


class Told:
    """Base class of the exceptions of this package: `InvalidValue`, `InvalidModel`, `DoesNotFit` and others."""

    of_file = False
    """Whether the error is about a model file."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Record whether a model file is being processed; errors of other processes are recreated in this one."""
        error = super().__new__(cls, *args, **kwargs)
        if _of_file.get():
            error.of_file = True
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        return _recreated, (type(self), getattr(self, "args", ()), vars(self))

    def __str__(self) -> str:
        message = super().__str__()
        return message if self.of_file else in_arguments(message)


def _recreated(kind: type[Told], args: tuple[Any, ...], attributes: dict[str, Any]) -> Told:
    """Recreate a pickled error with its original message."""
    error = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error


class InvalidValue(Told, ValueError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """An argument with an invalid value; the message states the allowed values."""


class InvalidType(InvalidValue, TypeError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """An argument of the wrong type; the message states what to write."""


class DoesNotFit(Told, MemoryError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """A calculation that exceeds the memory limit; the message states what would fit."""


class InvalidIndex(Told, IndexError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """An index out of range; the message states the valid range."""
