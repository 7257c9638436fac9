"""Progress on a terminal: what is being computed, how far it is; silent when nobody watches."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class TerminalReporter:
    """A `Reporter` that shows a live line on standard error; use it as a context manager.

    Parameters
    ----------
    console : rich.console.Console
        Where to write; nothing is shown unless it is a terminal.
    title : str
        Put in front of every line.
    """

    def __init__(self, console: Console, title: str = "") -> None:
        self._title = title
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=1)
        self._label = ""

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

    def step(self, what: str) -> None:
        """Name what is being computed."""
        words = [word for word in (self._title, self._label, what) if word]
        self._bar.update(self._task, description=": ".join(words))

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Show how far the current level is."""
        self.step(f"{matvecs} products, E = {energy:.8f}, residual {residual:.1e}")
