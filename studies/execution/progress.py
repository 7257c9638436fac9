"""Progress of a run on a terminal; nothing is shown if the output is not a terminal."""

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
"""Largest number of finished points shown, and of running ones."""
HEADINGS = ("point", "state", "energy", "residual", "seconds")


class LiveReporter(ABC):
    """A `Watcher` that displays the progress of a run; a context manager.

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
        """Show the outcome."""

    @abstractmethod
    def _show(self) -> None:
        """Show what has changed."""

    def point(self, number: int, count: int, label: str) -> None:
        """Begin a point of a sweep, or receive the number of finished points."""
        self._number, self._count, self._label = number, count, label
        if label:
            self.running({label: None})
        self.step("")

    def running(self, points: Mapping[str, HowFar | None]) -> None:
        """Receive the running points."""
        self._running = points
        self._began = {label: self._began.get(label, time.monotonic()) for label in points}
        self._show()

    def done(self, label: str, data: xr.Dataset) -> None:
        """Receive a finished point."""
        failed = has_failed(data)
        self._number, self._failed = self._number + 1, self._failed + failed
        row = (label, "failed" if failed else "done", *account(data))
        self._finished = (*self._finished, row)[-SHOWN:]
        self._running = {other: how_far for other, how_far in self._running.items() if other != label}
        self._show()

    def step(self, what: str) -> None:
        """Receive the name of the current step."""
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
        """Numbers of running and failed points."""
        counts = ((len(self._running), "running"), (self._failed, "failed"))
        return ", ".join(f"{number} {state}" for number, state in counts if number)

    @property
    def _rows(self) -> tuple[tuple[str, ...], ...]:
        """The last finished points and the running ones."""
        return (*self._finished, *map(self._row, list(self._running)[:SHOWN]))

    def _row(self, label: str) -> tuple[str, ...]:
        how_far, seconds = self._running[label], time.monotonic() - self._began[label]
        found = (f"{how_far[1]:.10g}", f"{how_far[2]:.1e}") if how_far else ("", "")
        return (label, "running", *found, f"{seconds:.0f}")


class TerminalReporter(LiveReporter):
    """A live line on standard error, followed by the last finished and the running points of a sweep.

    Parameters
    ----------
    console : rich.console.Console
        Console to write to; nothing is shown unless it is a terminal.
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
    """Return the estimated remaining seconds at the pace so far; NaN if unknown.

    Examples
    --------
    >>> remaining(10.0, 5, 20)
    30.0
    """
    return seconds / number * (count - number) if number else math.nan
