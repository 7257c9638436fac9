"""When a study that was computed again gave the same."""

import numpy as np
import xarray as xr

ROUNDING = 1e-12
"""Sums of products depend in their last bits on where arrays lie in memory, so that processes may differ there."""


def assert_same(first, second):
    """All numbers but wall times agree to rounding, all else to the letter."""
    first, second = (data.drop_vars("wall_time", errors="ignore") for data in (first, second))
    numbers = [name for name, array in first.data_vars.items() if np.issubdtype(array.dtype, np.inexact)]
    xr.testing.assert_identical(first.drop_vars(numbers), second.drop_vars(numbers))
    assert [str(name) for name in first.data_vars] == [str(name) for name in second.data_vars]
    xr.testing.assert_allclose(first[numbers], second[numbers], rtol=ROUNDING, atol=ROUNDING)
