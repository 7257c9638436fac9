"""Approximations of self-energies: orders of their errors, sums in closed form, instabilities."""

import numpy as np
import pytest
from scipy.special import expit

import respair as rp
from respair.analysis.approximations.diagrams.axis import Axis
from respair.analysis.approximations.diagrams.hubbard_one import hubbard_one
from respair.analysis.approximations.diagrams.migdal import born, migdal_eliashberg, self_consistent_born
from respair.analysis.approximations.diagrams.results import GREENS_FUNCTION, PAIR_SUSCEPTIBILITY, exact_response
from respair.analysis.approximations.diagrams.t_matrix import t_matrix
from respair.clusters import InvalidValue

T = 0.5
H = np.array([[0.3, -1.0 + 0.4j, 0.0], [-1.0 - 0.4j, -0.2, -0.7], [0.0, -0.7, 0.1]])
LATTICE = rp.Phonons(1.0, max_quanta=1)


def holstein(g, quanta=2, frequency=4.0):
    lattice = rp.Phonons(frequency, electron_coupling=g, max_quanta=quanta)
    electrons = rp.Electrons(1.0, level=[0.1, 0.4])
    return rp.Model(rp.dimer(), electrons, phonons=lattice, chemical_potential=0.2)


def local_pairs(v, level=0.3):
    electrons, pairs = rp.Electrons(1.0, level=[0.0, 0.3]), rp.Bosons(level, v)
    return rp.Model(rp.dimer(), electrons, pairs, chemical_potential=-0.2)


def off(found, model, name=GREENS_FUNCTION):
    exact = exact_response(name, model, T, None)[0].values
    return float(np.max(np.abs(found[name].values - exact)) / np.max(np.abs(exact)))


@pytest.mark.long
@pytest.mark.parametrize("method", [born, self_consistent_born, migdal_eliashberg])
def test_errors_of_phonons_are_of_fourth_order(method):
    errors = [off(method(model, T), model) for model in (holstein(0.05), holstein(0.1))]
    assert errors[1] == pytest.approx(16 * errors[0], rel=0.15)
    assert errors[1] < 2e-3


@pytest.mark.parametrize("level", [0.3, pytest.param(-0.9, marks=pytest.mark.long), -0.4])
def test_errors_of_the_t_matrix_are_of_fourth_order_below_and_above_resonance(level):
    errors = [off(t_matrix(model, T), model) for model in (local_pairs(0.1, level), local_pairs(0.2, level))]
    assert errors[1] == pytest.approx(16 * errors[0], rel=0.2)
    pairs = [off(t_matrix(m, T), m, PAIR_SUSCEPTIBILITY) for m in (local_pairs(0.1, level), local_pairs(0.2, level))]
    assert pairs[1] == pytest.approx(16 * pairs[0], rel=0.2)


@pytest.mark.long
def test_local_pairs_on_some_sites_that_hop_are_right_to_second_order():
    def model(v):
        electrons, pairs = rp.Electrons(0.8), rp.Bosons(0.2, v, on=[1])
        return rp.Model(rp.ring(3), electrons, pairs, flux=0.4, chemical_potential=-0.1)

    errors = [off(t_matrix(model(v), T), model(v)) for v in (0.1, 0.2)]
    assert errors[1] == pytest.approx(16 * errors[0], rel=0.2)
    free = t_matrix(rp.Model(rp.ring(3), rp.Electrons(1.0), rp.Bosons(0.3, 0.0, 0.2)), T)
    assert np.isfinite(free.matsubara_greens_function.values).all()


def test_susceptibility_of_pairs_in_a_lattice_is_right_to_second_order():
    models = [holstein(g, 3, 2.0) for g in (0.1, 0.2)]
    errors = [off(migdal_eliashberg(model, T), model, PAIR_SUSCEPTIBILITY) for model in models]
    assert errors[1] == pytest.approx(16 * errors[0], rel=0.4)
    assert errors[1] < 1e-3


@pytest.mark.long
def test_atoms_are_exact_and_hops_are_of_second_order():
    def model(t):
        lattice = rp.Phonons(1.0, electron_coupling=0.3, max_quanta=1)
        electrons, pairs = rp.Electrons(t, hubbard_u=2.0), rp.Bosons(0.3, 0.4, on=[0])
        return rp.Model(rp.dimer(), electrons, pairs, lattice, chemical_potential=0.7)

    errors = [off(hubbard_one(model(t), T), model(t)) for t in (0.0, 0.02, 0.04)]
    assert errors[0] < 1e-12
    assert errors[2] == pytest.approx(4 * errors[1], rel=0.1)


