"""Points on the workers of a dask scheduler: on this machine, a cluster or a cloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import xarray as xr

from .job import Job, compute_job
from .point import failure

PATIENCE = "30s"
"""How long to wait for the scheduler to answer."""


class SchedulerError(RuntimeError):
    """A scheduler that cannot be used."""


class Scheduled:
    """The workers of a scheduler as a `Pool`; made by `connected`."""

    sharing = 1

    def __init__(self, client: Any, as_completed: Any) -> None:
        self._client, self._as_completed = client, as_completed

    def compute(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, xr.Dataset]]:
        """Yield each job with its data, in the order in which they are finished.

        The scheduler repeats the points of workers that die; a point that it gives up has failed.
        """
        submit = self._client.submit
        waiting = {  # without checkpoints: another machine has another disk
            submit(compute_job, replace(job, checkpoint=None), key=f"respair-{job.key}"): job for job in jobs
        }
        for future in self._as_completed(list(waiting), loop=self._client.loop):
            job = waiting.pop(future)
            error = future.exception()
            yield job, future.result() if error is None else failure(f"{type(error).__name__}: {error}")


@contextmanager
def connected(address: str) -> Iterator[Scheduled]:
    """Connect to a dask scheduler.

    Parameters
    ----------
    address : str
        Its address, as "tcp://10.0.0.1:8786", or the path of its scheduler file.

    Raises
    ------
    SchedulerError
        If ``distributed`` is not installed, or nobody answers.
    """
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise SchedulerError("a scheduler needs the package distributed: pip install 'respair[distributed]'") from None
    place = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
    try:
        client = distributed.Client(**place, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise SchedulerError(f"no scheduler answers at {address}: {error}; start one with `dask scheduler`") from None
    with client:
        yield Scheduled(client, distributed.as_completed)
