"""Thermal sums that were interrupted: finished blocks are used again, damaged and foreign ones are not."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from respair import (
    Bosons,
    Electrons,
    Model,
    Options,
    Sector,
    ring,
    site,
    thermal_averages,
    thermal_flux_response,
    thermal_spectral_function,
)
from respair.analysis import probe
from respair.analysis.thermal.ensembles import Ensemble, Sampling
from respair.analysis.thermal.flux_sums import STEP

MODEL = Model(ring(4), Electrons(1.0), Bosons(0.1, 0.8), flux=0.3)
KIND, T, NAMES = Ensemble("canonical", Sector(6)), [0.2, 1.0], ["pair_exchange", "boson_correlation"]
HOW = Sampling("ftlm", samples=3, steps=20)


class StopError(Exception):
    """An interruption."""


def interrupted(model, options, after):
    def progress(done, count, what):
        if done == after:
            raise StopError

    with pytest.raises(StopError):
        thermal_averages(model, T, KIND, HOW, NAMES, options, progress=progress)


def test_an_interrupted_sum_goes_on_from_its_finished_blocks(tmp_path, monkeypatch):
    options = Options(checkpoint=tmp_path / "ring.checkpoint", checkpoint_interval=0.0)
    whole = thermal_averages(MODEL, T, KIND, HOW, NAMES)
    interrupted(MODEL, options, 4)
    folder = tmp_path / "ring.blocks"
    files = sorted(folder.iterdir())
    assert len(files) == 4
    assert not list(folder.glob("*.partial"))
    files[0].write_bytes(files[0].read_bytes()[:-3])  # torn
    damaged = bytearray(files[1].read_bytes())
    damaged[40] ^= 1
    files[1].write_bytes(bytes(damaged))
    seen = []
    monkeypatch.setattr(
        "respair.analysis.thermal.blocks.Planned.check_memory", lambda self, *limits: seen.append(self.number)
    )
    again = thermal_averages(MODEL, T, KIND, HOW, NAMES, options)
    assert len(seen) == len(set(seen))
    for name in whole.data_vars:
        np.testing.assert_array_equal(again[name].values, whole[name].values, err_msg=str(name))
    assert not folder.exists()
    seen.clear()
    thermal_averages(MODEL, T, KIND, HOW, NAMES)
    everything = len(seen)
    seen.clear()
    interrupted(MODEL, options, 4)
    seen.clear()
    thermal_averages(MODEL, T, KIND, HOW, NAMES, options)
    assert len(seen) == everything - 4


def test_blocks_of_another_calculation_are_left_alone(tmp_path):
    options = Options(checkpoint=tmp_path / "ring.checkpoint", checkpoint_interval=0.0)
    interrupted(MODEL, options, 2)
    other = replace(MODEL, chemical_potential=0.4)
    direct = thermal_averages(other, T, KIND, HOW, NAMES)
    found = thermal_averages(other, T, KIND, HOW, NAMES, options)
    np.testing.assert_array_equal(found.energy.values, direct.energy.values)
    assert len(list((tmp_path / "ring.blocks").iterdir())) == 2


def test_quick_blocks_are_not_written(tmp_path):
    options = Options(checkpoint=tmp_path / "ring.checkpoint")
    interrupted(MODEL, options, 4)
    assert not (tmp_path / "ring.blocks").exists()


BEFORE = Path(__file__).parent / "kept_blocks" / "before.blocks"
"""Blocks of the four sums below, written by the version before."""
T_BEFORE = [0.2, 1.0]
RING, ONE = Model(ring(4), Electrons(1.0), Bosons(0.1, 0.8)), Model(site(), Electrons(1.0), Bosons(0.1, 0.8))
BLOCK = Ensemble("sector", Sector(8, 0, momentum=1))
FEW = Sampling("ftlm", samples=2, steps=10)
CURVE = ([0.0, 1.0], 0.3, "lorentzian")
SUMS = {
    "averages": lambda options: thermal_averages(RING, T_BEFORE, BLOCK, FEW, ["pair_exchange"], options),
    "spectrum": lambda options: thermal_spectral_function(
        RING, probe(RING, "boson"), T_BEFORE, *CURVE, BLOCK, FEW, options
    ),
    "flux": lambda options: thermal_flux_response(RING, [0.5], T_BEFORE, BLOCK, FEW, options),
    "exact spectrum": lambda options: thermal_spectral_function(
        ONE, probe(ONE, "electron"), T_BEFORE, *CURVE, Ensemble("canonical", Sector(2)), Sampling(), options
    ),
}


@pytest.mark.parametrize("name", SUMS)
def test_blocks_of_the_version_before_are_read(name, tmp_path, monkeypatch):
    shutil.copytree(BEFORE, tmp_path / "ring.blocks")
    wanted, computed = SUMS[name](Options()), []
    monkeypatch.setattr("respair.analysis.thermal.blocks.Planned.check_memory", lambda *args: computed.append(args))
    found = SUMS[name](Options(checkpoint=tmp_path / "ring.checkpoint", checkpoint_interval=0.0))
    assert not computed
    assert len(list((tmp_path / "ring.blocks").iterdir())) == len(list(BEFORE.iterdir())) - 1
    for variable in wanted.data_vars:
        # second differences over fluxes divide the roundings of ln Z by the square of their step
        rounding = 1e-13 / STEP**2 if name == "flux" else 1e-11
        np.testing.assert_allclose(found[variable], wanted[variable], rtol=1e-9, atol=rounding, err_msg=str(variable))
