"""What computes points: this process, others of this machine, or the workers of a scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...solvers.work import Pool as Pool
from .scheduler import connected
from .workers import Workers


@contextmanager
def pool_of(workers: int = 1, scheduler: str | None = None) -> Iterator[Pool | None]:
    """Open what computes points elsewhere; None to compute them here.

    Raises
    ------
    SchedulerError
        If the scheduler does not answer.
    ValueError
        If `workers` is below 1.
    """
    if scheduler:
        with connected(scheduler) as scheduled:
            yield scheduled
    elif workers != 1:
        with Workers(workers) as processes:
            yield processes
    else:
        yield None
