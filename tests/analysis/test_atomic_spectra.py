"""Thermal lines of a site with its lattice against the matrix elements of a dense site, and closed forms."""

import numpy as np
import pytest
from scipy.special import iv

from respair.analysis.approximations import side_bands, spectral_weights
from respair.clusters import dimer, site
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons


def dense_lines(e, u, d, omega, alpha_f, alpha, mu, t, quanta):
    """Every (frequency, weight) of A_up from Kronecker products; `d` is None without a local pair."""
    lower, one, a = np.array([[0.0, 1.0], [0.0, 0.0]]), np.eye(2), np.diag(np.sqrt(np.arange(1.0, quanta + 1)), 1)
    boson = np.eye(1) if d is None else one
    letters = [np.kron(lower, one), np.kron(np.diag([1.0, -1.0]), lower)]
    up, dn = (np.kron(np.kron(letter, boson), np.eye(quanta + 1)) for letter in letters)
    n_b = np.zeros((1, 1)) if d is None else lower.T @ lower
    n_b = np.kron(np.kron(np.eye(4), n_b), np.eye(quanta + 1))
    a = np.kron(np.eye(4 * len(boson)), a)
    n_up, n_dn, x = up.T @ up, dn.T @ dn, a + a.T
    n = n_up + n_dn
    h = (e - mu) * n + u * n_up @ n_dn + ((d or 0.0) - 2 * mu) * n_b + omega * a.T @ a
    h = h - omega * (alpha_f * n + alpha * n_b) @ x
    levels, psi = np.linalg.eigh(h)
    p = np.exp(-(levels - levels[0]) / t)
    p /= p.sum()
    weights = (p[:, None] + p) * (psi.T @ up @ psi) ** 2
    return (levels[None, :] - levels[:, None]).ravel(), weights.ravel()


@pytest.mark.parametrize(
    ("pair", "alpha_f", "alpha", "u", "t"),
    [(0.4, 0.7, 0.5, 0.6, 0.5), (-0.7, 0.6, -0.4, 0.0, 0.9), (None, 0.9, 0.0, 1.3, 0.4), (0.4, 0.0, 0.8, 0.5, 0.1)],
    ids=["everything", "hot", "no local pair", "electrons that leave the lattice alone"],
)
def test_lines_with_a_lattice_against_all_matrix_elements(pair, alpha_f, alpha, u, t):
    e, omega, mu = 0.3, 1.1, 0.15
    bosons = None if pair is None else Bosons(pair)
    lattice = Phonons(omega, "all", alpha, alpha_f, max_quanta=1)
    data = spectral_weights(Model(site(), Electrons(0.0, e, u), bosons, lattice, chemical_potential=mu), 0, t)
    frequencies, weights = dense_lines(e, u, pair, omega, alpha_f, alpha, mu, t, 60)
    for frequency, weight in zip(data.frequency.values, data.weight.values, strict=True):
        if weight > 1e-6:
            assert weight == pytest.approx(np.sum(weights[np.abs(frequencies - frequency) < 1e-7]), abs=1e-8)
    assert float(data.weight.sum()) == pytest.approx(1.0, abs=1e-12)
    assert float(data.weight @ data.frequency) == pytest.approx(weights @ frequencies, abs=1e-7)


@pytest.mark.parametrize("t", [0.05, 0.4, 3.0])
def test_side_bands_are_those_of_the_independent_boson(t):
    """exp(-a^2 (2N+1) + m omega0 / 2T) I_|m|(2 a^2 sqrt(N(N+1))): the closed form, and detailed balance."""
    alpha, omega = 0.8, 0.9
    m, weight = side_bands(alpha, omega, t)
    n = 1 / np.expm1(omega / t)
    few = np.abs(m) <= 6
    closed = np.exp(-(alpha**2) * (2 * n + 1) + m[few] * omega / (2 * t))
    closed = closed * iv(np.abs(m[few]), 2 * alpha**2 * np.sqrt(n * (n + 1)))
    np.testing.assert_allclose(weight[few], closed, rtol=1e-10, atol=1e-15)
    assert weight.sum() == pytest.approx(1.0, abs=1e-13)
    assert weight @ m == pytest.approx(alpha**2, abs=1e-10)


def test_a_cold_empty_site_has_the_poisson_lines_of_a_polaron():
    lattice = Phonons(1.0, electron_coupling=0.7, max_quanta=1)
    data = spectral_weights(Model(dimer(), Electrons(1.0, 2.0), phonons=lattice), 0, 1e-3)
    first = data.isel(line=slice(0, 3))
    np.testing.assert_allclose(first.frequency, [2 - 0.49, 3 - 0.49, 4 - 0.49], atol=1e-12)
    np.testing.assert_allclose(first.weight, np.exp(-0.49) * np.array([1, 0.49, 0.49**2 / 2]), atol=1e-12)


def test_a_lattice_that_does_not_couple_changes_nothing():
    bare = Model(site(), Electrons(0.0, 0.2, 0.5), Bosons(-0.3, 0.6))
    with_lattice = Model(site(), Electrons(0.0, 0.2, 0.5), Bosons(-0.3, 0.6), Phonons(1.0, max_quanta=1))
    one, other = (spectral_weights(model, 0, 0.2) for model in (bare, with_lattice))
    np.testing.assert_array_equal(one.weight, other.weight)


def test_what_has_no_closed_form_is_refused():
    model = Model(site(), Electrons(), Bosons(0.0, 0.5), Phonons(1.0, boson_coupling=0.5, max_quanta=1))
    with pytest.raises(InvalidModel, match="no closed form with exchange and a coupled lattice"):
        spectral_weights(model, 0, 0.2)
    with pytest.raises(ValueError, match="temperature = 0; allowed: above 0"):
        spectral_weights(model, 0, 0.0)
    with pytest.raises(ValueError, match="sites are 0 to 0"):
        spectral_weights(model, 1, 0.2)
