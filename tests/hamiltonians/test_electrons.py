"""Electrons alone: the products of the configurations of each spin act as QuSpin's matrix, in the same order."""

from functools import reduce

import independent
import numpy as np
import pytest

from respair.analysis import expectation, observables
from respair.clusters import chain, dimer, ladder, plaquette, ring, site
from respair.hamiltonians import (
    Block,
    Bosons,
    Electrons,
    Hamiltonian,
    Model,
    Phonons,
    Sector,
    annihilate,
    create,
    electron_number,
    pair,
)
from respair.hamiltonians.kernels.spin_products import (
    ElectronHamiltonian,
    ElectronOperator,
    SpinFactors,
    Spins,
    by_spin,
)
from respair.hamiltonians.kernels.tensor import TensorHamiltonian, TensorOperator
from respair.hamiltonians.sector import allowed_two_sz
from respair.hamiltonians.space.charge_masks import charge_rows
from respair.hamiltonians.space.charges import ChargeBasis
from respair.solvers import Options, estimate, ground_state
from respair.solvers.blocks import finest_blocks

U = Electrons(1.0, hubbard_u=8.0)
EXTENDED = Electrons(1.0, 0.3, 3.0, 0.4)
MODELS = {
    "ring of 5": Model(ring(5), EXTENDED),
    "ring of 6": Model(ring(6), EXTENDED),
    "ring of 4 with a flux": Model(ring(4), EXTENDED, flux=0.7),
    "ring of 5 with a flux": Model(ring(5), EXTENDED, flux=0.7),
    "disordered chain": Model(chain(4), Electrons([1.0, 0.5, -0.7], [0.1, -0.4, 0.3, 0.2], [1.0, 2.0, 0.0, -3.0], 0.6)),
    "chain": Model(chain(5), EXTENDED, chemical_potential=0.8),
    "plaquette": Model(plaquette((3, 2)), EXTENDED),
    "square": Model(plaquette((2, 2)), EXTENDED),
    "ladder": Model(ladder(3), EXTENDED),
    "dimer": Model(dimer(), EXTENDED),
    "one site": Model(site(), EXTENDED),
    "levels": Model(chain(3), Electrons(0.0, [0.1, 0.2, 0.4], 1.0)),
    "nothing": Model(chain(3), Electrons()),
}


def random_vector(operator, seed=0):
    random = np.random.default_rng(seed)
    vector = random.standard_normal(operator.size).astype(operator.dtype)
    return vector + 1j * random.standard_normal(operator.size) if operator.dtype.kind == "c" else vector


def sectors(model):
    """All of small clusters; of larger ones the empty, the full, odd fillings, and more down than up."""
    sites, full = model.cluster.sites, model.max_charge
    if sites < 4:
        return [Sector(n, sz) for n in range(full + 1) for sz in allowed_two_sz(model, n)]
    down = allowed_two_sz(model, sites + 1)[0]
    return [Sector(0), Sector(1, -1), Sector(3, 1), Sector(sites), Sector(sites + 1, down), Sector(full)]


def quspin_matrix(hamiltonian):
    """QuSpin's states descend, as ours do, and there are no phonons to order."""
    basis, matrix = hamiltonian.quspin()
    np.testing.assert_array_equal(basis.states, hamiltonian.space.charges.states)
    return matrix


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_all_blocks_of_all_sectors_act_as_the_matrix_of_quspin(model):
    """expand(H v) = H expand(v), with odd fillings, S_z other than 0, the empty and the full cluster."""
    for sector in sectors(model):
        hamiltonian = Hamiltonian.of(model, sector)
        matrix = quspin_matrix(hamiltonian)
        dimension = 0
        for label in [sector, *finest_blocks(hamiltonian.space, hamiltonian.operator)]:
            block = Block.of(hamiltonian, label)
            energy = block.energy
            assert isinstance(energy, ElectronHamiltonian)
            assert (energy.shape, energy.dimension) == (block.shape, block.dimension)
            dimension += energy.dimension if label is not sector else 0
            v = random_vector(energy)
            energy.project(v)
            image = energy.dot(v)
            whole = block.expand(v.reshape(block.shape)).ravel()
            np.testing.assert_allclose(np.linalg.norm(whole), np.linalg.norm(v), rtol=1e-12)
            expected = matrix @ whole
            np.testing.assert_allclose(block.expand(image.reshape(block.shape)).ravel(), expected, rtol=0, atol=1e-11)
            both = energy.dot(v * (1.0 - 2.0j))
            np.testing.assert_allclose(both, (1.0 - 2.0j) * image, rtol=0, atol=1e-11)
        assert dimension in (0, hamiltonian.space.dimension)


