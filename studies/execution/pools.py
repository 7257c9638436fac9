"""Pools that compute points: worker processes of this machine, or the workers of a scheduler."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from ...solvers.work import Pool as Pool
from .scheduler import connected
from .workers import Workers


def pool_of(workers: int = 1, scheduler: str | None = None) -> AbstractContextManager[Pool | None]:
    """Return the pool of processes as a context manager, which gives None to compute in this process.

    Raises
    ------
    SchedulerError
        If the scheduler does not answer.
    ValueError
        If `workers` is below 1.
    """
    if scheduler:
        return connected(scheduler)
    return nullcontext() if workers == 1 else Workers(workers)
