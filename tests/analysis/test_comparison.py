"""Approximations beside the exact answer: errors, maps, claims, model files, and one's own."""

import json

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from respair.analysis import observables
from respair.analysis.approximations import (
    STANDARD,
    Approximation,
    BoundViolation,
    compare,
    comparison_map,
    lang_firsov,
)
from respair.analysis.plots.comparisons import plot_best_map, plot_error_lines, plot_error_map
from respair.cli.commands import app
from respair.clusters import dimer, ring
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons, Sector
from respair.solvers import ground_state
from respair.studies import parse, read_data, records, run


def resonant(alpha=0.6, omega=1.0):
    return Model(dimer(), Electrons(1.0), Bosons(0.2, 0.8), Phonons(omega, "all", alpha, total_quanta=14))


def test_errors_are_those_of_the_datasets():
    model, sector = resonant(), Sector(2)
    data = compare(model, sector, ["lang-firsov", "coherent-product"])
    levels = ground_state(model, sector)
    exact = observables(levels.ground)
    assert float(data.exact_energies[0]) == pytest.approx(levels.energies[0], abs=1e-9)
    for k, name in enumerate(("lang-firsov", "coherent-product")):
        alone = STANDARD[name](model, sector)
        for quantity in ("electron_density", "boson_density", "pair_exchange", "displacement"):
            off = np.max(np.abs(alone[quantity].values - exact[quantity].values))
            assert float(data[f"absolute_error_{quantity}"][k]) == pytest.approx(off, abs=1e-8)
            relative = off / np.max(np.abs(exact[quantity].values))
            assert float(data[f"relative_error_{quantity}"][k]) == pytest.approx(relative, abs=1e-8)
            band = float(data[f"within_{quantity}"][k])
            assert relative <= band or np.isnan(band)
        nearest = int(np.argmin(data[f"absolute_error_{quantity}"].values))
        assert str(data[f"best_{quantity}"].values) == ("lang-firsov", "coherent-product")[nearest]
    assert "own.coherent-product.minima" in data
    assert np.isnan(data.absolute_error_pair_correlation[0])  # the transformation has none


def test_ones_own_approximation_takes_part_everywhere():
    def no_exchange(model, sector):
        return xr.Dataset({"energies": ("level", ground_state(Model(dimer(), Electrons(1.0)), sector).energies)})

    mine = {**STANDARD, "bare": Approximation("bare", no_exchange, asymptotic="v -> 0")}
    data = compare(resonant(), Sector(2), ["bare", "lang-firsov"], mine)
    assert data.claim.values.tolist()[0] == "exact as v -> 0"
    assert float(data.energies[0, 0]) == pytest.approx(-2.0)
    assert np.isnan(data.absolute_error_displacement[0])
    axes = {"alpha": [0.1, 0.5, 0.9]}
    line = comparison_map(resonant, axes, Sector(2), ["bare", "lang-firsov"], mine, ["energies"])
    assert dict(line.relative_error_energies.sizes) == {"alpha": 3, "approximation": 2}
    assert line.best_energies.values.tolist() == ["lang-firsov"] * 3
    assert plot_error_lines(line, "energies", "alpha").get_legend() is not None


def test_a_claimed_bound_that_does_not_hold_is_an_error():
    def too_low(model, sector):
        return lang_firsov(model, sector) - 1.0

    for bound, sign in (("upper", 1.0), ("lower", -1.0)):
        wrong = {"wrong": Approximation("wrong", lambda m, s, f=sign: f * too_low(m, s), bound=bound)}
        with pytest.raises(BoundViolation, match=f"claims to be an {bound} bound"):
            compare(resonant(), Sector(2), ["wrong"], wrong, ["energies"])
    right = {"right": Approximation("right", too_low, bound="lower")}
    assert float(compare(resonant(), Sector(2), ["right"], right).absolute_error_energies[0]) > 0


@pytest.mark.parametrize("t", [0.0, 0.2])
def test_thermal_comparisons(t):
    model = Model(ring(3), Electrons(1.0), Bosons(-0.2, 0.9), chemical_potential=-0.1)
    data = compare(model, t, ["mean-field", "mean-field-sites"])
    assert np.all(data.grand_potential >= data.exact_grand_potential)
    off = abs(float(data.charge[0]) - float(data.exact_charge))
    assert float(data.absolute_error_charge[0]) == pytest.approx(off, abs=1e-12)
    if t == 0:
        lowest = min(ground_state(model, Sector(n)).energies[0] for n in range(13))
        assert float(data.exact_grand_potential) == pytest.approx(lowest, abs=1e-9)
        assert float(data.exact_energy) == float(data.exact_grand_potential)


