"""Parts of error messages: keys of a file, lists of names, and suggestions for misspelt names."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from difflib import get_close_matches


def dotted(*parts: str | int) -> str:
    """Return a key of a model file as users write it.

    Examples
    --------
    >>> dotted("sweep", "field.flux", "count"), dotted("cluster", "bonds", 1)
    ('sweep."field.flux".count', 'cluster.bonds[1]')
    """
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"')
    return text


def listed(names: Iterable[str]) -> str:
    """Return names joined as an enumeration."""
    return ", ".join(names)


def meant_by(names: Iterable[str], options: Iterable[str], taken: Container[str] = ()) -> set[str]:
    """Return the options closest to misspelt names, without those that are already present."""
    known = list(options)
    close = (get_close_matches(name, known, n=1) for name in names)
    return {option for matches in close for option in matches if option not in taken}


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return a suggestion of the option closest to a misspelt name, or an empty string."""
    return "".join(f"did you mean {option}? " for option in meant_by([name], options))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in singular or plural.

    Examples
    --------
    >>> counted(1, "site"), counted(2270106, "state")
    ('1 site', '2,270,106 states')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
