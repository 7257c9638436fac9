"""Number of processes started by an MPI launcher, and number assumed in estimates."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

LAUNCHERS = (
    ("PMI_SIZE", "PMI_RANK"),
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),
)
"""Environment variables with size and rank: MPICH and Intel MPI, Open MPI, Slurm, MVAPICH."""
_COUNT: ContextVar[int] = ContextVar("rank count", default=1)


def launched(environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """Return the number of processes started by a launcher and the rank of this one; (1, 0) without a launcher.

    Examples
    --------
    >>> launched({"PMI_SIZE": "4", "PMI_RANK": "2"}), launched({})
    ((4, 2), (1, 0))
    """
    for count, number in LAUNCHERS:
        given = environment.get(count, ""), environment.get(number, "")
        if all(text.isdecimal() for text in given) and int(given[0]) > 1:
            return int(given[0]), int(given[1])
    return 1, 0


def counted() -> int:
    """Return the number of processes assumed in estimates."""
    return _COUNT.get()


@contextmanager
def counted_as(count: int) -> Iterator[None]:
    """Make estimates in the context for a run on `count` processes."""
    token = _COUNT.set(count)
    try:
        yield
    finally:
        _COUNT.reset(token)
