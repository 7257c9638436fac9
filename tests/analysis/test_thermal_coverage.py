"""Coverage of thermal error bars: random vectors and the phonon cutoff together, against larger caps and all levels."""

from dataclasses import replace

import numpy as np
import pytest

from respair import Bosons, Electrons, Model, Phonons, Sector, chain, dimer, ligand_centre, ring
from respair.analysis.thermal import blocks as thermal_blocks
from respair.analysis.thermal import cutoff as thermal_cutoff
from respair.analysis.thermal.averages import thermal_averages
from respair.analysis.thermal.ensembles import Ensemble, Sampling, ThermalSum
from respair.analysis.thermal.sums import jackknife, thermal_totals
from respair.solvers.krylov import long_samples

NAMES = ("quanta", "displacement", "displacement_squared", "electron_density", "double_occupancy")
SHAPES = (dimer(), chain(3), ring(3), ligand_centre(3))


def drawn(random):
    """A small model with few quanta, temperatures, its ensemble, and the same model with many quanta."""
    cluster = SHAPES[random.integers(len(SHAPES))]
    frequency = float(np.exp(random.uniform(np.log(0.3), np.log(2))))
    t = np.sort(frequency * np.exp(random.uniform(np.log(0.1), np.log(1.2), 3)))
    electrons = Electrons(float(random.uniform(0.3, 1.5)), hubbard_u=float(random.uniform(-2, 6)))
    has_bosons = cluster.sites == 3 and bool(random.integers(2))
    bosons = Bosons(float(random.uniform(-1, 1)), float(random.uniform(0.1, 1))) if has_bosons else None
    coupling = {"boson_coupling" if has_bosons else "electron_coupling": float(random.uniform(0.1, 1.2))}
    quanta, modes = int(random.integers(4, 9)), "all" if cluster.sites == 2 else [0]
    phonons = Phonons(frequency, on=modes, total_quanta=quanta, **coupling)
    model = Model(cluster, electrons, bosons, phonons)
    kind = Ensemble(str(random.choice(["canonical", "sector"])), Sector(int(random.integers(2, 4))))
    return model, t.tolist(), kind, replace(model, phonons=replace(phonons, total_quanta=quanta + 12))


def pulls(seeds):
    """Errors over error bars of all numbers that random vectors or the cutoff change."""
    found = []
    for seed in seeds:
        model, t, kind, large = drawn(np.random.default_rng(seed))
        data = thermal_averages(model, t, kind, Sampling("ftlm", samples=12, steps=20), NAMES)
        right = thermal_averages(large, t, kind, Sampling("exact"), NAMES, cutoff_errors=False)
        if not int(data.sampled_blocks):
            continue
        for name in (n for n in data.data_vars if f"{n}_error" in data and n != "cutoff_probability"):
            off = np.abs(data[name] - right[name]).values
            seen = off > np.maximum(1e-8, 1e-7 * np.abs(right[name].values))
            found.append((off[seen] / data[f"{name}_error"].values[seen]).ravel())
    return found


def covered(found, bars):
    """The share of all points within some error bars."""
    return float(np.mean(np.concatenate(found) <= bars))


def test_sampled_sums_of_large_blocks_are_those_of_stored_vectors(monkeypatch):
    model, t, kind, _ = drawn(np.random.default_rng(5))
    some = model, t, kind, Sampling("ftlm", samples=3), NAMES
    stored = thermal_averages(*some, cutoff_errors=False)
    monkeypatch.setattr(thermal_blocks, "LONG_FROM", 0)
    for kept in (1 << 30, 0):  # with all Lanczos vectors kept, and with none
        monkeypatch.setattr(long_samples, "KEPT_BYTES", kept)
        again = thermal_averages(*some, cutoff_errors=False)
        for name in stored.data_vars:
            np.testing.assert_allclose(again[name].values, stored[name].values, atol=1e-8, err_msg=str(name))


def test_the_lower_cap_takes_parts_of_the_same_random_vectors():
    """Differences between caps then carry less noise, by far where it is cold."""
    model, t, kind, _ = drawn(np.random.default_rng(2))
    asked = ThermalSum.of(model, t, kind, Sampling("ftlm", samples=4, steps=30))
    fewer = replace(model, phonons=replace(model.phonons, total_quanta=model.phonons.total_quanta - 2))
    here, inside, apart = (
        thermal_totals(replace(asked, model=m, within=within)).totals.energy
        for m, within in ((model, None), (fewer, model), (fewer, None))
    )
    within, independent = (jackknife(here - other)[1] for other in (inside, apart))
    assert np.all(within < [0.1, 0.4, 0.8] * independent)


def test_an_automatic_cutoff_is_reached_with_random_vectors(monkeypatch):
    model, t, kind, large = drawn(np.random.default_rng(2))
    monkeypatch.setattr(thermal_cutoff.Ladder, "fits", lambda ladder, caps, seconds: False)
    auto = replace(model, phonons=replace(model.phonons, total_quanta=None, cutoff="auto", accuracy=1e-3))
    data = thermal_averages(auto, t[:2], kind, Sampling("ftlm", samples=4, steps=30), ["quanta"])
    assert float(data.quanta_cutoff_error.max()) <= 1e-3
    same = replace(model, phonons=replace(model.phonons, total_quanta=int(data.total_quanta)))
    right, cut = (thermal_averages(m, t[:2], kind, "exact", ["quanta"], cutoff_errors=False) for m in (large, same))
    for name in ("quanta", "free_energy", "energy"):
        assert np.all(np.abs(right[name] - cut[name]) <= data[f"{name}_cutoff_error"] + 1e-9), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "models"), [("a larger cap", 500), ("lower caps", 100), ("parts of the random vectors", 100)]
)
def test_error_bars_of_random_models_cover(how, models, monkeypatch):
    if how != "a larger cap":
        monkeypatch.setattr(thermal_cutoff.Ladder, "_above", lambda ladder, seconds: None)
    if how == "parts of the random vectors":
        monkeypatch.setattr(thermal_cutoff.Ladder, "fits", lambda ladder, caps, seconds: False)
    found = pulls(range(models))
    assert len(found) > 5 * models
    assert covered(found, 1) >= 0.68
    assert covered(found, 2) >= 0.95
