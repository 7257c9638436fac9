"""Representations of point groups: characters, and the sum over all of them."""

import numpy as np
import pytest

from respair.analysis import observables
from respair.clusters import chain, custom, dimer, ladder, ligand_centre, plaquette, point_group, ring
from respair.hamiltonians import Block, Bosons, Electrons, Hamiltonian, InvalidModel, Model, Phonons, Sector
from respair.solvers import Options, ground_state

PAIRS = Bosons(-0.3, 0.6)
MODELS = {
    "ligand C4v": (
        Model(
            ligand_centre(4),
            Electrons({"ring": 1.0, "centre": 0.35}, {"ligand": 1.5}, 0.7),
            phonons=Phonons(1.0, "ligand", electron_coupling=1.1, max_quanta=2),
        ),
        Sector(3),
    ),
    "ligand C3v": (Model(ligand_centre(3), Electrons(1.0, hubbard_u=0.7), PAIRS), Sector(4)),
    "plaquette C4v": (
        Model(plaquette(), Electrons(1.0), PAIRS, Phonons(1.0, boson_coupling=0.8, total_quanta=2)),
        Sector(2),
    ),
    "plaquette C2v": (Model(plaquette([3, 2]), Electrons(1.0, hubbard_u=2.0)), Sector(3)),
    "ladder C2v": (Model(ladder(2), Electrons({"leg": 1.0, "rung": 0.4}), PAIRS), Sector(4)),
    "ring C6v": (Model(ring(6), Electrons(1.0, hubbard_u=1.0)), Sector(3)),
    "ring with bond modes": (
        Model(ring(3), Electrons(1.0), phonons=Phonons(1.0, "bonds", bond_coupling=0.4, max_quanta=1)),
        Sector(3),
    ),
    "optical modes": (Model(ring(4), Electrons(1.0), phonons=Phonons(1.0, bond_coupling=0.2, max_quanta=1)), Sector(2)),
    "chain": (Model(chain(4), Electrons(1.0, hubbard_u=2.0), PAIRS), Sector(3)),
    "dimer": (Model(dimer(), Electrons(1.0), phonons=Phonons(1.0, electron_coupling=0.5, max_quanta=3)), Sector(1)),
    "flux keeps rotations": (Model(ring(4), Electrons(1.0, hubbard_u=1.0), flux=0.4), Sector(2)),
}


def labels(model):
    """Every label; with a flux only those of the rotations."""
    names = point_group(model.cluster).irreps
    return [name for name, (_, parity) in names.items() if not model.flux or parity is None]


def whole(model, sector):
    return np.linalg.eigvalsh(Hamiltonian.of(model, sector).matrix().toarray())


@pytest.mark.sampled
@pytest.mark.parametrize("engine", ["dense", "quspin", "tensor"])
@pytest.mark.parametrize("name", [name for name in MODELS if "flux" not in name])
def test_all_representations_together_are_the_sector(name, engine):
    model, sector = MODELS[name]
    expected = whole(model, sector)
    found, stored = [], 0
    for label in labels(model):
        block = Sector(sector.charge, sector.two_sz, irrep=label)
        size = Block.of(Hamiltonian.of(model, block)).energy.dimension
        levels = ground_state(model, block, size if engine == "dense" else min(size, 6), Options(engine=engine))
        stored += size
        found += [(energy, label) for energy in levels.energies]
    assert stored == len(expected)
    energies = np.sort([energy for energy, _ in found])
    if engine == "dense":
        np.testing.assert_allclose(energies, expected, atol=1e-9)
    assert energies[:6] == pytest.approx(expected[:6], abs=1e-9)


