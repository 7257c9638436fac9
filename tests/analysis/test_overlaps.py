"""Overlaps, fidelities and matrix elements against dense vectors of the whole Fock space."""

from dataclasses import replace

import numpy as np
import pytest
from independent import fock, in_order_of, sector_states

import respair as rp
from respair.hamiltonians import Block, Hamiltonian
from respair.hamiltonians.space.transfer import carried
from respair.solvers import levels_by_symmetry

RING = rp.Model(
    rp.ring(3), rp.Electrons(1.0, hubbard_u=2.0), rp.Bosons(0.2, 0.6), rp.Phonons(1.0, boson_coupling=0.7, max_quanta=2)
)


def dense(state):
    """The vector of a pure state in the whole Fock space of its model."""
    space = state.hamiltonian.space
    f = fock(space.model)
    order = in_order_of(space, space.model, f, sector_states(space.model, f, space.sector.charge, space.sector.two_sz))
    vector = np.zeros(len(f.occupations), complex)
    vector[order] = state.vectors[0].ravel()
    return vector


OFTEN, LONG = ["D_2", "x_1 n_0"], ["cup_1", "c+dn_0", "b+_0", "nb_0 c+up_1 cup_2", "S-_1"]


@pytest.mark.parametrize("letters", [*OFTEN, *(pytest.param(each, marks=pytest.mark.long) for each in LONG)])
def test_matrix_elements_between_levels_of_different_charge(letters):
    ket = rp.ground_state(RING, 3, states=2).level(1)
    change = rp.hamiltonians.operator(letters)
    changes = {"cup_1": (-1, -1), "c+dn_0": (1, -1), "D_2": (-2, 0), "b+_0": (2, 0), "S-_1": (0, -2)}
    number = changes.get(letters, (0, 0))
    bra = rp.ground_state(RING, rp.Sector(3 + number[0], 1 + number[1]), states=3).level(2)
    f = fock(RING)
    dag = {"+": lambda m: m.conj().T, "": lambda m: m}
    letter_of = {
        "cup_1": f.c[1, "up"], "c+dn_0": dag["+"](f.c[0, "dn"]), "D_2": f.c[2, "dn"] @ f.c[2, "up"],
        "b+_0": dag["+"](f.b[0]), "x_1 n_0": (f.a[1] + f.a[1].T) @ f.n(0),
        "nb_0 c+up_1 cup_2": dag["+"](f.b[0]) @ f.b[0] @ dag["+"](f.c[1, "up"]) @ f.c[2, "up"],
        "S-_1": dag["+"](f.c[1, "dn"]) @ f.c[1, "up"],
    }  # fmt: skip
    total = np.vdot(dense(bra), letter_of[letters] @ dense(ket))
    assert rp.matrix_element(bra, change, ket) == pytest.approx(total, abs=1e-12)
    assert rp.matrix_element(bra, letters, ket) == pytest.approx(total, abs=1e-12)


def test_matrix_elements_between_momenta_and_sectors():
    model = rp.Model(rp.ring(4), rp.Electrons(1.0, hubbard_u=3.0), flux=0.4)
    ket = rp.ground_state(model, rp.Sector(3, momentum=1)).level(0)
    bra = rp.ground_state(model, rp.Sector(2, momentum=2)).level(0)
    whole = rp.matrix_element(bra, "cup_0", ket)
    f = fock(model)
    assert whole == pytest.approx(np.vdot(dense(bra), f.c[0, "up"] @ dense(ket)), abs=1e-12)
    assert rp.matrix_element(ket, "cup_0", ket) == 0  # another charge
    assert rp.matrix_element(bra, "n_0", bra) == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize("frame", ["mean", "lang-firsov", [0.3, -0.2]])
def test_the_same_state_in_other_frames(frame):
    table = rp.Phonons(1.0, electron_coupling=0.6, max_quanta=14)
    model = rp.Model(rp.dimer(), rp.Electrons(1.0, hubbard_u=1.0), phonons=table)
    own, other = (rp.ground_state(replace(model, phonons=replace(table, frame=f)), 2) for f in ("none", frame))
    assert abs(rp.overlap(own.ground, other.ground)) == pytest.approx(1.0, abs=1e-9)
    smaller = replace(model, phonons=rp.Phonons(1.0, electron_coupling=0.6, total_quanta=9, frame=frame))
    assert rp.fidelity(own.ground, rp.ground_state(smaller, 2).ground) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.long
