"""Linear equations (H - z) y = b against dense inverses of an independent Hamiltonian."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import models_and_sectors
from reference import sector_matrix

from respair.clusters import dimer, ring
from respair.hamiltonians import Block, Bosons, Electrons, Hamiltonian, Model, Phonons, Sector, displacement
from respair.hamiltonians.symmetry.group import isometry, representatives_of
from respair.solvers import ConvergenceError, ground_state, levels_by_symmetry, solve, unfolded

RING = Model(ring(4), Electrons(1.0), Bosons(-0.4, 0.8), Phonons(1.0, boson_coupling=0.7, total_quanta=2))
BLOCKS = {
    "momentum 0, even": (RING, Sector(2, 0, momentum=0, reflection=1)),
    "momentum 0, odd": (RING, Sector(2, 0, momentum=0, reflection=-1)),
    "complex momentum": (RING, Sector(2, 0, momentum=1)),
    "momentum pi and a flux": (replace(RING, flux=0.9), Sector(3, 1, momentum=2)),
    "bond modes": (
        Model(ring(3), Electrons(1.0), None, Phonons(0.8, on="bonds", bond_coupling=0.3, max_quanta=2)),
        Sector(3, 1, momentum=0, reflection=-1),
    ),
}


def vectors(rng, shape, is_complex):
    real = rng.normal(size=shape)
    return real + 1j * rng.normal(size=shape) if is_complex else real


def dense_block(block):
    """H of a block as a dense matrix, and the columns that lead from it to the whole sector."""
    matrix, size = block.hamiltonian.matrix().toarray(), block.space.dimension
    if not block.elements:
        return matrix, np.eye(size)
    columns = isometry(block.elements, representatives_of(block.elements, size), size).toarray()
    return columns.conj().T @ matrix @ columns, columns


@settings(max_examples=12, deadline=None)
@given(models_and_sectors(largest=60), st.integers(0, 2**32 - 1), st.booleans(), st.floats(-3, 3))
def test_a_complex_energy_gives_the_dense_inverse(case, seed, is_complex, omega):
    model, sector = case
    block = Block.of(Hamiltonian.of(model, sector))
    z = omega + 0.3j
    b = vectors(np.random.default_rng(seed), (2, *block.shape), is_complex)
    h = sector_matrix(model, block.space)
    wanted = np.linalg.solve(h - z * np.eye(len(h)), b.reshape(2, -1).T).T
    np.testing.assert_allclose(solve(block, z, b).reshape(2, -1), wanted, atol=1e-8)


@settings(max_examples=12, deadline=None)
@given(models_and_sectors(largest=60), st.integers(0, 2**32 - 1), st.booleans())
@pytest.mark.long
def test_the_ground_energy_off_the_ground_level_gives_the_pseudo_inverse(case, seed, is_complex):
    levels = ground_state(*case)
    block, ground = levels.block, levels.amplitudes[: levels.multiplicity]
    b = vectors(np.random.default_rng(seed), block.shape, is_complex)
    energies, states = np.linalg.eigh(sector_matrix(case[0], block.space))
    above = energies > energies[0] + 1e-9 * max(1.0, abs(energies[0]))
    weights = (states[:, above].conj().T @ b.ravel()) / (energies[above] - energies[0])
    y = solve(block, levels.energies[0], b, off=ground)
    np.testing.assert_allclose(
        y.ravel(), states[:, above] @ weights, atol=1e-6 * max(1.0, np.max(np.abs(weights), initial=0.0))
    )
    np.testing.assert_allclose(np.tensordot(ground.conj(), y, 2), 0, atol=1e-9)


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("z", [-9.0, 0.4 + 0.05j, -0.3 - 0.2j])
def test_a_symmetric_block_gives_its_dense_inverse(name, z):
    block = Block.of(Hamiltonian.of(*BLOCKS[name]))
    h, columns = dense_block(block)
    inside = vectors(np.random.default_rng(3), h.shape[0], True)
    psi = (columns @ inside).reshape(block.space.shape)
    y = block.expand(solve(block, z, block.compress(psi)))
    wanted = columns @ np.linalg.solve(h - z * np.eye(len(h)), inside)
    np.testing.assert_allclose(y.ravel(), wanted, atol=1e-9)


def test_an_energy_between_levels_is_solved_too():
    block = Block.of(Hamiltonian.of(Model(ring(4), Electrons(1.0, 0.0, 2.0)), Sector(4, 0)))
    h = block.hamiltonian.matrix().toarray()
    b = np.random.default_rng(0).normal(size=block.shape)
    wanted = np.linalg.solve(h - 0.37 * np.eye(len(h)), b.ravel())
    np.testing.assert_allclose(solve(block, 0.37, b).ravel(), wanted, atol=1e-7)


def test_a_perturbation_that_breaks_the_symmetry_is_solved_in_the_whole_sector():
    """Static susceptibility of one oscillator in a state of a momentum block: the block is left."""
    found = levels_by_symmetry(RING, Sector(2))
    block, ground = unfolded(found.ground)
    pushed = block.operator(displacement(0), ground.dtype).apply(ground[0])
    y = solve(block, found.energies[0], pushed, off=ground)
    energies, states = np.linalg.eigh(block.hamiltonian.matrix().toarray())
    overlaps = states[:, 1:].conj().T @ pushed.ravel()
    wanted = np.sum(np.abs(overlaps) ** 2 / (energies[1:] - energies[0]))
    assert np.vdot(pushed, y).real == pytest.approx(wanted, abs=1e-9)


def test_unfolded_keeps_all_parts_of_a_multiplet_over_several_blocks():
    found = levels_by_symmetry(Model(ring(4), Electrons(1.0)), Sector(3, 1))
    block, states = unfolded(found.ground)
    assert len(states) == found.multiplicity > 1
    flat = states.reshape(len(states), -1)
    np.testing.assert_allclose(flat.conj() @ flat.T, np.eye(len(flat)), atol=1e-12)
    np.testing.assert_allclose(flat @ block.hamiltonian.matrix().toarray().T, found.energies[0] * flat, atol=1e-9)


def test_nothing_to_solve_gives_zero():
    block = Block.of(Hamiltonian.of(Model(dimer(), Electrons(1.0)), Sector(1)))
    assert not np.any(solve(block, 0.5, np.zeros((3, *block.shape))))


def test_too_few_products_are_an_error_that_says_what_was_reached():
    block = Block.of(Hamiltonian.of(RING, Sector(4)))
    b = np.random.default_rng(0).normal(size=block.shape)
    with pytest.raises(ConvergenceError, match=r"\(H - z\) y = b did not converge: residual .* after 1\d products"):
        solve(block, 0.1 + 0.01j, b, max_matvecs=10)


def test_amplitudes_of_another_block_are_refused():
    block = Block.of(Hamiltonian.of(*BLOCKS["complex momentum"]))
    with pytest.raises(ValueError, match="do not belong to a block of shape"):
        solve(block, 0.1, np.zeros(block.space.shape))
