"""Long searches survive being stopped: they go on where they were, and refuse files that they cannot trust."""

import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from amounts import cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from respair.clusters import ring
from respair.hamiltonians import Bosons, Electrons, Hamiltonian, Model, Phonons, Sector
from respair.solvers import CheckpointError, Options, checkpoint, ground_state, is_degenerate, levels_by_symmetry
from respair.solvers.checkpoint import Checkpoint, Writer, beside, how_far, read
from respair.solvers.ground_state import checkpoint_of
from respair.solvers.krylov.deflation import hidden
from respair.solvers.krylov.eigenpairs import lowest_levels

RANDOM = np.random.default_rng(11)
LEVELS = {"one state": np.r_[-2.0, np.linspace(-1, 9, 499)], "a pair": np.r_[[-2.0] * 2, np.linspace(-1, 9, 498)]}


class Stopped(Exception):  # noqa: N818
    """What stops a search in these tests."""


@pytest.fixture(autouse=True)
def _write_whenever_it_is_due(monkeypatch):
    monkeypatch.setattr(checkpoint, "SHARE", 0)


def rotated(levels, dtype):
    noise = RANDOM.standard_normal((len(levels), len(levels)))
    noise = noise + 1j * RANDOM.standard_normal(noise.shape) if dtype is complex else noise
    basis, _ = np.linalg.qr(noise)
    return (basis * levels) @ basis.conj().T


def search(matrix, path, stop_after=None, stored_bytes=0, kept_bytes=0):
    """Return levels and the number of products of this call; stop after some of them."""
    products = 0

    def product(v, out):
        nonlocal products
        products += 1
        if stop_after is not None and products > stop_after:
            raise Stopped
        return np.matmul(matrix, v, out=out)

    dtype = np.complex128 if np.iscomplexobj(matrix) else np.float64
    keep = Checkpoint(path, 0.0, {"model": "a matrix"})
    bytes_ = {"stored_bytes": stored_bytes, "kept_bytes": kept_bytes}
    found = lowest_levels(product, len(matrix), dtype, 1, 1e-10, 0, 20_000, is_degenerate, checkpoint=keep, **bytes_)
    return found, products


@pytest.mark.sampled
@pytest.mark.parametrize("dtype", [float, complex], ids=["real", "complex"])
@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("kept_bytes", [0, 100_000])
def test_a_stopped_search_goes_on_in_either_pass_and_in_every_search(tmp_path, name, dtype, kept_bytes):
    matrix, path = rotated(LEVELS[name], dtype), tmp_path / "search.checkpoint"
    whole, every = search(matrix, None, kept_bytes=kept_bytes)
    for stop_after in np.linspace(1, every - 1, 6).astype(int).tolist():
        path.unlink(missing_ok=True)
        with pytest.raises(Stopped):
            search(matrix, path, stop_after, kept_bytes=kept_bytes)
        assert path.exists()
        found, rest = search(matrix, path, kept_bytes=kept_bytes)
        np.testing.assert_allclose(found.energies, whole.energies, rtol=0, atol=1e-10)
        overlap = found.vectors.conj().T @ whole.vectors
        np.testing.assert_allclose(np.abs(np.linalg.det(overlap)), 1.0, atol=1e-8)
        residual = matrix @ found.vectors - found.vectors * found.energies
        assert np.max(np.linalg.norm(residual, axis=0)) < 2e-10
        if kept_bytes == 0:
            assert rest <= every - stop_after + 12
        assert found.matvecs <= whole.matvecs + (12 if kept_bytes == 0 else every)


def test_a_search_that_is_stopped_again_and_again_comes_to_its_end(tmp_path):
    matrix, path = rotated(LEVELS["a pair"], float), tmp_path / "search.checkpoint"
    whole, every = search(matrix, None)
    stops = 0
    while True:
        try:
            found, _ = search(matrix, path, 7)
            break
        except Stopped:
            stops += 1
    np.testing.assert_allclose(found.energies, whole.energies, rtol=0, atol=1e-10)
    assert every / 7 - 2 < stops < every / 3