def test_maps_over_two_parameters():
    axes = {"omega": [0.3, 1.0, 6.0], "alpha": [0.3, 0.9]}

    def holstein(omega, alpha):
        return Model(dimer(), Electrons(1.0), phonons=Phonons(omega, [0], 0.0, alpha, max_quanta=25))

    names = ["lang-firsov", "adiabatic", "adiabatic-bound"]
    data = comparison_map(holstein, axes, Sector(1), names, quantities=["energies"])
    assert dict(data.relative_error_energies.sizes) == {"omega": 3, "alpha": 2, "approximation": 3}
    point = compare(holstein(6.0, 0.9), Sector(1), names, quantities=["energies"])
    np.testing.assert_array_equal(data.relative_error_energies.values[2, 1], point.relative_error_energies)
    assert set(data.best_energies.values[0]) == {"adiabatic"}
    nearest = np.array(names)[np.argmin(data.absolute_error_energies.values, axis=-1)]
    np.testing.assert_array_equal(data.best_energies.values, nearest)
    assert len(set(nearest.ravel())) == 2
    assert plot_error_map(data, "energies", "adiabatic", "alpha", "omega").get_title() == "adiabatic"
    assert plot_best_map(data, "energies", "alpha", "omega").get_legend() is not None


def test_all_that_apply_take_part_by_default():
    data = compare(Model(dimer(), Electrons(0.1, 0.0, -3.0)), Sector(2), quantities=["energies"])
    assert data.approximation.values.tolist() == ["bipolaron-perturbation", "atomic-limit"]


@pytest.mark.parametrize(
    ("names", "quantities", "why"),
    [
        (["mean-feild"], None, "mean-field"),
        (["mean-field"], None, "give a temperature"),
        (["lang-firsov"], ["entropy"], "allowed: energies"),
        ([], None, "none applies"),
    ],
)
def test_what_cannot_be_compared_is_refused(names, quantities, why):
    with pytest.raises(InvalidModel, match=why):
        compare(resonant(), Sector(2), names, quantities=quantities)


FILE = """
schema = 1
cluster.kind = "dimer"
electrons.hopping = 1.0
phonons = { frequency = 1.0, on = [0], electron_coupling = 0.8, max_quanta = 25 }
sector.charge = 1
[compare]
approximations = ["lang-firsov-variational", "adiabatic", "adiabatic-bound", "lang-firsov"]
displacements = [0.0, 1.0]
"""
MAP = """
[sweep]
"phonons.frequency" = [0.5, 4.0]
"phonons.electron_coupling" = [0.0, 0.8]
"""


def test_a_model_file_with_a_comparison():
    (record,) = records(run(parse(FILE, "compare.toml")))
    found = record["compare"]
    assert set(found) == {"exact", "exact_errors", "best", "approximations", "surface"}
    model = Model(dimer(), Electrons(1.0), phonons=Phonons(1.0, [0], 0.0, 0.8, max_quanta=25))
    assert found["exact"]["energies"] == pytest.approx(ground_state(model, Sector(1)).energies.tolist(), abs=1e-9)
    for name, each in found["approximations"].items():
        alone = STANDARD[name](model, Sector(1))
        assert each["energies"] == pytest.approx(alone.energies.values.tolist(), abs=1e-9)
        assert each["claim"] == STANDARD[name].claim
        off = abs(each["energies"][0] - found["exact"]["energies"][0])
        assert each["absolute_error"]["energies"] == pytest.approx(off, abs=1e-9)
    assert "n_minima" in found["approximations"]["adiabatic"]
    assert not [key for key in found["approximations"]["lang-firsov"] if key.startswith("variational")]
    assert found["surface"]["adiabatic_energy"][0] == pytest.approx(-1.0, abs=1e-12)
    assert found["best"]["energies"] in found["approximations"]


