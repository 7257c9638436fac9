"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ..._core.formatting import decimals, energy, number, numbers, with_error
from ..._core.lazy import rich_table

__all__ = ["columns", "decimals", "energy", "number", "numbers", "with_error"]


def columns(title: str, headings: Sequence[str], header: bool = True) -> rich_table.Table:
    """Return an empty table with right-aligned columns."""
    table = rich_table.Table(title=title, title_justify="left", show_header=header)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table