def test_stored_cycles_go_on_from_their_ritz_vector(tmp_path):
    matrix, path = rotated(np.r_[-1.0, -0.999, np.geomspace(1, 1e3, 498)], float), tmp_path / "search.checkpoint"
    whole, every = search(matrix, None, stored_bytes=1 << 24)
    with pytest.raises(Stopped):
        search(matrix, path, every - 5, stored_bytes=1 << 24)
    found, rest = search(matrix, path, stored_bytes=1 << 24)
    np.testing.assert_allclose(found.energies[0], whole.energies[0], rtol=0, atol=1e-10)
    assert rest < every


OLD = Path(__file__).parent / "checkpoints"
"""Files of respair 0.1, of searches that were stopped."""
STOPPED = {
    "first-pass-real": 29,
    "first-pass-complex": 29,
    "second-pass-real": 59,
    "second-pass-complex": 59,
    "second-level-real": 107,
    "second-level-complex": 107,
    "stored-real": 605,
}


def mirrored(levels, dtype):
    """A matrix with these eigenvalues, the same everywhere."""
    size = len(levels)
    v = np.cos(np.arange(size) + 1.0) * (np.exp(1j * np.arange(size) ** 2) if dtype is complex else 1.0)
    mirror = np.eye(size) - 2 * np.outer(v, v.conj()) / np.vdot(v, v).real
    return mirror @ np.diag(levels) @ mirror


@pytest.mark.parametrize("name", STOPPED)
def test_searches_go_on_from_files_of_the_version_before(tmp_path, name):
    stored = name.startswith("stored")
    levels = np.r_[-1.0, -0.999, np.geomspace(1, 1e3, 418)] if stored else np.r_[[-2.0] * 2, np.linspace(-1, 9, 418)]
    matrix, path = mirrored(levels, complex if name.endswith("complex") else float), tmp_path / "search.checkpoint"
    path.write_bytes((OLD / f"{name}.checkpoint").read_bytes())
    bytes_ = {"stored_bytes": 1 << 24 if stored else 0}
    (whole, every), (found, rest) = search(matrix, None, **bytes_), search(matrix, path, **bytes_)
    np.testing.assert_allclose(found.energies, whole.energies, rtol=0, atol=1e-9)
    assert found.matvecs == rest + STOPPED[name]
    assert rest <= every - STOPPED[name] + 12


def test_a_calculation_goes_on_from_a_file_of_the_version_before(tmp_path):
    phonons = Phonons(1.0, boson_coupling=0.8, total_quanta=4)
    model = Model(ring(4), Electrons(1.0, 0.1, 0.5), Bosons(0.3, 0.7), phonons)
    sector, path = Sector(4, momentum=0, reflection=1), tmp_path / "ring.checkpoint"
    path.write_bytes((OLD / "ring.checkpoint").read_bytes())
    assert how_far(path) == "243 products, no level yet"
    found, whole = (ground_state(model, sector, 2, Options("tensor", checkpoint=each)) for each in (path, None))
    np.testing.assert_allclose(found.energies, whole.energies, rtol=0, atol=1e-10)
    assert found.matvecs > 243
    assert not path.exists()


def test_ctrl_c_waits_for_a_checkpoint_and_the_second_one_does_not(tmp_path):
    matrix, path = rotated(LEVELS["one state"], float), tmp_path / "search.checkpoint"
    keep, products = Checkpoint(path, 1e-9, {}), 0

    def product(v, out):
        nonlocal products
        products += 1
        if products == 25:
            signal.raise_signal(signal.SIGINT)
        return np.matmul(matrix, v, out=out)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        lowest_levels(product, 500, float, 1, 1e-10, 0, 20_000, is_degenerate, stored_bytes=0, checkpoint=keep)
    assert signal.getsignal(signal.SIGINT) is before
    assert products in (25, 26, 27)
    assert re.search(r"2[56] products, E = -", how_far(path))
    with pytest.raises(KeyboardInterrupt), keep.holding_interrupts():
        signal.raise_signal(signal.SIGINT)


def test_a_young_search_is_stopped_at_once_and_writes_nothing(tmp_path):
    keep = Checkpoint(tmp_path / "young.checkpoint", 60.0, {})
    with pytest.raises(KeyboardInterrupt), keep.holding_interrupts():
        signal.raise_signal(signal.SIGINT)
    assert not keep.due
    assert list(tmp_path.iterdir()) == []


MODEL = Model(ring(4), Electrons(1.0), Bosons(0.3, 0.7), Phonons(1.0, boson_coupling=0.8, total_quanta=3))


