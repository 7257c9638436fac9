"""Numbers as text, and tables of them for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from ..._core.formatting import decimals, energy, number, numbers, with_error

__all__ = ["columns", "decimals", "energy", "number", "numbers", "with_error"]


def columns(title: str, headings: Sequence[str], header: bool = True) -> Table:
    """Return an empty table with right-aligned columns."""
    table = Table(title=title, title_justify="left", show_header=header)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table
