"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..._core.formatting import decimals, energy, error_bar, number, numbers, with_error
from ..._core.lazy import rich_table

__all__ = ["columns", "decimals", "energy", "error_bar", "number", "numbers", "short_names", "with_error"]


def short_names(keys: Sequence[str]) -> list[str]:
    """Return swept keys without their tables, as far as they remain distinct.

    Examples
    --------
    >>> short_names(["electrons.level", "bosons.level", "field.flux"])
    ['electrons.level', 'bosons.level', 'flux']
    """
    ends = [key.partition(".")[2] for key in keys]
    return [key if ends.count(end) > 1 else end for key, end in zip(keys, ends, strict=True)]


def columns(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]] = ()) -> rich_table.Table:
    """Return a table with right-aligned columns; without headings they are left-aligned."""
    table = rich_table.Table(title=title, title_justify="left", show_header=bool(headings))
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    return table