def written(path, model=MODEL, charge=4, **options):
    """Write a checkpoint of a calculation, and return its options."""
    options = Options(checkpoint=path, checkpoint_interval=0.0, **options)
    keep = checkpoint_of(Hamiltonian.of(model, Sector(charge)), 1, options)
    keep.state.update(energies=[], locked=np.zeros((0, 10)), vector=np.arange(10.0), reached="3 products")
    keep.save(keep.begin())
    return options


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints") / "whole.checkpoint"
    written(path)
    return path.read_bytes()


def test_what_was_written_is_read_back(tmp_path):
    path = tmp_path / "a.checkpoint"
    arrays = {"real": np.arange(6.0).reshape(2, 3), "complex": np.array([1j, 2]), "none": np.zeros((0, 4))}
    keep = Checkpoint(path, 0.0, {"model": "m"})
    keep.enter("first")
    keep.state.update(arrays, numbers=[1.5, np.inf], big=2**127, reached="here")
    keep.enter("second")
    writer = keep.begin()
    keep.state.update(search={"q": writer.put(np.arange(3.0))}, reached="there")
    keep.save(writer)
    found = read(path, {"model": "m"})
    for name, array in arrays.items():
        np.testing.assert_array_equal(found["first"][name], array)
        assert found["first"][name].dtype == array.dtype
    assert (found["first"]["numbers"], found["first"]["big"]) == ([1.5, np.inf], 2**127)
    np.testing.assert_array_equal(found["second"]["search"]["q"], np.arange(3.0))
    assert how_far(path) == "first: here; second: there"
    assert [p.name for p in tmp_path.iterdir()] == ["a.checkpoint"]


@given(st.data())
@settings(max_examples=cases(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_flipped_bytes_are_recognised(whole_file, tmp_path, data):
    at = data.draw(st.integers(0, len(whole_file) - 1))
    flip = data.draw(st.integers(1, 255))
    path = tmp_path / "flipped.checkpoint"
    damaged = whole_file[:at] + bytes([whole_file[at] ^ flip]) + whole_file[at + 1 :]
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError, match=r"is damaged|not a checkpoint|its end is missing|has format") as refused:
        ground_state(MODEL, 4, options=Options(checkpoint=path))
    assert "left alone: move or delete it" in str(refused.value)
    assert path.read_bytes() == damaged


@given(st.data())
@settings(max_examples=cases(50), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_torn_files_are_recognised(whole_file, tmp_path, data):
    torn = whole_file[: data.draw(st.integers(0, len(whole_file) - 1))]
    path = tmp_path / "torn.checkpoint"
    path.write_bytes(torn)
    with pytest.raises(CheckpointError, match=r"is torn|is not a checkpoint"):
        ground_state(MODEL, 4, options=Options(checkpoint=path))
    assert path.read_bytes() == torn


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"model": replace(MODEL, bosons=Bosons(0.3, 0.71))}, "another model"),
        ({"model": replace(MODEL, phonons=replace(MODEL.phonons, total_quanta=4))}, "another model"),
        ({"charge": 5}, "another sector"),
        ({"tolerance": 1e-8}, "another tolerance"),
        ({"seed": 1}, "another seed"),
        ({"engine": "quspin"}, "another engine"),
    ],
)
def test_a_checkpoint_of_another_calculation_is_refused_with_what_differs(tmp_path, other, reason):
    path = tmp_path / "foreign.checkpoint"
    written(path, **other)
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=rf"belongs to another calculation \(.*{reason}"):
        levels_by_symmetry(MODEL, 4, options=Options(checkpoint=path))
    assert path.read_bytes() == before


def test_a_writer_that_gives_up_leaves_the_file_before_it_alone(tmp_path):
    path = tmp_path / "a.checkpoint"
    path.write_bytes(b"before")
    writer = Writer(path)
    writer.put(np.arange(5.0))
    writer.discard()
    assert [p.name for p in tmp_path.iterdir()] == ["a.checkpoint"]
    assert path.read_bytes() == b"before"


