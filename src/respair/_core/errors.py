"""Errors that say in a few lines what is wrong, in notebooks as well."""

from __future__ import annotations

import linecache
from traceback import walk_tb

CELLS = ("ipykernel", "<ipython-input")
"""In the names that IPython gives to the cells of a notebook."""


class Told:
    """An error whose message says everything: notebooks show it with the line of the user, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        name, lines = type(self).__name__, str(self).splitlines()
        message = [f"{name}: {lines[0]}"] if len(lines) == 1 else [f"{name}:", *(f"  {line}" for line in lines)]
        return [*message, *_place(self)]


class InvalidValue(Told, ValueError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """A value that cannot be; the message says what is allowed."""


class InvalidType(InvalidValue, TypeError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """A value of a type that cannot be; the message says what to write."""


class InvalidIndex(Told, IndexError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """A number that counts nothing; the message says which there are."""


def _place(error: object) -> list[str]:
    """Return the last line before this package was entered, with its number."""
    assert isinstance(error, BaseException)
    package, place = __name__.partition(".")[0], None
    for frame, line in walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            break
        place = frame.f_code.co_filename, line
    if place is None:
        return []
    file, line = place
    where = "" if any(mark in file for mark in CELLS) else f"{file}, "
    return [f"in {where}line {line}: {linecache.getline(file, line).strip()}"]
