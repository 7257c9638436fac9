"""The model files of the reference dataset: enough points, all valid, and energies with small error bars."""

from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import pytest

from respair.studies import read, run

FILES = sorted((Path(__file__).parents[2] / "notebooks" / "reference").glob("*.toml"))


def test_there_are_five_thousand_points():
    assert sum(prod(len(axis.values) for axis in read(file).sweep) for file in FILES) >= 5000


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_both_ends_of_every_sweep_have_small_error_bars(file):
    study = read(file)
    ends = tuple(
        replace(axis, values=(axis.values[0], axis.values[-1])[:: 1 if n == 0 else 2])
        for n, axis in enumerate(study.sweep)
    )
    data = run(replace(study, sweep=ends)).data
    assert np.nanmax(data["energy_errors"].values) < 1e-6
