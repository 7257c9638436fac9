"""Error bars of levels hold from soft to stiff lattices, weak to strong coupling, in every frame, with both caps."""

import time
from dataclasses import replace

import numpy as np
import pytest
import soft_lattices
from amounts import cases
from calibration import FAMILIES, exact_levels, random_case
from hypothesis import given, settings
from hypothesis import strategies as st

from respair.clusters import chain, dimer, site
from respair.hamiltonians import Electrons, Hamiltonian, Model, Phonons, Sector, hamiltonian_operator
from respair.hamiltonians.operators import displacement
from respair.hamiltonians.space.product import Space
from respair.solvers import CutoffError, ground_state, levels_by_symmetry
from respair.solvers.adiabatic import Surface, beyond, landscape
from respair.solvers.estimate_cutoff import estimate_run

ROUNDING = 2e-9
"""How far exact levels of the tests may be off."""


def trials(seeds):
    """Return (true error, error bar) of every level of random models."""
    rows = []
    for seed in seeds:
        case = random_case(seed)
        exact = exact_levels(case.model, case.sector, case.states)
        found = levels_by_symmetry(case.model, case.sector, case.states)
        bars = found.certificate.energy_errors
        rows += list(zip(found.energies - exact[: len(bars)], bars, strict=True))
    return np.array(rows).T


def check_coverage(errors, bars, share):
    assert np.all(errors > -ROUNDING)  # the levels of a truncated space lie above the exact ones
    assert np.mean(errors <= bars + ROUNDING) >= share
    assert np.all(errors <= 1.3 * bars + ROUNDING)
    seen = errors > ROUNDING
    assert np.median(bars[seen] / errors[seen]) <= 10


@pytest.mark.long
def test_error_bars_hold_on_random_models():
    check_coverage(*trials(range(4 * len(FAMILIES))), 0.98)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_error_bars_hold_on_two_thousand_random_models(part):
    check_coverage(*trials(range(260 * part, 260 * (part + 1))), 0.995)


@pytest.mark.parametrize("cap", [4, 8, 12, 16])
def test_a_soft_dimer(cap):
    phonons = Phonons(0.5, electron_coupling=1.5, max_quanta=cap)
    model, sector = Model(dimer(), Electrons(1.0), phonons=phonons), Sector(2)
    exact = exact_levels(model, sector, 1)[0]
    found = ground_state(model, sector)
    error, bar = found.energies[0] - exact, found.certificate.energy_errors[0]
    assert error <= bar <= 3 * error


@pytest.mark.slow
def test_the_open_chain_of_a_published_benchmark():
    """E = -6.956893211191 with 11 levels a mode, converged -6.99621444."""
    phonons = Phonons(0.25, electron_coupling=2.0, max_quanta=10)
    found = ground_state(Model(chain(4), Electrons(1.0, hubbard_u=2.0), phonons=phonons), 4)
    assert found.energies[0] == pytest.approx(-6.956893211191479, abs=1e-9)
    assert found.energies[0] - found.certificate.energy_errors[0] <= -6.99621444 + 1e-8


def double_well(model):
    """X^4 - 5 X^2 beside P^2 + X^2 of a frequency of 2: P^2 + X^4 - 4 X^2 less its zero-point energy."""
    x = 0.5 * (displacement(0) * displacement(0))
    return x * x - 5 * x


@pytest.mark.parametrize("cap", [6, 10, 14, 20, 26, 32])
def test_levels_of_a_double_well(cap):
    n = np.arange(120)
    x = np.diag(np.sqrt(n[1:] / 2), 1) + np.diag(np.sqrt(n[1:] / 2), -1)
    x2 = x @ x
    exact = np.linalg.eigvalsh((2 * np.diag(n) + x2 @ x2 - 5 * x2)[:110, :110])[:6]
    model = Model(site(), Electrons(), phonons=Phonons(2.0, max_quanta=cap), terms=(double_well,))
    found = ground_state(model, 0, 6)
    errors, bars = found.energies - exact, found.certificate.energy_errors
    assert np.all(errors <= bars + ROUNDING)
    assert np.all(bars <= 10 * errors + 1e-7)


@settings(max_examples=cases(25), deadline=None)
@given(st.integers(10_000, 10_000_000))
def test_no_counterexample_is_found(seed):
    errors, bars = trials([seed])
    assert np.all(errors <= 1.3 * bars + ROUNDING)


@pytest.mark.parametrize("seed", range(len(FAMILIES)))
def test_the_ground_energy_lies_between_floor_and_ceiling(seed):
    case = random_case(seed)
    land = landscape(Space(case.model, case.sector), hamiltonian_operator(case.model))
    exact = exact_levels(case.model, case.sector, 1)[0]
    assert land.floor - ROUNDING <= exact <= land.ceiling + ROUNDING


