"""Every matrix element against Kronecker products and Jordan-Wigner strings that share no code with the package."""

import numpy as np
import pytest
import scipy.sparse as sp
from amounts import cases
from hypothesis import HealthCheck, assume, given, settings
from independent import boson_sites, charges_of, fock, full_hamiltonian, in_order_of, sector_matrix, sector_states
from strategies import models, models_and_sectors

from respair.clusters import dimer, ring, site
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Hamiltonian,
    Model,
    Phonons,
    Sector,
    annihilate,
    boson,
    boson_number,
    create,
    displacement,
    electron_number,
    quanta,
)
from respair.hamiltonians.kernels.tensor import TensorHamiltonian
from respair.solvers import Options, ground_state
from respair.solvers.engines import product_index

EXACT = 1e-12
often = settings(
    max_examples=cases(60),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
)
RANDOM = np.random.default_rng(11)


def scale(matrix):
    return max(1.0, float(np.max(np.abs(matrix), initial=0.0)))


@pytest.mark.long
@often
@given(models_and_sectors())
def test_the_factors_make_the_reference_matrix(case):
    model, sector = case
    hamiltonian = Hamiltonian.of(model, sector)
    expected = sector_matrix(model, sector, hamiltonian.space)
    ours = hamiltonian.matrix().toarray()
    assert np.max(np.abs(expected - expected.conj().T)) <= EXACT * scale(expected)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=EXACT * scale(expected))
    assert np.iscomplexobj(ours) or np.max(np.abs(expected.imag)) <= EXACT * scale(expected)


@often
@given(models_and_sectors())
def test_both_matrix_free_actions_are_the_reference_matrix(case):
    model, sector = case
    hamiltonian = Hamiltonian.of(model, sector)
    expected = sector_matrix(model, sector, hamiltonian.space)
    psi = RANDOM.standard_normal(len(expected)) + 1j * RANDOM.standard_normal(len(expected))
    image = expected @ psi
    shaped = psi.reshape(hamiltonian.space.shape)
    np.testing.assert_allclose(hamiltonian.apply(shaped).ravel(), image, rtol=0, atol=1e-11 * scale(image))
    tensor = TensorHamiltonian(hamiltonian)
    for part in (psi.real.copy(), psi.imag.copy()):
        moved = tensor.dot(part.astype(tensor.dtype))
        np.testing.assert_allclose(moved, expected @ part, rtol=0, atol=1e-11 * scale(image))


@settings(often, max_examples=cases(30))
@given(models_and_sectors())
def test_the_quspin_basis_gives_the_reference_matrix(case):
    model, sector = case
    hamiltonian = Hamiltonian.of(model, sector)
    basis, matrix = hamiltonian.quspin()
    order = product_index(hamiltonian, basis.states)
    expected = sector_matrix(model, sector, hamiltonian.space)[np.ix_(order, order)]
    np.testing.assert_allclose(matrix.toarray(), expected, rtol=0, atol=EXACT * scale(expected))


@settings(often, max_examples=cases(25))
@given(models(phonons=False))
def test_all_sectors_together_are_the_spectrum_of_the_whole_space(model):
    f = fock(model)
    assume(len(f.occupations) <= 600)
    whole = np.linalg.eigvalsh(full_hamiltonian(model, f, 0).toarray())
    charge, spin = charges_of(model, f)
    parts = []
    for n, s in sorted(set(zip(charge.tolist(), spin.tolist(), strict=True))):
        matrix = Hamiltonian.of(model, Sector(n, s)).matrix().toarray()
        parts.append(np.linalg.eigvalsh(matrix))
    np.testing.assert_allclose(np.sort(np.concatenate(parts)), whole, rtol=0, atol=1e-10 * scale(whole))


@settings(often, max_examples=cases(25))
@given(models_and_sectors(phonons=True))
def test_phonon_caps_keep_the_states_that_they_allow(case):
    model, sector = case
    f = fock(model)
    states = sector_states(model, f, sector.charge, sector.two_sz)
    space = Hamiltonian.of(model, sector).space
    assert space.dimension == len(states)
    in_order_of(space, model, f, states)


@pytest.mark.parametrize("engine", ["dense", "quspin", "tensor"])
@settings(often, max_examples=cases(12))
@given(case=models_and_sectors())
def test_every_engine_finds_the_lowest_levels_of_the_reference(engine, case):
    model, sector = case
    hamiltonian = Hamiltonian.of(model, sector)
    expected = np.linalg.eigvalsh(sector_matrix(model, sector, hamiltonian.space))
    found = ground_state(model, sector, 4, Options(engine=engine))
    count = len(found.energies)
    assert count == min(4, len(expected))
    np.testing.assert_allclose(found.energies, expected[:count], rtol=0, atol=1e-9 * scale(expected))
    psi = found.vectors.reshape(len(found.vectors), -1)
    np.testing.assert_allclose(psi.conj() @ psi.T, np.eye(len(psi)), atol=1e-9)


