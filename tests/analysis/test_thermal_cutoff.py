"""Error bars of thermal numbers against the model without a cutoff: closed forms, and larger caps in another frame."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

from respair import Bosons, Electrons, Model, Phonons, Sector, dimer, ligand_centre, ring, site
from respair.analysis import probe
from respair.analysis.thermal import cutoff as thermal_cutoff
from respair.analysis.thermal.averages import thermal_averages
from respair.analysis.thermal.ensembles import Ensemble, Sampling
from respair.analysis.thermal.flux import thermal_flux_response
from respair.analysis.thermal.phonon_tail import displaced_thermal
from respair.analysis.thermal.spectra import thermal_spectral_function
from respair.studies import parse, records, run

NAMES = ("quanta", "displacement", "displacement_squared", "electron_density", "double_occupancy")
ONE = Ensemble("canonical", Sector(1))
SOFT = Model(site(), Electrons(), phonons=Phonons(0.1, electron_coupling=0.7, max_quanta=10))


@pytest.mark.parametrize(("displacement", "x"), [(0.0, 0.7), (1.3, 0.2), (2.0, 5.0)])
def test_probabilities_of_displaced_oscillators_are_those_of_the_displaced_gibbs_state(displacement, x):
    lower = np.diag(np.sqrt(np.arange(1.0, 200)), 1)
    move = expm(displacement * (lower.T - lower))
    gibbs = move @ np.diag(np.exp(-x * np.arange(200)) * (1 - np.exp(-x))) @ move.T
    np.testing.assert_allclose(displaced_thermal(displacement, np.array([x]), 40)[0], gibbs.diagonal()[:40], atol=1e-12)


@pytest.mark.parametrize("quanta", [3, 10, 30, 90])
def test_hot_phonons_lie_within_their_error_bars(quanta):
    """One electron on one site: <a+a> = 1 / (exp(omega0 / T) - 1) + alpha^2, <x> = 2 alpha, F in closed form."""
    model = replace(SOFT, phonons=replace(SOFT.phonons, max_quanta=quanta))
    data = thermal_averages(model, [1.0], ONE, names=NAMES).isel(temperature=0)
    bose = 1 / np.expm1(0.1)
    wanted = {
        "quanta": bose + 0.49,
        "displacement": 1.4,
        "displacement_squared": 2 * bose + 1 + 1.4**2,
        "free_energy": -np.log(2) - 0.049 + np.log(-np.expm1(-0.1)),
        "energy": 0.1 * bose - 0.049,
        "specific_heat": (0.05 / np.sinh(0.05)) ** 2,
    }
    for name, value in wanted.items():
        off, error = abs(data[name].values.item() - value), data[f"{name}_error"].values.item()
        assert off <= error <= 2 * off + 1e-6, name
        assert error == data[f"{name}_cutoff_error"].values.item()


def test_an_automatic_cutoff_finds_the_quanta_of_hot_phonons():
    model = replace(SOFT, phonons=replace(SOFT.phonons, max_quanta=None, cutoff="auto", accuracy=1e-5))
    data = thermal_averages(model, [0.3, 1.0], ONE, names=["quanta"])
    np.testing.assert_allclose(data.quanta.values[:, 0], 1 / np.expm1(0.1 / np.array([0.3, 1.0])) + 0.49, atol=1e-5)
    assert max(float(data[name].max()) for name in data.data_vars if str(name).endswith("_error")) <= 1e-5
    lines = thermal_spectral_function(model, probe(model, "displacement"), [0.5], [0.1], 0.05, ensemble=ONE)
    assert float(lines.values_error.max()) <= 1e-5 < float(lines["values"].min())


def test_an_automatic_cutoff_that_does_not_fit_is_refused_with_numbers():
    phonons = Phonons(0.1, electron_coupling=0.5, cutoff="auto", accuracy=1e-4)
    model = Model(ring(4), Electrons(1.0), phonons=phonons)
    with pytest.raises(MemoryError, match=r"all levels of [\d,]+ states need about .*; take method = \"ftlm\""):
        thermal_averages(model, [1.0], ONE, Sampling("exact"))


def test_a_model_file_with_an_automatic_cutoff_records_the_cap_and_both_errors():
    text = """
        schema = 1
        cluster = { kind = "ring", sites = 3 }
        electrons = { hopping = 1.0 }
        phonons = { frequency = 1.0, on = [0], electron_coupling = 0.5, cutoff = "auto", accuracy = 1e-5 }
        sector = { charge = 1 }
        thermal = { temperatures = [0.4], ensemble = "sector", observables = ["quanta"] }
        flux = { values = [0.3] }
    """
    found = records(run(parse(text, "ring.toml")))[0]["thermal"]
    assert found["total_quanta"] > 4
    assert 0 < found["errors"]["energy"][0] <= 1e-5
    assert found["cutoff_errors"]["energy"] == found["errors"]["energy"]
    assert 0 < found["flux"]["errors"]["stiffness"][0][0] <= 1e-5


def test_spectra_and_stiffness_carry_the_error_of_the_cutoff():
    def capped(quanta):
        return Model(ring(3), Electrons(1.0), phonons=Phonons(0.6, on=[0], electron_coupling=0.8, max_quanta=quanta))

    t, omega = [0.4, 1.5], [-1.0, 0.0, 2.0]
    few, many = (
        thermal_spectral_function(capped(n), probe(capped(n), "electron"), t, omega, 0.3, ensemble=ONE) for n in (4, 40)
    )
    off = np.abs(few["values"] - many["values"])
    assert np.all(off <= few.values_error)
    assert np.all(few.values_error <= 2 * off + 1e-9)
    few, many = (thermal_flux_response(capped(n), [0.4], t, ONE) for n in (4, 40))
    for name in ("free_energy", "current", "stiffness", "drude"):
        assert np.all(np.abs(few[name] - many[name]) <= few[f"{name}_error"])


def drawn(random, shapes):
    """A model with few quanta, its temperatures, an ensemble, and the same model with many quanta in another frame."""
    frequency = float(np.exp(random.uniform(np.log(0.1), np.log(3))))
    t = frequency * np.exp(random.uniform(np.log(0.1), np.log(8), 2))
    electrons = Electrons(0.0, hubbard_u=float(random.uniform(-2, 6)), level=float(random.uniform(-2, 2)))
    frame, most = str(random.choice(["none", "mean", "lang-firsov"])), int(40 + 20 * max(t) / frequency)
    caps = {str(random.choice(["max_quanta", "total_quanta"])): int(random.integers(2, 12))}
    alpha, kind = float(random.uniform(0, 1.6)), Ensemble("canonical", Sector(2))
    shape = random.integers(shapes)
    if shape == 0:
        bosons = Bosons(float(random.uniform(-1, 1)), float(random.uniform(0.1, 1)))
        model = Model(site(), electrons, bosons, Phonons(frequency, boson_coupling=alpha, displacement=frame, **caps))
        kind = Ensemble()
    elif shape == 1:
        phonons = Phonons(frequency, electron_coupling=alpha, displacement=frame, **caps)
        model, kind = Model(site(), electrons, phonons=phonons), Ensemble()
    elif shape == 2:
        phonons = Phonons(frequency, on="ligand", electron_coupling=alpha, displacement=frame, **caps)
        level = {"ligand": float(random.uniform(-1, 3))}
        model, t = Model(ligand_centre(2), Electrons(1.0, level=level), phonons=phonons), np.minimum(t, 3 * frequency)
        most = int(40 + 20 * max(t) / frequency)
    else:
        t, alpha = np.minimum(t, 2 * frequency), min(alpha, 1.0)
        phonons = Phonons(
            frequency, electron_coupling=alpha, displacement=frame, total_quanta=max(caps.values()) // 2 + 2
        )
        model = Model(dimer(), replace(electrons, hopping=1.0), phonons=phonons)
        most = int(22 + 6 * max(t) / frequency)
    large = replace(model.phonons, max_quanta=None, total_quanta=most, displacement="mean")
    return model, t.tolist(), kind, replace(model, phonons=large)


def pulls(seeds, shapes):
    """Errors over error bars, of all numbers that the cutoff changes by more than a rounding error."""
    found = []
    for seed in seeds:
        model, t, kind, large = drawn(np.random.default_rng(seed), shapes)
        data, right = (thermal_averages(m, t, kind, Sampling("exact"), NAMES) for m in (model, large))
        for name in (n for n in data.data_vars if f"{n}_error" in data and n != "cutoff_probability"):
            off = np.abs(data[name] - right[name]).values
            seen = off > np.maximum(1e-8, 1e-7 * np.abs(right[name].values))
            found += (off[seen] / data[f"{name}_error"].values[seen]).tolist()
    return np.array(found)


def test_error_bars_do_not_vanish_where_a_difference_changes_sign():
    """What the cutoff does to averages and spectra of hot phonons is positive here and negative there."""
    model = replace(SOFT, phonons=replace(SOFT.phonons, max_quanta=6))
    large = replace(SOFT, phonons=replace(SOFT.phonons, max_quanta=200))
    t, omega = np.linspace(0.05, 1.0, 24), np.linspace(-0.4, 0.4, 33)
    data, right = (thermal_averages(m, t, ONE, names=["quanta"]) for m in (model, large))
    for name in ("specific_heat", "energy", "entropy"):
        assert np.all(np.abs(data[name] - right[name]) <= data[f"{name}_error"] + 1e-12), name
    spectra = (thermal_spectral_function(m, "displacement", t[::8], omega, 0.02, ensemble=ONE) for m in (model, large))
    few, many = spectra
    off = np.abs(few["values"] - many["values"]).values
    assert np.all(off <= few.values_error.values + 1e-12)
    assert few.values_error.values.min() >= 1e-4 * off.max(axis=1).min()


@pytest.mark.parametrize("reach", [np.inf, 1.0])
def test_a_valley_is_filled_to_its_lower_rim_whatever_the_order(reach):
    points, error = np.array([3.0, 0.0, 2.0, 1.0, 4.0]), np.array([8.0, 1.0, 0.0, 4.0, 9.0])
    wanted = 0.5 * np.array([8.0, 1.0, 4.0, 4.0, 9.0])
    np.testing.assert_array_equal(thermal_cutoff.filled(points, error, 0, reach), wanted)
    np.testing.assert_array_equal(thermal_cutoff.filled(points, np.tile(error, (2, 1)), 1, reach)[1], wanted)


@pytest.mark.long
def test_error_bars_of_random_models_hold_where_larger_caps_are_affordable():
    found = pulls(range(8), 2)
    assert len(found) > 40
    assert np.all(found <= 1.1)
    assert np.median(found) > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("larger", [True, False])
def test_error_bars_of_many_random_models_are_calibrated(larger, monkeypatch):
    if not larger:
        monkeypatch.setattr(thermal_cutoff.Ladder, "_above", lambda self, seconds: None)
    found = pulls(range(100, 200), 4)
    assert np.mean(found <= 1) >= 0.95
    assert np.mean(found <= 2) >= (1.0 if larger else 0.99)
    assert np.median(found) > (0.5 if larger else 0.05)
