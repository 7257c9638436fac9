"""One thread for linear algebra, two for the compiled kernels: small matrices are slow where threads wait."""

import os
from collections import defaultdict

import pytest

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "2")

SAMPLE = 3
"""Of the cases of a test that is marked ``sampled``, each third runs with the others; the rest are ``long``."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    cases = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sampled"):
            cases[item.function].append(item)
    for those in cases.values():
        for number, item in enumerate(those):
            if number % SAMPLE:
                item.add_marker(pytest.mark.long)