@pytest.mark.sampled
@pytest.mark.parametrize("name", [name for name in MODELS if "flux" not in name])
def test_states_have_the_characters_of_their_representation(name):
    model, sector = MODELS[name]
    group = point_group(model.cluster)
    for label in labels(model):
        block = Block.of(Hamiltonian.of(model, Sector(sector.charge, sector.two_sz, irrep=label)))
        if not block.energy.dimension:
            continue
        state = ground_state(model, Sector(sector.charge, sector.two_sz, irrep=label)).ground
        for psi in state.vectors:
            for action in block.elements:
                moved = np.zeros_like(psi)
                sign = action.charge_sign[:, None] * action.phonon_sign
                moved[np.ix_(action.charges, action.phonons)] = sign * psi
                np.testing.assert_allclose(moved, action.character * psi, atol=1e-8)
        turned, mirrored = group.irreps[label]
        assert (turned, mirrored) == group.irreps[label]


def test_an_s_wave_pair_is_a1_and_a_d_wave_pair_is_b1():
    """On a square, two electrons: the bond pair with alternating sign is odd under the quarter turn."""
    model = Model(plaquette(), Electrons(1.0, hubbard_u=8.0))
    best = {label: ground_state(model, Sector(4, irrep=label)).energies[0] for label in labels(model)}
    assert min(best, key=best.get) == "B1"
    best = {label: ground_state(model, Sector(2, irrep=label)).energies[0] for label in labels(model)}
    assert min(best, key=best.get) == "A1"


def test_the_ground_state_of_the_ligand_is_fully_symmetric():
    model, _ = MODELS["ligand C4v"]
    free, a1 = ground_state(model, Sector(2)), ground_state(model, Sector(2, irrep="A1"))
    assert a1.energies[0] == pytest.approx(free.energies[0], abs=1e-10)
    ours, theirs = observables(a1.ground), observables(free.ground)
    for name in theirs.data_vars:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-8, err_msg=str(name))


@pytest.mark.parametrize("sites", [3, 4, 5, 6])
def test_rings_have_the_same_blocks_by_momentum(sites):
    model = Model(ring(sites), Electrons(1.0, hubbard_u=3.0), PAIRS)
    even = ground_state(model, Sector(2, momentum=0, reflection=1), 2).energies
    assert ground_state(model, Sector(2, irrep="A1"), 2).energies == pytest.approx(even, abs=1e-10)
    odd = ground_state(model, Sector(3, momentum=1), 2).energies
    name = "E+" if sites < 5 else "E1+"
    assert ground_state(model, Sector(3, irrep=name), 2).energies == pytest.approx(odd, abs=1e-10)


def test_a_flux_keeps_the_rotations_and_breaks_the_mirror():
    model, sector = MODELS["flux keeps rotations"]
    for label, m in (("E+", 1), ("E-", 3)):
        ours = ground_state(model, Sector(sector.charge, irrep=label), 3).energies
        assert ours == pytest.approx(ground_state(model, Sector(sector.charge, momentum=m), 3).energies, abs=1e-10)
    with pytest.raises(InvalidModel, match=r"sector.irrep: got .*A1.*lacks this symmetry"):
        ground_state(model, Sector(2, irrep="A1"))


WRONG = {
    "unknown": (Model(plaquette(), Electrons(1.0)), Sector(2, irrep="A3"), r'C4v: "A1", "A2", "B1", "B2", "E\+", "E-"'),
    "no symmetry": (
        Model(custom([[0, 0], [1, 0.3], [2, 1]], [[0, 1]]), Electrons(1.0)),
        Sector(2, irrep="A1"),
        'C1: "A"',
    ),
    "with momentum": (Model(ring(4), Electrons(1.0)), Sector(2, momentum=0, irrep="A1"), "either irrep, or momentum"),
    "levels differ": (
        Model(plaquette(), Electrons(1.0, level=[0.1, 0, 0, 0])),
        Sector(2, irrep="A1"),
        "lacks this symmetry",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_representations_that_are_not_there_are_refused(name):
    model, sector, allowed = WRONG[name]
    with pytest.raises(InvalidModel, match=f"sector.irrep: got .*{allowed}"):
        ground_state(model, sector)
