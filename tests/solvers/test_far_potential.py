"""A chemical potential that is far larger than all couplings takes no digits from them."""

from dataclasses import replace

import numpy as np
import pytest

from respair.analysis import (
    Ensemble,
    correction_vectors,
    flux_response,
    lattice_response,
    observables,
    optical_conductivity,
    probe,
    spectral_function,
    thermal_averages,
    thermal_flux_response,
    thermal_spectral_function,
)
from respair.clusters import dimer, ring
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector
from respair.solvers import Options, ground_state, levels_by_symmetry

FAR = 1e10
LATTICE = Phonons(1.0, electron_coupling=0.4, total_quanta=2)
MODELS = {
    "pairs": Model(ring(3), Electrons(1.0, [0.0, 0.3, 0.1], 2.0), Bosons(-0.3, 0.5)),
    "lattice": Model(ring(3), Electrons(1.0, 0.0, 2.0), phonons=LATTICE),
    "small couplings": Model(dimer(), Electrons(0.001, [0.0, 0.009])),
}
each_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
PER_CHARGE = ("energies", "energy_errors", "energy", "free_energy", "grand_potential", "chemical_potential")
"""What depends on mu itself, or has its rounding; and the errors of these."""


def far(model):
    return replace(model, chemical_potential=FAR)


def same(found, wanted):
    assert set(found.data_vars) == set(wanted.data_vars)
    for name in map(str, wanted.data_vars):
        if wanted[name].dtype.kind in "fc" and not name.startswith(PER_CHARGE):
            share = 1e-4 if "error" in name else 1e-9  # error bars know energies beyond the cutoff to less digits
            np.testing.assert_allclose(found[name], wanted[name], rtol=share, atol=1e-9, err_msg=name)


@each_model
@pytest.mark.parametrize("solve", [ground_state, levels_by_symmetry])
def test_levels_are_those_without_it_and_a_constant(model, solve):
    found, plain = solve(far(model), 2, 3), solve(model, 2, 3)
    error, bars = np.abs(found.energies - (plain.energies - 2 * FAR)), found.certificate.energy_errors
    assert np.all(error <= bars)
    assert np.all(bars >= np.finfo(float).eps * 2 * FAR)
    assert np.all(bars - plain.certificate.energy_errors < 2e-5)
    assert np.all(found.certificate.bounds - plain.certificate.bounds < 2e-5)
    np.testing.assert_allclose(found.relative, plain.relative, rtol=0, atol=1e-12)
    assert (found.multiplicity, found.labels) == (plain.multiplicity, plain.labels)
    same(observables(found), observables(plain))
    for number in range(3):
        same(observables(found.level(number)), observables(plain.level(number)))


def test_levels_above_an_energy_are_left_out_as_without_it():
    model = MODELS["pairs"]
    lowest = ground_state(model, 2).energies[0]
    for below, count in ((lowest - 1.0, 0), (lowest + 1.0, 1)):
        wanted = Options(engine="tensor", wanted_below=below - 2 * FAR)
        assert len(ground_state(far(model), Sector(2), 1, wanted).energies) == count


def test_answers_at_one_charge_are_those_without_it():
    pairs, lattice = MODELS["pairs"], MODELS["lattice"]
    for model in (pairs, lattice):
        same(flux_response(far(model), 2, [0.3]), flux_response(model, 2, [0.3]))
        for probed in ("density", "current"):
            found, plain = (ground_state(m, 2) for m in (far(model), model))
            same(spectral_function(found, probed, [0.5]), spectral_function(plain, probed, [0.5]))
    same(optical_conductivity(ground_state(far(pairs), 2), [0.5]), optical_conductivity(ground_state(pairs, 2), [0.5]))
    same(lattice_response(ground_state(far(lattice), 2)), lattice_response(ground_state(lattice, 2)))


def test_lines_that_add_a_charge_move_by_it():
    model = MODELS["pairs"]
    found, plain = (ground_state(m, 2) for m in (far(model), model))
    for answer in (spectral_function, correction_vectors):
        seen = probe(model, "electron")
        there, here = (answer(levels, seen, [at], 0.3)["addition"] for levels, at in ((found, 0.5 - FAR), (plain, 0.5)))
        np.testing.assert_allclose(there, here, atol=2e-5)


@pytest.mark.sampled
@each_model
@pytest.mark.parametrize("sampling", ["exact", "ftlm"])
@pytest.mark.parametrize("ensemble", [Ensemble("canonical", 2), Ensemble(density=0.8)], ids=["canonical", "density"])
def test_thermal_averages_are_those_without_it(model, ensemble, sampling):
    t = [0.3, 2.0]
    found, plain = (thermal_averages(m, t, ensemble, sampling) for m in (far(model), model))
    same(found, plain)
    if ensemble.density:
        np.testing.assert_allclose(found.chemical_potential, plain.chemical_potential, atol=1e-5)
        return
    assert np.all(np.abs(found.energy - (plain.energy - 2 * FAR)) <= found.energy_error)
    assert np.all(found.energy_error >= np.finfo(float).eps * 2 * FAR)
    np.testing.assert_array_equal(found.chemical_potential, FAR)


def test_thermal_spectra_and_currents_are_those_without_it():
    model, kind = MODELS["pairs"], Ensemble(density=0.8)
    seen = probe(model, "electron")
    same(*(thermal_spectral_function(m, seen, [0.5], [0.3], 0.2, ensemble=kind) for m in (far(model), model)))
    kind = Ensemble("canonical", 2)
    same(*(thermal_flux_response(m, [0.3], [0.5], kind) for m in (far(model), model)))


def test_all_sites_are_full_where_it_is_far_above():
    data = thermal_averages(far(MODELS["small couplings"]), [1e-3])
    assert float(data.charge[0]) == 4.0
    assert float(data.energy[0]) == pytest.approx(-4 * FAR)
