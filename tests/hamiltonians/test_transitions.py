"""Operators between sectors and the algebra of formulas, against dense matrices of another construction."""

from dataclasses import replace

import numpy as np
import pytest
from amounts import cases
from formulas import matrix_of
from hypothesis import given, settings
from hypothesis import strategies as st
from independent import displacements, fock, in_order_of, sector_states
from strategies import models_and_sectors

from respair.clusters import chain, custom, dimer, ligand_centre, plaquette, ring, site
from respair.hamiltonians import (
    Block,
    Bosons,
    Electrons,
    Hamiltonian,
    Model,
    Operator,
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
)
from respair.hamiltonians.algebra import canonical, commutator, nested
from respair.hamiltonians.transitions import charge_change, transitions
from respair.solvers import symmetry_sectors

FULL = Phonons(0.9, boson_coupling=0.7, electron_coupling=0.3, total_quanta=2)


def letters(model):
    """Charge letters that a model has."""
    sites = range(model.cluster.sites) if model.electrons else ()
    fermions = [(symbol + spin, i) for symbol in ("c+", "c", "n") for spin in ("up", "dn") for i in sites]
    return fermions + [(symbol, i) for symbol in ("b+", "b", "nb") for i in model.boson_sites]


@st.composite
def operators(draw, model, lattice=True):
    """A sum of few words that change the charges alike."""
    word = tuple(draw(st.lists(st.sampled_from(letters(model)), min_size=1, max_size=3)))
    modes = len(model.modes) if lattice else 0
    phonons = [(), *(((m, up, low),) for m in range(modes) for up, low in ((0, 1), (1, 0), (1, 1)))]
    part = st.tuples(st.sampled_from(phonons), st.sampled_from([1.0, -0.5, 2j]))
    parts = draw(st.lists(part, min_size=1, max_size=2))
    return Operator({(word, lattice_word): value for lattice_word, value in parts})


def check_image(model, sector, operator, f=None, hamiltonian=None):
    """The parts together are the operator, and each image is in its block."""
    hamiltonian = hamiltonian or Hamiltonian.of(model, Sector(sector.charge, sector.two_sz))
    block = Block.of(hamiltonian, sector)
    random = np.random.default_rng(0)
    phi = random.normal(size=block.shape) + 1j * random.normal(size=block.shape)
    flat = phi.ravel()
    block.energy.project(flat)
    parts = transitions(block, operator)
    f, shift = f or fock(model), displacements(model, sector.charge)
    dense = matrix_of(operator, f, shift).tocsr()
    order = in_order_of(hamiltonian.space, model, f, sector_states(model, f, sector.charge, sector.two_sz))
    image = dense[:, order] @ block.expand(flat.reshape(block.shape)).ravel()
    inside = np.zeros(len(image), bool)
    inside[f.kept] = True
    if not parts:
        np.testing.assert_allclose(image[inside], 0.0, atol=1e-12)
        return parts
    space = parts[0].target.space
    states = sector_states(model, f, space.sector.charge, space.sector.two_sz)
    images = [part.apply(flat.reshape(block.shape)) for part in parts]
    total = sum(part.target.expand(v) for part, v in zip(parts, images, strict=True))
    np.testing.assert_allclose(total.ravel(), image[in_order_of(space, model, f, states)], atol=1e-12)
    assert np.linalg.norm(total) == pytest.approx(np.linalg.norm(image[inside]), abs=1e-12)
    for part, v in zip(parts, images, strict=True):
        kept = v.ravel().copy()
        part.target.energy.project(kept)
        np.testing.assert_allclose(kept, v.ravel(), atol=1e-12)
        np.testing.assert_allclose(part.target.compress(part.target.expand(v)), v, atol=1e-12)
    assert sum(np.linalg.norm(v) ** 2 for v in images) == pytest.approx(np.linalg.norm(total) ** 2, abs=1e-11)
    return parts


@settings(max_examples=cases(20), deadline=None)
@given(st.data())
def test_operators_between_sectors_are_those_of_the_whole_space(data):
    model, sector = data.draw(models_and_sectors())
    check_image(model, sector, data.draw(operators(model)))


@pytest.mark.parametrize("flux", [0.0, 0.7])
@pytest.mark.parametrize("charge", [1, 2])
def test_every_block_of_a_ring_goes_to_the_momenta_that_an_operator_reaches(flux, charge):
    model = Model(ring(3), Electrons(1.0, hubbard_u=0.4), Bosons(-0.3, 0.6, 0.2), FULL, flux)
    f, hamiltonian = fock(model), Hamiltonian.of(model, Sector(charge))
    for sector in symmetry_sectors(model, Sector(charge)):
        for operator in (create(1, "up"), annihilate(2, "dn") * displacement(1), boson(0)):
            parts = check_image(model, sector, operator, f, hamiltonian)
            assert len({part.target.sector for part in parts}) == len(parts)


@pytest.mark.parametrize(
    "cluster", [site(), dimer(), chain(3), ring(2), plaquette([2, 2]), ligand_centre(4)], ids=lambda c: c.kind
)
def test_every_representation_of_a_point_group_goes_to_those_that_an_operator_reaches(cluster):
    lattice = Phonons(1.0, electron_coupling=0.4, total_quanta=1) if cluster.sites < 4 else None
    model = Model(cluster, Electrons(1.0, hubbard_u=0.5), phonons=lattice)
    f, hamiltonian = fock(model), Hamiltonian.of(model, Sector(1))
    for sector in symmetry_sectors(model, Sector(1)):
        for operator in (create(0, "dn"), annihilate(0, "up"), electron_number(0)):
            check_image(model, sector, operator, f, hamiltonian)


