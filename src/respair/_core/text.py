"""Text without control characters, safe for terminals and file names."""

from __future__ import annotations

import re

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line separators, bidirectional controls and surrogates."""
ALLOWED = "allowed: text without control characters (escapes, line breaks, NUL)"


def has_controls(text: str) -> bool:
    """True if a text has a control character."""
    return CONTROLS.search(text) is not None


def printable(text: str) -> str:
    r"""Return a text with control characters as Python writes them.

    Examples
    --------
    >>> print(printable("a\x1b[31mb\n"))
    a\x1b[31mb\n
    """
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
