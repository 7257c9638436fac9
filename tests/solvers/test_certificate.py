"""The certificate: the bound always holds, the error bar nearly always, and both grow when the cutoff lies."""

from dataclasses import replace

import numpy as np
import pytest
from amounts import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from respair.clusters import chain, dimer, ring, site
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector
from respair.hamiltonians.space.phonons import PhononSpace, Shell, word_matrix
from respair.solvers import Options, ground_state

DENSE = Options(engine="dense")


def random_model(seed):
    """Return a small model, a sector, a poor cutoff and one that is converged."""
    random = np.random.default_rng(seed)
    cluster, modes = [(site(), 1), (dimer(), 2), (dimer(), 1), (chain(3), 1), (ring(3), 1)][seed % 5]
    on = "all" if modes == cluster.sites else [0]
    boson_like = random.random() < 0.5
    phonons = Phonons(
        frequency=random.uniform(0.4, 2.0),
        on=on,
        boson_coupling=random.uniform(-1.3, 1.3) if boson_like else 0.0,
        electron_coupling=0.0 if boson_like else random.uniform(-1.0, 1.0),
        max_quanta=1,
    )
    electrons = Electrons(random.uniform(0, 1.5), random.uniform(-1, 1), random.uniform(-1, 3))
    bosons = Bosons(random.uniform(-1, 1), random.uniform(-1, 1)) if boson_like else None
    model = Model(cluster, electrons, bosons, phonons)
    charge = int(random.integers(1, 2 * cluster.sites))
    poor = int(random.integers(2, 7))
    return model, Sector(charge), poor, 34 if modes == 1 else 22


def at_cutoff(model, cutoff):
    return replace(model, phonons=replace(model.phonons, max_quanta=cutoff))


@pytest.fixture(scope="module")
def trials():
    """Return (error, error bar, bound) of ground energies of random models at poor cutoffs."""
    rows = []
    for seed in range(60):
        model, sector, poor, rich = random_model(seed)
        rough = ground_state(at_cutoff(model, poor), sector, 1, DENSE)
        fine = ground_state(at_cutoff(model, rich), sector, 1)
        assert fine.certificate.energy_errors[0] < 1e-7
        c = rough.certificate
        rows.append((rough.energies[0] - fine.energies[0], c.energy_errors[0], c.bounds[0]))
    return np.array(rows)


@pytest.mark.long
def test_a_truncated_ground_energy_is_an_upper_bound(trials):
    assert np.all(trials[:, 0] > -1e-9)


def test_an_exact_level_lies_within_the_rigorous_bound(trials):
    """The bound speaks of the nearest exact level; the ground level itself is the stronger test."""
    assert np.all(trials[:, 0] <= trials[:, 2] + 1e-9)


def test_the_error_bar_covers_at_least_95_percent(trials):
    covered = np.abs(trials[:, 0]) <= trials[:, 1] + 1e-9
    assert np.mean(covered) >= 0.95


def test_the_error_bar_is_no_wild_exaggeration(trials):
    seen = trials[:, 0] > 1e-9
    assert np.median(trials[seen, 1] / trials[seen, 0]) < 5


def test_the_error_bar_follows_the_true_error_over_many_decades():
    model = Model(site(), Electrons(), Bosons(0.5, 0.4), Phonons(1.0, boson_coupling=1.2, max_quanta=1))
    exact = ground_state(at_cutoff(model, 60), 2, 1, DENSE).energies[0]
    errors, bars = [], []
    for cutoff in range(3, 14):
        levels = ground_state(at_cutoff(model, cutoff), 2, 1, DENSE)
        errors.append(levels.energies[0] - exact)
        bars.append(levels.certificate.energy_errors[0])
    ratio = np.array(bars) / np.array(errors)
    assert errors[0] / errors[-1] > 1e6
    assert np.all((ratio > 1.0) & (ratio < 6.0))


def test_a_cutoff_that_is_far_too_small_gives_a_large_error_bar():
    model = Model(site(), Electrons(), Bosons(-0.5, 0.4), Phonons(1.0, boson_coupling=3.0, max_quanta=2))
    levels = ground_state(model, 2, 1, DENSE)
    assert levels.certificate.energy_errors[0] > 1.0
    assert levels.certificate.bounds[0] > 1.0


def test_nothing_leaks_without_phonons_or_without_coupling():
    bare = ground_state(Model(ring(3), Electrons(1.0), Bosons(0.1, 0.5)), 2)
    free = ground_state(Model(site(), Electrons(), Bosons(0.1, 0.5), Phonons(1.0, max_quanta=3)), 2)
    for levels in (bare, free):
        assert levels.certificate.leaks[0] == 0.0
        assert levels.certificate.energy_errors[0] < 1e-12


