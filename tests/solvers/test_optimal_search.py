"""The search for optimal oscillator states: what is foreseen, bounds of large sectors, what other caps share."""

from dataclasses import replace

import numpy as np
import pytest
from amounts import cases
from calibration import CONVERGED, exact_levels, random_case
from oscillator_sets import RING, in_basis, random_sets

from respair.clusters import chain, dimer, ring
from respair.hamiltonians import Block, Bosons, Electrons, Hamiltonian, Model, Phonons, Sector
from respair.hamiltonians.space.product import Space
from respair.hamiltonians.terms import sector_operator
from respair.solvers import ground_state, small_ring
from respair.solvers.adiabatic import landscape
from respair.solvers.optimal_choice import in_optimal_states, may_be_optimal
from respair.solvers.optimal_search import foreseen
from respair.solvers.set_leak import SetLeak
from respair.studies import parse


def test_what_is_left_is_foreseen_from_falls():
    levels = [np.array([1.0 + 3.0**-n, 2.0]) for n in range(4)]
    left, decay = foreseen(levels)
    assert left == pytest.approx(3.0**-3)
    assert decay == pytest.approx(1 / 3)
    assert foreseen(levels[:1])[0] == np.inf
    assert foreseen([levels[0], levels[1][:1]])[0] == np.inf


def test_levels_that_fall_no_more_are_taken_to_be_there():
    assert foreseen([np.ones(1), np.ones(1)])[0] == 0.0


HOLSTEIN = Model(ring(6), Electrons(1.0, hubbard_u=1.0), phonons=Phonons(0.3, electron_coupling=1.2, max_quanta=0))


@pytest.mark.parametrize(
    ("model", "sector"),
    [(HOLSTEIN, Sector(6, 0)), (replace(HOLSTEIN, cluster=chain(5)), Sector(2, 0))],
)
def test_bounds_of_large_sectors_are_minima_too(model, sector, monkeypatch):
    """A charge-density wave of a ring of four around a ring of six; elsewhere the best configuration, downhill."""
    best = landscape(Space(model, sector), sector_operator(model)).ceiling
    monkeypatch.setattr(small_ring, "SURVEYED", 0)
    bound = small_ring.upper_bound(model, sector)
    assert best - 1e-6 <= bound <= best + 1e-3 * abs(best)


def test_patterns_without_a_period_that_fits_are_left_out():
    patterns = [np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0, 0.0])]
    np.testing.assert_array_equal(small_ring.continued(patterns, 6), [[1, 0, 1, 0, 1, 0]])
    assert small_ring.continued(patterns, 5).shape == (0, 5)
    assert small_ring.continued(patterns, 8).shape == (2, 8)


@pytest.mark.parametrize("flux", [0.0, 0.7])
def test_the_hamiltonian_in_other_caps_is_that_of_the_model(flux):
    model = replace(RING, flux=flux)
    sets = random_sets(model, "both", size=5, alike=True)
    small = Hamiltonian.of(in_basis(model, sets, total_quanta=1), Sector(2, 0))
    larger = in_basis(model, sets, total_quanta=2)
    expected, found = Hamiltonian.of(larger, Sector(2, 0)), small.in_caps(larger)
    psi = np.random.default_rng(0).normal(size=expected.space.shape).astype(expected.dtype)
    np.testing.assert_array_equal(found.apply(psi), expected.apply(psi))
    assert found.space.shape == expected.space.shape
    other = in_basis(model, random_sets(model, "both", size=5, seed=1, alike=True), total_quanta=2)
    np.testing.assert_array_equal(small.in_caps(other).apply(psi), Hamiltonian.of(other, Sector(2, 0)).apply(psi))


@pytest.mark.parametrize("cap", [1, 2, 3])
@pytest.mark.parametrize("charge", [1, 2, 3])
def test_hops_lead_as_far_as_both_oscillators_reach(cap, charge):
    """The norm beyond the caps where both oscillators of a bond leave them, against H in all of their states."""
    lattice = Phonons(1.0, electron_coupling=0.7, spring=0.1, total_quanta=cap)
    model = Model(dimer(), Electrons(1.0, [0.1, -0.3], 0.5), phonons=lattice)
    sets = random_sets(model, "electrons", size=6)
    sector = Sector(charge, charge % 2)
    block = Block.of(Hamiltonian.of(in_basis(model, sets, total_quanta=cap), sector))
    phi = np.random.default_rng(3).normal(size=block.shape)
    big = Hamiltonian.of(in_basis(model, sets, max_quanta=5, total_quanta=None), sector)
    inside = big.space.phonons.index(block.space.phonons.occupations)
    psi = np.zeros(big.space.shape)
    psi[:, inside] = block.expand(phi)
    image = big.apply(psi)
    image[:, inside] = 0.0
    leak, exact = SetLeak(block).leak(phi)[0], float(np.linalg.norm(image))
    assert exact * (1 - 1e-12) <= leak <= 1.2 * exact
    without = replace(model, phonons=replace(lattice, spring=0.0))
    block = Block.of(Hamiltonian.of(in_basis(without, sets, total_quanta=cap), sector))
    big = Hamiltonian.of(in_basis(without, sets, max_quanta=5, total_quanta=None), sector)
    image = big.apply(psi)
    image[:, inside] = 0.0
    assert SetLeak(block).leak(phi)[0] == pytest.approx(float(np.linalg.norm(image)), rel=1e-12)


