"""Control of threads: thread pools of several libraries that wait for each other are slower than one thread.

Processes may be forked: the compiled kernels use numba's work queue, whose threads are restarted in a child; the
threads of GNU OpenMP used by QuSpin, which would block a child forever, are ended before the fork.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numba
from numba.np.ufunc import parallel
from threadpoolctl import ThreadpoolController

from .processors import cores

PARALLEL_FROM = 1 << 17
"""Arrays smaller than this are processed by one thread, since waking the others would take longer."""
PAUSE_SOFT = 1
"""OpenMP's `omp_pause_soft`, which ends threads and keeps settings."""


def _controller() -> ThreadpoolController:
    """Return the thread pools of the loaded libraries, none with more threads than cores."""
    return _pools("quspin" in sys.modules)


@cache
def _pools(with_quspin: bool) -> ThreadpoolController:
    """Find the thread pools: once before QuSpin, which has its own, is loaded, and once after."""
    pools = ThreadpoolController()
    most = cores()
    pools.limit(limits={pool["prefix"]: min(most, pool["num_threads"]) for pool in pools.info()})
    return pools


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Restrict BLAS to one thread, leaving the other cores to the compiled kernels."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@contextmanager
def one_thread_for(numbers: int) -> Iterator[None]:
    """Run small work of all libraries in one thread."""
    if numbers >= PARALLEL_FROM:
        yield
        return
    with _controller().limit(limits=1):
        yield


@contextmanager
def kernel_threads_for(numbers: int) -> Iterator[None]:
    """Run small work of the compiled kernels in one thread."""
    threads = numba.get_num_threads()
    if threads == 1 or numbers >= PARALLEL_FROM:
        yield
        return
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(threads)


def _prepare() -> None:
    """Set the number of threads of the compiled kernels, unless the environment sets it or they are running."""
    if "NUMBA_NUM_THREADS" not in os.environ and not _layer():
        parallel.NUM_THREADS = numba.config.NUMBA_NUM_THREADS = cores()  # the first was read when numba was imported
    if "NUMBA_THREADING_LAYER" not in os.environ:
        numba.config.THREADING_LAYER = "workqueue"
    os.register_at_fork(before=_end_openmp, after_in_child=_avoid_openmp)


def _end_openmp() -> None:
    """End the threads of GNU OpenMP that belong to this thread; new ones are started when needed."""
    for pool in _controller().lib_controllers:
        if pool.prefix == "libgomp":
            ctypes.CDLL(pool.filepath).omp_pause_resource_all(PAUSE_SOFT)


def _avoid_openmp() -> None:
    """Use one kernel thread in a child whose parent had numba's OpenMP threads, which numba would terminate."""
    if _layer() == "omp":
        numba.set_num_threads(1)


def _layer() -> str:
    try:
        return str(numba.threading_layer())
    except ValueError:  # nothing was computed yet
        return ""


_prepare()
