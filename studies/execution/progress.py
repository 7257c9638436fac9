"""Progress of a run on a terminal; nothing is shown where the output is not a terminal."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Self

import xarray as xr
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ...solvers.work import HowFar
from .point import account, has_failed
from .tables import columns

SHOWN = 5
"""Finished points that are shown, and as many running ones."""
HEADINGS = ("point", "state", "energy", "residual", "seconds")


class LiveReporter(ABC):
    """A `Watcher` that keeps the progress of a run and shows it; a context manager.

    Parameters
    ----------
    title : str
        Put in front of every line.
    """

    def __init__(self, title: str = "") -> None:
        self._title, self._label, self._what, self._stage = title, "", "", ""
        self._number, self._count, self._failed = 0, 1, 0
        self._began: dict[str, float] = {}
        self._running: Mapping[str, HowFar | None] = {}
        self._finished: tuple[tuple[str, ...], ...] = ()

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(self, *error: object) -> None:
        """Show how it ended."""

    @abstractmethod
    def _show(self) -> None:
        """Show what has changed."""

    def point(self, number: int, count: int, label: str) -> None:
        """Begin a point of a sweep, or take the number of points that are known."""
        self._number, self._count, self._label = number, count, label
        if label:
            self.running({label: None})
        self.step("")

    def running(self, points: Mapping[str, HowFar | None]) -> None:
        """Take the points that are being computed."""
        self._running = points
        self._began = {label: self._began.get(label, time.monotonic()) for label in points}
        self._show()

    def done(self, label: str, data: xr.Dataset) -> None:
        """Take a finished point."""
        failed = has_failed(data)
        self._number, self._failed = self._number + 1, self._failed + failed
        row = (label, "failed" if failed else "done", *account(data))
        self._finished = (*self._finished, row)[-SHOWN:]
        self._running = {other: how_far for other, how_far in self._running.items() if other != label}
        self._show()

    def step(self, what: str) -> None:
        """Name what is being computed."""
        self._what = self._stage = what
        self._show()

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Show the progress of the current search."""
        if self._label:
            self._running = {self._label: (matvecs, energy, residual)}
        how_far = f"{matvecs} products, E = {energy:.10g}, residual {residual:.1e}"
        self._what = ": ".join(filter(None, (self._stage, how_far)))
        self._show()

    @property
    def _words(self) -> str:
        return ": ".join(word for word in (self._title, self._label, self._what) if word)

    @property
    def _counts(self) -> str:
        """How many points run, and how many failed."""
        counts = ((len(self._running), "running"), (self._failed, "failed"))
        return ", ".join(f"{number} {state}" for number, state in counts if number)

    @property
    def _rows(self) -> tuple[tuple[str, ...], ...]:
        """The last points that were finished, and those that run."""
        return (*self._finished, *map(self._row, list(self._running)[:SHOWN]))

    def _row(self, label: str) -> tuple[str, ...]:
        how_far, seconds = self._running[label], time.monotonic() - self._began[label]
        found = (f"{how_far[1]:.10g}", f"{how_far[2]:.1e}") if how_far else ("", "")
        return (label, "running", *found, f"{seconds:.0f}")


class TerminalReporter(LiveReporter):
    """A live line on standard error, below it the last points of a sweep and those that run.

    Parameters
    ----------
    console : rich.console.Console
        Where to write; nothing is shown unless it is a terminal.
    title : str
        Put in front of every line.
    """

    def __init__(self, console: Console, title: str = "") -> None:
        super().__init__(title)
        self._bar = _Bar(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._bar.owner = self
        self._task = self._bar.add_task(title, total=1, counts="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def _show(self) -> None:
        progress = {"total": self._count, "completed": self._number, "counts": self._counts}
        self._bar.update(self._task, description=self._words, **progress)  # type: ignore[arg-type]


class _Bar(Progress):
    """A progress line with a table below it."""

    owner: TerminalReporter | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self.owner and (rows := self.owner._rows):
            yield columns("", HEADINGS, rows)


def remaining(seconds: float, number: int, count: int) -> float:
    """Return the remaining seconds at the pace so far; NaN where nothing is known.

    Examples
    --------
    >>> remaining(10.0, 5, 20)
    30.0
    """
    return seconds / number * (count - number) if number else math.nan
