"""Scripts on several ranks of MPI: large blocks that are made in a context are shared by all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._core.launch import launched
from .._core.mpi import LauncherError, MPIRanks, RankError
from .._core.ranks import Alone, Ranks

__all__ = ["LauncherError", "RankError", "Ranks", "ranks"]


@contextmanager
def ranks() -> Iterator[Ranks]:
    """Let the processes that a launcher has started share the large blocks that are made in the context.

    All of them run the same script, and must go the same way: what only one rank does (printing, writing) must not
    compute anything with shared blocks.

    Yields
    ------
    Ranks
        ``rank``, the number of this process, and ``size``, how many there are; 0 and 1 without a launcher.

    Raises
    ------
    LauncherError
        If mpi4py is missing, or belongs to another MPI than the launcher.
    RankError
        At the end, if other ranks have met an error.

    Examples
    --------
    >>> with ranks() as mine:
    ...     mine.rank, mine.size
    (0, 1)
    """
    count, _ = launched()
    if count == 1:
        yield Alone()
        return
    found = MPIRanks(count)
    with found.at_work():
        yield found
