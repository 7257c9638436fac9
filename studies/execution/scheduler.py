"""Computation of points on the workers of a dask scheduler."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from ...clusters import Told
from ...solvers.work import PAUSE, HowFar, SomeWork, Watch, Work, now_and_then, unwatched

PATIENCE = "30s"
"""Timeout of the connection to the scheduler."""
TOPIC = "respair-running"
"""Topic under which the workers send their progress."""


class SchedulerError(Told, RuntimeError):
    """A scheduler that cannot be used."""


class Scheduled:
    """The workers of a scheduler as a `Pool`; created by `connected`."""

    sharing = 1

    def __init__(self, client: Any) -> None:
        self._client = client

    def compute(self, pieces: Sequence[SomeWork], watch: Watch = unwatched) -> Generator[tuple[SomeWork, Any]]:
        """Yield each piece with its result, in the order of completion; report running ones to `watch`.

        The scheduler repeats the work of lost workers; work that it abandons has failed.
        """
        finished: SimpleQueue[Any] = SimpleQueue()
        running: dict[str, HowFar | None] = {}
        with _listening(self._client, running):
            submit = self._client.submit
            waiting = {submit(_computed, piece.moved(), key=f"respair-{piece.key}"): piece for piece in pieces}
            keys = {piece.key for piece in pieces}
            for future in waiting:
                future.add_done_callback(finished.put)
            while waiting:
                watch({key: how_far for key, how_far in list(running.items()) if key in keys})
                try:
                    future = finished.get(timeout=PAUSE)
                except Empty:
                    continue
                piece = waiting.pop(future)
                keys.discard(piece.key)
                error = future.exception()
                yield piece, future.result() if error is None else piece.lost(f"{type(error).__name__}: {error}")


@contextmanager
def _listening(client: Any, running: dict[str, HowFar | None]) -> Iterator[None]:
    """Record the progress of the workers in `running`."""

    def heard(event: tuple[float, tuple[str, list[float] | None]]) -> None:
        key, found = event[1]
        running[key] = (int(found[0]), found[1], found[2]) if found else None

    client.subscribe_topic(TOPIC, heard)
    try:
        yield
    finally:
        client.unsubscribe_topic(TOPIC)


def _computed(piece: Work) -> Any:
    worker = import_module("distributed").get_worker()
    worker.log_event(TOPIC, (piece.key, None))
    return piece.compute(now_and_then(lambda how_far: worker.log_event(TOPIC, (piece.key, how_far))))


@contextmanager
def connected(address: str) -> Iterator[Scheduled]:
    """Connect to a dask scheduler.

    Parameters
    ----------
    address : str
        Address, such as ``tcp://10.0.0.1:8786``, or path of the scheduler file.

    Raises
    ------
    SchedulerError
        If ``distributed`` is not installed, or there is no answer.
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
        yield Scheduled(client)