def test_sums_over_frequencies_are_those_of_free_electrons():
    axis = Axis(T, 200)
    g = axis.free(H)
    energies, states = np.linalg.eigh(H)
    occupied = (states * expit(-energies / T)) @ states.conj().T
    np.testing.assert_allclose(axis.occupied(g, H), occupied, atol=1e-12)
    np.testing.assert_allclose(axis.occupied(g, H + 0.3 * np.eye(3)), occupied, atol=2e-4)  # another tail
    middle = 2 * axis.count - 1
    far = Axis(T, 20_000)
    pairs = T * np.sum(far.free(H) * far.free(H)[::-1], axis=0)
    np.testing.assert_allclose(axis.pairs(g, H)[middle], pairs, atol=2e-5)
    holes = T * np.sum(far.free(H) * np.swapaxes(far.free(H), 1, 2), axis=0)
    np.testing.assert_allclose(axis.holes(g, H)[middle], holes, atol=2e-5)
    np.testing.assert_allclose(axis.pairs(g, H), axis.pairs(g, H + 0.2 * np.eye(3)), atol=1e-3)


def test_instabilities_are_said_and_nothing_else_is():
    lattice = rp.Phonons(0.5, electron_coupling=1.5, max_quanta=1)
    soft = rp.Model(rp.ring(4), rp.Electrons(1.0), phonons=lattice, chemical_potential=-2.25)
    data = migdal_eliashberg(soft, 0.1)
    assert not data.phonon_stiffness > 0
    assert np.isnan(data.matsubara_greens_function.values).all()
    condensed = t_matrix(rp.Model(rp.ring(4), rp.Electrons(1.0), rp.Bosons(0.0, 1.0)), 0.02)
    assert not condensed.thouless > 0
    assert np.isnan(condensed.electron_density.values).all()


def test_the_gap_equation_knows_the_strong_coupling_of_one_site():
    """Without hopping and at high temperatures the static phonon alone pairs: its eigenvalue falls as 1/T."""
    model = rp.Model(rp.site(), rp.Electrons(), phonons=rp.Phonons(0.1, electron_coupling=1.0, max_quanta=1))
    eigenvalues = [float(migdal_eliashberg(model, t).gap_eigenvalue) for t in (20.0, 40.0)]
    assert eigenvalues[0] == pytest.approx(2 * eigenvalues[1], rel=0.05)


@pytest.mark.long
def test_comparisons_have_responses_where_they_can_be_summed(monkeypatch):
    data = rp.compare(holstein(0.3), T)
    errors = data.relative_error_matsubara_greens_function
    assert float(errors.sel(approximation="migdal-eliashberg")) < float(errors.sel(approximation="born"))
    assert data.matsubara_greens_function.dtype == complex
    monkeypatch.setattr("respair.analysis.thermal.spectral_lines.MOST_LINES", 10)
    assert "matsubara_greens_function" not in rp.compare(holstein(0.3), T, ["born"])
    with pytest.raises(InvalidValue, match="more lines"):
        rp.compare(holstein(0.3), T, ["born"], quantities=["matsubara_greens_function"])


@pytest.mark.parametrize(
    ("model", "name", "why"),
    [
        (holstein(0.1), "t-matrix", "electrons and local pairs"),
        (rp.Model(rp.dimer(), rp.Electrons(1.0, hubbard_u=2.0), phonons=LATTICE), "born", "hubbard"),
        (rp.Model(rp.dimer(), rp.Electrons(1.0), phonons=rp.Phonons(1.0, cutoff="auto")), "hubbard-one", "max_quanta"),
    ],
)
def test_other_models_are_refused_in_words(model, name, why):
    with pytest.raises(rp.InvalidModel, match=why):
        rp.compare(model, T, [name])
    with pytest.raises(rp.InvalidModel, match="temperature"):
        rp.compare(holstein(0.1), rp.Sector(2), ["migdal-eliashberg"])


@pytest.mark.parametrize(
    ("frequency", "temperature", "level", "quanta"),
    [(0.1, 0.05, 0.2, 25), (1.0, 0.05, -0.5, 8), (8.0, 0.5, 0.3, 4), (0.5, 0.02, 0.1, 8)],
)
def test_the_order_of_the_errors_is_that_of_soft_and_stiff_lattices(frequency, temperature, level, quanta):
    def error(g):
        lattice = rp.Phonons(frequency, electron_coupling=g, max_quanta=quanta)
        model = rp.Model(rp.site(), rp.Electrons(level=level), phonons=lattice)
        exact = exact_response(GREENS_FUNCTION, model, temperature, None)[0].values
        return np.max(np.abs(migdal_eliashberg(model, temperature)[GREENS_FUNCTION].values - exact))

    assert error(0.04) == pytest.approx(16 * error(0.02), rel=0.1)


def test_temperatures_that_need_too_many_frequencies_are_refused_and_far_levels_do_not_overflow():
    with pytest.raises(rp.InvalidModel, match="raise the temperature"):
        rp.compare(local_pairs(0.1), 1e-4, ["t-matrix"])
    for level in (5.0, -5.0):
        model = local_pairs(0.04, level)
        assert off(t_matrix(model, T), model) < 1e-6
        assert np.isfinite(t_matrix(model, 0.005)[GREENS_FUNCTION].values).all()
