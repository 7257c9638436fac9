"""Errors of this package: each message says what is wrong and what is allowed."""

from __future__ import annotations


class Told:
    """An error of this package, whatever else it is: `InvalidValue`, `InvalidModel`, `DoesNotFit` and others."""


class InvalidValue(Told, ValueError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """An argument with a wrong value; the message says what is allowed."""


class InvalidType(InvalidValue, TypeError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """An argument of a wrong type; the message says what to write."""


class DoesNotFit(Told, MemoryError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """A calculation that needs more memory than it may take; the message says what would fit."""


class InvalidIndex(Told, IndexError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """An index out of range; the message says which there are."""
