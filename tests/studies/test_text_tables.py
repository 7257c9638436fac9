"""Result files as CSV and as columns for gnuplot, and what xarray finds in them."""

import csv

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from respair.cli.commands import app
from respair.studies import parse, read_data, run, write
from respair.studies.file.text_tables import text_tables

TEXT = """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons = { hopping = 1.0, hubbard_u = 2.0 }
sector = { charge = 4 }
ground_state = { states = 2, observables = ["electron_density", "spin_correlation"] }
spectrum = { operator = "electron", momentum = "all", frequencies = { start = -4.0, stop = 4.0, count = 9 } }
"""


@pytest.fixture(scope="module")
def result():
    return run(parse(TEXT, "ring.toml"))


def test_momenta_come_in_the_order_of_k_with_blank_lines(result, tmp_path):
    write(result, tmp_path / "ring.nc")
    done = CliRunner().invoke(app, ["convert", str(tmp_path / "ring.nc"), "--csv", "--gnuplot", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "ring-momentum-omega.csv") in done.stdout
    text = (tmp_path / "ring-momentum-omega.dat").read_text()
    names = [name.partition(":")[2] for name in text.splitlines()[0].removeprefix("# ").split("  ")]
    assert names[:4] == ["k [1]", "momentum [1]", "omega [energy]", "spectrum_addition [1/energy]"]
    parts = text.split("\n", 1)[1].split("\n\n")
    blocks = [np.array([line.split("\t") for line in part.splitlines()], float) for part in parts]
    np.testing.assert_allclose([b[0, 0] for b in blocks], np.pi * np.array([-0.5, 0.0, 0.5, 1.0]))
    column = names.index("spectrum_intensity [1/energy]")
    wanted = result.data.spectrum_intensity.sel(momentum=[3, 0, 1, 2]).values
    np.testing.assert_array_equal(np.array([b[:, column] for b in blocks]), wanted)
    with (tmp_path / "ring-level.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["energies"]) for row in rows] == result.data.energies.values.tolist()
    assert rows[0]["labels"] == result.data.labels.values[0]


def test_two_blank_lines_separate_outer_values_and_complex_numbers_are_two_columns():
    values = np.arange(8.0).reshape(2, 2, 2) * (1 + 2j)
    data = xr.Dataset({"a": (("u", "k", "x"), values), "b": ("u", [np.nan, 1.0])}, {"u": [0.5, 1.5]})
    cube, line = text_tables(data)
    parts = [part.split("\n\n") for part in cube.gnuplot().split("\n", 1)[1].split("\n\n\n")]
    assert [len(part) for part in parts] == [2, 2]
    assert parts[1][1].splitlines()[1].split("\t") == ["1.5", "1", "1", "7.0", "14.0"]
    assert line.csv() == "u,b\n1.5,1.0\n"


def test_every_dimension_has_a_coordinate_and_every_coordinate_a_unit(result, tmp_path):
    for data in (result.data, read_data(write(result, tmp_path / "ring.nc"))):
        assert set(data.dims) <= set(data.coords)
        assert all("units" in data[name].attrs for name in data.coords)
        assert data.omega.attrs["units"] == "energy"
        np.testing.assert_allclose(data.k, np.pi * np.array([0.0, 0.5, 1.0, -0.5]), atol=1e-15)
        xr.testing.assert_equal(data.spectrum_values, data.spectrum_intensity)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none.nc", "--csv"], "no such file"),
        (["ring.toml", "--csv"], "not a result file"),
        (["ring.toml"], "--gnuplot"),
    ],
)
def test_what_cannot_be_converted_is_said(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ring.toml").write_text(TEXT)
    done = CliRunner().invoke(app, ["convert", *words])
    assert done.exit_code == 2
    assert says in done.output
