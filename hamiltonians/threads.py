"""How many threads do what: pools of several libraries that wait for each other are slower than one thread."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numba
from threadpoolctl import ThreadpoolController

PARALLEL_FROM = 1 << 16
"""Fewer numbers than these are handled by one thread: waking the others would take longer."""


def _controller() -> ThreadpoolController:
    """Return the thread pools of the libraries that are loaded."""
    return _pools("quspin" in sys.modules)


@cache
def _pools(with_quspin: bool) -> ThreadpoolController:
    """Look for thread pools: once before QuSpin is loaded, which brings its own, and once after."""
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Leave the other cores to the compiled kernels."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@contextmanager
def one_thread_for(numbers: int) -> Iterator[None]:
    """Let every library do small work in one thread."""
    if numbers >= PARALLEL_FROM:
        yield
        return
    with _controller().limit(limits=1):
        yield


@contextmanager
def kernel_threads_for(numbers: int) -> Iterator[None]:
    """Let the compiled kernels do small work in one thread."""
    threads = numba.get_num_threads()
    if threads == 1 or numbers >= PARALLEL_FROM:
        yield
        return
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(threads)
