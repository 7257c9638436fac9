"""Work for other processes: what can be computed there, and what computes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar


class Progress(Protocol):
    """What is called as a solver goes on."""

    def __call__(self, matvecs: int, energy: float, residual: float) -> None:
        """Tell how many products were formed, and how far the current level is."""


def silent(matvecs: int, energy: float, residual: float) -> None:
    """Show no progress."""


class Work(Protocol):
    """A piece of work that other processes understand: it can be pickled."""

    @property
    def key(self) -> str:
        """Its name, different from those of the others."""

    def compute(self, progress: Tell = silent) -> Any:
        """Do it, and tell how far it is; whatever happens is in the answer."""

    def lost(self, why: str) -> Any:
        """Return what stands for the answer if nobody could give one."""

    def moved(self) -> Self:
        """Return it as another machine takes it, which has another disk."""


Tell = Callable[[int, float, float], None]
"""Told of a search: products with H, energy, residual."""
PAUSE = 0.5
"""Seconds between two looks at work that goes on elsewhere, and between two words of it."""
HowFar = tuple[int, float, float]
"""Products with H, energy and residual of a search that goes on."""
Watch = Callable[[Mapping[str, HowFar | None]], None]
"""Told now and then which pieces are being computed, by their keys, and how far each is."""


def unwatched(running: Mapping[str, HowFar | None]) -> None:
    """Show nothing."""


def now_and_then(say: Callable[[HowFar], None]) -> Tell:
    """Return what tells of a search, with a pause between two words."""
    last = -PAUSE

    def tell(matvecs: int, energy: float, residual: float) -> None:
        nonlocal last
        if (now := time.monotonic()) - last > PAUSE:
            last = now
            say((int(matvecs), float(energy), float(residual)))

    return tell


SomeWork = TypeVar("SomeWork", bound=Work)


class Pool(Protocol):
    """What computes elsewhere, several pieces at once."""

    @property
    def sharing(self) -> int:
        """How many pieces share the memory of this machine."""

    def compute(self, pieces: Sequence[SomeWork], watch: Watch = unwatched) -> Generator[tuple[SomeWork, Any]]:
        """Yield each piece with its answer, in the order in which they are finished; to close it gives up the rest."""
