"""Levels found block by block are those of the whole sector, each with the labels of its block."""

from dataclasses import replace

import numpy as np
import pytest

from respair.analysis import observables
from respair.clusters import chain, custom, dimer, ligand_centre, plaquette, ring
from respair.hamiltonians import (
    Block,
    Bosons,
    Electrons,
    Hamiltonian,
    Model,
    Phonons,
    Sector,
    displacement,
    electron_number,
)
from respair.solvers import (
    Options,
    ground_state,
    is_degenerate,
    levels_by_symmetry,
    lowest_levels,
    symmetry_sectors,
)

PAIRS = Bosons(-0.3, 0.6)
LIGAND = Phonons(1.0, "ligand", electron_coupling=1.1, max_quanta=4)
MODELS = {
    "ring": (Model(ring(4), Electrons(1.0), PAIRS, Phonons(1.0, boson_coupling=0.8, max_quanta=1)), Sector(4)),
    "odd ring": (Model(ring(5), Electrons(1.0, hubbard_u=2.0), PAIRS), Sector(5)),
    "flux": (Model(ring(4), Electrons(1.0, hubbard_u=1.0), PAIRS, flux=0.8), Sector(4)),
    "ring of two": (Model(ring(2), Electrons(1.0), PAIRS), Sector(3)),
    "ligand": (Model(ligand_centre(4), Electrons(1.0, {"ligand": 1.5}), phonons=LIGAND), Sector(3)),
    "plaquette": (Model(plaquette(), Electrons(1.0, hubbard_u=4.0), PAIRS), Sector(4)),
    "chain": (Model(chain(3), Electrons(1.0), PAIRS), Sector(3)),
    "dimer": (Model(dimer(), Electrons(1.0), phonons=Phonons(1.0, electron_coupling=0.6, max_quanta=6)), Sector(2)),
    "one level differs": (Model(ring(4), Electrons(1.0, level=[0.3, 0, 0, 0]), PAIRS), Sector(4)),
    "no symmetry": (Model(custom([[0, 0], [1, 0.2], [2, 1]], [[0, 1], [1, 2]]), Electrons(1.0), PAIRS), Sector(3)),
    "all zero": (Model(ring(3), Electrons()), Sector(3)),
}


@pytest.mark.parametrize("engine", ["dense", "tensor"])
@pytest.mark.parametrize("name", MODELS)
def test_the_levels_are_those_of_the_whole_sector(name, engine):
    model, sector = MODELS[name]
    expected = np.linalg.eigvalsh(Hamiltonian.of(model, sector).matrix().toarray())
    count = min(9, len(expected))
    found = levels_by_symmetry(model, sector, count, Options(engine=engine))
    np.testing.assert_allclose(found.energies, expected[:count], atol=1e-9)
    degenerate = np.abs(expected - expected[0]) < 1e-9
    assert found.multiplicity == np.count_nonzero(degenerate)
    assert np.all(found.certificate.residuals < 1e-9)


@pytest.mark.sampled
@pytest.mark.parametrize("name", MODELS)
def test_every_level_lies_in_the_block_of_its_label(name):
    model, sector = MODELS[name]
    found = levels_by_symmetry(model, sector, 6)
    for energy, label in zip(found.energies, found.labels, strict=True):
        block = ground_state(model, label, 6).energies
        assert np.min(np.abs(block - energy)) < 1e-9


@pytest.mark.sampled
@pytest.mark.parametrize("name", MODELS)
def test_the_blocks_hold_every_state_once(name):
    model, sector = MODELS[name]
    size = Hamiltonian.of(model, sector).space.dimension
    counts = [len(ground_state(model, block, size, Options(engine="dense")).energies)
              for block in symmetry_sectors(model, sector)]  # fmt: skip
    assert sum(counts) == size


def test_symmetries_that_the_couplings_break_are_not_used():
    assert symmetry_sectors(*MODELS["one level differs"]) == (Sector(4),)
    assert symmetry_sectors(*MODELS["no symmetry"]) == (Sector(3),)
    assert {block.reflection for block in symmetry_sectors(*MODELS["flux"])} == {None}
    model, sector = MODELS["ring"]
    broken = replace(model, terms=(lambda m: 0.1 * (electron_number(0) * displacement(0)),))
    assert symmetry_sectors(broken, sector) == (sector,)
    fixed = Sector(4, momentum=1)
    assert symmetry_sectors(model, fixed) == (fixed,)


