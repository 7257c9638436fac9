"""Optimal oscillator states: leaks, the search for the states, error bars, and what comes out."""

from dataclasses import replace

import numpy as np
import pytest
from test_oscillator_sets import EVERYTHING, RING, in_basis, random_sets

from respair.clusters import site
from respair.hamiltonians import Block, Bosons, Electrons, Hamiltonian, Model, Phonons, Sector
from respair.solvers.set_leak import SetLeak

LEAKING = {
    "pairs": (replace(RING, phonons=replace(RING.phonons, electron_coupling=0.0, boson_coupling=0.9)), Sector(3, 1, momentum=1), "bosons"),
    "electrons": (RING, Sector(2, 0, momentum=2), "both"),
    "flux": (replace(RING, flux=0.7), Sector(2, 0), "electrons"),
    "everything": (EVERYTHING, Sector(3, 1), "electrons"),
    "one mode": (Model(site(), Electrons(), Bosons(0.1, 0.5), Phonons(1.0, boson_coupling=1.0, max_quanta=3)), Sector(2), "bosons"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEAKING)
def test_the_leak_is_that_of_the_full_oscillator(name):
    """``||Q H psi||`` against H in the space of all states of the sets, and E_Q of the next shell."""
    model, sector, follows = LEAKING[name]
    alike = len(model.modes) == 4
    sets = random_sets(model, follows, size=6, alike=alike)
    hamiltonian = Hamiltonian.of(in_basis(model, sets, max_quanta=None, total_quanta=2), sector)
    block = Block.of(hamiltonian)
    random = np.random.default_rng(1)
    phi = random.normal(size=block.shape).astype(block.energy.dtype)
    block.energy.project(phi.reshape(-1))
    big = Hamiltonian.of(in_basis(model, sets, max_quanta=5, total_quanta=4 if len(model.modes) == 4 else None), sector)
    psi, inside = block.expand(phi), big.space.phonons.index(hamiltonian.space.phonons.occupations)
    wide = np.zeros(big.space.shape, psi.dtype)
    wide[:, inside] = psi
    image = big.apply(wide)
    image[:, inside] = 0.0
    leak, energy = SetLeak(block).leak(phi)
    near = np.linalg.norm(image)
    assert leak > 0
    if len(model.modes) < 4:
        assert near <= leak * (1 + 1e-12)
        assert leak <= 2.0 * near
    else:
        assert near <= leak * (1 + 1e-12)
    chosen = big.space.phonons.occupations.sum(axis=1) == 3
    next_to = np.where(chosen, image, 0.0)
    expected = np.vdot(next_to, big.apply(next_to)).real / np.vdot(next_to, next_to).real
    np.testing.assert_allclose(energy, expected, rtol=1e-10)