@pytest.mark.parametrize("room", [100, 5_000, 12_000])
def test_a_full_disk_leaves_the_file_before_it_alone(tmp_path, room):
    """Also where the last bytes are still buffered; the error names the file."""
    path = tmp_path / "search.checkpoint"
    path.write_bytes(b"before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(OSError, match=r"too large.*search\.checkpoint'"):
            Writer(path).finish({}, {"block": {"q": np.zeros(1000), "p": np.ones(500)}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_calculations_that_share_a_name_have_checkpoints_of_their_own():
    assert beside(None, 1) is None
    assert beside("x/ring.checkpoint", "4-quanta").as_posix() == "x/ring.4-quanta.checkpoint"


def test_a_hidden_level_is_excluded_only_when_the_polynomials_say_so():
    """The bound holds for every start vector: |<u|q0>|^2 sum p_k(E)^2 <= 1 for an eigenvector u of energy E."""
    levels = np.r_[-1.0, np.linspace(0, 5, 59)]
    q = RANDOM.standard_normal(60)
    q /= np.linalg.norm(q)
    diagonal, coupling, share = [], [], q[0] ** 2
    before, b = np.zeros(60), 0.0
    for _ in range(15):
        r = levels * q - b * before
        a = q @ r
        r -= a * q
        b, before, q = np.linalg.norm(r), q, r / np.linalg.norm(r)
        diagonal.append(a)
        coupling.append(b)
        size = 60
        total = 2 * size / np.pi / hidden(diagonal, coupling, -1.0, size, False) ** 2
        assert hidden(diagonal, coupling, -1.0, size, False) == 1.0 or share * total <= 1 + 1e-9
    assert hidden(diagonal, coupling, -2.0, 60, True) < hidden(diagonal, coupling, -1.0, 60, True)


RING = """
schema = 1
cluster = {{ kind = "ring", sites = 4 }}
electrons.hopping = 1.0
bosons = {{ level = 0.5, exchange = 0.8 }}
phonons = {{ frequency = 1.0, boson_coupling = 1.0, max_quanta = {quanta} }}
sector = {{ charge = 8{labels} }}
solver.checkpoint_interval = 0.0
ground_state.observables = ["boson_density"]
"""


def started(folder):
    command = [sys.executable, "-m", "respair", "run", "ring.toml"]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def energies(folder):
    from respair.studies.file.record import read_data

    return read_data(folder / "ring.nc")["energies"].values


@pytest.mark.long
@pytest.mark.parametrize(
    ("labels", "stops"),
    [
        pytest.param("", [signal.SIGKILL], id="all blocks"),
        pytest.param(
            ", momentum = 0, reflection = 1", [signal.SIGKILL, signal.SIGINT], id="one block", marks=pytest.mark.slow
        ),
    ],
)
def test_a_run_that_is_killed_at_any_time_ends_with_the_same_energy(tmp_path, labels, stops):
    (tmp_path / "ring.toml").write_text(RING.format(quanta=4, labels=labels))
    random, kept = np.random.default_rng(3), tmp_path / "ring.checkpoint"
    for stop in stops:
        process, begin = started(tmp_path), time.monotonic()
        while not kept.exists() and process.poll() is None and time.monotonic() - begin < 60:
            time.sleep(0.01)
        time.sleep(random.uniform(0.0, 0.15))
        process.send_signal(stop)
        _, said = process.communicate(timeout=60)
        if stop == signal.SIGINT and process.returncode == 130 and kept.exists():
            assert re.search(r"ring.checkpoint keeps the search \(.*products.*\); the same command continues it", said)
    process = started(tmp_path)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert not kept.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ring.nc", "ring.toml"]
    model = Model(ring(4), Electrons(1.0), Bosons(0.5, 0.8), Phonons(1.0, boson_coupling=1.0, max_quanta=4))
    expected = ground_state(model, Sector(8, momentum=0, reflection=1)).energies
    np.testing.assert_allclose(energies(tmp_path), expected, rtol=0, atol=1e-10)


def test_a_run_refuses_a_checkpoint_of_another_model_with_exit_status_2(tmp_path):
    (tmp_path / "ring.toml").write_text(RING.format(quanta=5, labels=""))
    written(tmp_path / "ring.checkpoint")
    before = (tmp_path / "ring.checkpoint").read_bytes()
    process = started(tmp_path)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "ring.checkpoint belongs to another calculation (another model" in said
    assert "move or delete it" in said
    assert (tmp_path / "ring.checkpoint").read_bytes() == before
    assert not (tmp_path / "ring.nc").exists()
