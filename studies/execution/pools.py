"""What computes points: this process, others of this machine, or the workers of a scheduler."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from ...solvers.work import Pool as Pool
from .scheduler import connected
from .workers import Workers


def pool_of(workers: int = 1, scheduler: str | None = None) -> AbstractContextManager[Pool | None]:
    """Return what computes points elsewhere, as a context manager; it gives None to compute them here.

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
