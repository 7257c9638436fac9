"""Progress on a terminal: what is being computed, how far it is; silent when nobody watches."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType

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

from .digits import columns
from .point import account, has_failed

SHOWN = 5


class TerminalReporter:
    """A `Reporter` that shows a live line on standard error, below it the last points of a sweep; a context manager.

    Parameters
    ----------
    console : rich.console.Console
        Where to write; nothing is shown unless it is a terminal.
    title : str
        Put in front of every line.
    """

    def __init__(self, console: Console, title: str = "") -> None:
        self._title, self._label, self._failed = title, "", 0
        self._bar = _Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]}", style="red"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=1, failed="")

    def __enter__(self) -> TerminalReporter:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def point(self, number: int, count: int, label: str) -> None:
        """Begin a point of a sweep."""
        self._label = label
        self._bar.update(self._task, total=count, completed=number)
        self.step("")

    def done(self, label: str, data: xr.Dataset) -> None:
        """Show a finished point below the line."""
        self._failed += has_failed(data)
        self._bar.rows = (*self._bar.rows, (label, *account(data)))[-SHOWN:]
        self._bar.update(self._task, failed=f"{self._failed} failed" if self._failed else "")

    def step(self, what: str) -> None:
        """Name what is being computed."""
        words = [word for word in (self._title, self._label, what) if word]
        self._bar.update(self._task, description=": ".join(words))

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Show how far the current level is."""
        self.step(f"{matvecs} products, E = {energy:.8f}, residual {residual:.1e}")


class _Bar(Progress):
    """A progress line with a table below it."""

    rows: tuple[tuple[str, ...], ...] = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self.rows:
            table = columns("", ("point", "energy", "residual", "seconds"))
            for row in self.rows:
                table.add_row(*row)
            yield table