def test_time_reversed_blocks_hold_the_conjugate_states():
    model, sector = MODELS["odd ring"]
    found = levels_by_symmetry(model, sector, 12)
    for levels in found.blocks:
        for energy, psi in zip(levels.energies, levels.vectors, strict=False):
            residual = levels.hamiltonian.apply(psi) - energy * psi
            assert np.linalg.norm(residual) < 1e-8
            assert np.linalg.norm(psi) == pytest.approx(1.0, abs=1e-9)
    momenta = [label.momentum for label in found.labels]
    assert {1, 4} <= set(momenta) or {2, 3} <= set(momenta)


def test_blocks_far_above_are_left_early():
    """All blocks together need less than twice as many products with H, each on a part of the space."""
    phonons = Phonons(1.0, boson_coupling=0.8, max_quanta=3)
    model, sector = Model(ring(4), Electrons(1.0), PAIRS, phonons), Sector(4)
    whole = ground_state(model, sector, 1, Options(engine="tensor"))
    found = levels_by_symmetry(model, sector, 1, Options(engine="tensor"))
    assert found.energies[0] == pytest.approx(whole.energies[0], abs=1e-10)
    assert found.matvecs < 2 * whole.matvecs
    assert found.stored < whole.stored / 4
    assert len(found.blocks) < len(symmetry_sectors(model, sector))


@pytest.mark.parametrize("name", [name for name in MODELS if name != "all zero"])
def test_observables_are_averages_over_a_multiplet_that_spreads_over_blocks(name):
    model, sector = MODELS[name]
    found, whole = levels_by_symmetry(model, sector), ground_state(model, sector)
    assert found.multiplicity == whole.multiplicity
    assert sum(part.weights.sum() for part in found.ground.parts) == pytest.approx(1.0, abs=1e-12)
    ours, theirs = observables(found.ground), observables(whole.ground)
    for quantity in theirs.data_vars:
        np.testing.assert_allclose(ours[quantity], theirs[quantity], atol=1e-7, err_msg=str(quantity))


def test_some_of_these_multiplets_do_spread_over_blocks():
    spread = {name: len(levels_by_symmetry(*MODELS[name]).lowest) for name in MODELS}
    assert spread["odd ring"] > 1
    assert spread["ligand"] > 1


@pytest.mark.parametrize("states", [1, 2, 4, 5])
def test_a_ground_level_spread_over_large_blocks_is_found_whole(states):
    """Four free electrons on a ring of six: an open shell of four states with total momenta 0, 0, 2, 4."""
    model = Model(ring(6), Electrons(1.0), phonons=Phonons(1.0, total_quanta=2))
    found = levels_by_symmetry(model, Sector(4), states, Options(engine="tensor"))
    assert min(levels.stored for levels in found.blocks) > 400
    assert found.multiplicity == 4
    expected = np.r_[[-6.0] * 4, -5.0][:states]
    np.testing.assert_allclose(found.energies, expected, atol=1e-9)
    assert sorted(levels.block.sector.momentum for levels in found.lowest) == [0, 0, 2, 4]


@pytest.mark.parametrize("stored_bytes", [1 << 24, 0], ids=["stored", "two passes"])
@pytest.mark.parametrize(("momentum", "reflection"), [(0, 1), (0, -1), (1, None), (3, 1)])
def test_searches_stay_in_their_block_where_the_krylov_space_is_exhausted(momentum, reflection, stored_bytes):
    """Free electrons beside free oscillators have few distinct levels; what is left of a Lanczos vector is rounding."""
    model = Model(ring(6), Electrons(1.0), phonons=Phonons(1.0, total_quanta=2))
    block = Block.of(Hamiltonian.of(model, Sector(4, momentum=momentum, reflection=reflection)))
    energy, limits = block.energy, (1e-10, 0, 5000)
    search = {"project": energy.project, "dimension": energy.dimension, "stored_bytes": stored_bytes}
    found = lowest_levels(energy.dot, energy.size, energy.dtype.type, 5, *limits, is_degenerate, **search)
    dense = ground_state(model, block.sector, 5, Options(engine="dense"))
    np.testing.assert_allclose(found.energies[:5], dense.energies, atol=1e-8)
