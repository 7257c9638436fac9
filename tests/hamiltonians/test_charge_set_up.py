"""The compiled set-up of charge configurations: the same numbers as one configuration at a time."""

from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_models import models_and_sectors

from respair import Bosons, Electrons, Model, Phonons, Sector, ring, square
from respair.hamiltonians import Block, Hamiltonian
from respair.hamiltonians.space import charge_masks
from respair.hamiltonians.space.charges import ChargeBasis, configurations
from respair.hamiltonians.symmetry.orbits import Orbits
from respair.solvers.blocks import finest_blocks

PHONONS = Phonons(1.0, boson_coupling=0.6, total_quanta=1)
SPINS = Phonons(1.0, electron_coupling=0.5, total_quanta=1)
PAIRS = Bosons(0.2, exchange=0.8)
CASES = [
    (Model(ring(6), Electrons(1.0, hubbard_u=0.7), PAIRS, PHONONS), Sector(4)),
    (Model(ring(5), Electrons(1.0), PAIRS, PHONONS, flux=0.3), Sector(5, 1)),
    (Model(square(size=[2, 2]), Electrons(1.0), Bosons(0.2, exchange=0.8, max_occupation=2), PHONONS), Sector(6)),
    (Model(ring(6), Electrons(1.0, spin_exchange=0.4, double_occupancy=False), phonons=SPINS), Sector(4)),
    (Model(ring(4), Electrons(1.0, transverse_field=0.3), PAIRS, PHONONS), Sector(4, two_sz="all")),
    (Model(ring(4), Electrons(1.0, pairing=0.3), PAIRS, PHONONS), Sector(parity="even")),
    (Model(ring(6), Electrons(1.0, hubbard_u=2.0)), Sector(6)),
]  # fmt: skip


def checked(orbits: Orbits, elements) -> None:
    """Compare with the images of all configurations, one element after the other."""
    size = len(elements[0].charges)
    images = np.array([a.charges for a in elements])
    signs = np.array([a.charge_sign for a in elements])
    phases = np.conj([a.character for a in elements])
    np.testing.assert_array_equal(orbits.representatives, np.unique(images.min(axis=0)))
    places = np.searchsorted(orbits.representatives, images.min(axis=0))
    np.testing.assert_array_equal(orbits.row, places)
    np.testing.assert_array_equal(orbits.sizes, np.bincount(places))
    leads = images[:, orbits.representatives[places]] == np.arange(size)
    first = leads.argmax(axis=0)
    np.testing.assert_array_equal(orbits.element, first)
    wanted = phases[first] * signs[first, orbits.representatives[places]]
    np.testing.assert_allclose(orbits.factor, wanted, rtol=0, atol=1e-14)
    still = (images[:, orbits.representatives] == orbits.representatives).T
    np.testing.assert_array_equal(orbits.special, np.flatnonzero(still.sum(axis=1) > 1))
    rows, fixing = np.nonzero(still[orbits.special])
    np.testing.assert_array_equal(np.repeat(np.arange(len(orbits.special)), np.diff(orbits.stabiliser_start)), rows)
    np.testing.assert_array_equal(orbits.stabiliser_element, fixing)
    values = phases[fixing] * signs[fixing, orbits.representatives[orbits.special[rows]]]
    order = still.sum(axis=1)[orbits.special[rows]]
    np.testing.assert_allclose(orbits.stabiliser_value, values / order, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("model", "sector"), CASES, ids=range(len(CASES)))
def test_orbits_are_those_of_the_images(model, sector):
    """Translations, point groups, fluxes, spin flips about y and x, several bosons on a site, electrons alone."""
    hamiltonian = Hamiltonian.of(model, sector)
    found = finest_blocks(hamiltonian.space, hamiltonian.operator)
    assert found[0].has_symmetry
    for one in found[:: max(1, len(found) // 5)]:
        block = Block.of(hamiltonian, one)
        checked(block.orbits, block.elements)


@pytest.mark.long
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(models_and_sectors(frames=("none", "mean", "lang-firsov")), st.integers(0, 99))
def test_orbits_and_rows_of_random_models(drawn, seed):
    model, sector = drawn
    hamiltonian = Hamiltonian.of(model, sector)
    blocks = finest_blocks(hamiltonian.space, hamiltonian.operator)
    assume(len(blocks) and len(hamiltonian.space.charges))
    block = Block.of(hamiltonian, blocks[seed % len(blocks)])
    if block.orbits is not None:
        checked(block.orbits, block.elements)
    for factor in hamiltonian.factors:
        chosen = np.arange(seed % 3, len(hamiltonian.space.charges), 2)
        np.testing.assert_array_equal(factor.rows(chosen).toarray(), factor.charges.toarray()[chosen])


@pytest.mark.parametrize(("model", "sector"), CASES, ids=range(len(CASES)))
def test_compiled_charge_matrices_are_those_of_numpy(model, sector, monkeypatch):
    """Also rows in another sector, where some images are missing."""
    hamiltonian = Hamiltonian.of(model, sector)
    basis = hamiltonian.space.charges
    part = ChargeBasis(basis.sites, basis.boson_sites, basis.states[::2].copy(), basis.levels)
    words = {charge: value for (charge, _), value in hamiltonian.operator.terms.items()}
    for to, states in ((basis, basis.states), (part, basis.states[3:40])):
        wanted = charge_masks.charge_rows(words, to, states)
        monkeypatch.setattr(charge_masks, "COMPILED_FROM", 0)
        found = charge_masks.charge_rows(words, to, states)
        monkeypatch.undo()
        assert found.dtype == wanted.dtype
        assert found.has_canonical_format
        np.testing.assert_array_equal(found.indptr, wanted.indptr)
        np.testing.assert_array_equal(found.indices, wanted.indices)
        np.testing.assert_allclose(found.data, wanted.data, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("most", "levels"), [(2, 1), (1, 1), (2, 3), (0, 2)])
def test_configurations_are_all_integers_with_the_quantum_numbers(most, levels):
    sites, hosts, bits = 2, 2, 4 + 2 * levels
    filled = {((1 << n) - 1) << (4 + b * levels) for b in range(hosts) for n in range(levels + 1)}
    fillings = {a | b for a, b in product(filled, filled)}
    for charge, two_sz in product(range(9), (-1, 0, 1)):
        wanted = []
        for state in range((1 << bits) - 1, -1, -1):
            up, dn, bosons = state & 3, state >> 2 & 3, state >> 4
            if bosons << 4 not in fillings or (most < 2 and up & dn) or (not most and up | dn):
                continue
            counts = [part.bit_count() for part in (up, dn, bosons)]
            if counts[0] + counts[1] + 2 * counts[2] == charge and counts[0] - counts[1] == two_sz:
                wanted.append(state)
        assert configurations(sites, most, hosts, charge, two_sz, levels).tolist() == wanted
