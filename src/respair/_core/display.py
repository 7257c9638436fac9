"""Display of values: a few lines of text, and in notebooks static HTML without scripts.

Cells are written once, in HTML with ``<sub>`` and ``<sup>``; `plain` converts them to text.
"""

from __future__ import annotations

import copyreg
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from html import escape, unescape
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

import numpy as np

from .wording import counted as counted

MOST_ROWS = 14
"""Largest number of rows of a card; the number of omitted rows is shown."""
MOST_ITEMS = 8
"""Largest number of displayed elements of a list."""
CELL = "border:none;padding:0 0.9em 0 0;text-align:left;white-space:nowrap;background:none"
MARKS = (("<sub>", "_"), ("<sup>", "^"))
TAG = re.compile(r"<[^>]+>")


def plain(markup: str) -> str:
    """Return a cell as text.

    Examples
    --------
    >>> plain("&minus; t &Sigma;<sub>&lang;ij&rang;</sub> 10<sup>3</sup>")
    '− t Σ_⟨ij⟩ 10^3'
    """
    for tag, mark in MARKS:
        markup = markup.replace(tag, mark)
    return unescape(TAG.sub("", markup))


@dataclass(frozen=True)
class Card:
    """Summary of a value for display; all texts are markup.

    Attributes
    ----------
    title : str
        Title.
    rows : sequence of tuple of str
        Table of the properties.
    headings : tuple of str
        Headings of the table.
    note : str
        Note below the table.
    picture : str
        SVG, shown in HTML only.
    """

    title: str
    rows: Sequence[tuple[str, ...]] = ()
    headings: tuple[str, ...] = ()
    note: str = ""
    picture: str = ""

    @property
    def text(self) -> str:
        """Title, aligned rows and note as lines of text."""
        lines = [[plain(cell) for cell in row] for row in self._shown if row]
        widths = [max(map(len, column)) for column in zip_longest(*lines, fillvalue="")]
        table = ["  " + "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=False)).rstrip() for line in lines]
        return "\n".join([plain(self.title), *table, *filter(None, map(plain, (self._left, self.note)))])

    @property
    def html(self) -> str:
        """The summary as HTML, with a table and the picture."""
        rows = "".join(f"<tr>{''.join(_cells(row))}</tr>" for row in self._shown if row)
        table = f'<table style="border-collapse:collapse;margin:0.2em 0">{rows}</table>' if rows else ""
        below = "".join(f"<div>{text}</div>" for text in (self._left, self.note) if text)
        words = f"<div><div><b>{self.title}</b></div>{table}{below}</div>"
        return f'<div style="display:flex;flex-wrap:wrap;gap:1.5em;align-items:center">{self.picture}{words}</div>'

    @property
    def _shown(self) -> list[tuple[str, ...]]:
        return [self.headings, *self.rows[:MOST_ROWS]]

    @property
    def _left(self) -> str:
        return f"&hellip; and {len(self.rows) - MOST_ROWS} more" if len(self.rows) > MOST_ROWS else ""


def _cells(row: Sequence[str]) -> Iterator[str]:
    for cell in row:
        yield f'<td style="{CELL}">{cell}</td>'


class Shown(ABC):
    """A value that is displayed by its card; a dataclass needs ``repr=False``."""

    @abstractmethod
    def card(self) -> Card:
        """Return the summary of the value."""

    def __repr__(self) -> str:
        return self.card().text

    def _repr_html_(self) -> str:
        return self.card().html

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields of the value, without cached results, for copies and pickles."""
        made_of = getattr(self, "__dataclass_fields__", vars(self))
        return {name: value for name, value in vars(self).items() if name in made_of}


def fixed(table: Mapping[Any, Any]) -> MappingProxyType[Any, Any]:
    """Return a read-only copy of a table."""
    return MappingProxyType(dict(table))


copyreg.pickle(MappingProxyType, lambda table: (fixed, (dict(table),)))


class Brief:
    """A dataclass whose repr omits fields at their default values; it needs ``repr=False``."""

    def __repr__(self) -> str:
        given = ((f, getattr(self, f.name)) for f in fields(self) if f.repr)  # type: ignore[arg-type]  # a dataclass
        shown = (f"{f.name}={listed(value)}" for f, value in given if f.default is MISSING or differs(value, f.default))
        return f"{type(self).__name__}({', '.join(shown)})"


def differs(value: object, default: object) -> bool:
    """True if a value differs from its scalar default; arrays and tables always differ."""
    return not (value is default or (isinstance(value, int | float | str) and value == default))


def listed(value: object) -> str:
    """Return the repr of a value, abbreviated for long sequences."""
    if not isinstance(value, tuple | list | np.ndarray) or len(value) <= 2 * MOST_ITEMS:
        return repr(value.tolist() if isinstance(value, np.ndarray) else value)
    ends = [*(repr(item) for item in value[:3]), "...", repr(value[-1])]
    return f"[{', '.join(ends)}]"


def quantity(value: Any) -> str:
    """Return one number, a table by class, or a list of numbers as markup.

    Examples
    --------
    >>> plain(quantity(-0.4)), quantity({"metal": 0.0, "ligand": 1.5}), quantity([0.5, 0.25])
    ('−0.4', '0 (metal), 1.5 (ligand)', '[0.5, 0.25]')
    """
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{quantity(item)} ({escape(str(key))})" for key, item in value.items())
    if isinstance(value, Sequence | np.ndarray):
        more = ", &hellip;" if len(value) > MOST_ITEMS else ""
        return f"[{', '.join(map(quantity, value[:MOST_ITEMS]))}{more}]"
    return f"{float(value):.6g}".replace("-", "&minus;")
