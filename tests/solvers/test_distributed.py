"""Blocks whose rows several ranks share, on threads of this process: the same numbers as on one rank."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oscillator_sets import RING, in_basis, random_sets
from random_models import models_and_sectors
from scipy.stats import kstest
from thread_ranks import on_ranks

from respair import Bosons, Electrons, Model, Options, Phonons, Sector, estimate, ring
from respair._core.launch import counted_as, launched
from respair._core.ranks import current_ranks
from respair.hamiltonians import Block, Hamiltonian, create, hamiltonian_operator
from respair.hamiltonians.kernels import ghosts
from respair.hamiltonians.kernels.random_numbers import normal_numbers
from respair.hamiltonians.space.product import Space
from respair.hamiltonians.symmetry import block as blocks
from respair.hamiltonians.symmetry import share as shares
from respair.hamiltonians.transitions import transitions
from respair.solvers import CheckpointError, adiabatic, ground_state, levels_by_symmetry, solve
from respair.solvers.block_size import ghosts_of
from respair.solvers.blocks import finest_blocks
from respair.solvers.engines import DenseEngine, base, tensor
from respair.solvers.engines.distributed import DistributedEngine
from respair.solvers.engines.table import engine_of
from respair.solvers.krylov.deflation import Deflated
from respair.solvers.krylov.exponential import krylov_step
from respair.solvers.set_leak import SetLeak

MODEL = Model(
    ring(4), Electrons(1.0, hubbard_u=0.7), Bosons(0.2, exchange=0.8), Phonons(1.0, boson_coupling=0.6, total_quanta=3)
)
SECTORS = [Sector(4), Sector(4, momentum=1), Sector(4, momentum=0, reflection=1, spin_flip=1)]
FEW = 30
"""Amplitudes from which on blocks are shared and searched in these tests."""


@pytest.fixture(autouse=True)
def small_blocks_are_shared(monkeypatch):
    monkeypatch.setattr(blocks, "SHARED_FROM", FEW)
    monkeypatch.setattr(tensor, "SMALL", FEW)
    monkeypatch.setattr(tensor, "suits_lapack", lambda *_: False)


def shared_product(model, sector, v):
    """Return ``H v`` as the ranks find it, from their parts of v."""

    def work(ranks):
        block = Block.of(Hamiltonian.of(model, sector))
        engine = engine_of(block, "tensor")
        assert isinstance(engine, DistributedEngine)
        part = np.ascontiguousarray(block.own(v.reshape(block.rows, -1))).ravel()
        image = engine.product(part, np.empty_like(part))
        engine.project(image)
        assert engine.norm(part) == pytest.approx(np.linalg.norm(v), rel=1e-13)
        assert engine.dot(part, image) == pytest.approx(complex(np.vdot(v, whole(block, image))), rel=1e-13, abs=1e-11)
        return whole(block, image)

    return work


def whole(block, v):
    return v if block.share is None else block.share.whole(v.reshape(block.shape)).ravel()


def blocks_of(model, sector):
    hamiltonian = Hamiltonian.of(model, sector)
    return [sector, *finest_blocks(hamiltonian.space, hamiltonian.operator)]


@pytest.mark.long
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(models_and_sectors(frames=("none", "mean", "list", "lang-firsov")), st.integers(2, 4), st.integers(0, 99))
def test_products_of_random_models_are_those_of_a_dense_matrix(drawn, count, seed):
    """Complex momenta, fluxes, frames, phonons of bonds, no symmetry: relative to the size of H v."""
    model, sector = drawn
    every = blocks_of(model, sector)
    sector = every[seed % len(every)]
    block = Block.of(Hamiltonian.of(model, sector))
    if not block.dimension:
        return
    engine, dense = engine_of(block, "tensor"), DenseEngine(block)
    v = engine.random(np.random.default_rng(seed))
    engine.project(v)
    wanted = dense.amplitudes((dense.matrix @ dense.vector(v.reshape(block.shape)))[:, None]).ravel()
    scale = np.abs(wanted).max() + np.abs(dense.matrix).max()
    for found in on_ranks(count, shared_product(model, sector, v)):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14 * max(1.0, scale) * np.sqrt(block.entries))


@pytest.mark.parametrize("sector", SECTORS, ids=lambda s: s.label or "no symmetry")
@pytest.mark.parametrize("count", [pytest.param(2, marks=pytest.mark.long), 3])
def test_rows_arrive_in_pieces_and_all_ranks_have_the_same_bits(sector, count, monkeypatch):
    engine = engine_of(Block.of(Hamiltonian.of(MODEL, sector)), "tensor")
    v = engine.random(np.random.default_rng(3))
    engine.project(v)
    wanted = engine.product(v, np.empty_like(v))
    engine.project(wanted)
    coarse = on_ranks(count, shared_product(MODEL, sector, v))
    monkeypatch.setattr(ghosts, "PIECE", 2000)  # a few rows
    fine = on_ranks(count, shared_product(MODEL, sector, v))
    again = on_ranks(count, shared_product(MODEL, sector, v))
    for found in (*coarse, *fine):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14 * np.abs(wanted).max())
    assert all(np.array_equal(fine[0], other) for other in (*fine, *again))


@pytest.mark.parametrize("counted_from", [tensor.COUNTED_FROM, 0], ids=["drawn", "functions of places"])
def test_start_vectors_do_not_depend_on_the_number_of_ranks(counted_from, monkeypatch):
    monkeypatch.setattr(tensor, "COUNTED_FROM", counted_from)
    for sector in SECTORS:
        wanted = engine_of(Block.of(Hamiltonian.of(MODEL, sector)), "tensor").random(np.random.default_rng(7))

        def draw(ranks, sector=sector):
            block = Block.of(Hamiltonian.of(MODEL, sector))
            return whole(block, engine_of(block, "tensor").random(np.random.default_rng(7)))

        for count in (2, 3):
            assert all(np.array_equal(found, wanted) for found in on_ranks(count, draw))


def test_random_numbers_of_places_are_normal_and_independent():
    numbers = np.empty((300, 200, 2))
    normal_numbers(numbers, np.arange(300), np.array([3, 4], np.uint64))
    assert kstest(numbers.ravel(), "norm").pvalue > 1e-3
    other = np.empty_like(numbers)
    normal_numbers(other, np.arange(300), np.array([5, 3], np.uint64))
    assert np.array_equal(other[..., 1], numbers[..., 0])
    rows = np.vstack([numbers[..., 0].reshape(3, -1), numbers[..., 1].reshape(3, -1), other[..., 0].reshape(3, -1)])
    shifted = np.vstack([rows[0, :-1], rows[0, 1:]])
    for some in (rows, shifted):
        correlations = np.corrcoef(some)[np.triu_indices(len(some), 1)]
        assert np.max(np.abs(correlations)) < 5 / np.sqrt(some.shape[1])
    part = np.empty((2, 200, 2))
    normal_numbers(part, np.array([7, 290]), np.array([3, 4], np.uint64))
    assert np.array_equal(part, numbers[[7, 290]])


def test_a_search_that_an_earlier_version_began_goes_on_with_the_vectors_of_then(monkeypatch):
    monkeypatch.setattr(tensor, "COUNTED_FROM", 0)
    engine = engine_of(Block.of(Hamiltonian.of(MODEL, SECTORS[1])), "tensor")
    begun = {"energies": [], "locked": np.zeros((0, engine.size), engine.dtype), "ceiling": 0.0, "products": 9}
    found = []
    for state in ({"draws": 2}, {"draws": 2, "drawn": True}, {"draws": 2, "drawn": False}):
        search = Deflated(engine, 5)
        search.restore(begun | state)
        assert search.state["drawn"] == state.get("drawn", True)
        found.append(search.random_vector(again=True))
    wanted = engine.drawn(np.random.default_rng([5, 2]))
    engine.project(wanted)
    np.testing.assert_allclose(found[0], wanted / np.linalg.norm(wanted), atol=1e-14)
    assert np.array_equal(found[0], found[1])
    assert abs(np.vdot(found[0], found[2])) < 0.5


def test_rows_are_split_evenly_with_metis_and_without(monkeypatch):
    graph = sp.csr_array(sum(np.roll(np.eye(60), k, axis=1) for k in (1, -1)))
    by_metis = shares.owners(graph, 4) if shares.find_spec("pymetis") else None
    monkeypatch.setattr(shares, "find_spec", lambda name: None)
    in_order = shares.owners(graph, 4)
    assert np.all(np.diff(in_order) >= 0)
    for owner in filter(lambda found: found is not None, (by_metis, in_order)):
        assert np.bincount(owner).tolist() == pytest.approx([15] * 4, abs=1)
    lopsided = sp.csr_array(([1.0] * 9, ([0] * 9, list(range(1, 10)))), shape=(10, 10))
    assert len(np.unique(shares.owners(lopsided, 4))) == 4


def test_a_block_with_fewer_rows_than_ranks_is_everywhere_whole():
    model = Model(ring(2), bosons=Bosons(0.3, hopping=0.5), phonons=Phonons(1.0, boson_coupling=0.5, max_quanta=7))
    wanted = ground_state(model, 2).energies

    def work(ranks):
        assert Block.of(Hamiltonian.of(model, Sector(2))).share is None
        return ground_state(model, 2).energies

    assert all(np.allclose(found, wanted, atol=1e-11) for found in on_ranks(3, work))


@pytest.mark.parametrize("two_passes", [pytest.param(False, marks=pytest.mark.long), True])
def test_levels_and_certificates_are_those_of_one_rank(two_passes, monkeypatch):
    """No sum over a vector is taken by QuSpin or SciPy, which know of no other rank."""
    wanted = levels_by_symmetry(MODEL, Sector(4), 3)
    if two_passes:
        monkeypatch.setattr(base, "STORED_BYTES", 1000)
    for name in ("quspin.tools.lanczos.lanczos_full", "scipy.sparse.linalg.cg", "scipy.sparse.linalg.eigsh"):
        monkeypatch.setattr(name, None)
    for found in on_ranks(2, lambda ranks: levels_by_symmetry(MODEL, Sector(4), 3)):
        np.testing.assert_allclose(found.energies, wanted.energies, atol=1e-10)
        assert found.multiplicity == wanted.multiplicity
        assert found.labels == wanted.labels
        for name in ("leaks", "leak_energies", "energy_errors", "bounds"):
            ours, theirs = getattr(found.certificate, name), getattr(wanted.certificate, name)
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


def test_linear_equations_and_exponentials_are_those_of_one_rank():
    block = Block.of(Hamiltonian.of(MODEL, SECTORS[2]))
    b = engine_of(block, "tensor").random(np.random.default_rng(1))
    engine_of(block, "tensor").project(b)
    b /= np.linalg.norm(b)
    wanted = [solve(block, z, b.reshape(block.shape)).ravel() for z in (-20.0, -3.0 + 0.2j)]
    moved = krylov_step(engine_of(block, "tensor"), b + 0j, 0.5, 1e-12, 40)

    def work(ranks):
        block = Block.of(Hamiltonian.of(MODEL, SECTORS[2]))
        part = block.own(b.reshape(block.rows, -1))
        found = [whole(block, solve(block, z, part)) for z in (-20.0, -3.0 + 0.2j)]
        step = krylov_step(engine_of(block, "tensor"), part.ravel() + 0j, 0.5, 1e-12, 40)
        return [*found, whole(block, step.state(0.5))]

    for found in on_ranks(2, work):
        for ours, theirs in zip(found, [*wanted, moved.state(0.5)], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_operators_lead_from_rows_of_all_ranks_to_rows_of_all_ranks():
    operator = create(0, "up")
    block = Block.of(Hamiltonian.of(MODEL, Sector(3, 1, momentum=1)))
    phi = engine_of(block, "tensor").random(np.random.default_rng(2)).reshape(block.shape)
    wanted = [part.apply(phi) for part in transitions(block, operator)]

    def work(ranks):
        block = Block.of(Hamiltonian.of(MODEL, Sector(3, 1, momentum=1)))
        parts = transitions(block, operator)
        images = ((part.target, part.apply(block.own(phi))) for part in parts)
        return [whole(target, image).reshape(target.rows, -1) for target, image in images]

    for found in on_ranks(3, work):
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-13)


def test_classical_lattices_are_searched_by_one_rank(monkeypatch):
    space, operator, found = Space(MODEL, Sector(4)), hamiltonian_operator(MODEL), adiabatic._found
    wanted, calls = adiabatic.landscape(space, operator), []

    def noted(*given):
        calls.append(current_ranks())
        return found(*given)

    monkeypatch.setattr(adiabatic, "_found", noted)
    for land in on_ranks(3, lambda ranks: adiabatic.landscape(space, operator)):
        assert (land.ceiling, land.floor) == pytest.approx((wanted.ceiling, wanted.floor), abs=1e-9)
    assert calls == [None]
    monkeypatch.setattr(adiabatic, "_found", None)

    def work(ranks):
        with pytest.raises(TypeError):
            adiabatic.landscape(space, operator)
        return True

    assert all(on_ranks(2, work))


def test_whole_states_of_large_blocks_are_refused(monkeypatch):
    monkeypatch.setattr(blocks, "MOST_GATHERED", 100)
    with pytest.raises(MemoryError, match="needs the whole state in one process"):
        on_ranks(2, lambda ranks: ground_state(MODEL, Sector(4)).vectors)


def test_the_quspin_engine_is_refused_on_several_ranks():
    with pytest.raises(ValueError, match="runs in one process"):
        on_ranks(2, lambda ranks: ground_state(MODEL, Sector(4), options=Options(engine="quspin")))


def test_estimates_are_those_of_each_rank():
    model = replace(MODEL, cluster=ring(6), phonons=Phonons(1.0, boson_coupling=0.6, total_quanta=8))
    sector = Sector(6, momentum=0, reflection=1)
    alone, (two, many) = estimate(model, sector), (_estimated(model, sector, ranks) for ranks in (2, 16))
    assert (alone.engine, two.engine, alone.sent, two.ranks) == ("tensor", "distributed", 0, 2)
    assert many.memory < two.memory < alone.memory
    assert many.seconds < two.seconds < alone.seconds
    assert two.sent > many.sent > 0


@pytest.mark.parametrize(
    ("sites", "bonds", "measured"),
    [
        (6, 6, (0.32, 0.85, 1.46, 2.01, 2.66, 3.61)),
        (8, 8, (0.25, 0.66, 1.08, 1.56, 2.06, 2.60)),
        (8, 16, (0.46, 0.88, 1.54, 2.28, 3.21, 4.26)),
        (10, 10, (0.20, 0.52, 0.87)),
    ],
)
def test_rows_of_others_are_about_those_of_metis(sites, bonds, measured):
    """The tables of the page about clusters."""
    for power, rows in enumerate(measured, start=1):
        assert ghosts_of(2**power, sites, bonds) == pytest.approx(rows, rel=1 / 3)
    assert ghosts_of(2, 2, 1) == 1.0


def _estimated(model, sector, ranks):
    with counted_as(ranks):
        return estimate(model, sector)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (1, 0)),
        ({"PMI_SIZE": "1", "PMI_RANK": "0"}, (1, 0)),
        ({"OMPI_COMM_WORLD_SIZE": "3", "OMPI_COMM_WORLD_RANK": "2"}, (3, 2)),
        ({"SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "0"}, (8, 0)),
        ({"SLURM_NTASKS": "8", "SLURM_PROCID": "0"}, (1, 0)),
    ],
)
def test_launchers_are_known_by_their_environment(environment, expected):
    assert launched(environment) == expected


@pytest.mark.parametrize(
    ("written", "read"), [(1, 2), *(pytest.param(*pair, marks=pytest.mark.long) for pair in ((3, 2), (3, 1), (3, 4)))]
)
def test_checkpoints_are_read_by_any_number_of_ranks(written, read, tmp_path, monkeypatch):
    monkeypatch.setattr(base, "STORED_BYTES", 1000)  # two passes
    for module in ("checkpoint", "shared_checkpoint"):  # written as often as possible
        monkeypatch.setattr(f"respair.solvers.{module}.SHARE", 0)
    options = Options(checkpoint=tmp_path / "ring.checkpoint", checkpoint_interval=0.0)
    wanted = levels_by_symmetry(MODEL, Sector(4), 2)

    def stop(matvecs, energy, residual):
        if matvecs >= 60:
            raise KeyboardInterrupt

    def solved(count, progress):
        def work(ranks=None):
            return levels_by_symmetry(MODEL, Sector(4), 2, options, progress)

        return on_ranks(count, work) if count > 1 else [work()]

    with pytest.raises(KeyboardInterrupt):
        solved(written, stop)
    assert options.checkpoint.exists()
    begun = []
    for found in solved(read, lambda matvecs, energy, residual: begun.append(matvecs)):
        np.testing.assert_allclose(found.energies, wanted.energies, atol=1e-10)
        assert found.multiplicity == wanted.multiplicity
    assert begun[0] > 40
    assert not options.checkpoint.exists()


def test_a_damaged_checkpoint_is_refused_by_all_ranks(tmp_path):
    path = tmp_path / "ring.checkpoint"
    path.write_bytes(b"respair checkpoint\nnothing")
    with pytest.raises(CheckpointError, match="is torn"):
        on_ranks(2, lambda ranks: ground_state(MODEL, Sector(4), options=Options(checkpoint=path)))


@pytest.mark.parametrize(("flux", "follows"), [(0.0, "electrons"), (0.7, "both")])
def test_oscillator_states_that_follow_the_charge(flux, follows):
    """Products and leaks of hops between sets, from rows of other ranks too."""
    model = replace(RING, flux=flux)
    model = in_basis(model, random_sets(model, follows, size=5, alike=True), total_quanta=2)
    sector = Sector(2, 0, momentum=1)
    alone = Block.of(Hamiltonian.of(model, sector))
    random = np.random.default_rng(0)
    v = random.normal(size=alone.energy.size) + 1j * random.normal(size=alone.energy.size)
    alone.energy.project(v)
    image, leak = alone.energy.dot(v), SetLeak(alone).leak(v.reshape(alone.shape))

    def work(ranks):
        block = Block.of(Hamiltonian.of(model, sector))
        part = np.ascontiguousarray(block.own(v.reshape(block.rows, -1)))
        return SetLeak(block).leak(part), block.share is not None

    for found, is_shared in on_ranks(3, work):
        assert is_shared
        np.testing.assert_allclose(found, leak, rtol=1e-12)
    for found in on_ranks(3, shared_product(model, sector, v)):
        np.testing.assert_allclose(found, image, atol=1e-12)
