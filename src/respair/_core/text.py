"""Text that a terminal, a file name and a file take as it is: without control characters."""

from __future__ import annotations

import re

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Escapes, line breaks, what turns the direction of writing, and bytes that are no text."""
ALLOWED = "allowed: text without control characters (escapes, line breaks, NUL)"


def has_controls(text: str) -> bool:
    """True where a text has a control character."""
    return CONTROLS.search(text) is not None


def printable(text: str) -> str:
    r"""Return a text with control characters as Python writes them.

    Examples
    --------
    >>> print(printable("a\x1b[31mb\n"))
    a\x1b[31mb\n
    """
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
