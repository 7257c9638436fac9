"""Every matrix element of every form of the Hamiltonian, on random models, against algebra on the whole Fock space."""

import numpy as np
import pytest
from amounts import cases
from hypothesis import HealthCheck, event, given, settings
from random_models import models_and_sectors
from reference import (
    Fock,
    as_the_package_orders,
    dagger,
    full_hamiltonian,
    kron,
    respair_order,
    sector_indices,
    sector_matrix,
    shifts_of,
)

from respair.clusters import chain, ring
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
    flux_derivative,
    pair,
    phonon,
    quanta,
)
from respair.hamiltonians.kernels.tensor import TensorHamiltonian
from respair.solvers.engines import product_index

ROUNDING = 1e-12
often = settings(max_examples=cases(120), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def bound(matrix):
    return ROUNDING * max(1.0, float(np.max(np.abs(matrix), initial=0.0)))


def random_amplitudes(size, seed=5):
    random = np.random.default_rng(seed)
    return random.standard_normal(size) + 1j * random.standard_normal(size)


@pytest.mark.long
@often
@given(models_and_sectors())
def test_the_matrix_is_the_reference_element_by_element(case):
    model, sector = case
    hamiltonian = Hamiltonian.of(model, sector)
    expected = sector_matrix(model, hamiltonian.space)
    ours = hamiltonian.matrix().toarray()
    event(f"odd charge: {sector.charge % 2}, flux: {model.flux != 0}, phonons: {model.phonons is not None}")
    np.testing.assert_allclose(ours, expected, rtol=0, atol=bound(expected))
    assert np.max(np.abs(ours - ours.conj().T), initial=0.0) <= bound(expected)
    assert np.iscomplexobj(ours) or np.max(np.abs(expected.imag), initial=0.0) <= bound(expected)


@pytest.mark.long
@settings(often, max_examples=cases(80))
@given(models_and_sectors(electrons=True, bosons=True, phonons=True, every=True))
def test_all_couplings_together_are_the_reference_in_every_form(case):
    model, sector = case
    hamiltonian = Hamiltonian.of(model, sector)
    expected = sector_matrix(model, hamiltonian.space)
    event(f"modes on {model.modes[0].host if model.modes else 'nothing'}, flux: {model.flux != 0}")
    np.testing.assert_allclose(hamiltonian.matrix().toarray(), expected, rtol=0, atol=bound(expected))
    psi = random_amplitudes(len(expected))
    image = expected @ psi
    np.testing.assert_allclose(TensorHamiltonian(hamiltonian).dot(psi), image, rtol=0, atol=10 * bound(image))


@often
@given(models_and_sectors())
def test_the_sector_holds_each_allowed_state_of_its_charges_once(case):
    model, sector = case
    order, sign = respair_order(model, Hamiltonian.of(model, sector).space)
    np.testing.assert_array_equal(np.sort(order), sector_indices(model, sector.charge, sector.two_sz))
    assert set(np.unique(sign)) <= {-1.0, 1.0}


@settings(often, max_examples=cases(60))
@given(models_and_sectors())
def test_both_actions_without_a_matrix_are_the_reference(case):
    model, sector = case
    hamiltonian = Hamiltonian.of(model, sector)
    expected = sector_matrix(model, hamiltonian.space)
    psi = random_amplitudes(len(expected))
    image = expected @ psi
    applied = hamiltonian.apply(psi.reshape(hamiltonian.space.shape)).ravel()
    np.testing.assert_allclose(applied, image, rtol=0, atol=10 * bound(image))
    np.testing.assert_allclose(TensorHamiltonian(hamiltonian).dot(psi), image, rtol=0, atol=10 * bound(image))


@settings(often, max_examples=cases(30))
@given(models_and_sectors())
def test_one_quspin_basis_for_everything_gives_the_reference(case):
    model, sector = case
    hamiltonian = Hamiltonian.of(model, sector)
    basis, matrix = hamiltonian.quspin()
    number = product_index(hamiltonian, basis.states)
    np.testing.assert_array_equal(np.sort(number), np.arange(hamiltonian.space.dimension))
    expected = sector_matrix(model, hamiltonian.space)[np.ix_(number, number)]
    np.testing.assert_allclose(matrix.toarray(), expected, rtol=0, atol=bound(expected))


@settings(often, max_examples=cases(30))
@given(models_and_sectors())
def test_the_reference_itself_is_hermitian_and_keeps_charge_and_spin(case):
    model, _ = case
    h = full_hamiltonian(model).tocoo()
    charge, spin = Fock(model).charges
    large = np.abs(h.data) > bound(h.data)
    np.testing.assert_array_equal(charge[h.coords[0][large]], charge[h.coords[1][large]])
    np.testing.assert_array_equal(spin[h.coords[0][large]], spin[h.coords[1][large]])
    assert np.max(np.abs((h - h.conj().T).toarray()), initial=0.0) <= bound(h.data)


@pytest.mark.sampled
@pytest.mark.parametrize("flux", [0.0, 0.7, np.pi, -2.1])
@pytest.mark.parametrize("order", [1, 2])
def test_flux_derivatives_are_differences_of_reference_matrices(flux, order):
    """Electrons, pairs and phonon-assisted hops; fourth-order differences."""
    phonons = Phonons(0.9, bond_coupling=[0.3, -0.2, 0.5], max_quanta=2, exchange_coupling=0.2, spring=0.1)
    bosons = Bosons(0.2, 0.6, hopping=[0.4, 0.1, -0.3], bond_exchange=[0.5, -0.3, 0.2])
    electrons = Electrons([1.0, 0.5, 0.8], pair_hopping=[0.2, 0.3, -0.4], spin_exchange=0.7, zeeman=0.3)

    def model(phi):
        return Model(ring(3), electrons, bosons, phonons, flux=phi)

    space = Hamiltonian.of(model(flux), Sector(3)).space
    step = 1e-2
    h = {k: sector_matrix(model(flux + k * step), space) for k in range(-2, 3)}
    first = (h[-2] - 8 * h[-1] + 8 * h[1] - h[2]) / (12 * step)
    second = (-h[-2] + 16 * h[-1] - 30 * h[0] + 16 * h[1] - h[2]) / (12 * step**2)
    factors = space.factorise(flux_derivative(model(flux), order))
    ours = sum(np.kron(f.charges.toarray(), space.lattice_matrix(f.lattice).toarray()) for f in factors)
    np.testing.assert_allclose(ours, first if order == 1 else second, atol=2e-8)


def three_body_hop(model):
    hop = (0.3 + 0.2j) * (create(2, "up") * annihilate(0, "up") * electron_number(1, "dn") * phonon(1))
    return hop + hop.dag


def pair_exchange_over_a_bond(model):
    swap = 0.7 * (boson(1).dag * pair(0) * displacement(0) * displacement(1))
    return swap + swap.dag


def spin_exchange(model):
    flip = 0.5j * (create(0, "up") * annihilate(0, "dn") * create(2, "dn") * annihilate(2, "up"))
    return flip + flip.dag


def anharmonic(model):
    x = displacement(0)
    return 0.05 * (x * x * x * x) + 0.1 * (quanta(0) * quanta(1)) + 0.2 * (boson_number(2) * x * x) + 0.125


def reference_of_user_terms(model, charge):
    fock, s = Fock(model), shifts_of(model, charge)
    word = lambda **letters: fock.lattice({int(m[1:]): w for m, w in letters.items()}, s)  # noqa: E731
    hop = (0.3 + 0.2j) * (dagger(fock.c[2, "up"]) @ fock.c[0, "up"] @ fock.n(1, ["dn"]))
    hop = kron(hop, word(m1="-"))
    swap = 0.7 * (dagger(fock.b[1]) @ fock.c[0, "dn"] @ fock.c[0, "up"])
    swap = kron(swap, fock.x(0, s) @ fock.x(1, s))
    flip = 0.5j * (dagger(fock.c[0, "up"]) @ fock.c[0, "dn"] @ dagger(fock.c[2, "dn"]) @ fock.c[2, "up"])
    flip = kron(flip, fock.lattice_one)
    every = ["".join(w) for w in np.array(np.meshgrid(*[["+", "-"]] * 4)).reshape(4, -1).T]
    quartic = sum((word(m0=w) for w in every), 0.0 * fock.lattice_one)
    square = word(m0="++") + word(m0="+-") + word(m0="-+") + word(m0="--")
    diagonal = kron(fock.charge_one, 0.05 * quartic + 0.1 * word(m0="+-", m1="+-") + 0.125 * fock.lattice_one)
    diagonal = diagonal + 0.2 * kron(fock.nb(2), square)
    return hop + dagger(hop) + swap + dagger(swap) + flip + dagger(flip) + diagonal


@pytest.mark.parametrize("frame", ["none", "mean", [0.8, -0.3]])
@pytest.mark.parametrize("sector", [Sector(3, 1), Sector(4), Sector(5, -1)])
def test_terms_of_the_users_own_in_every_frame(frame, sector):
    """Three-body hops, pairs that form next door, spin flips, an anharmonic lattice: projections of exact operators."""
    terms = (three_body_hop, pair_exchange_over_a_bond, spin_exchange, anharmonic)
    phonons = Phonons(0.8, on=[0, 2], boson_coupling=0.4, electron_coupling=0.2, max_quanta=2, displacement=frame)
    model = Model(chain(3), Electrons(1.0, hubbard_u=1.5), Bosons(-0.3, 0.5), phonons, terms=terms)
    hamiltonian = Hamiltonian.of(model, sector)
    whole = full_hamiltonian(model) + reference_of_user_terms(model, sector.charge)
    expected = as_the_package_orders(whole, model, hamiltonian.space).toarray()
    np.testing.assert_allclose(hamiltonian.matrix().toarray(), expected, rtol=0, atol=bound(expected))
    psi = random_amplitudes(len(expected))
    np.testing.assert_allclose(TensorHamiltonian(hamiltonian).dot(psi), expected @ psi, rtol=0, atol=1e-11)
    basis, matrix = hamiltonian.quspin()
    assert matrix.shape == expected.shape
    assert len(basis) == len(expected)


def test_a_term_that_is_not_hermitian_is_refused():
    hop = lambda model: create(1, "up") * annihilate(0, "up")  # noqa: E731
    model = Model(ring(3), Electrons(1.0), terms=(hop,))
    with pytest.raises(ValueError, match="not Hermitian"):
        Hamiltonian.of(model, Sector(2))