@pytest.mark.parametrize("name", ["ring of 6", "ring of 5 with a flux", "plaquette"])
def test_rows_stand_for_the_same_amplitudes_as_with_charge_matrices(name):
    """Observables, spectra and checkpoints read amplitudes without asking how H acts."""
    model = MODELS[name]
    hamiltonian = Hamiltonian.of(model, Sector(3, 1))
    for label in finest_blocks(hamiltonian.space, hamiltonian.operator):
        block = Block.of(hamiltonian, label)
        energy, general = block.energy, TensorHamiltonian(hamiltonian, block.orbits)
        v, w = random_vector(energy, 1), random_vector(energy, 1)
        energy.project(v)
        general.project(w)
        np.testing.assert_allclose(v, w, rtol=0, atol=1e-14)
        np.testing.assert_allclose(energy.dot(v), general.dot(w), rtol=0, atol=1e-12)


def test_no_matrix_of_configurations_is_built_for_a_ground_state():
    levels = ground_state(Model(chain(7), U), 7)
    assert levels.engine == "tensor"
    assert not any("charges" in vars(factor) for factor in levels.hamiltonian.factors)
    assert "charges" not in vars(levels.hamiltonian.space)


@pytest.mark.parametrize(
    ("cluster", "sector", "energy"),
    [
        (chain(8), Sector(8), None),
        (ring(6), Sector(6, 0, 3, 1), None),
        pytest.param(plaquette((4, 3)), Sector(12, irrep="A1"), -4.9132592091, marks=pytest.mark.long),
    ],
    ids=["chain", "ring, moving", "3 x 4"],
)
def test_ground_energies(cluster, sector, energy):
    found = ground_state(Model(cluster, U), sector)
    if energy is None:
        energy = ground_state(Model(cluster, U), sector, options=Options(engine="quspin")).energies[0]
    assert found.energies[0] == pytest.approx(energy, abs=1e-10)
    assert found.certificate.residuals[0] < 1e-10


def spin_exchange(model):
    """S+_0 S-_1 + h.c.: both spins move."""
    flip = create(0, "up") * annihilate(0, "dn") * create(1, "dn") * annihilate(1, "up")
    return 0.7 * (flip + flip.dag)


def correlated_hop(model):
    """One spin moves where the other one is."""
    hop = create(0, "up") * annihilate(1, "up") * electron_number(2, "dn")
    return 0.4j * (hop - hop.dag)


def three_numbers(model):
    """Numbers only, of both spins, in a muddled order."""
    return 0.9 * (electron_number(1, "dn") * electron_number(0, "up") * electron_number(2, "dn"))


def pair_of_hops(model):
    """Two up electrons move, and one number is written as two letters."""
    move = create(2, "up") * create(1, "up") * annihilate(3, "up") * annihilate(0, "up")
    return 0.3 * (move + move.dag) + 0.2 * (create(1, "dn") * annihilate(1, "dn"))


@pytest.mark.parametrize(
    ("term", "kind"),
    [
        (spin_exchange, TensorHamiltonian),
        (correlated_hop, TensorHamiltonian),
        (three_numbers, ElectronHamiltonian),
        (pair_of_hops, ElectronHamiltonian),
    ],
)
def test_terms_of_ones_own_act_whichever_way_they_go(term, kind):
    hamiltonian = Hamiltonian.of(Model(chain(4), EXTENDED, terms=(term,)), Sector(5, 1))
    energy = Block.of(hamiltonian).energy
    assert isinstance(energy, kind)
    v = random_vector(energy)
    np.testing.assert_allclose(energy.dot(v), quspin_matrix(hamiltonian) @ v, rtol=0, atol=1e-12)


def test_other_models_have_no_products_of_spins():
    for model in (Model(dimer(), U, Bosons()), Model(dimer(), U, None, Phonons(1.0, max_quanta=1))):
        block = Block.of(Hamiltonian.of(model, Sector(2)))
        assert block.spins is None
        assert isinstance(block.energy, TensorHamiltonian)


