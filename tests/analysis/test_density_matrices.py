"""Density matrices of parts, one- and two-body density matrices, and tables of the basis, against dense operators."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from independent import LOWER, Z, fock, in_order_of, kron, sector_states

import respair as rp
from respair.solvers import levels_by_symmetry

MODEL = rp.Model(
    rp.ring(3),
    rp.Electrons(1.0, hubbard_u=2.0),
    rp.Bosons(0.2, 0.6, on=[0, 2]),
    rp.Phonons(1.0, electron_coupling=0.4, max_quanta=2, on=[1]),
    flux=0.7,
)


@pytest.fixture(scope="module")
def ground():
    return rp.ground_state(MODEL, 3).ground


def dense(state):
    space = state.hamiltonian.space
    f = fock(space.model)
    order = in_order_of(space, space.model, f, sector_states(space.model, f, space.sector.charge, space.sector.two_sz))
    whole = np.zeros((sum(len(p.weights) for p in state.parts), len(f.occupations)), complex)
    weights = np.concatenate([p.weights for p in state.parts])
    whole[:, order] = np.concatenate([p.vectors.reshape(len(p.weights), -1) for p in state.parts])
    return f, whole, weights


def part_operators(data, sites):
    """Annihilators of electrons, pairs and phonons of a part, on the rows of its density matrix."""
    carriers = [k for k, i in enumerate(sites) if i in (0, 2)]
    modes, cap = data.sizes["part_mode"], 2
    sizes = [2] * (2 * len(sites) + len(carriers)) + [cap + 1] * modes
    eyes = [np.eye(size) for size in sizes]

    def at(place, matrix, string):
        return kron(*[Z] * string, *eyes[string:place], matrix, *eyes[place + 1 :])

    c = {(i, s): at(k + len(sites) * n, LOWER, k + len(sites) * n) for n, s in enumerate(("up", "dn"))
         for k, i in enumerate(sites)}  # fmt: skip
    b = {sites[k]: at(2 * len(sites) + n, LOWER, 0) for n, k in enumerate(carriers)}
    ladder = np.diag(np.sqrt(np.arange(1.0, cap + 1)), 1)
    a = [at(2 * len(sites) + len(carriers) + m, ladder, 0) for m in range(modes)]
    digits = np.concatenate(
        [data.up.values, data.dn.values, data.boson.values[:, carriers], data.quanta.values], axis=1
    )
    return c, b, a, np.ravel_multi_index(digits.T.astype(int), sizes)


@pytest.mark.parametrize("sites", [[0], [0, 1], [1, 2], [0, 2]])
def test_a_reduced_density_matrix_gives_the_averages_of_its_part(ground, sites):
    data = rp.reduced_density_matrix(ground, sites, [0] if 1 in sites else [])
    rho = data.density_matrix.values
    assert np.trace(rho) == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(rho, rho.conj().T, atol=1e-14)
    c, b, a, places = part_operators(data, sites)
    size = next(iter(c.values())).shape[0]
    whole = sp.csr_array((rho.ravel(), (np.repeat(places, len(rho)), np.tile(places, len(rho)))), shape=(size, size))
    f, psi, _ = dense(ground)
    rng = np.random.default_rng(1)
    own = [c[key] for key in c] + [b[key] for key in b] + list(a)
    theirs = [f.c[key] for key in c] + [f.b[key] for key in b] + ([f.a[0]] if a else [])
    for _ in range(12):  # random products of an even number of electrons, in both spaces
        chosen = rng.integers(0, len(own), 2)
        word, same = own[chosen[0]].conj().T @ own[chosen[1]], theirs[chosen[0]].conj().T @ theirs[chosen[1]]
        if all(k < len(c) for k in chosen) or all(k >= len(c) for k in chosen):
            expected = np.vdot(psi[0], same @ psi[0])
            assert (whole @ word).trace() == pytest.approx(expected, abs=1e-12)


def test_parts_of_one_spin_and_of_the_lattice(ground):
    up = rp.reduced_density_matrix(ground, [0, 1], spins=["up"], bosons=False)
    assert up.sizes["state"] == 4
    f, psi, _ = dense(ground)
    both = f.n(0, "up") @ f.n(1, "up")
    row = int(np.flatnonzero(up.up.values.all(axis=1))[0])
    assert up.density_matrix.values[row, row].real == pytest.approx(np.vdot(psi[0], both @ psi[0]).real, abs=1e-12)
    lattice = rp.reduced_density_matrix(ground, modes=[0])
    x = np.diag(np.sqrt([1.0, 2.0]), 1) + np.diag(np.sqrt([1.0, 2.0]), -1)
    mean = rp.observables(ground, ["displacement"]).displacement.values[0]
    assert np.trace(lattice.density_matrix.values @ x).real == pytest.approx(mean, abs=1e-12)


def test_the_spectrum_is_that_of_the_entanglement(ground):
    rho = rp.reduced_density_matrix(ground, [0, 1], [0]).density_matrix.values
    spectrum = rp.entanglement(ground, [0, 1]).spectrum.values
    np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(rho))[::-1][: len(spectrum)], spectrum, atol=1e-12)


@pytest.mark.parametrize("mixed", [False, True])
def test_one_and_two_body_density_matrices(ground, mixed):
    state = levels_by_symmetry(rp.Model(rp.ring(3), rp.Electrons(1.0, hubbard_u=2.0)), 3, 2).ground if mixed else ground
    f, psi, weights = dense(state)
    assert mixed == (len(weights) > 1)
    one, two = rp.one_body_density_matrix(state), rp.two_body_density_matrix(state)
    count = 3
    images = {(s, i): (f.c[i, s] @ psi.T).T for s in ("up", "dn") for i in range(count)}

    def mean(left, right):
        return np.sum(weights * np.sum(left.conj() * right, axis=1))

    for s in ("up", "dn"):
        expected = [[mean(images[s, i], images[s, j]) for j in range(count)] for i in range(count)]
        np.testing.assert_allclose(one.sel(spin=s), expected, atol=1e-12)
    for n, (s, t) in enumerate((("up", "up"), ("up", "dn"), ("dn", "up"), ("dn", "dn"))):
        pairs = {(i, j): (f.c[j, t] @ (f.c[i, s] @ psi.T)).T for i in range(count) for j in range(count)}
        gram = [[mean(left, right) for right in pairs.values()] for left in pairs.values()]
        expected = np.array(gram).reshape((count,) * 4)
        np.testing.assert_allclose(two.values[n], expected, atol=1e-12)


@pytest.mark.parametrize("basis", ["lang-firsov", pytest.param("optimal", marks=pytest.mark.long)])
def test_parts_of_states_whose_phonons_follow_the_charges(basis):
    table = rp.Phonons(1.0, electron_coupling=0.8, max_quanta=18, frame="mean")
    model = rp.Model(rp.dimer(), rp.Electrons(1.0, hubbard_u=1.0), phonons=table)
    other = {"frame": "lang-firsov"} if basis != "optimal" else {"basis": "optimal", "max_quanta": 8, "frame": "none"}
    plain, dressed = (rp.ground_state(m, 2) for m in (model, replace(model, phonons=replace(table, **other))))
    left, right = (rp.reduced_density_matrix(levels, [0], [0]) for levels in (plain, dressed))
    spectra = [np.sort(np.linalg.eigvalsh(each.density_matrix.values))[::-1][:8] for each in (left, right)]
    np.testing.assert_allclose(*spectra, atol=1e-5)
    assert np.trace(right.density_matrix.values).real == pytest.approx(1.0, abs=1e-10)


def test_bad_parts_are_refused(ground):
    with pytest.raises(ValueError, match="allowed: sites 0 to 2"):
        rp.reduced_density_matrix(ground, [3])
    with pytest.raises(ValueError, match="the part is empty"):
        rp.reduced_density_matrix(ground)
    with pytest.raises(ValueError, match='allowed: "up", "dn"'):
        rp.reduced_density_matrix(ground, [0], spins=["left"])
    with pytest.raises(ValueError, match="no electrons"):
        rp.one_body_density_matrix(rp.ground_state(rp.Model(rp.ring(3), bosons=rp.Bosons(hopping=1.0)), 2).ground)


def test_the_table_of_the_basis_lists_the_rows_of_the_matrix(ground):
    table, h = rp.basis_table(ground), ground.hamiltonian
    assert table.sizes["state"] == h.space.dimension
    numbers = np.diag(h.matrix_of(rp.operator("nup_0 + 10 ndn_1 + 100 nb_2 + 1000 na_0")).toarray())
    boson = table.boson.sel(boson_site=2)
    listed = table.up[:, 0] + 10 * table.dn[:, 1] + 100 * boson + 1000 * table.quanta[:, 0].astype(int)
    np.testing.assert_allclose(listed, numbers.real)
    assert table.label.values[0] == h.space.label(0)


@pytest.mark.parametrize("sites", [None, [0.5], [True], "a", [0, 0], [7]])
def test_parts_that_are_not_there_are_named(sites):
    levels = rp.ground_state(rp.Model(rp.dimer(), rp.Electrons(1.0)), 2)
    with pytest.raises(ValueError, match=r"sites = .* is invalid; allowed: sites 0 to 1, each once"):
        rp.reduced_density_matrix(levels, sites)
    with pytest.raises(ValueError, match="the model has no modes"):
        rp.reduced_density_matrix(levels, [0], modes=[0])
