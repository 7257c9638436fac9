"""What the shell offers when TAB is pressed: the model files that are there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice

DEEPEST = 3
"""Folders below the one that is looked into."""
MOST = 60
"""Files that are offered."""
LOOKED_AT = 2000
"""Entries of folders after which no more is looked for."""


def model_files(incomplete: str) -> list[str]:
    """Return the TOML files whose path begins with what is typed; files of folders below where none is so near.

    An empty list leaves it to the shell to offer files of any kind.
    """
    entries = list(islice(_below(incomplete, DEEPEST), LOOKED_AT))
    depth = min((path.count(os.sep) for path in entries), default=0)
    return sorted(path for path in entries if path.count(os.sep) == depth)[:MOST]


def anything(incomplete: str) -> list[str]:
    """Return nothing: the shell offers files and folders of its own."""
    return []


def _below(prefix: str, deep: int) -> Iterator[str]:
    folder, start = os.path.split(prefix)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(start) and (start.startswith(".") or not entry.name.startswith(".")):
            path = os.path.join(folder, entry.name)
            if entry.name.endswith(".toml") and entry.is_file():
                yield path
            elif deep and entry.is_dir():
                yield from _below(os.path.join(path, ""), deep - 1)
