"""Averages over realisations: means, standard errors, where they are written, and what is refused."""

import json

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from respair.cli.commands import app
from respair.clusters import ring
from respair.hamiltonians import Electrons, InvalidModel, Model
from respair.studies import averages, parse, read_data, records, run, study

FILE = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0, level = { disorder = 1.0, seed = 1, kind = "gaussian" } }
sector = { charge = 1 }
ground_state = { states = 2, observables = ["electron_density"] }

[sweep]
"electrons.level.disorder" = [0.5, 2.0]
"electrons.level.seed" = { start = 1, stop = 5, count = 5 }
average = ["electrons.level.seed"]
"""


@pytest.fixture(scope="module")
def result():
    return run(parse(FILE, "disorder.toml"))


def test_means_and_standard_errors(result):
    data, found = result.data, result.averages
    for name in ("energies", "electron_density"):
        values = data[name].transpose("electrons.level.seed", ...).values
        np.testing.assert_allclose(found[f"{name}_mean"], values.mean(axis=0), atol=1e-14)
        spread = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        np.testing.assert_allclose(found[f"{name}_mean_error"], spread, atol=1e-14)
    assert found["energies_mean"].dims == ("electrons.level.disorder", "level")
    assert found["realisations"].values.tolist() == [5, 5]
    assert found["energies_mean"].attrs["units"] == "energy"
    assert not any(str(name).startswith(("residual", "leak", "wall_time")) for name in found)


def test_records_follow_those_of_the_points(result):
    *points, first, second = records(result)
    assert len(points) == 10
    assert all("average" not in record for record in points)
    assert [record["point"] for record in (first, second)] == [{"electrons.level.disorder": w} for w in (0.5, 2.0)]
    average = second["average"]
    assert (average["over"], average["realisations"]) == (["electrons.level.seed"], 5)
    assert average["energies"]["mean"] == result.averages["energies_mean"].values[1].tolist()
    assert average["energies"]["standard_error"] == result.averages["energies_mean_error"].values[1].tolist()


@pytest.mark.long
def test_tables_json_files_and_figures(tmp_path):
    (tmp_path / "disorder.toml").write_text(FILE)
    given = ["run", str(tmp_path / "disorder.toml"), "--out", str(tmp_path)]
    table = CliRunner().invoke(app, [*given, "--plot"])
    assert table.exit_code == 0, table.output
    assert "averages over electrons.level.seed; standard errors in brackets" in table.output
    lines = CliRunner().invoke(app, [*given, "--json"]).stdout.splitlines()
    assert json.loads(lines[-1])["average"]["realisations"] == 5
    data = read_data(tmp_path / "disorder.nc")
    assert data["energies_mean"].shape == (2, 2)
    assert (tmp_path / "disorder-energies.png").exists()


def test_a_study_from_python_has_them():
    model = Model(ring(3), Electrons(1.0, {"disorder": 1.0, "seed": 0}))
    data = study(model, 1, sweep={"electrons.level.seed": [1, 2], "average": ["electrons.level.seed"]}).run()
    assert float(data["energies_mean"][0]) == pytest.approx(float(data["energies"].mean()))
    assert int(data["realisations"]) == 2


def test_points_that_failed_are_left_out():
    status = xr.DataArray(["done", "failed", "done"], dims="seed")
    data = xr.Dataset({"status": status, "a": ("seed", [1.0, np.nan, 3.0]), "b": ("seed", [1.0, np.nan, np.nan])})
    found = averages(data, ["seed"])
    assert (found["a_mean"].item(), found["a_mean_error"].item(), found["realisations"].item()) == (2.0, 1.0, 2)
    assert np.isnan(found["b_mean"])


def test_complex_numbers_and_one_realisation():
    data = xr.Dataset({"c": (("seed", "n"), [[1 + 1j], [3 - 1j]])})
    found = averages(data, ["seed"])
    assert found["c_mean"].values.tolist() == [2 + 0j]
    assert found["c_mean_error"].values == pytest.approx([np.sqrt(2)])
    assert np.isnan(averages(data.isel(seed=[0]), ["seed"])["c_mean_error"]).all()
    with pytest.raises(ValueError, match="'seeds' is not an axis of these data; they have seed, n"):
        averages(data, ["seeds"])


def test_linked_axes_are_averaged_together():
    text = FILE.replace("average =", 'linked = [["electrons.level.seed", "electrons.zeeman.seed"]]\naverage =')
    text = text.replace("hopping = 1.0,", "hopping = 1.0, zeeman = { disorder = 1.0, seed = 1 },")
    found = run(parse(text, "linked.toml"))
    assert found.averages["realisations"].values.tolist() == [5, 5]
    assert list(records(found)[-1]["point"]) == ["electrons.level.disorder"]


@pytest.mark.parametrize(
    ("average", "message"),
    [
        (
            '["electrons.level.mean"]',
            r"sweep.average\[0\]: got .*; allowed: an axis of the sweep",
        ),
        ('"electrons.level.seed"', r"sweep.average: got .*; allowed: a list of axes"),
    ],
)
def test_what_is_no_axis_is_refused(average, message):
    with pytest.raises(InvalidModel, match=message):
        parse(FILE.replace('["electrons.level.seed"]', average), "disorder.toml")


def test_one_value_is_no_average():
    with pytest.raises(InvalidModel, match="two or more values"):
        parse(FILE.replace("stop = 5, count = 5", "stop = 1, count = 1"), "disorder.toml")
