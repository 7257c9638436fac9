"""Representations of the cubic system: sizes by characters, energies of the whole sector, the group that acts."""

import numpy as np
import pytest

from respair.clusters import cubic, momenta
from respair.hamiltonians import Block, Bosons, Electrons, Hamiltonian, InvalidModel, Model, Phonons, Sector
from respair.hamiltonians.symmetry.group import group
from respair.hamiltonians.symmetry.points import points_of
from respair.hamiltonians.symmetry.quantum_numbers import sector_symmetries
from respair.solvers import Options, ground_state

PAIRS = Bosons(level=-0.3, exchange=0.7, hopping=0.2)
STILL = Phonons(0.9, boson_coupling=0.4, total_quanta=1)
CASES = {
    "cube": (Model(cubic([2, 2, 2]), Electrons(1.0, hubbard_u=1.0), PAIRS), Sector(2, 0)),
    "brick": (Model(cubic([2, 2, 1]), Electrons(1.0), PAIRS, STILL), Sector(3, 1)),
    "modes on bonds": (
        Model(cubic([2, 2, 1]), Electrons(1.0), None, Phonons(0.9, on="bonds", bond_coupling=0.3, total_quanta=1)),
        Sector(2, 0),
    ),
    "rod": (Model(cubic([3, 1, 1]), Electrons(1.0, hubbard_u=2.0), PAIRS, STILL), Sector(2, 0)),
    "three directions": (Model(cubic([3, 2, 1]), Electrons({"x": 1.0, "y": 0.7})), Sector(3, 1)),
    "face centred": (
        Model(cubic(supercell=[[1, 1, 1], [1, -1, -1], [-1, 1, -1]]), Electrons(1.0), PAIRS),
        Sector(3, 1),
    ),
}


QUICK = ("rod", "three directions")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in CASES]
)
def test_blocks_have_the_size_of_their_characters_and_levels_of_the_sector(name):
    model, sector = CASES[name]
    every = np.linalg.eigvalsh(Hamiltonian.of(model, sector).matrix().toarray())
    checked = 0
    for k in momenta(model.cluster):
        for irrep in points_of(model, k).whole:
            block = Sector(sector.charge, sector.two_sz, momentum=k, irrep=irrep)
            h = Hamiltonian.of(model, block)
            elements = group(h.space, sector_symmetries(h.space, h.operator))
            states = np.arange(h.space.dimension)
            trace = 0.0
            for element in elements:
                image, sign = element.images(states)
                trace += np.sum(np.where(image == states, np.conj(element.character) * sign, 0.0))
            size = Block.of(h).energy.dimension
            assert abs(trace / len(elements) - size) < 1e-9
            if size:
                checked += 1
                for engine in ("dense", "tensor"):
                    found = ground_state(model, block, options=Options(engine=engine)).energies[0]
                    assert np.min(np.abs(every - found)) < 1e-9
    assert checked >= 2


@pytest.mark.long
def test_the_elements_of_a_cubic_block_multiply_as_a_group():
    model, _ = CASES["cube"]
    names = {}
    for k in ((0, 0, 0), (1, 1, 1), (1, 0, 0)):
        for irrep in points_of(model, k).whole:
            h = Hamiltonian.of(model, Sector(1, momentum=k, irrep=irrep))
            elements = group(h.space, sector_symmetries(h.space, h.operator))
            names[k, irrep] = len(elements)
            table = {(tuple(e.charges), tuple(e.charge_sign)): e.character for e in elements}
            for one in elements:
                for other in elements:
                    both = one.then(other)
                    assert abs(table[tuple(both.charges), tuple(both.charge_sign)] - both.character) < 1e-12
    assert {irrep for k, irrep in names if k == (0, 0, 0)} == {"A1g", "A2g"}


def test_the_identity_block_of_a_cube_is_as_small_as_it_should_be():
    model, _ = CASES["cube"]
    sector = Sector(4, 0, momentum=(0, 0, 0), irrep="A1g", spin_flip=1)
    whole, block = Hamiltonian.of(model, Sector(4, 0)), Block.of(Hamiltonian.of(model, sector))
    assert whole.space.dimension > 40 * block.energy.dimension
    same = ground_state(model, Sector(4, 0)).energies[0]
    assert ground_state(model, sector).energies[0] >= same - 1e-9


def test_unknown_names_are_refused_with_those_that_are_there():
    model, _ = CASES["cube"]
    with pytest.raises(InvalidModel, match='"A1", "B1", "A1g", "A2g"'):
        ground_state(model, Sector(2, 0, momentum=(0, 0, 0), irrep="T1u"))