def test_an_operator_with_a_momentum_leads_to_one_block():
    model = Model(ring(4), Electrons(1.0), Bosons(-0.3, 0.6))
    block = Block.of(Hamiltonian.of(model, Sector(2)), Sector(2, momentum=1))
    wave = [complex(np.exp(2j * np.pi * j / 4)) * create(j, "up") for j in range(4)]
    (part,) = transitions(block, wave[0] + wave[1] + wave[2] + wave[3])
    assert part.target.sector == Sector(3, 1, momentum=2)


def test_a_symmetry_that_only_the_first_sector_has_is_not_used():
    """Without electrons any site permutation is a symmetry; with one, the levels differ."""
    model = Model(ring(3), Electrons(1.0, level=[0.0, 0.5, 1.0]))
    hamiltonian = Hamiltonian.of(Model(ring(3), Electrons(1.0)), Sector(0))
    block = replace(Block.of(hamiltonian, Sector(0, momentum=0)), hamiltonian=Hamiltonian.of(model, Sector(0)))
    (part,) = transitions(block, create(1, "up"))
    assert part.target.symmetries == ()
    assert part.target.sector == Sector(1, 1)


def test_the_oscillators_of_the_other_sector_are_the_same_ones():
    lattice = Phonons(1.0, electron_coupling=1.0, max_quanta=3, displacement="mean")
    model = Model(dimer(), Electrons(1.0), phonons=lattice)
    block = Block.of(Hamiltonian.of(model, Sector(2)))
    (part,) = transitions(block, create(0, "up"))
    np.testing.assert_allclose(part.target.space.frame[0], block.space.frame[0])
    assert block.space.frame[0, 0] != 0


def test_a_pair_that_is_added_takes_its_displaced_oscillator_along():
    """The empty sector has one frame, the full one another: <0|b H b+|0> is the level of the pair in any of them."""
    lattice = Phonons(1.0, boson_coupling=0.6, max_quanta=12, displacement="lang-firsov")
    block = Block.of(Hamiltonian.of(Model(site(), bosons=Bosons(0.4), phonons=lattice), Sector(0)))
    (part,) = transitions(block, boson(0).dag)
    vacuum = np.zeros(block.shape)
    vacuum[0, 0] = 1.0
    image = part.apply(vacuum)
    assert np.vdot(image, part.target.energy.apply(image)) == pytest.approx(0.4, abs=1e-9)
    assert abs(image[0, 0]) == pytest.approx(np.exp(-0.5 * 0.6**2), abs=1e-12)


@pytest.mark.parametrize(
    ("charge", "operator"), [(0, annihilate(0, "up")), (4, create(1, "dn")), (3, create(0, "up"))], ids=str
)
def test_an_operator_may_lead_nowhere(charge, operator):
    model = Model(dimer(), Electrons(1.0))
    block = Block.of(Hamiltonian.of(model, Sector(charge)))
    assert all(not np.any(part.apply(np.ones(block.shape))) for part in transitions(block, operator))


def test_words_that_change_the_charges_differently_are_refused():
    model = Model(site(), Electrons(), Bosons())
    with pytest.raises(ValueError, match="every product must cause the same change"):
        charge_change(model, create(0, "up") + boson(0))
    with pytest.raises(ValueError, match="carries no boson"):
        charge_change(Model(site(), Electrons()), boson(0))


@settings(max_examples=cases(20), deadline=None)
@given(st.data())
def test_the_canonical_form_is_the_same_operator(data):
    model = Model(custom([[0, 0], [1, 0]], []), Electrons(), Bosons())
    left = data.draw(operators(model)) + data.draw(operators(model))
    f = fock(model)
    np.testing.assert_allclose(matrix_of(canonical(left), f).toarray(), matrix_of(left, f).toarray(), atol=1e-13)


@settings(max_examples=cases(20), deadline=None)
@given(st.data())
def test_commutators_are_those_of_matrices(data):
    model = Model(custom([[0, 0], [1, 0]], []), Electrons(), Bosons())
    hop = create(1, "up") * annihilate(0, "up")
    even = hop + hop.dag + 0.5 * electron_number(0, "dn") * boson_number(1) + boson(1).dag * pair(1)
    other, f = data.draw(operators(model)), fock(model)
    x, y = (matrix_of(o, f).toarray() for o in (even, other))
    np.testing.assert_allclose(matrix_of(commutator(even, other), f).toarray(), x @ y - y @ x, atol=1e-12)
    twice = x @ (x @ y - y @ x) - (x @ y - y @ x) @ x
    np.testing.assert_allclose(matrix_of(nested(even, other, 2), f).toarray(), twice, atol=1e-12)


def test_equal_operators_have_equal_forms():
    one = annihilate(0, "up") * create(1, "dn") * boson(0)
    other = -1.0 * (boson(0) * create(1, "dn") * annihilate(0, "up"))
    assert canonical(one - other).terms == {}
    assert canonical(phonon(0) * phonon(0).dag - phonon(0).dag * phonon(0)).terms == {((), ()): 1.0}
