"""Work that can be computed in other processes, and the pool that does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar


class Progress(Protocol):
    """A function that is called during a calculation."""

    def __call__(self, matvecs: int, energy: float, residual: float) -> None:
        """Report the number of products, and energy and residual of the current level."""


def silent(matvecs: int, energy: float, residual: float) -> None:
    """Show no progress."""


class Work(Protocol):
    """A piece of work that can be pickled."""

    @property
    def key(self) -> str:
        """Its name, different from those of the others."""

    def compute(self, progress: Tell = silent) -> Any:
        """Do it, and report its progress; errors are part of the answer."""

    def lost(self, why: str) -> Any:
        """Return the answer that stands for lost work."""

    def moved(self) -> Self:
        """Return the work without what belongs to the disk of this machine."""


Tell = Callable[[int, float, float], None]
"""Called with the number of products with H, the energy and the residual of a search."""
PAUSE = 0.5
"""Seconds between two reports on running work."""
HowFar = tuple[int, float, float]
"""Products with H, energy and residual of a running search."""
Watch = Callable[[Mapping[str, HowFar | None]], None]
"""Called from time to time with the keys of the pieces that are being computed, and the progress of each."""


def unwatched(running: Mapping[str, HowFar | None]) -> None:
    """Show nothing."""


def now_and_then(say: Callable[[HowFar], None]) -> Tell:
    """Return a progress function that reports at intervals of `PAUSE`."""
    last = -PAUSE

    def tell(matvecs: int, energy: float, residual: float) -> None:
        nonlocal last
        if (now := time.monotonic()) - last > PAUSE:
            last = now
            say((int(matvecs), float(energy), float(residual)))

    return tell


SomeWork = TypeVar("SomeWork", bound=Work)


class Pool(Protocol):
    """Processes that compute several pieces at once."""

    @property
    def sharing(self) -> int:
        """How many pieces share the memory of this machine."""

    def compute(self, pieces: Sequence[SomeWork], watch: Watch = unwatched) -> Generator[tuple[SomeWork, Any]]:
        """Yield each piece with its answer in the order in which they finish; closing the generator ends the rest."""
