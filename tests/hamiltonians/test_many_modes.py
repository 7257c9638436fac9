"""Dilute spaces of many modes, against matrices written out by hand."""

from itertools import combinations

import numpy as np
import pytest

from respair import Electrons, Model, Phonons, Sector, custom, entanglement, ground_state, observables, ring
from respair.analysis import probe, spectral_function
from respair.hamiltonians.space.displacement_matrices import Dressed, displacement_elements
from respair.hamiltonians.space.numbering import Numbering
from respair.hamiltonians.space.phonons import PhononSpace, Shell, word_matrix

SITES = 12
PAIRS = list(combinations(range(SITES), 2))
COMPLETE = custom([[np.cos(i), np.sin(i)] for i in range(SITES)], [list(pair) for pair in PAIRS])
HOPPING = np.linspace(0.5, 1.5, len(PAIRS))


def complete_graph():
    """One electron on 12 sites, a mode on each of the 66 bonds, at most one phonon: states |i, none or bond>."""
    size, modes = SITES, len(PAIRS)
    h = np.zeros((size, 1 + modes, size, 1 + modes))
    for b, (i, j) in enumerate(PAIRS):
        for p in range(1 + modes):
            h[i, p, j, p] = h[j, p, i, p] = -HOPPING[b]
        for one, other in ((0, 1 + b), (1 + b, 0)):
            h[i, one, j, other] = h[j, one, i, other] = -0.3
        h[np.arange(size), 1 + b, np.arange(size), 1 + b] += 0.8
    return h.reshape(size * (1 + modes), -1)


def test_sixty_six_modes_have_the_levels_of_their_matrix():
    phonons = Phonons(0.8, "bonds", bond_coupling=0.3, total_quanta=1)
    levels = ground_state(Model(COMPLETE, Electrons(HOPPING.tolist()), phonons=phonons), 1, states=3)
    energies, vectors = np.linalg.eigh(complete_graph())
    np.testing.assert_allclose(levels.energies, energies[:3], atol=1e-9)
    quanta = np.sum(vectors[:, 0].reshape(SITES, -1)[:, 1:] ** 2, axis=0)
    measured = observables(levels.ground, ["quanta", "displacement_distribution"], [0.0])
    np.testing.assert_allclose(measured["quanta"], quanta, atol=1e-9)
    wave = vectors[:, 0].reshape(SITES, -1)
    shares = np.linalg.svd(wave, compute_uv=False) ** 2
    entropy = -np.sum(shares * np.log(np.maximum(shares, 1e-300)))
    found = entanglement(levels.ground)
    assert any(np.allclose(found[name], entropy, atol=1e-8) for name in found.data_vars if "entropy" in str(name))


@pytest.mark.long
@pytest.mark.parametrize("frame", ["none", pytest.param("lang-firsov", marks=pytest.mark.slow)])
def test_a_ring_of_eighteen_and_its_blocks_agree(frame):
    def polaron(sites):
        phonons = Phonons(1.0, electron_coupling=0.3, total_quanta=2, displacement=frame)
        return Model(ring(sites), Electrons(1.0), phonons=phonons)

    whole = ground_state(polaron(18), 1)
    block = ground_state(polaron(18), Sector(1, momentum=0, reflection=1))
    np.testing.assert_allclose(block.energies, whole.energies, atol=1e-9)
    np.testing.assert_allclose(block.certificate.leaks, whole.certificate.leaks, atol=1e-8)
    twenty = ground_state(polaron(20), Sector(1, momentum=0, reflection=1))
    np.testing.assert_allclose(twenty.energies, whole.energies, atol=1e-5)  # a polaron is smaller than either ring
    data = spectral_function(block, probe(polaron(18), "density"), [1.0])
    np.testing.assert_allclose(data.moments[0], 1 / 18, atol=1e-12)


def test_numbers_of_rows_are_their_places_however_long_they_are():
    random = np.random.default_rng(3)
    for columns, largest in ((1, 9), (5, 3), (40, 5), (100, 1000), (0, 0)):
        rows = random.integers(0, largest + 1, (60, columns))
        rows = np.concatenate([rows, rows[:20]])
        numbering, number = Numbering.of(rows)
        different, wanted = np.unique(rows, axis=0, return_inverse=True)
        np.testing.assert_array_equal(number, wanted.ravel())
        assert numbering.size == len(different)
        np.testing.assert_array_equal(numbering.index(different), np.arange(len(different)))
        if columns:
            others = different.copy()
            others[:, -1] += 1
            known = {tuple(row): n for n, row in enumerate(different.tolist())}
            np.testing.assert_array_equal(numbering.index(others), [known.get(tuple(r), -1) for r in others.tolist()])
    assert Numbering.of(np.zeros((0, 70), np.int64))[0].index(np.zeros((2, 70), np.int64)).tolist() == [-1, -1]


def test_a_term_of_many_quanta_does_not_come_back_into_the_space():
    """a+^9 on the last of two modes with one quantum each leads out, not to a state with other digits."""
    space = PhononSpace(2, 1, 2)
    assert word_matrix(((1, 9, 0),), space).nnz == 0
    assert len(Shell.beyond(space, iter([((1, 9, 0),)]))) == 4


def test_displacements_of_one_of_many_modes_keep_the_others():
    space = PhononSpace.capped(64, None, 1)
    matrix = word_matrix(Dressed((), ((63, 0.4),)), space).toarray()
    elements = displacement_elements(0.4, 2, 2)
    wanted = np.eye(65) * elements[0, 0]
    own = space.index(np.eye(64, dtype=np.int64)[[63]])[0]
    none = space.index(np.zeros((1, 64), np.int64))[0]
    wanted[np.ix_([none, own], [none, own])] = elements
    np.testing.assert_allclose(matrix, wanted, atol=1e-15)
