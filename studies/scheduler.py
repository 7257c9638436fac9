"""Points on the workers of a dask scheduler: on this machine, a cluster or a cloud."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ..clusters import Told
from ..solvers.pool import SomeWork, Watch, Work, unwatched

PATIENCE = "30s"
"""How long to wait for the scheduler to answer."""


class SchedulerError(Told, RuntimeError):
    """A scheduler that cannot be used."""


class Scheduled:
    """The workers of a scheduler as a `Pool`; made by `connected`."""

    sharing = 1

    def __init__(self, client: Any, as_completed: Any) -> None:
        self._client, self._as_completed = client, as_completed

    def compute(self, pieces: Sequence[SomeWork], watch: Watch = unwatched) -> Generator[tuple[SomeWork, Any]]:
        """Yield each piece with its answer, in the order in which they are finished.

        The scheduler repeats the work of workers that die; what it gives up has failed.
        """
        submit = self._client.submit
        waiting = {submit(_computed, piece.moved(), key=f"respair-{piece.key}"): piece for piece in pieces}
        for future in self._as_completed(list(waiting), loop=self._client.loop):
            piece = waiting.pop(future)
            error = future.exception()
            yield piece, future.result() if error is None else piece.lost(f"{type(error).__name__}: {error}")


def _computed(piece: Work) -> Any:
    return piece.compute()


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
