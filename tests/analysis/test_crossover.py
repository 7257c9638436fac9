"""T* and T_phi: estimators on known curves, their error bars, and the table against a coupling."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from respair import Bosons, Electrons, InvalidModel, Model, Phonons, Sector, crossover_temperatures, dimer, ring, site
from respair.analysis.thermal.averages import thermal_averages
from respair.analysis.thermal.crossover import ESTIMATORS, level, steepest
from respair.analysis.thermal.ensembles import Ensemble, Sampling
from respair.analysis.thermal.flux import thermal_flux_response
from respair.studies import parse, read_data, records, run, show_result, write
from respair.studies.execution.figures import save_figures

GRID = np.geomspace(0.03, 4.0, 14)
RING = Model(ring(3), Electrons(hopping=1.0), Bosons(level=-0.2, exchange=0.8))
KIND = Ensemble("canonical", Sector(2))
ON_RINGS = {name: each for name, each in ESTIMATORS.items() if not each.planar}


def test_estimators_find_what_they_define():
    t = np.geomspace(0.05, 5.0, 60)
    curve = 1 / (1 + np.exp((t - 1.5) / 0.2))
    assert steepest(t, curve) == pytest.approx(1.5, rel=0.02)
    assert level(0.5, to_hot=False)(t, curve) == pytest.approx(1.5, rel=1e-3)
    assert level(0.5, to_hot=True)(t, 0.3 + curve) == pytest.approx(1.5, rel=1e-3)
    assert level(0.5, to_hot=True)(t, -curve) == pytest.approx(1.5, rel=1e-3)  # a curve that rises
    assert np.isnan(steepest(t, -t))
    assert np.isnan(level(0.5, to_hot=False)(t, 2 + curve))


def test_the_curves_are_those_of_the_thermal_state():
    found = crossover_temperatures(RING, GRID, ensemble=KIND)
    averages = thermal_averages(RING, GRID, KIND, names=["pair_exchange", "condensate"])
    np.testing.assert_allclose(found.pair, np.abs(averages.pair_exchange).mean("site"), atol=1e-12)
    np.testing.assert_allclose(found.condensate, averages.condensate_combined[:, 0], atol=1e-12)
    stiffness = thermal_flux_response(RING, [float(found.flux)], GRID, KIND).stiffness[:, 0]
    np.testing.assert_allclose(found.stiffness, stiffness, atol=1e-10)
    assert list(found.estimator.values) == list(ON_RINGS)
    assert set(found.role.values) == {"T*", "T_phi"}
    half = float(found.crossover.sel(estimator="pair_half"))
    at = thermal_averages(RING, [half], KIND, names=["pair_exchange"]).pair_exchange.values[0, 0]
    error = float(found.crossover_error.sel(estimator="pair_half"))
    assert abs(at) == pytest.approx(0.5 * float(found.pair[0]), abs=1e-3)
    assert 0 < error < 0.1 * half


@pytest.mark.slow
def test_sampled_crossovers_agree_within_their_errors():
    model = replace(RING, cluster=ring(4))
    grid, kind = GRID[::2], Ensemble("canonical", Sector(6))
    exact = crossover_temperatures(model, grid, ensemble=kind)
    sampled = crossover_temperatures(model, grid, ensemble=kind, sampling=Sampling("ftlm", 6, 30))
    for name in ("pair_half", "condensate"):
        one, two = (data.sel(estimator=name) for data in (exact, sampled))
        assert abs(float(two.crossover - one.crossover)) < 4 * float(two.crossover_error)
    assert np.max(sampled.pair_error) > 0


@pytest.mark.long
def test_the_lattice_raises_the_one_temperature_and_lowers_the_other():
    model = replace(RING, phonons=Phonons(1.0, boson_coupling=0.0, max_quanta=1), bosons=Bosons(0.0, 0.8))
    table = crossover_temperatures(model, GRID[::2], "boson_coupling", [0.0, 0.8], Ensemble("canonical", Sector(4)))
    assert table.crossover.dims == ("boson_coupling", "estimator")
    weak, strong = (table.crossover.sel(boson_coupling=value) for value in (0.0, 0.8))
    assert strong.sel(estimator="pair_half") > weak.sel(estimator="pair_half")
    assert strong.sel(estimator="condensate") < weak.sel(estimator="condensate")
    np.testing.assert_allclose(
        table.condensate.sel(boson_coupling=0.0),
        thermal_averages(model, GRID[::2], Ensemble("canonical", Sector(4)), names=["condensate"]).condensate_combined[
            :, 0
        ],
        atol=1e-12,
    )


TEXT = """
schema = 1
cluster.kind = "dimer"
electrons.hopping = 1.0
bosons = { level = 0.1, exchange = 0.8 }
thermal = { temperatures = { start = 0.05, stop = 4.0, count = 7, spacing = "log" }, observables = [], density = 1.5 }
crossover.broadening = 0.3
sweep = { "bosons.exchange" = [0.6, 0.8] }
"""


@pytest.mark.long
def test_a_model_file_tables_both_temperatures_with_their_definitions(tmp_path):
    result = run(parse(TEXT, "dimer.toml"))
    record = records(result)[1]
    model = Model(dimer(), Electrons(1.0), Bosons(0.1, 0.8))
    direct = crossover_temperatures(model, np.geomspace(0.05, 4.0, 7), ensemble=Ensemble(density=1.5), broadening=0.3)
    found = record["crossover"]
    for role, key in (("T*", "T_star"), ("T_phi", "T_phi")):
        mine = [name for name, each in ON_RINGS.items() if each.role == role]
        assert list(found[key]) == mine
        for name in mine:
            one = direct.sel(estimator=name)
            assert found[key][name]["definition"] == one.definition.item()
            assert found[key][name]["value"] == (
                None if np.isnan(one.crossover) else pytest.approx(float(one.crossover))
            )
            assert found[key][name]["error"] == (
                None if np.isnan(one.crossover) else pytest.approx(float(one.crossover_error))
            )
    np.testing.assert_allclose(found["curves"]["dos"], direct.dos)
    console = Console(file=io.StringIO(), width=200)
    show_result(result, console)
    shown = console.file.getvalue()
    for name, estimator in ON_RINGS.items():
        assert f"{estimator.role} {name}: {estimator.definition}" in shown
    assert [path.name for path in save_figures(result, tmp_path / "dimer")] == [
        "dimer-thermal_entropy.png",
        "dimer-thermal_specific_heat.png",
        "dimer-crossovers.png",
    ]
    data = read_data(write(result, tmp_path / "dimer.nc"))
    np.testing.assert_allclose(data["crossover_value"][1], direct.crossover)


@pytest.mark.parametrize(
    ("changed", "problems"),
    [
        ({"count = 7": "count = 5"}, {"thermal.temperatures": "6 or more"}),
        (
            {"bosons = { level = 0.1, exchange = 0.8 }\n": "", "bosons.exchange": "electrons.hopping"},
            {"crossover": "add .bosons."},
        ),
        ({"broadening = 0.3": "broadening = 0"}, {"crossover.broadening": "above 0"}),
        ({"broadening = 0.3": "width = 0.3"}, {"crossover.width": "broadening"}),
    ],
)
def test_what_a_crossover_needs_is_checked(changed, problems):
    text = TEXT
    for old, new in changed.items():
        text = text.replace(old, new)
    with pytest.raises(InvalidModel) as caught:
        parse(text, "dimer.toml")
    found = {problem.path: f"{problem.got} {problem.allowed}" for problem in caught.value.problems}
    for path, words in problems.items():
        assert re.search(words, found[path])


def test_a_crossover_needs_a_thermal_state():
    text = "\n".join(line for line in TEXT.splitlines() if not line.startswith("thermal"))
    with pytest.raises(InvalidModel, match=r"thermal: got nothing; add a \[thermal\] table"):
        parse(text, "dimer.toml")


def test_clusters_without_a_loop_have_no_stiffness():
    found = crossover_temperatures(Model(dimer(), Electrons(1.0), Bosons(0.1, 0.8)), GRID)
    assert np.isnan(found.crossover.sel(estimator="stiffness"))
    assert np.isfinite(found.crossover.sel(estimator="pair_half"))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"model": Model(site(), Electrons())}, "electrons and local pairs"),
        ({"temperatures": [0.1, 0.2]}, "6 or more"),
        ({"temperatures": GRID[::-1]}, "ascending"),
        ({"axis": "hopping"}, "exchange, level"),
        ({"axis": "boson_coupling"}, "exchange, level"),
        ({"ensemble": Ensemble(density=9.0)}, "between 0 and 4"),
    ],
)
def test_what_cannot_be_is_refused(asked, message):
    with pytest.raises(InvalidModel, match=message):
        crossover_temperatures(**{"model": RING, "temperatures": GRID, "values": [1.0], **asked})