def test_a_temperature_makes_it_grand_canonical():
    text = """
    schema = 1
    cluster = { kind = "ring", sites = 3 }
    electrons.hopping = 1.0
    bosons = { level = -0.2, exchange = 0.9 }
    compare = { approximations = ["mean-field", "atomic-limit"], temperature = 0.2 }
    """
    found = records(run(parse(text, "thermal.toml")))[0]["compare"]
    assert found["temperature"] == 0.2
    assert found["approximations"]["mean-field"]["critical_temperature"] > 0
    assert found["approximations"]["atomic-limit"]["grand_potential"] >= found["exact"]["grand_potential"]


@pytest.mark.long
def test_a_sweep_gives_a_map_and_its_figures(tmp_path):
    path = tmp_path / "map.toml"
    fewer = FILE.replace('"lang-firsov-variational", ', "").replace('"adiabatic-bound", ', "")
    quantities = ["energies", "electron_density", "displacement", "pair_correlation"]
    path.write_text(f"{fewer}quantities = {json.dumps(quantities)}\n{MAP}")
    done = CliRunner().invoke(app, ["run", str(path), "--json", "--plot", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    data = read_data(tmp_path / "map.nc")
    axes = ("phonons.frequency", "phonons.electron_coupling")
    assert data.compare_best_energies.dims == axes
    assert data.compare_within_energies.dims == (*axes, "approximation")
    for k, line in enumerate(lines):
        assert str(data.compare_best_energies.values.ravel()[k]) == line["compare"]["best"]["energies"]
    names = {figure.name for figure in tmp_path.glob("*.png")}
    for quantity in ("energies", "electron_density", "displacement"):
        titles = ("best", "adiabatic", "lang-firsov", "lines")
        assert {f"map-{title}-{quantity}.png" for title in titles} <= names
    assert not [name for name in names if "lang-firsov-pair_correlation" in name]  # it defines none


def test_a_comparison_is_shown_as_a_table(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(FILE)
    done = CliRunner().invoke(app, ["run", str(path), "--plot", "--out", str(tmp_path)], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.stderr
    assert "lower bound" in done.stdout
    assert "Nearest: " in done.stdout
    assert (tmp_path / "one-compare.png").exists()


def test_a_sweep_tells_how_often_each_is_the_nearest_and_how_near(tmp_path):
    path = tmp_path / "map.toml"
    path.write_text(FILE.replace('"lang-firsov-variational", ', "") + MAP.replace("[0.5, 4.0]", "[0.5]"))
    done = CliRunner().invoke(app, ["run", str(path), "--out", str(tmp_path)], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.stderr
    assert "compare: energies at 2 points" in done.stdout
    (row,) = [line for line in done.stdout.splitlines() if "adiabatic-bound" in line]
    data = read_data(tmp_path / "map.nc").isel({"phonons.frequency": 0}).sel(approximation="adiabatic-bound")
    errors = data.compare_relative_error_energies.values
    counts = [int((errors <= level).sum()) for level in (0.01, 0.05, 0.2)]
    assert [cell.strip() for cell in row.strip("│").split("│")][1:] == ["0", *map(str, counts), f"{errors.max():.3g}"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"lang-firsov"]', '"lang-firsof"]', "did you mean"),
        ('"lang-firsov"]', '"mean-field"]', "does not apply: it describes the grand-canonical ensemble"),
        ('"lang-firsov"]', '"bipolaron-perturbation"]', "a mode on each site"),
        ("displacements = [0.0, 1.0]", "temperature = -1.0", "allowed: a number, 0 or more"),
        ("displacements = [0.0, 1.0]", 'quantities = ["entropy"]', "allowed: energies"),
        ("sector.charge = 1", "", "add a \\[sector\\] table"),
        ("approximations = [", "approximatons = [", "did you mean"),
    ],
)
def test_a_wrong_comparison_is_refused_before_anything_is_computed(old, new, why):
    with pytest.raises(InvalidModel, match=why):
        parse(FILE.replace(old, new), "wrong.toml")


def test_an_approximation_that_fails_at_one_point_of_a_sweep_is_named_with_the_point():
    text = """
    schema = 1
    cluster.kind = "dimer"
    electrons = { hopping = 0.1, hubbard_u = -3.0 }
    sector.charge = 2
    compare.approximations = ["bipolaron-perturbation"]
    sweep = { "electrons.hubbard_u" = [-3.0, 1.0] }
    """
    with pytest.raises(InvalidModel, match=r"pairs are not bound.*hubbard_u = 1"):
        parse(text, "sweep.toml")
