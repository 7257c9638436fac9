"""Error bars of Green's functions and susceptibilities: numbers without a cutoff lie within them."""

from dataclasses import replace

import numpy as np
import pytest
from calibration import random_case

import respair as rp
from respair.analysis import matsubara_frequencies
from respair.solvers import levels_by_symmetry

LATTICE = rp.Phonons(0.8, electron_coupling=0.6, max_quanta=2)
DIMER = rp.Model(rp.dimer(), rp.Electrons(1.0, [0.2, -0.1], 1.5), phonons=LATTICE, chemical_potential=0.3)
SITE = rp.Model(rp.site(), rp.Electrons(), rp.Bosons(0.3, 0.5), rp.Phonons(0.5, boson_coupling=0.8, max_quanta=3))
Z = np.array([0.1j, 0.9j, 5j, 0.7 + 0.2j, -1.4 + 0.3j])
ROUNDING = 1e-7
"""Of numbers with continued fractions."""


def with_cap(model, cap):
    return replace(model, phonons=replace(model.phonons, max_quanta=cap))


def check(few, many, names):
    for name in names:
        error, bar = np.abs(few[name].values - many[name].values), few[f"{name}_error"].values
        size = max(1.0, np.abs(many[name].values).max())
        assert np.all(error <= bar + ROUNDING * size), name
        assert np.median(bar) <= 20 * np.median(error) + ROUNDING, name


@pytest.mark.parametrize("cap", [2, pytest.param(1, marks=pytest.mark.long), pytest.param(4, marks=pytest.mark.long)])
def test_greens_functions_without_a_cutoff_lie_within_the_bars(cap):
    few, many = (with_cap(DIMER, n) for n in (cap, 14))
    found = rp.greens_function(rp.ground_state(few, 1), Z, error_bars=True)
    check(found, rp.greens_function(rp.ground_state(many, 1), Z), ["values", "moments", "self_energy"])


@pytest.mark.parametrize("cap", [2, 5])
@pytest.mark.parametrize("operator", ["x_0", "nb_0"])
def test_susceptibilities_without_a_cutoff_lie_within_the_bars(cap, operator):
    few, many = (with_cap(SITE, n) for n in (cap, 30))
    found = rp.susceptibility(rp.ground_state(few, 2), operator, operator, Z, error_bars=True)
    check(found, rp.susceptibility(rp.ground_state(many, 2), operator, operator, Z), ["values"])


@pytest.mark.long
@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_thermal_numbers_without_a_cutoff_lie_within_the_bars(temperature):
    few, many = (with_cap(SITE, n) for n in (4, 40))
    z = matsubara_frequencies(temperature, 4)
    found = rp.thermal_greens_function(few, temperature, z, error_bars=True)
    check(found, rp.thermal_greens_function(many, temperature, z), ["values", "self_energy"])
    z = matsubara_frequencies(temperature, 3, "boson")
    found = rp.thermal_susceptibility(few, "x_0", "x_0", temperature, z, error_bars=True)
    check(found, rp.thermal_susceptibility(many, "x_0", "x_0", temperature, z), ["values"])


@pytest.mark.long
def test_an_automatic_cutoff_reaches_its_accuracy():
    lattice = replace(SITE.phonons, max_quanta=None, cutoff="auto", accuracy=1e-4)
    model, z = replace(SITE, phonons=lattice), matsubara_frequencies(0.5, 3)
    with pytest.raises(ValueError, match="error_bars = True"):
        rp.thermal_greens_function(model, 0.5, z)
    found = rp.thermal_greens_function(model, 0.5, z, error_bars=True)
    assert found.values_error.max() <= 1e-4
    exact = rp.thermal_greens_function(with_cap(SITE, 40), 0.5, z)
    np.testing.assert_allclose(found["values"], exact["values"], atol=1e-4)


def test_models_without_a_lattice_have_no_cutoff():
    model = rp.Model(rp.dimer(), rp.Electrons(1.0, hubbard_u=2.0))
    found = rp.greens_function(rp.ground_state(model, 2), Z, error_bars=True)
    assert not found.values_error.any()
    assert not rp.thermal_susceptibility(model, "n_0", "n_0", 0.3, [0.0], error_bars=True).values_error.any()


@pytest.mark.slow
def test_error_bars_hold_on_random_models():
    errors, bars = [], []
    for seed in range(40):
        case = random_case(seed)
        model, rng = case.model, np.random.default_rng(seed)
        z = np.concatenate([1j * np.pi * np.array([0.1, 0.3, 3.0]), rng.uniform(-3, 3, 3) + 0.2j])
        letter = "x_0" if seed % 2 or model.electrons is None else "n_0"
        few = rp.susceptibility(rp.ground_state(model, case.sector), letter, letter, z, error_bars=True)
        many = rp.susceptibility(many_quanta(model, case.sector), letter, letter, z)
        pairs = [(few, many)]
        if model.electrons is not None:
            few = rp.greens_function(rp.ground_state(model, case.sector), z, error_bars=True)
            pairs.append((few, rp.greens_function(many_quanta(model, case.sector), z)))
        for here, there in pairs:
            errors += np.abs(here["values"].values - there["values"].values).ravel().tolist()
            bars += here.values_error.values.ravel().tolist()
    away, bar = np.array(errors), np.array(bars)
    assert np.mean(away <= bar + ROUNDING) >= 0.95
    assert np.mean(away <= 2 * bar + ROUNDING) >= 0.995
    seen = away > ROUNDING
    assert np.median(bar[seen] / away[seen]) <= 20


def many_quanta(model, sector):
    """Levels with all quanta that they and the images of operators need, in another frame."""
    table = replace(model.phonons, max_quanta=None, total_quanta=None, cutoff="auto", accuracy=1e-10)
    table = replace(table, displacement="auto", dressing=None)
    used = levels_by_symmetry(replace(model, phonons=table), sector).hamiltonian.space.model.phonons
    more = 54 if len(model.modes) == 1 else 20
    wider = replace(used, total_quanta=used.total_quanta + more, accuracy=1e-8)
    return levels_by_symmetry(replace(model, phonons=wider), sector)