def test_an_accuracy_is_reached_with_few_products():
    """Half-filled Holstein ring: the energy of many phonons, from few products and few amplitudes."""
    lattice = Phonons(1.0, electron_coupling=0.8, basis="optimal", cutoff="auto", accuracy=1e-5)
    model = Model(ring(4), Electrons(1.0, hubbard_u=1.0), phonons=lattice)
    levels = ground_state(model, Sector(4, 0, momentum=0), options={"engine": "tensor"})
    plain = replace(lattice, basis="number", cutoff=None, frame="mean", total_quanta=14)
    exact = ground_state(replace(model, phonons=plain), Sector(4, 0, momentum=0)).energies[0]
    assert abs(levels.energies[0] - exact) <= levels.certificate.energy_errors[0] + 1e-7
    assert levels.certificate.energy_errors[0] <= 1e-5
    assert levels.hamiltonian.space.phonons.total_quanta <= 6


AUTOMATIC = Model(
    ring(4),
    Electrons(1.0),
    Bosons(0.5, 0.8),
    Phonons(1.0, boson_coupling=2.0, cutoff="auto", accuracy=1e-4, frame="auto"),
)
ON_BONDS = Model(
    ring(4), Electrons(1.0), phonons=Phonons(1.0, on="bonds", bond_coupling=0.2, cutoff="auto", frame="auto")
)


def test_optimal_states_are_chosen_where_they_pay():
    """A ring that needs millions of number states, and one that needs few; only where the options allow it."""
    sector = Sector(8, 0, momentum=0, reflection=1, spin_flip=1)
    levels = ground_state(AUTOMATIC, sector, options={"optimal": True})
    sets = levels.hamiltonian.space.sets
    assert sets is not None
    assert sets.follows == "bosons"
    assert levels.energies[0] - -14.66078457952 <= levels.certificate.energy_errors[0] <= 1e-4
    for model, states in ((AUTOMATIC, 9e5), (ON_BONDS, 1e9)):
        assert in_optimal_states(model, sector, states) is None


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        ({}, True),
        ({"frame": "mean"}, False),
        ({"cutoff": None, "total_quanta": 4}, False),
        ({"basis": "optimal"}, False),
    ],
)
def test_optimal_states_are_chosen_where_both_frame_and_cutoff_are_left_open(changes, chosen):
    assert may_be_optimal(replace(AUTOMATIC.phonons, **changes)) is chosen


def test_model_files_with_other_tables_keep_number_states():
    file = """
        schema = 1
        cluster = {{ kind = "ring", sites = 4 }}
        electrons = {{ hopping = 1.0 }}
        bosons = {{ level = 0.5, exchange = 0.8 }}
        phonons = {{ frequency = 1.0, boson_coupling = 1.0, frame = "auto", cutoff = "auto", accuracy = 1e-2 }}
        sector = {{ charge = 8, momentum = 0, reflection = 1 }}
        ground_state = {{ observables = ["boson_density"]{keep} }}
        {more}
    """
    for keep, more, expected in (
        ("", "", True), (", keep_states = true", "", False), ("", 'lattice = {}', False),
    ):  # fmt: skip
        study = parse(file.format(keep=keep, more=more), "ring.toml")
        assert all(task.takes_optimal for task in study.tasks) is expected


@pytest.mark.slow
def test_accuracies_are_reached_on_random_models():
    """Levels without any cutoff, from soft to stiff lattices: the automatic cap's error bars cover the distance."""
    compared = 0
    for seed in range(cases(60)):
        case = random_case(seed)
        if case.model.cluster.modes[0].host != "site":
            continue
        accuracy = 10.0 ** -np.random.default_rng(seed).uniform(3, 7)
        caps = {"max_quanta": None, "total_quanta": None, "cutoff": "auto", "accuracy": accuracy}
        phonons = replace(case.model.phonons, frame="none", dressing=None, basis="optimal", **caps)
        levels = ground_state(replace(case.model, phonons=phonons), case.sector, case.states)
        error = levels.energies - exact_levels(case.model, case.sector, case.states)[: len(levels.energies)]
        assert np.all(error > -CONVERGED)
        assert np.all(error <= levels.certificate.energy_errors + CONVERGED), (seed, error)
        assert np.max(levels.certificate.energy_errors) <= accuracy
        compared += len(error)
    assert compared > 20
