"""Levels, error bars and automatic cutoffs of soft, anharmonic and joined oscillators."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soft_lattices import FAMILIES, exact_levels, random_case

from respair.clusters import chain, dimer, ring, site
from respair.hamiltonians import Electrons, Model, Phonons, Sector, displacement, hamiltonian_operator, phonon, quanta
from respair.hamiltonians.space.product import Space
from respair.solvers import CutoffError, Options, ground_state, levels_by_symmetry
from respair.solvers.adiabatic import landscape
from respair.solvers.potential import potential_of

ROUNDING = 1e-8
"""How far exact levels of the tests may be off."""
QUARTIC = [1.06036209048418, 3.79967302980139, 7.45569793798673, 11.64474551137815, 16.26182601885024]
"""Levels of p^2 + x^4, F. T. Hioe and E. W. Montroll, J. Math. Phys. 16, 1945 (1975), and later work."""


@pytest.mark.parametrize("caps", [{"max_quanta": 100}, {"cutoff": "auto", "accuracy": 1e-9}], ids=["cap", "auto"])
def test_a_pure_quartic_oscillator(caps):
    """omega0 = 2 makes P^2 + X^2 - 1, c_2 takes X^2 = x^2 / 2 away, and x^4 / 4 is X^4."""
    model = Model(site(), Electrons(), phonons=Phonons(2.0, quadratic=-0.5, quartic=0.25, **caps))
    assert levels_by_symmetry(model, Sector(0), 5).energies + 1.0 == pytest.approx(QUARTIC, abs=1e-9)


@pytest.mark.parametrize("sites", [2, 3, 4, 5])
def test_normal_modes_of_hopping_phonons(sites):
    model = Model(ring(sites), Electrons(), phonons=Phonons(1.0, hopping=0.2, total_quanta=1))
    bonds = 2 * np.cos(2 * np.pi * np.arange(sites) / sites) if sites > 2 else np.array([1.0, -1.0])
    expected = np.sort([0.0, *(1.0 - 0.2 * bonds)])
    assert levels_by_symmetry(model, Sector(0), sites + 1).energies == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("spring", "hopping"), [(0.15, 0.0), (0.1, 0.15), (-0.04, -0.1)])
def test_zero_point_energy_of_joined_oscillators(spring, hopping):
    """Omega^2 = 16 K T of a wave, K = omega0/4 + kappa (2 - 2 cos q) - t cos q / 2, T = omega0/4 - t cos q / 2."""
    cosine = np.cos(2 * np.pi * np.arange(3) / 3)
    stiffness, masses = 0.25 + spring * (2 - 2 * cosine) - 0.5 * hopping * cosine, 0.25 - 0.5 * hopping * cosine
    modes = 4 * np.sqrt(stiffness * masses)
    phonons = Phonons(1.0, spring=spring, hopping=hopping, total_quanta=24)
    found = ground_state(Model(ring(3), Electrons(), phonons=phonons), 0, 2)
    ground = 0.5 * np.sum(modes - 1.0)
    assert found.energies == pytest.approx([ground, ground + np.min(modes)], abs=1e-7)
    assert Model(ring(3), phonons=phonons).lowest_frequency == pytest.approx(min(1.0, np.min(modes)))


@pytest.mark.parametrize("electrons", [0, 1, 2])
def test_electrons_stiffen_an_oscillator_and_push_it(electrons):
    """omega0 sqrt(1 + 4 q n / omega0), displaced by g n against the stiffness omega0/4 + q n."""
    phonons = Phonons(0.8, electron_coupling=0.5, electron_quadratic=0.15, max_quanta=60)
    model = Model(site(), Electrons(), phonons=phonons)
    stiff = 0.2 + 0.15 * electrons
    expected = 0.5 * (4 * np.sqrt(0.2 * stiff) - 0.8) - (0.4 * electrons) ** 2 / (4 * stiff)
    assert ground_state(model, electrons).energies[0] == pytest.approx(expected, abs=1e-10)


def test_a_double_well_splits_by_tunnelling_and_a_field_takes_it_away():
    table = Phonons(1.0, quadratic=-0.75, quartic=0.02, max_quanta=60)
    model = Model(site(), Electrons(), phonons=table)
    split, lifted = (np.diff(ground_state(m, 0, 2).energies)[0] for m in (model, with_force(model, 0.05)))
    assert 0 < split < 1e-2
    assert lifted > 0.2
    assert len([w for w in landscape(Space(model, Sector(0)), hamiltonian_operator(model)).wells if w.shift[0]]) >= 2


def with_force(model, strength):
    return replace(model, terms=(lambda m: -strength * displacement(0),))


def test_the_potential_of_a_lattice_is_what_weyl_says():
    x, y, hop = displacement(0), displacement(1), phonon(0).dag * phonon(1)
    joined = 0.3 * ((x - y) * (x - y)) + 0.2 * (hop + hop.dag)
    found = potential_of(quanta(0) + 2 * quanta(1) + joined + 0.1 * (x * x * x), 2)
    assert np.allclose(found.kinetic, [[0.25, 0.05], [0.05, 0.5]])
    words = {((), ()): -1.5, ((), ((0, 2, 0),)): 0.55, ((), ((1, 2, 0),)): 0.8, ((), ((0, 1, 0), (1, 1, 0))): -0.5,
             ((), ((0, 3, 0),)): 0.1}  # fmt: skip
    assert found.operator.terms == pytest.approx(words)
    assert potential_of(quanta(0) * quanta(0), 1) is None


@pytest.mark.parametrize("seed", range(2 * len(FAMILIES)))
def test_the_ground_energy_lies_between_floor_and_ceiling(seed):
    case = random_case(seed)
    land = landscape(Space(case.model, case.sector), hamiltonian_operator(case.model))
    exact = exact_levels(case)[0]
    assert land.floor - ROUNDING <= exact <= land.ceiling + ROUNDING


def trials(seeds):
    """Return (true error, error bar) of every level of random models."""
    rows = []
    for seed in seeds:
        case = random_case(seed)
        exact = exact_levels(case)
        found = levels_by_symmetry(case.model, case.sector, case.states)
        bars = found.certificate.energy_errors
        rows += list(zip(found.energies - exact[: len(bars)], bars, strict=True))
    return np.array(rows).T


def check_coverage(errors, bars, share):
    assert np.all(errors > -ROUNDING)
    assert np.mean(errors <= bars + ROUNDING) >= share
    assert np.all(errors <= 1.3 * bars + ROUNDING)
    seen = errors > ROUNDING
    assert np.median(bars[seen] / errors[seen]) <= 10


@pytest.mark.long
def test_error_bars_hold_on_random_lattices():
    check_coverage(*trials(range(4 * len(FAMILIES))), 0.99)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_error_bars_hold_on_a_thousand_random_lattices(part):
    check_coverage(*trials(range(125 * part + 100, 125 * part + 225)), 0.99)


@pytest.mark.long
@settings(max_examples=10, deadline=None)
@given(st.integers(10_000, 10_000_000))
def test_no_counterexample_is_found(seed):
    errors, bars = trials([seed])
    assert np.all(errors <= 1.3 * bars + ROUNDING)


def check_automatic(seeds):
    for seed in seeds:
        case = random_case(seed)
        table, accuracy = case.model.phonons, (1e-8, 1e-4, 1e-6)[seed % 3]
        frame = table.frame if isinstance(table.frame, str) and seed % 2 else "auto"
        table = replace(table, frame=frame, max_quanta=None, total_quanta=None, cutoff="auto", accuracy=accuracy)
        model = replace(case.model, phonons=table)
        try:
            found = levels_by_symmetry(model, case.sector, case.states)
        except CutoffError:
            continue
        errors = found.energies - exact_levels(case)
        assert np.all(np.abs(errors) <= found.certificate.energy_errors + ROUNDING), seed
        assert np.all(found.certificate.energy_errors <= accuracy), seed


def test_an_automatic_cutoff_misses_nothing():
    check_automatic(range(0, 40, 8))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_an_automatic_cutoff_misses_nothing_on_many_lattices(part):
    check_automatic(range(50 * part + 100, 50 * part + 150))


def test_wells_of_several_double_wells_are_all_found():
    """Eight of them in a chain of three, and charges that tilt them."""
    phonons = Phonons(1.0, quadratic=-0.75, quartic=0.04, electron_coupling=0.1, spring=0.01, max_quanta=3)
    model = Model(chain(3), Electrons(0.2), phonons=phonons)
    land = landscape(Space(model, Sector(0)), hamiltonian_operator(model))
    places = {tuple(np.sign(np.round(well.shift, 3)).astype(int).tolist()) for well in land.wells}
    assert len([place for place in places if 0 not in place]) == 8


def test_levels_are_the_same_from_any_frame_once_the_cap_holds_both_wells():
    phonons = Phonons(1.0, quadratic=-0.6, quartic=0.05, electron_coupling=0.2, total_quanta=40)
    model = Model(dimer(), Electrons(0.5), phonons=phonons)
    energies = [
        ground_state(replace(model, phonons=replace(phonons, frame=frame)), 1, 3).energies
        for frame in ("none", "mean", [1.5, -1.5])
    ]
    for other in energies[1:]:
        np.testing.assert_allclose(other, energies[0], atol=1e-6)


@pytest.mark.parametrize("reflection", [1, -1])
def test_a_search_never_takes_more_steps_than_its_block_has_states(reflection):
    """Half of the 435 lattice states belong to a block: a restart from an almost converged vector exhausts it."""
    phonons = Phonons(0.57, hopping=0.056, spring=0.039, quadratic=-0.072, quartic=0.044, total_quanta=28)
    model, sector = Model(dimer(), Electrons(1.0), phonons=phonons), Sector(0, reflection=reflection)
    found, expected = (ground_state(model, sector, 4, Options(engine=engine)) for engine in ("tensor", "dense"))
    np.testing.assert_allclose(found.energies, expected.energies, atol=1e-9)
