"""Progress of a run in a notebook."""

from __future__ import annotations

import math
import time
from html import escape
from importlib import import_module
from typing import Any

from rich.console import Console

from ..._core.display import counted
from ...clusters import Card
from ...solvers.costs import format_seconds
from .progress import HEADINGS, LiveReporter, TerminalReporter, remaining

PATIENCE = 0.5
"""Seconds before anything is shown; shorter calculations produce no output."""
PACE = 0.25
"""Seconds between updates."""


class NotebookReporter(LiveReporter):
    """A progress bar and a table of points in the output of a cell, finally replaced by one line.

    No widgets or scripts are needed; saved notebooks show the line.

    Parameters
    ----------
    title : str
        Prefix of every line.
    """

    def __init__(self, title: str = "") -> None:
        super().__init__(title)
        self._display: Any = import_module("IPython.display").display
        self._handle: Any = None
        self._start, self._last, self._kept = time.monotonic(), -math.inf, -1

    def __exit__(self, *error: object) -> None:
        if self._handle is None:
            return
        took = format_seconds(time.monotonic() - self._start)
        failed = f", {self._failed} failed" if self._failed else ""
        stopped = error[0] is not None
        reached = self._number if stopped else self._count
        end = f"{reached} of {counted(self._count, 'point')}{failed}"
        summary = f"stopped after {took}, {end}" if stopped else f"{end}; {took}"
        self._put(Card(escape(": ".join(filter(None, (self._title, summary))))))

    def _show(self) -> None:
        now = time.monotonic()
        if self._kept < 0:
            self._kept = self._number
        if now - self._start < PATIENCE or now - self._last < PACE:
            return
        self._last = now
        self._put(self._card(now - self._start))

    def _card(self, seconds: float) -> Card:
        left = remaining(seconds, self._number - self._kept, self._count - self._kept)
        words = [f"{self._number} of {counted(self._count, 'point')}", self._counts, format_seconds(seconds)]
        words += [f"{format_seconds(left)} left"] if math.isfinite(left) else []
        bar = f'<progress max="{self._count}" value="{self._number}" style="width:12em"></progress> '
        rows = [tuple(map(escape, row)) for row in self._rows]
        note = f"{bar if self._count > 1 else ''}{', '.join(filter(None, words))}"
        return Card(escape(self._words), rows, HEADINGS if rows else (), note)

    def _put(self, card: Card) -> None:
        shown = {"text/plain": card.text, "text/html": card.html}
        if self._handle is None:
            self._handle = self._display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)


def watching(title: str = "") -> LiveReporter:
    """Return a reporter that shows the progress of calculations in a notebook or on a terminal.

    Parameters
    ----------
    title : str
        Prefix of every line.

    Returns
    -------
    LiveReporter
        A context manager, used as ``reporter`` of `run`, or with its method ``lanczos`` as ``progress`` of
        `ground_state`. Nothing is shown if the output is neither.

    Examples
    --------
    >>> from respair import Electrons, Model, dimer, ground_state
    >>> with watching("dimer") as shown:
    ...     levels = ground_state(Model(dimer(), Electrons(hopping=1.0)), 1, progress=shown.lanczos)
    >>> round(float(levels.energies[0]), 9)
    -1.0
    """
    console = Console(stderr=True, markup=False, emoji=False)
    return NotebookReporter(title) if console.is_jupyter else TerminalReporter(console, title)
