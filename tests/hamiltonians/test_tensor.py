"""The matrix-free Hamiltonian: the same operator as the sparse matrix, in the sector and in every symmetry block."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg as la

from respair.analysis import flux_response
from respair.clusters import chain, custom, dimer, ladder, ligand_centre, plaquette, ring, site
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
    pair,
    phonon,
    quanta,
)
from respair.hamiltonians.kernels.tensor import TensorHamiltonian
from respair.hamiltonians.symmetry.block import Block
from respair.solvers import Options, block_isometry, ground_state


def dressed_exchange(model):
    """Exchange that a displacement modulates, squared displacements, and a product of three lattice letters."""
    exchange = boson(0).dag * pair(0)
    parts = [
        0.3 * (exchange + exchange.dag) * displacement(0),
        0.05 * electron_number(1) * displacement(0) * displacement(0),
        0.02 * displacement(0) * displacement(1) * displacement(1),
        0.07 * quanta(0) * quanta(1),
    ]
    return sum(parts[1:], parts[0])


def twisted_hop(model):
    """A hop that absorbs a phonon, with complex amplitudes."""
    hop = (0.2 + 0.3j) * (create(1, "up") * annihilate(0, "up") * phonon(1))
    squeeze = (0.1j * boson_number(0)) * phonon(0) * phonon(0)
    return hop + hop.dag + squeeze + squeeze.dag


def uniform_squeeze(model):
    """The same for every configuration and diagonal on the phonons in part: x^2 and (a+ a)^2."""
    return 0.1 * displacement(0) * displacement(0) + 0.05 * quanta(1) * quanta(1)


BRANCHED = custom([[0, 0], [1, 0], [0, 1.3]], [[0, 1], [1, 2]])
EVERY_TERM = Model(
    BRANCHED,
    Electrons(hopping=[1.0, 0.7], level=[0.2, -0.1, 0.4], hubbard_u=0.8, repulsion=0.3),
    Bosons(level=[0.1, -0.4], exchange=[0.6, 0.5], hopping=0.2, on=[0, 1]),
    Phonons(0.9, on=[0, 1], boson_coupling=0.5, electron_coupling=0.2, bond_coupling=0.15, max_quanta=3),
    chemical_potential=0.15,
)
BOND_MODES = Phonons([0.8, 1.1], on="bonds", bond_coupling=[0.3, -0.2], total_quanta=4)


def with_phonons(**changes):
    return replace(EVERY_TERM, phonons=replace(EVERY_TERM.phonons, **changes))


SECTORS = {
    "every term, cap per mode": (EVERY_TERM, Sector(3, 1)),
    "every term, total cap": (with_phonons(max_quanta=None, total_quanta=4), Sector(4)),
    "every term, both caps": (with_phonons(max_quanta=3, total_quanta=4), Sector(3, -1)),
    "every term, mean frame": (with_phonons(displacement="mean"), Sector(3)),
    "every term, displaced frame": (with_phonons(displacement=[1.3, -0.4], total_quanta=5), Sector(2)),
    "vacuum of the oscillators": (with_phonons(max_quanta=0), Sector(3)),
    "modes on bonds": (replace(EVERY_TERM, phonons=BOND_MODES), Sector(3)),
    "user terms": (replace(EVERY_TERM, terms=(dressed_exchange,)), Sector(3)),
    "user terms, displaced": (
        replace(with_phonons(displacement=[0.7, 0.2]), terms=(dressed_exchange, uniform_squeeze)), Sector(4)),
    "complex user terms": (replace(EVERY_TERM, terms=(twisted_hop, uniform_squeeze)), Sector(3)),
    "complex user terms, total cap": (
        replace(with_phonons(max_quanta=None, total_quanta=3), terms=(twisted_hop,)), Sector(4, 2)),
    "flux": (
        Model(ring(3), Electrons(1.0), Bosons(-0.2, 0.5, 0.1), Phonons(1.0, boson_coupling=0.6, max_quanta=2), 0.7),
        Sector(3),
    ),
    "flux through vibrating bonds": (
        Model(ring(3), Electrons(1.0), None, Phonons(0.7, on="bonds", bond_coupling=0.3, total_quanta=3), -0.4),
        Sector(2),
    ),
    "no phonons": (Model(plaquette(), Electrons(1.0, 0.1, 2.0, 0.3), Bosons(-0.4, 0.8)), Sector(4)),
    "no electrons": (Model(chain(4), None, Bosons(-0.4, 0.0, 0.8), Phonons(1.0, boson_coupling=0.7, total_quanta=3)),
                     Sector(4)),
    "bosons only": (Model(chain(5), None, Bosons([-0.4, 0.1, 0.2, 0.5, 0.9], 0.0, 0.8)), Sector(4)),
    "phonons only": (Model(dimer(), None, None, Phonons([1.0, 0.6], max_quanta=4)), Sector(0)),
    "no bosons": (Model(dimer(), Electrons(1.0, 0.0, 2.0), None, Phonons(1.0, electron_coupling=1.0, max_quanta=6)),
                  Sector(2)),
    "atomic limit": (
        Model(site(), Electrons(0.0, 0.3), Bosons(0.5, 0.2), Phonons(1.0, boson_coupling=1.0, max_quanta=9)),
        Sector(2),
    ),
    "one configuration": (Model(dimer(), Electrons(1.0), None, Phonons(1.0, electron_coupling=0.4, max_quanta=3)),
                          Sector(4)),
    "diagonal": (Model(chain(3), Electrons(0.0, [0.1, 0.2, 0.4], 1.0)), Sector(3)),
    "zero": (Model(chain(3), Electrons()), Sector(3)),
}  # fmt: skip
WITH_PAIRS = (Electrons(1.0, 0.1, 0.7, 0.3), Bosons(-0.3, 0.6, 0.2))
HOLSTEIN = Phonons(0.8, boson_coupling=0.5, electron_coupling=-0.6, max_quanta=2, total_quanta=3)
PEIERLS = Phonons(0.7, on="bonds", bond_coupling=0.4, total_quanta=2)
OPTICAL = Phonons(0.7, bond_coupling=0.35, max_quanta=2)


def neighbours_move_together(model):
    """A term of three lattice letters with the symmetry of the ring."""
    sites = model.cluster.sites
    parts = [
        0.1 * electron_number(i) * displacement((i + 1) % sites) * displacement((i - 1) % sites) for i in range(sites)
    ]
    return sum(parts[1:], parts[0])


BLOCKS = {
    "at rest": (Model(ring(3), *WITH_PAIRS, HOLSTEIN), Sector(3, 1, 0)),
    "moving": (Model(ring(3), *WITH_PAIRS, HOLSTEIN), Sector(3, 1, 1)),
    "moving the other way": (Model(ring(3), *WITH_PAIRS, HOLSTEIN), Sector(3, 1, 2)),
    "even at rest": (Model(ring(3), *WITH_PAIRS, HOLSTEIN), Sector(2, 0, 0, 1)),
    "odd at rest": (Model(ring(3), *WITH_PAIRS, HOLSTEIN), Sector(2, 0, 0, -1)),
    "even at pi": (Model(ring(4), *WITH_PAIRS, PEIERLS), Sector(2, 0, 2, 1)),
    "odd at pi": (Model(ring(4), *WITH_PAIRS, PEIERLS), Sector(2, 0, 2, -1)),
    "half way to pi": (Model(ring(4), *WITH_PAIRS, PEIERLS), Sector(2, 0, 1)),
    "triplet": (Model(ring(4), *WITH_PAIRS, PEIERLS), Sector(4, 2, 2)),
    "optical, even": (Model(ring(4), WITH_PAIRS[0], None, OPTICAL), Sector(2, 0, 0, 1)),
    "optical, odd": (Model(ring(4), WITH_PAIRS[0], None, OPTICAL), Sector(2, 0, 0, -1)),
    "optical, moving": (Model(ring(3), *WITH_PAIRS, OPTICAL), Sector(3, 1, 2)),
    "flux at rest": (Model(ring(3), *WITH_PAIRS, HOLSTEIN, 0.9), Sector(3, 1, 0)),
    "flux, moving": (Model(ring(4), *WITH_PAIRS, PEIERLS, 0.9), Sector(2, 0, 3)),
    "displaced, moving": (Model(ring(3), *WITH_PAIRS, replace(HOLSTEIN, displacement="mean")), Sector(3, 1, 1)),
    "user term": (
        Model(ring(3), *WITH_PAIRS, HOLSTEIN, terms=(neighbours_move_together,)), Sector(2, 0, 0, -1)),
    "no phonons": (Model(ring(6), *WITH_PAIRS), Sector(3, 1, 3, -1)),
    "bosons only": (Model(ring(6), None, Bosons(0.1, 0.0, 0.7)), Sector(6, 0, 3)),
    "phonons only": (Model(ring(4), None, None, Phonons(1.0, total_quanta=4)), Sector(0, 0, 1)),
    "mirror of a chain": (Model(chain(3), *WITH_PAIRS, HOLSTEIN), Sector(3, 1, None, -1)),
    "mirror of an optical chain": (Model(chain(3), WITH_PAIRS[0], None, OPTICAL), Sector(3, 1, None, 1)),
    "mirror of a ladder": (Model(ladder(2), *WITH_PAIRS), Sector(4, 0, None, -1)),
    "mirror of a ligand": (
        Model(ligand_centre(3), Electrons({"ring": 1.0, "centre": 0.4}), None,
              Phonons(1.0, on="ligand", electron_coupling=0.9, max_quanta=4)),
        Sector(2, 0, None, 1),
    ),
    "full band": (Model(ring(3), *WITH_PAIRS, HOLSTEIN), Sector(12, 0, 0)),
    "full band, moving": (Model(ring(3), *WITH_PAIRS, HOLSTEIN), Sector(12, 0, 2)),
}  # fmt: skip
EMPTY = (Model(ring(3), Electrons(1.0)), Sector(6, 0, 1))


def cases(models):
    return pytest.mark.parametrize(("model", "sector"), models.values(), ids=models)


def tensor(model, sector):
    block = Block.of(Hamiltonian.of(model, sector))
    return TensorHamiltonian(block.hamiltonian, block.orbits)


def random_vector(operator, seed=0):
    random = np.random.default_rng(seed)
    vector = random.standard_normal(operator.size).astype(operator.dtype)
    if operator.dtype.kind == "c":
        vector += 1j * random.standard_normal(operator.size)
    return vector


def allowed_vector(operator, seed=0):
    vector = random_vector(operator, seed)
    operator.project(vector)
    return vector


def written_out(linear, operator):
    columns = [linear(row) for row in np.eye(operator.size, dtype=operator.dtype)]
    return np.array(columns).T.reshape(-1, operator.size)


def projected(operator, vector):
    copy = vector.copy()
    operator.project(copy)
    return copy


@cases(SECTORS)
def test_dot_is_the_product_with_the_matrix(model, sector):
    operator = tensor(model, sector)
    matrix = operator.hamiltonian.matrix()
    scale = np.max(np.abs(matrix.data), initial=1.0)
    for seed in range(3):
        v = random_vector(operator, seed)
        np.testing.assert_allclose(operator.dot(v), matrix @ v, rtol=0, atol=1e-13 * scale * np.linalg.norm(v))


@cases(SECTORS | BLOCKS)
def test_the_imaginary_part_of_amplitudes_is_never_dropped(model, sector):
    """A real Hamiltonian acts on both parts of a complex vector, or refuses it; it must not cast it."""
    operator = tensor(model, sector)
    u, v = allowed_vector(operator, 1), allowed_vector(operator, 2)
    try:
        found = operator.dot(u + 1j * v)
    except TypeError:
        assert operator.dtype == np.float64
        return
    expected = operator.dot(u) + 1j * operator.dot(v)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * max(1.0, np.linalg.norm(expected)))


@pytest.mark.sampled
@pytest.mark.parametrize("engine", ["dense", "quspin", "tensor"])
@pytest.mark.parametrize("momentum", [None, 0], ids=["whole", "at rest"])
@pytest.mark.parametrize("flux", [0.0, 0.8])
def test_the_stiffness_is_the_curvature_of_the_energy(flux, momentum, engine):
    """At zero flux H is real and dH/dphi imaginary: pi L E'' against the finite difference."""
    model = Model(ring(4), Electrons(1.0), Bosons(-0.4, 0.8), Phonons(1.0, boson_coupling=1.0, max_quanta=1))
    step, sector, options = 2e-3, Sector(2, 0, momentum), Options(engine=engine)
    near = [replace(model, flux=flux + shift) for shift in (-step, 0.0, step)]
    low, middle, high = (ground_state(each, sector, 1, options).energies[0] for each in near)
    (stiffness,) = flux_response(model, sector, [flux], options)["stiffness"].values
    assert stiffness == pytest.approx(4 * np.pi * (low - 2 * middle + high) / step**2, abs=1e-3)


@cases(SECTORS)
def test_dot_is_the_action_of_the_factors(model, sector):
    operator = tensor(model, sector)
    v = random_vector(operator)
    moved = operator.hamiltonian.apply(v.reshape(operator.shape)).ravel()
    np.testing.assert_allclose(operator.dot(v), moved, rtol=0, atol=1e-12 * max(1.0, np.linalg.norm(moved)))


@cases(SECTORS | BLOCKS)
def test_dot_overwrites_what_it_is_given_and_keeps_its_argument(model, sector):
    operator = tensor(model, sector)
    v = random_vector(operator)
    before, out = v.copy(), np.full(operator.size, np.nan, operator.dtype)
    assert operator.dot(v, out) is out
    np.testing.assert_array_equal(v, before)
    np.testing.assert_allclose(out, operator.dot(v), rtol=0, atol=1e-13 * np.linalg.norm(out))


@cases(SECTORS)
def test_whole_sectors_are_stored_as_they_are(model, sector):
    operator = tensor(model, sector)
    v = random_vector(operator)
    assert operator.shape == operator.hamiltonian.space.shape
    assert operator.size == operator.dimension == operator.hamiltonian.space.dimension
    np.testing.assert_array_equal(projected(operator, v), v)
    np.testing.assert_array_equal(operator.expand(v).ravel(), v)


@cases(SECTORS | BLOCKS)
def test_amplitudes_are_real_where_they_can_be(model, sector):
    turns = sector.momentum is not None and 2 * sector.momentum % model.cluster.sites != 0
    has_complex_terms = bool(model.flux) or twisted_hop in model.terms
    expected = np.complex128 if turns or has_complex_terms else np.float64
    operator = tensor(model, sector)
    assert operator.dtype == expected
    assert operator.dot(random_vector(operator)).dtype == expected


@cases(SECTORS | BLOCKS)
def test_the_action_is_hermitian(model, sector):
    operator = tensor(model, sector)
    u, v = allowed_vector(operator, 1), allowed_vector(operator, 2)
    left, right = np.vdot(u, operator.dot(v)), np.vdot(operator.dot(u), v)
    assert left == pytest.approx(right, abs=1e-12 * max(1.0, np.linalg.norm(u) * np.linalg.norm(v)))


@cases(BLOCKS)
def test_a_block_acts_as_the_matrix_of_the_sector(model, sector):
    """expand(H v) = H expand(v): the amplitudes of the representatives stand for all the others."""
    operator = tensor(model, sector)
    matrix = operator.hamiltonian.matrix()
    for seed in range(3):
        v = allowed_vector(operator, seed)
        whole = operator.expand(v).ravel()
        moved = operator.expand(operator.dot(v)).ravel()
        np.testing.assert_allclose(moved, matrix @ whole, rtol=0, atol=1e-12 * max(1.0, np.linalg.norm(v)))


@cases(BLOCKS)
def test_expansion_keeps_scalar_products_of_allowed_amplitudes(model, sector):
    operator = tensor(model, sector)
    u, v = allowed_vector(operator, 1), allowed_vector(operator, 2)
    for a, b in ((u, u), (u, v)):
        assert np.vdot(operator.expand(a), operator.expand(b)) == pytest.approx(np.vdot(a, b), abs=1e-11)


@cases(BLOCKS)
def test_expanded_amplitudes_span_the_block(model, sector):
    operator = tensor(model, sector)
    isometry = block_isometry(operator.hamiltonian).toarray()
    span = written_out(lambda row: operator.expand(projected(operator, row)).ravel(), operator)
    np.testing.assert_allclose(span @ span.conj().T, isometry @ isometry.conj().T, rtol=0, atol=1e-12)


@cases(BLOCKS)
def test_the_projector_is_one_and_the_hamiltonian_keeps_what_it_keeps(model, sector):
    operator = tensor(model, sector)
    projector = written_out(lambda row: projected(operator, row), operator)
    np.testing.assert_allclose(projector @ projector, projector, rtol=0, atol=1e-12)
    np.testing.assert_allclose(projector.conj().T, projector, rtol=0, atol=1e-12)
    inside = written_out(operator.dot, operator) @ projector
    np.testing.assert_allclose(projector @ inside, inside, rtol=0, atol=1e-11)
    np.testing.assert_allclose(inside.conj().T, inside, rtol=0, atol=1e-11)


@cases(BLOCKS | {"empty": EMPTY})
def test_the_dimension_is_the_number_of_states_of_the_block(model, sector):
    operator = tensor(model, sector)
    projector = written_out(lambda row: projected(operator, row), operator)
    assert operator.dimension == block_isometry(operator.hamiltonian).shape[1]
    assert operator.dimension == round(np.trace(projector).real)


@cases(BLOCKS)
def test_the_levels_of_the_action_are_those_of_the_block(model, sector):
    operator = tensor(model, sector)
    projector = written_out(lambda row: projected(operator, row), operator)
    lift = 100.0 * (np.eye(operator.size) - projector)
    found = la.eigvalsh(written_out(lambda row: operator.dot(projected(operator, row)), operator) + lift)
    isometry = block_isometry(operator.hamiltonian)
    block = (isometry.conj().T @ operator.hamiltonian.matrix() @ isometry).toarray()
    np.testing.assert_allclose(found[: operator.dimension], la.eigvalsh(block), rtol=0, atol=1e-11)


@pytest.mark.sampled
@pytest.mark.parametrize("states", [1, 5])
@cases(SECTORS | BLOCKS)
def test_ground_states_of_the_tensor_engine_carry_small_residuals(model, sector, states):
    found = ground_state(model, sector, states, Options(engine="tensor"))
    assert found.engine == "tensor"
    assert len(found.energies) == min(states, tensor(model, sector).dimension)
    assert np.all(found.certificate.residuals < 1e-9)
    vectors = found.vectors.reshape(len(found.vectors), -1)
    np.testing.assert_allclose(vectors.conj() @ vectors.T, np.eye(len(vectors)), rtol=0, atol=1e-9)
    for psi, energy in zip(vectors, found.energies, strict=False):
        image = found.hamiltonian.matrix() @ psi
        assert np.linalg.norm(image - energy * psi) < 1e-9


@pytest.mark.parametrize(
    ("sector", "phonons", "flux"),
    [
        (Sector(4), HOLSTEIN, 0.0),
        (Sector(4, 0, 0, 1), HOLSTEIN, 0.0),
        (Sector(4, 0, 2, -1), replace(OPTICAL, total_quanta=3), 0.0),
        (Sector(4, 0, 1), replace(PEIERLS, total_quanta=3), 1.3),
    ],
    ids=["whole", "even", "optical, odd at pi", "flux, moving"],
)
def test_residuals_are_small_where_lanczos_is_needed(sector, phonons, flux):
    electrons, bosons = WITH_PAIRS
    model = Model(ring(4), electrons, bosons, phonons, flux)
    found = ground_state(model, sector, 3, Options(engine="tensor"))
    assert found.matvecs > 0
    assert found.stored > 400
    assert np.all(found.certificate.residuals < 1e-9)


def test_an_empty_block_has_no_levels():
    found = ground_state(*EMPTY, 2, Options(engine="tensor"))
    assert (len(found.energies), found.multiplicity) == (0, 0)


def test_symmetry_saves_the_order_of_the_group():
    model = Model(ring(6), *WITH_PAIRS)
    whole, block = tensor(model, Sector(6)), tensor(model, Sector(6, 0, 0, 1))
    assert block.size < 1.5 * whole.size / 12