@pytest.mark.parametrize("caps", [(4, None), (None, 4), (3, 4)], ids=["per mode", "total", "both"])
def test_the_leak_is_the_part_of_H_psi_outside_the_space(caps):
    """Compare with H of a larger space, applied to the embedded state."""
    phonons = Phonons(0.9, boson_coupling=0.8, electron_coupling=0.3, max_quanta=caps[0], total_quanta=caps[1])
    model = Model(dimer(), Electrons(1.0, 0.0, 0.5), Bosons(-0.2, 0.6), phonons)
    levels = ground_state(model, 2, 1, DENSE)
    larger = ground_state(replace(model, phonons=replace(phonons, max_quanta=8, total_quanta=None)), 2, 1, DENSE)
    small, big = levels.hamiltonian.space, larger.hamiltonian.space
    place = big.phonons.index(small.phonons.occupations.astype(np.int64))
    embedded = np.zeros(big.shape)
    embedded[:, place] = levels.vectors[0]
    moved = larger.hamiltonian.apply(embedded)
    outside = np.delete(moved, place, axis=1)
    leak = np.linalg.norm(outside)
    assert levels.certificate.leaks[0] == pytest.approx(leak, rel=1e-10)
    moved[:, place] = 0.0
    energy = np.vdot(moved, larger.hamiltonian.apply(moved)) / leak**2
    assert levels.certificate.leak_energies[0] == pytest.approx(energy, rel=1e-10)


def test_temple_bound_lies_below_the_exact_energy():
    model = Model(site(), Electrons(), Bosons(0.5, 0.4), Phonons(1.0, boson_coupling=0.8, max_quanta=6))
    levels = ground_state(model, 2, 3, DENSE)
    exact = ground_state(at_cutoff(model, 50), 2, 1, DENSE).energies[0]
    lower = levels.certificate.temple_bounds(levels.energies)
    assert lower[0] <= exact <= levels.energies[0]
    assert lower[-1] == -np.inf


def test_residuals_do_not_depend_on_the_engine_that_found_the_state():
    model = Model(ring(4), Electrons(1.0), Bosons(-0.3, 0.6), Phonons(1.0, boson_coupling=0.5, total_quanta=2))
    dense, lanczos = (ground_state(model, 4, 3, Options(engine=name)) for name in ("dense", "quspin"))
    np.testing.assert_allclose(dense.energies, lanczos.energies, atol=1e-10)
    np.testing.assert_allclose(dense.certificate.leaks, lanczos.certificate.leaks, atol=1e-8)
    assert np.all(lanczos.certificate.residuals < 1e-9)


@st.composite
def words_and_spaces(draw):
    modes = draw(st.integers(1, 3))
    powers = st.tuples(st.integers(0, 3), st.integers(0, 3))
    word = tuple((m, *draw(powers)) for m in range(modes) if draw(st.booleans()))
    return word, PhononSpace.capped(modes, draw(st.integers(0, 3)), draw(st.integers(0, 5)))


@settings(max_examples=cases(40), deadline=None)
@given(words_and_spaces())
def test_words_within_and_beyond_a_cutoff_are_those_of_matrices_without_one(case):
    word, space = case
    far = 9  # three quanta more than any image has
    lower = np.diag(np.sqrt(np.arange(1.0, far + 1)), 1)
    factors = {m: np.linalg.matrix_power(lower.T, up) @ np.linalg.matrix_power(lower, low) for m, up, low in word}
    whole = np.ones((1, 1))
    for m in range(space.modes):
        whole = np.kron(whole, factors.get(m, np.eye(far + 1)))
    place = (far + 1) ** np.arange(space.modes)[::-1]
    shell = Shell.beyond(space, iter([word]))
    inside, outside = space.occupations.astype(int) @ place, shell.occupations @ place
    np.testing.assert_allclose(word_matrix(word, space).toarray(), whole[np.ix_(inside, inside)], rtol=1e-13)
    np.testing.assert_allclose(shell.outward(word).toarray(), whole[np.ix_(outside, inside)], rtol=1e-13)
    np.testing.assert_allclose(shell.within(word).toarray(), whole[np.ix_(outside, outside)], rtol=1e-13)
    reached = np.flatnonzero(np.any(whole[:, inside], axis=1))
    assert set(outside) == set(reached) - set(inside)