@pytest.mark.parametrize("label", [Sector(4), Sector(4, 0, 0, 1), Sector(4, 0, 1)], ids=["whole", "even", "moving"])
def test_averages_are_those_of_the_dense_engine(label):
    """Words of one spin act without a matrix of configurations, a pair that moves with one."""
    model = Model(ring(4), EXTENDED)
    exact, found = (ground_state(model, label, options=Options(engine=e)).ground for e in ("dense", "tensor"))
    hop = create(0, "up") * annihilate(1, "up")
    for operator in (hop, hop.dag, electron_number(0) * electron_number(2), pair(0).dag * pair(1)):
        kind = TensorOperator if operator.terms.keys() == (pair(0).dag * pair(1)).terms.keys() else ElectronOperator
        assert isinstance(found.block.operator(found.block.symmetric(operator), found.amplitudes.dtype), kind)
        assert expectation(found, operator) == pytest.approx(expectation(exact, operator), abs=1e-10)
    one, other = observables(found), observables(exact)
    for name in one.data_vars:
        if one[name].dtype.kind in "fc":
            np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-9, err_msg=name)


LETTERS = ("c+up", "cup", "c+dn", "cdn", "nup", "ndn")


def random_words(sites, letters, count, longest, seed=0):
    random = np.random.default_rng(seed)
    for _ in range(count):
        length = int(random.integers(1, longest + 1))
        symbols, places = random.choice(letters, length), random.integers(0, sites, length)
        yield tuple((str(symbol), int(place)) for symbol, place in zip(symbols, places, strict=True))


def test_words_act_as_products_of_jordan_wigner_matrices():
    """Every word on the whole Fock space, against Kronecker products with strings of Z."""
    fock = independent.fock(Model(dimer(), Electrons(), Bosons()))
    bits = fock.occupations.shape[1]
    states = (fock.occupations.astype(np.uint64) << np.arange(bits, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    order = np.argsort(states)[::-1]
    basis = ChargeBasis(2, (0, 1), states[order])
    matrices = {}
    for i in range(2):
        for spin in ("up", "dn"):
            c = fock.c[i, spin].toarray()
            matrices |= {(f"c{spin}", i): c, (f"c+{spin}", i): c.T, (f"n{spin}", i): c.T @ c}
        b = fock.b[i].toarray()
        matrices |= {("b", i): b, ("b+", i): b.T, ("nb", i): b.T @ b}
    for word in random_words(2, (*LETTERS, "b", "b+", "nb"), 300, 6):
        expected = reduce(np.matmul, [matrices[letter] for letter in word])[np.ix_(order, order)]
        np.testing.assert_array_equal(charge_rows({word: 1.0}, basis, basis.states).toarray(), expected, str(word))


def test_words_are_products_of_their_two_spins():
    """Word by word: the matrix of a sector is plus or minus a Kronecker product, down electrons first."""
    space = Hamiltonian.of(Model(chain(3), Electrons()), Sector(3, 1)).space
    spins = Spins.of(space, ())
    seen = 0
    for word in random_words(3, LETTERS, 4000, 6):
        if sum((s in ("c+up", "c+dn")) - (s in ("cup", "cdn")) for s, _ in word):
            continue
        if sum((s == "c+up") - (s == "cup") for s, _ in word):
            continue
        up, down, sign = by_spin(word)
        parts = [
            charge_rows({part: 1.0}, basis, basis.states).toarray()
            for part, basis in ((down, spins.down), (up, spins.up))
        ]
        np.testing.assert_array_equal(space.charge_matrix({word: 1.0}, float).toarray(), sign * np.kron(*parts))
        seen += 1
    assert seen > 100


def test_complex_words_are_not_put_into_real_matrices():
    space = Hamiltonian.of(Model(dimer(), Electrons()), Sector(1)).space
    with pytest.raises(TypeError, match="safe"):
        space.charge_matrix({(("c+up", 0), ("cup", 1)): 1.0j}, np.float64)


def test_a_formula_without_terms_is_zero():
    space = Hamiltonian.of(Model(dimer(), Electrons()), Sector(2)).space
    factors = SpinFactors.of(0.0 * electron_number(0), Spins.of(space, ()))
    assert (factors.down.nnz, factors.up.nnz, factors.counts.shape) == (0, 0, (2, 0))


def test_estimates_know_that_no_matrix_is_built():
    """853,776 states: a vector has 6.5 MiB."""
    need = estimate(Model(plaquette((4, 3)), U), Sector(12))
    assert need.dimension == 853_776
    assert need.memory < 750 << 20