def test_a_term_of_the_users_own_is_what_it_says():
    """Pair-phonon exchange, a squared displacement, assisted hopping: words with several lattice letters."""
    x = [displacement(m) for m in range(2)]

    def terms(model):
        hop = create(0, "up") * annihilate(1, "up") * boson_number(0)
        lattice = x[0] * x[1] + 0.5 * (x[0] * x[0]) * electron_number(1) + 0.1 * (quanta(1) * quanta(1))
        return 0.3 * ((hop + hop.dag) * x[1]) + 0.7 * lattice

    phonons = Phonons(1.0, boson_coupling=0.4, max_quanta=3)
    plain = Model(dimer(), Electrons(1.0), Bosons(0.2, 0.5), phonons)
    model = Model(dimer(), Electrons(1.0), Bosons(0.2, 0.5), phonons, terms=(terms,))
    sector = Sector(2)
    hamiltonian = Hamiltonian.of(model, sector)
    wide = Model(dimer(), Electrons(1.0), Bosons(0.2, 0.5), Phonons(1.0, boson_coupling=0.4, max_quanta=5))
    f = fock(wide)
    y = [a + a.T for a in f.a]
    number = [a.T @ a for a in f.a]
    hop = f.c[0, "up"].conj().T @ f.c[1, "up"] @ (f.b[0].conj().T @ f.b[0])
    extra = 0.3 * ((hop + hop.conj().T) @ y[1])
    extra = extra + 0.7 * (y[0] @ y[1] + 0.5 * (y[0] @ y[0] @ f.n(1)) + 0.1 * (number[1] @ number[1]))
    inside = [
        k
        for k in sector_states(wide, f, sector.charge, sector.two_sz)
        if max(f.occupations[k, -2:]) <= phonons.max_quanta
    ]
    order = in_order_of(hamiltonian.space, wide, f, inside)
    expected = (full_hamiltonian(plain, f, 2) + extra).tocsr()[order][:, order].toarray()
    np.testing.assert_allclose(hamiltonian.matrix().toarray(), expected, atol=1e-12)
    psi = RANDOM.standard_normal(len(expected))
    np.testing.assert_allclose(TensorHamiltonian(hamiltonian).dot(psi), expected @ psi, atol=1e-11)


LETTERS = {
    "hop": (create(0, "up") * annihilate(1, "up"), lambda f: f.c[0, "up"].T @ f.c[1, "up"]),
    "pair made": (boson(0).dag * annihilate(0, "dn") * annihilate(0, "up"),
                  lambda f: f.b[0].T @ f.c[0, "dn"] @ f.c[0, "up"]),
    "pair made, other order": (boson(0).dag * annihilate(0, "up") * annihilate(0, "dn"),
                               lambda f: f.b[0].T @ f.c[0, "up"] @ f.c[0, "dn"]),
    "spin flip with another": (create(0, "up") * annihilate(0, "dn") * create(1, "dn") * annihilate(1, "up"),
                               lambda f: f.c[0, "up"].T @ f.c[0, "dn"] @ f.c[1, "dn"].T @ f.c[1, "up"]),
    "long word": (create(1, "up") * create(1, "dn") * annihilate(0, "dn") * annihilate(0, "up") * boson_number(1),
                  lambda f: f.c[1, "up"].T @ f.c[1, "dn"].T @ f.c[0, "dn"] @ f.c[0, "up"] @ f.b[1].T @ f.b[1]),
}  # fmt: skip


@pytest.mark.parametrize("adjoint", [False, True], ids=["", "adjoint"])
@pytest.mark.parametrize("word", LETTERS)
def test_words_of_letters_have_the_signs_of_fermions(word, adjoint):
    model, sector = Model(dimer(), Electrons(1.0), Bosons(0.2, 0.5)), Sector(4)
    operator, reference = LETTERS[word]
    space = Hamiltonian.of(model, sector).space
    f = fock(model)
    order = in_order_of(space, model, f, sector_states(model, f, 4, 0))
    expected = reference(f)[order][:, order].toarray()
    parts = space.factorise(operator.dag if adjoint else operator)
    ours = sum((part.charges for part in parts), sp.csr_array((len(order),) * 2)).toarray()
    np.testing.assert_allclose(ours, expected.T if adjoint else expected, atol=1e-14)
    assert np.any(expected)


EDGES = {
    "no electrons": (Model(site(), Electrons()), Sector(0), [0.0]),
    "full": (Model(dimer(), Electrons(1.0, hubbard_u=3.0)), Sector(4), [6.0]),
    "one electron on one site": (Model(site(), Electrons(level=0.3)), Sector(1), [0.3]),
    "polarised": (Model(ring(3), Electrons(1.0, level=0.5)), Sector(3, 3), [1.5]),
    "a bare oscillator": (Model(site(), phonons=Phonons(0.7, max_quanta=2)), Sector(0), [0.0, 0.7, 1.4]),
    "one local pair": (Model(site(), bosons=Bosons(level=-0.2)), Sector(2), [-0.2]),
    "all zero": (Model(dimer(), Electrons()), Sector(2), [0.0, 0.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("engine", ["dense", "quspin", "tensor"])
@pytest.mark.parametrize("name", EDGES)
def test_sectors_of_one_or_few_states(name, engine):
    model, sector, levels = EDGES[name]
    found = ground_state(model, sector, len(levels), Options(engine=engine))
    np.testing.assert_allclose(found.energies, levels, atol=1e-12)
    assert found.multiplicity == sum(abs(level - levels[0]) < 1e-12 for level in levels)
    assert np.all(found.certificate.residuals < 1e-12)


@pytest.mark.parametrize("engine", ["dense", "quspin", "tensor"])
def test_a_sector_without_states_is_empty_and_says_so(engine):
    model = Model(dimer(), Electrons(1.0), Bosons(exchange=0.3, on=[0]), Phonons(1.0, max_quanta=1))
    assert boson_sites(model) == [0]
    found = ground_state(model, Sector(6, 0), 2, Options(engine=engine))
    assert found.hamiltonian.space.dimension == 4
    polarised = ground_state(Model(ring(4), bosons=Bosons(hopping=0.3)), Sector(0), 1, Options(engine=engine))
    assert polarised.energies.tolist() == [0.0]
