"""Couplings of unstable lattices, spins and pairs on bonds in averages, heat, spectra and approximations."""

from dataclasses import replace

import numpy as np
import pytest
from reference import charge_operators, full_hamiltonian
from soft_lattices import random_case

from respair.analysis import (
    Ensemble,
    displacement_distribution,
    lattice_response,
    observables,
    optical_conductivity,
    spectral_function,
    thermal_averages,
)
from respair.analysis.approximations import STANDARD
from respair.clusters import chain, dimer, ring, site
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector, hamiltonian_operator
from respair.solvers import ground_state, levels_by_symmetry

WELL = Phonons(1.0, quadratic=-0.6, quartic=0.04, electron_coupling=0.2, max_quanta=40)


def test_the_distribution_of_a_double_well_is_normalised_and_has_two_maxima():
    found = displacement_distribution(ground_state(Model(site(), Electrons(), phonons=WELL), 0).ground)
    p, x = found.values[0], found["X"].values
    assert np.trapezoid(p, x) == pytest.approx(1.0, abs=1e-6)
    assert np.sum((p[1:-1] > p[:-2]) & (p[1:-1] > p[2:]) & (p[1:-1] > 1e-3)) == 2


def test_parts_of_the_energy_add_up():
    e = Electrons(1.0, pair_hopping=0.3)
    b = Bosons(0.0, 0.5, 0.15, bond_exchange=0.35)
    p = replace(WELL, max_quanta=2, exchange_coupling=0.2, electron_quadratic=0.1, boson_quadratic=0.1, spring=0.1)
    levels = ground_state(Model(dimer(), e, b, replace(p, hopping=0.1, cubic=0.02)), 3)
    names = ["hopping_energy", "exchange_energy", "lattice_energy", "coupling_energy"]
    found = observables(levels.ground, names)
    assert sum(float(found[name]) for name in names) == pytest.approx(levels.energies[0], abs=1e-9)


@pytest.mark.parametrize("operator", ["displacement", "electron", "boson", "spin"])
def test_moments_of_spectra_obey_their_sum_rules(operator):
    e = Electrons(0.8, hubbard_u=1.0, spin_exchange=0.3, pair_hopping=0.2)
    b = Bosons(0.1, 0.4, repulsion=0.3, electron_repulsion=0.2, bond_exchange=0.3)
    p = Phonons(1.0, boson_coupling=0.3, max_quanta=None, total_quanta=22, quartic=0.01, exchange_coupling=0.1,
                spring=0.05, hopping=0.05, electron_quadratic=0.02)  # fmt: skip
    levels = ground_state(Model(dimer(), e, b, p), 2)
    found = spectral_function(levels, operator, [0.0])
    np.testing.assert_allclose(found.moments.values, found.sum_rules.values, rtol=2e-3, atol=1e-3)


def test_the_conductivity_counts_hops_of_pairs_and_the_exchange_of_bonds():
    e, b = Electrons(1.0, pair_hopping=0.3, spin_exchange=0.2), Bosons(-0.3, 0.5, 0.1, bond_exchange=0.4)
    found = optical_conductivity(ground_state(Model(ring(4), e, b), Sector(4, momentum=0)), [1.0])
    assert abs(float(found.fsum_defect)) < 1e-8


def test_frequencies_of_a_dispersing_lattice_are_those_of_its_normal_modes():
    levels = ground_state(Model(ring(4), phonons=Phonons(1.0, hopping=0.2, spring=0.1, total_quanta=12)), 0)
    cosine = np.cos(2 * np.pi * np.arange(4) / 4)
    expected = 4 * np.sqrt((0.25 + 0.1 * (2 - 2 * cosine) - 0.1 * cosine) * (0.25 - 0.1 * cosine))
    found = lattice_response(levels)
    np.testing.assert_allclose(found.collective_frequencies.values, np.sort(expected), atol=1e-5)


@pytest.mark.parametrize("ensemble", ["canonical", "grand-canonical"])
def test_a_field_takes_the_degeneracy_of_up_and_down_away_at_temperature_too(ensemble):
    model = Model(dimer(), Electrons(1.0, hubbard_u=2.0, zeeman=0.7, spin_exchange=0.4))
    temperatures = np.array([0.3, 1.0])
    kind = Ensemble("canonical", 2) if ensemble == "canonical" else Ensemble("grand-canonical")
    found = thermal_averages(model, temperatures, kind, names=["spin_z"])
    charge, spin = charge_operators(model)
    at = np.flatnonzero(charge == 2) if ensemble == "canonical" else np.arange(len(charge))
    energies, states = np.linalg.eigh(full_hamiltonian(model).toarray()[np.ix_(at, at)])
    weights = np.exp(-energies / temperatures[:, None])
    name = "free_energy" if ensemble == "canonical" else "grand_potential"
    np.testing.assert_allclose(found[name].values, -temperatures * np.log(weights.sum(axis=1)), atol=1e-10)
    magnetisation = np.einsum("ij,i,ij->j", states.conj(), spin[at] / 2, states).real
    expected = weights @ magnetisation / weights.sum(axis=1) / 2
    np.testing.assert_allclose(found.spin_z.values, np.column_stack([expected, expected]), atol=1e-10)