def test_the_same_state_in_optimal_oscillator_states():
    table = rp.Phonons(1.0, electron_coupling=1.0, max_quanta=20, frame="mean")
    model = rp.Model(rp.dimer(), rp.Electrons(1.0, hubbard_u=1.0), phonons=table)
    own = rp.ground_state(model, 2, states=2)
    few = replace(table, basis="optimal", max_quanta=6, frame="none")
    optimal = rp.ground_state(replace(model, phonons=few), 2)
    most = (optimal.energies[0] - own.energies[0]) / (own.energies[1] - own.energies[0])
    for pair in ((own, optimal), (optimal, own)):
        assert -1e-9 < 1 - rp.fidelity(*pair) < most + 1e-9  # by the variational principle


def test_carrying_is_an_isometry_onto_larger_caps_and_back():
    rng = np.random.default_rng(3)
    small, large = (
        Hamiltonian.of(replace(RING, phonons=replace(RING.phonons, max_quanta=cap, frame=frame)), 2).space
        for cap, frame in ((2, "none"), (16, "lang-firsov"))
    )
    psi = rng.standard_normal(small.shape)
    there = carried(small, large, psi)
    assert np.linalg.norm(there) == pytest.approx(np.linalg.norm(psi), rel=1e-9)
    np.testing.assert_allclose(carried(large, small, there), psi, atol=1e-9)


def test_fidelity_of_mixtures_is_that_of_density_matrices():
    model = rp.Model(rp.ring(4), rp.Electrons(1.0, hubbard_u=0.0))
    one, two = (levels_by_symmetry(replace(model, flux=phi), 2, 2).ground for phi in (0.0, 0.3))
    assert rp.fidelity(one, two) == pytest.approx(abs(rp.overlap(one, two)) ** 2, abs=1e-12)
    mixed, other = (levels_by_symmetry(rp.Model(rp.ring(4), rp.Electrons(1.0)), 4, 2).ground, rp.ground_state(
        rp.Model(rp.ring(4), rp.Electrons(1.0, hubbard_u=1.0)), 4, states=2).level(1))  # fmt: skip
    assert len([w for part in mixed.parts for w in part.weights]) > 1
    assert rp.fidelity(mixed, mixed) == pytest.approx(1.0, abs=1e-10)
    rho = sum(
        weight * np.outer(v, v.conj())
        for part in mixed.parts
        for weight, v in zip(part.weights, part.vectors.reshape(len(part.weights), -1), strict=True)
    )
    psi = other.vectors[0].ravel()
    assert rp.fidelity(mixed, other) == pytest.approx(np.vdot(psi, rho @ psi).real, abs=1e-12)


def test_states_that_do_not_fit_are_refused():
    ground = rp.ground_state(RING, 3).level(0)
    other = rp.ground_state(rp.Model(rp.ring(4), rp.Electrons(1.0)), 3).level(0)
    with pytest.raises(ValueError, match="sites, charges and oscillators must be the same"):
        rp.overlap(ground, other)
    mixture = levels_by_symmetry(rp.Model(rp.ring(4), rp.Electrons(1.0)), 4, 2).ground
    with pytest.raises(ValueError, match="is a mixture of"):
        rp.overlap(mixture, mixture)


def test_searches_begin_from_known_levels():
    model = rp.Model(rp.ring(8), rp.Electrons(1.0, hubbard_u=4.0))
    near = rp.ground_state(model, 8, options=rp.Options(engine="tensor"))
    fresh = rp.ground_state(model, 8, options=rp.Options(engine="tensor", confirm=False))
    warm = rp.Options(engine="tensor", confirm=False, starts=rp.starting_from(near))
    again = rp.ground_state(model, 8, options=warm)
    assert again.matvecs < fresh.matvecs / 3
    assert again.energies == pytest.approx(fresh.energies, abs=1e-9)
    block = Block.of(Hamiltonian.of(RING, 3))
    assert warm.starts(block) == []