@pytest.mark.parametrize("seed", range(len(FAMILIES)))
def test_the_energy_of_a_well_is_that_of_its_state(seed):
    """<H> of a product state, from the matrix in a space that holds all of its coherent lattice."""
    case = random_case(seed)
    table = replace(case.model.phonons, max_quanta=60, total_quanta=None, displacement="none", dressing=None)
    if len(case.model.cluster.modes) > 1:
        table = replace(table, max_quanta=None, total_quanta=50)
    model = replace(case.model, phonons=table)
    hamiltonian = Hamiltonian.of(model, case.sector)
    space = hamiltonian.space
    surface = Surface(space, hamiltonian.operator)
    shift = np.full(len(model.modes), 0.7)
    energy, charges = surface.ground(shift)
    occupations = space.phonons.occupations.astype(float)
    factorials = np.cumsum(np.log(np.maximum(np.arange(80), 1)))
    logarithms = occupations * np.log(0.7) - 0.5 * factorials[occupations.astype(int)] - 0.5 * 0.7**2
    psi = np.outer(charges, np.exp(logarithms.sum(axis=1)))
    assert np.vdot(psi, hamiltonian.apply(psi)).real == pytest.approx(energy, abs=1e-9 * (1 + abs(energy)))
    step = 1e-5
    ahead, behind = (surface.ground(shift + s * np.eye(len(shift))[0])[0] for s in (step, -step))
    assert surface.gradient(shift, charges)[0] == pytest.approx((ahead - behind) / (2 * step), rel=1e-4, abs=1e-4)


def test_what_a_well_has_beyond_the_caps_is_a_tail_of_poisson():
    case = random_case(0)
    well = landscape(Space(case.model, case.sector), hamiltonian_operator(case.model)).wells[0]
    frame = np.zeros((len(well.weights), len(well.shift)))
    mean = float(np.sum(well.shift**2))
    tail = 1 - np.exp(-mean) * np.sum(np.cumprod(np.r_[1.0, mean / np.arange(1, 13)]))
    assert beyond(frame, well, None, 12) == pytest.approx(tail, abs=1e-9)


def automatic(seed, case=None):
    """Return a random model with an automatic cutoff, in its own frame or an automatic one."""
    case = case or random_case(seed)
    table = case.model.phonons
    frame = table.displacement if isinstance(table.displacement, str) and seed % 2 else "auto"
    dressing = table.dressing if frame == "lang-firsov" else None
    caps = {"max_quanta": None, "total_quanta": None, "cutoff": "auto", "accuracy": (1e-8, 1e-4, 1e-6)[seed % 3]}
    table = replace(table, displacement=frame, dressing=dressing, **caps)
    return replace(case, model=replace(case.model, phonons=table))


def check_automatic(seeds):
    for seed in seeds:
        case = automatic(seed)
        try:
            found = levels_by_symmetry(case.model, case.sector, case.states)
        except CutoffError:  # it says so, and reports nothing
            continue
        errors = found.energies - exact_levels(case.model, case.sector, case.states)
        assert len(errors) == case.states
        assert np.all(errors > -ROUNDING)
        assert np.all(errors <= found.certificate.energy_errors + ROUNDING), seed
        assert np.all(found.certificate.energy_errors <= case.model.phonons.accuracy), seed


def test_an_automatic_cutoff_misses_nothing():
    check_automatic(range(0, 77, 7))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_an_automatic_cutoff_misses_nothing_on_many_models(part):
    check_automatic(range(100 * part + 100, 100 * part + 200))


def forecasts(cases):
    """Return estimates over what runs take, of states and of CPU seconds."""
    found = []
    for case in cases:
        expected = estimate_run(case.model, case.sector, states=case.states)
        start = time.process_time()
        try:
            used = levels_by_symmetry(case.model, case.sector, case.states).hamiltonian.space.dimension
        except CutoffError:
            continue
        seconds = time.process_time() - start
        found.append((expected.dimension / used, expected.seconds / seconds))
        assert seconds < 10 or expected.seconds > 1, case
    return np.abs(np.log(found)).T


@pytest.mark.slow
def test_estimates_know_what_an_automatic_cutoff_needs():
    states, seconds = forecasts(automatic(seed) for seed in range(0, 200, 4))
    assert np.mean(states <= np.log(3)) >= 0.9
    assert np.mean(seconds <= np.log(3)) >= 0.8


@pytest.mark.slow
def test_estimates_know_what_an_automatic_cutoff_needs_in_anharmonic_lattices():
    cases = (automatic(seed, soft_lattices.random_case(seed)) for seed in range(0, 100, 4))
    states, seconds = forecasts(cases)
    assert np.mean(states <= np.log(3)) >= 0.9
    assert np.mean(seconds <= np.log(3)) >= 0.8
