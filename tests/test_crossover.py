"""T* and T_phi: estimators on known curves, their error bars, and the table against a coupling."""

from dataclasses import replace

import numpy as np
import pytest

from respair import Bosons, Electrons, InvalidModel, Model, Phonons, Sector, crossover_temperatures, dimer, ring, site
from respair.analysis.crossover import ESTIMATORS, level, steepest
from respair.analysis.ensembles import Ensemble, Sampling
from respair.analysis.thermal import thermal_averages
from respair.analysis.thermal_flux import thermal_flux_response

GRID = np.geomspace(0.03, 4.0, 14)
RING = Model(ring(3), Electrons(hopping=1.0), Bosons(level=-0.2, exchange=0.8))
KIND = Ensemble("canonical", Sector(2))


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
    assert list(found.estimator.values) == list(ESTIMATORS)
    assert set(found.role.values) == {"T*", "T_phi"}
    half = float(found.crossover.sel(estimator="pair_half"))
    at = thermal_averages(RING, [half], KIND, names=["pair_exchange"]).pair_exchange.values[0, 0]
    error = float(found.crossover_error.sel(estimator="pair_half"))
    assert abs(at) == pytest.approx(0.5 * float(found.pair[0]), abs=1e-3)
    assert 0 < error < 0.1 * half


def test_sampled_crossovers_agree_within_their_errors():
    model = replace(RING, cluster=ring(4))
    grid, kind = GRID[::2], Ensemble("canonical", Sector(6))
    exact = crossover_temperatures(model, grid, ensemble=kind)
    sampled = crossover_temperatures(model, grid, ensemble=kind, sampling=Sampling("ftlm", 6, 30))
    for name in ("pair_half", "condensate"):
        one, two = (data.sel(estimator=name) for data in (exact, sampled))
        assert abs(float(two.crossover - one.crossover)) < 4 * float(two.crossover_error)
    assert np.max(sampled.pair_error) > 0


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
        ({"ensemble": Ensemble(density=1.0)}, "chemical potential"),
    ],
)
def test_what_cannot_be_is_refused(asked, message):
    with pytest.raises(InvalidModel, match=message):
        crossover_temperatures(**{"model": RING, "temperatures": GRID, "values": [1.0], **asked})
