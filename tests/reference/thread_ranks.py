"""Ranks that are threads of one process, for fast tests of what ranks do together."""

import gc
import pickle
import threading
from collections import defaultdict
from contextlib import nullcontext
from contextvars import copy_context
from functools import cached_property
from queue import SimpleQueue

import numba
import numpy as np

from respair._core.ranks import Ranks, shared_by


class Meeting:
    """Where the threads meet."""

    def __init__(self, size):
        self.size, self.barrier, self.slots = size, threading.Barrier(size, timeout=60), [None] * size
        self.mail = defaultdict(SimpleQueue)


class Sent:
    def wait(self):
        pass


class Awaited:
    def __init__(self, queue, array):
        self.queue, self.array = queue, array

    def wait(self):
        found = self.queue.get(timeout=60)
        assert found.shape == self.array.shape
        assert found.dtype == self.array.dtype
        self.array[...] = found


class ThreadRanks(Ranks):
    def __init__(self, rank, meeting):
        self.rank, self.size, self.meeting = rank, meeting.size, meeting

    def _all(self, value):
        self.meeting.slots[self.rank] = value
        self.meeting.barrier.wait()
        found = list(self.meeting.slots)
        self.meeting.barrier.wait()
        return found

    def parts(self, array):
        found = self._all(np.array(array))
        assert len({(each.shape, each.dtype) for each in found}) == 1
        return np.array(found)

    def joined(self, array):
        return np.concatenate(self._all(np.array(array)))

    def swapped(self, arrays):
        return [theirs[self.rank] for theirs in self._all(list(arrays))]

    def given(self, value):
        text = self._all(pickle.dumps(value) if self.rank == 0 else None)[0]
        return value if self.rank == 0 else pickle.loads(text)

    def send(self, array, to):
        self.meeting.mail[self.rank, to].put(np.array(array))
        return Sent()

    def receive(self, array, source):
        return Awaited(self.meeting.mail[source, self.rank], array)


def on_ranks(size, work):
    """Return what ``work(ranks)`` returns on each of so many ranks; the first error of one of them is raised."""
    meeting, found, errors = Meeting(size), [None] * size, []
    for each in gc.get_objects():
        if isinstance(each, cached_property) and hasattr(each, "lock"):
            each.lock = nullcontext()  # Python 3.11: a thread would hold it while it waits for the others

    def run(rank):
        numba.set_num_threads(1)
        ranks = ThreadRanks(rank, meeting)
        try:
            with shared_by(ranks):
                found[rank] = work(ranks)
        except BaseException as error:
            errors.append(error)
            meeting.barrier.abort()

    threads = [threading.Thread(target=copy_context().run, args=(run, rank)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise next((e for e in errors if not isinstance(e, threading.BrokenBarrierError)), errors[0])
    return found