def test_cutoff_errors_at_temperature_hold_in_anharmonic_lattices():
    names = ["displacement_squared", "quanta"]
    held = []
    for seed in (0, 1, 2, 3, 5, 6, 7, 8):
        case, random = random_case(seed), np.random.default_rng(seed)
        table = replace(case.model.phonons, max_quanta=int(random.integers(6, 24)), total_quanta=None, frame="mean")
        model = replace(case.model, phonons=table)
        exact = replace(model, phonons=replace(table, max_quanta=100, frame="none"))
        temperatures = table.frequency * np.array([0.1, 0.5, 1.5])
        found, wanted = (thermal_averages(m, temperatures, names=names) for m in (model, exact))
        for name in ("grand_potential", "energy", "entropy", *names):
            error = np.abs(found[name].values - wanted[name].values)
            held += list((error <= found[f"{name}_cutoff_error"].values + 1e-8).ravel())
    assert np.mean(held) >= 0.99


def test_the_atomic_limit_is_exact_without_hopping():
    e = Electrons(0.0, [0.1, -0.2], 0.5, zeeman=0.3)
    b = Bosons([-0.2, 0.3], [0.4, 0.3], electron_repulsion=[0.2, 0.1])
    p = Phonons([1.0, 0.8], electron_coupling=0.3, quadratic=[-0.4, 0.1], quartic=[0.04, 0.02], cubic=[0.01, 0.0],
                boson_quadratic=0.1, exchange_coupling=0.1, max_quanta=14)  # fmt: skip
    model = Model(dimer(), e, b, p)
    exact = ground_state(model, Sector(3, 1)).energies[0]
    assert STANDARD["atomic-limit"](model, Sector(3, 1)).energies.values[0] == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("name", ["coherent-product", "adiabatic-bound"])
def test_a_static_lattice_knows_charges_of_other_sites_and_every_coupling_of_the_charges(name):
    e = Electrons(1.0, hubbard_u=1.0, spin_exchange=0.4, pair_hopping=0.2, zeeman=0.1)
    b = Bosons(0.2, 0.4, repulsion=0.3, electron_repulsion=0.2, bond_exchange=0.3)
    reach = {"distance": [0.5, 0.2]}
    p = Phonons(0.6, electron_coupling=reach, boson_coupling=[[0.3, 0.1], [0.1, 0.3]], total_quanta=26)
    model = Model(dimer(), e, b, p)
    exact = ground_state(model, 2).energies[0]
    found = STANDARD[name](model, Sector(2)).energies.values[0]
    assert found >= exact - 1e-6 if name == "coherent-product" else found <= exact + 1e-6


@pytest.mark.parametrize("name", [n for n in STANDARD if n.startswith(("lang", "anti", "adia", "coh", "bipol"))])
@pytest.mark.parametrize("key", ["quadratic", "quartic", "spring", "hopping"])
def test_approximations_refuse_lattices_that_they_do_not_know(name, key):
    phonons = Phonons(1.0, electron_coupling=1.5, max_quanta=2, **{key: 0.1})
    model = Model(dimer(), Electrons(1.0), phonons=phonons)
    assert f"it does not include phonons.{key}" in STANDARD[name].reason(model, Sector(2))


@pytest.mark.parametrize("name", ["lang-firsov", "lang-firsov-variational", "bipolaron-perturbation", "atomic-limit"])
def test_approximations_of_single_sites_refuse_charges_of_other_sites(name):
    phonons = Phonons(1.0, electron_coupling={"distance": [1.5, 0.2]}, max_quanta=2)
    why = STANDARD[name].reason(Model(chain(3), Electrons(1.0), phonons=phonons), Sector(2))
    assert "it couples each oscillator only to the charges of its own site" in why


def test_lattices_whose_charges_have_no_sites_of_their_own_go_to_all_engines():
    """Couplings to charges of other sites in the Lang-Firsov frame: the jumps of several modes at a time."""
    reach = {"distance": [0.6, 0.25]}
    phonons = Phonons(1.0, electron_coupling=reach, frame="lang-firsov", total_quanta=7)
    model = Model(ring(3), Electrons(1.0, hubbard_u=0.5), phonons=phonons)
    plain = replace(model, phonons=replace(phonons, frame="none", total_quanta=14))
    found, exact = levels_by_symmetry(model, 2, 3), levels_by_symmetry(plain, 2, 3)
    assert np.all(np.abs(found.energies - exact.energies) <= found.certificate.energy_errors + 1e-6)
    assert found.energies[0] == pytest.approx(exact.energies[0], abs=1e-4)
    assert len(hamiltonian_operator(model).terms) == len(hamiltonian_operator(plain).terms)
