"""Files made by version 0.1 are read, and what it began is gone on with."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import respair as rp
from respair.analysis.thermal.blocks import Planned
from respair.cli import app
from respair.studies import read_data

OLD = Path(__file__).parents[1] / "reference" / "version_0_1"


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(OLD, tmp_path / "old"))


def run(path):
    done = CliRunner().invoke(app, ["run", str(path), "--json", "--out", str(path.parent)])
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def compare(old, new, place=""):
    """Every key of the old record is in the new one, with the same number."""
    if isinstance(old, dict):
        assert set(old) <= set(new), f"{place}: {set(old) - set(new)} is missing"
        for key in set(old) - {"versions", "wall_time", "file", "matvecs", "residuals", "host"}:
            compare(old[key], new[key], f"{place}.{key}")
    elif isinstance(old, list):
        assert len(old) == len(new), place
        for one, other in zip(old, new, strict=True):
            compare(one, other, place)
    elif isinstance(old, float) and not place.endswith(("errors", "_error")):
        assert new == pytest.approx(old, abs=1e-7), place
    elif not isinstance(old, float):
        assert new == old, place


@pytest.mark.long
def test_a_result_has_the_same_keys_and_numbers(folder):
    old = json.loads((folder / "result.json").read_text())
    data = read_data(folder / "result.nc")
    np.testing.assert_allclose(data["energies"].values, old["ground_state"]["energies"])
    compare(old, run(folder / "result.toml"))
    again = read_data(folder / "result.nc")
    assert set(data.variables) <= set(again.variables)
    assert all(data[name].dims == again[name].dims for name in data.variables)


def test_an_interrupted_search_goes_on(folder):
    model = rp.Model(
        rp.ring(4), rp.Electrons(1.0), rp.Bosons(0.5, 0.8), rp.Phonons(1.0, boson_coupling=1.0, max_quanta=3)
    )
    sector, products = rp.Sector(8, momentum=0, reflection=1), []
    options = rp.Options(checkpoint=folder / "search.checkpoint", tolerance=1e-12)
    found = rp.ground_state(model, sector, options=options, progress=lambda n, *rest: products.append(n))
    assert products[0] >= 40
    np.testing.assert_allclose(found.energies, rp.ground_state(model, sector).energies, rtol=0, atol=1e-10)


@pytest.mark.long
def test_an_interrupted_sweep_goes_on(folder):
    kept = {path: path.stat().st_mtime_ns for path in (folder / "sweep.study" / "points").glob("*.point")}
    assert len(kept) == 3
    run(folder / "sweep.toml")
    points = list((folder / "sweep.study" / "points").glob("*.point"))
    assert len(points) == 6
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_an_interrupted_thermal_sum_goes_on(folder, monkeypatch):
    computed = []
    check = Planned.check_memory
    monkeypatch.setattr(
        "respair.analysis.thermal.blocks.Planned.check_memory",
        lambda self, asked: computed.append(self.number) or check(self, asked),
    )
    kept = len(list((folder / "thermal.blocks").glob("*.block")))
    run(folder / "thermal.toml")
    begun_anew = list(computed)
    computed.clear()
    run(folder / "thermal.toml")
    assert len(begun_anew) == len(computed) - kept
    assert not (folder / "thermal.blocks").exists()
