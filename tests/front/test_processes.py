"""Values in other processes, and processes of the user's: pickled, copied, spawned, forked after a computation."""

import copy
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from pages import DOCS, blocks

import respair as rp
from respair._core.processors import cores
from respair.analysis.approximations import STANDARD
from respair.hamiltonians import Block
from respair.solvers import levels_by_symmetry
from respair.studies import parse

PACKAGE = str(Path(rp.__file__).resolve().parent.parent)
RING = rp.Model(
    rp.ring(4), rp.Electrons(1.0), rp.Bosons(-0.4, exchange=0.8), rp.Phonons(1.0, boson_coupling=0.7, max_quanta=2)
)
DIMER = rp.Model(rp.dimer(), rp.Electrons(1.0, hubbard_u=4.0))
FILE = """
schema = 1
cluster.kind = "dimer"
electrons = { hopping = 1.0, hubbard_u = 4.0 }
sector.charge = 2
ground_state = {}
thermal.temperatures = [1.0]
[sweep]
"electrons.level" = [0.0, 1.0]
"""
WAYS = {"pickle": lambda value: pickle.loads(pickle.dumps(value)), "deepcopy": copy.deepcopy, "copy": copy.copy}
each_way = pytest.mark.parametrize("again", WAYS.values(), ids=WAYS)
each_engine = pytest.mark.parametrize("engine", ["dense", "quspin", "tensor"])


def everything():
    study = parse(FILE, "dimer.toml")
    levels = rp.ground_state(DIMER, 2, 2)
    return {
        "cluster": rp.ring(4),
        "group": rp.clusters.point_group(rp.plaquette((2, 2))),
        "model": RING,
        "couplings": RING.couplings,
        "probe": rp.probe(DIMER, "electron", site=0),
        "options": rp.Options(),
        "ensemble": rp.Ensemble(),
        "sampling": rp.Sampling(),
        "estimate": rp.estimate(DIMER, rp.Sector(2)),
        "study": study,
        "result": rp.run(study),
        "observables": rp.observables(levels.ground),
        "thermal": rp.thermal_averages(DIMER, [1.0]),
        "spectrum": rp.spectral_function(levels, rp.probe(DIMER, "electron", site=0), [0.0], 0.1),
        "approximations": STANDARD,
    }


@each_way
def test_what_the_package_gives_can_be_copied_and_shows_the_same(again):
    for name, value in everything().items():
        found = again(value)
        assert type(found) is type(value), name
        assert repr(found) == repr(value) or name == "approximations", name


@each_engine
def test_levels_work_on_after_they_were_copied(engine):
    def spectrum(of):
        return rp.spectral_function(of, rp.probe(RING, "pair", momentum=0), [0.0, 1.0], 0.2)["values"]

    levels = rp.ground_state(RING, 2, 2, rp.Options(engine=engine))
    wanted, first = rp.observables(levels.ground), spectrum(levels)
    for again in WAYS.values():
        found = again(levels)
        np.testing.assert_array_equal(found.energies, levels.energies)
        for seen in map(rp.observables, (found.ground, again(levels.ground))):
            for name, array in wanted.data_vars.items():
                np.testing.assert_allclose(seen[name], array, atol=1e-12)
        np.testing.assert_allclose(spectrum(found), first)


@each_way
def test_hamiltonians_blocks_and_labelled_levels_work_on_after_they_were_copied(again):
    hamiltonian = rp.Hamiltonian.of(RING, rp.Sector(2))
    matrix = hamiltonian.matrix().toarray()
    found = again(hamiltonian)
    np.testing.assert_array_equal(found.matrix().toarray(), matrix)
    basis, full = found.quspin()
    assert len(basis) == hamiltonian.space.dimension
    np.testing.assert_allclose(np.linalg.eigvalsh(full.toarray()), np.linalg.eigvalsh(matrix), atol=1e-12)
    block = again(Block.of(hamiltonian, rp.Sector(2, momentum=0, reflection=1)))
    assert block.dimension < hamiltonian.space.dimension
    labelled = levels_by_symmetry(RING, 2, 3)
    np.testing.assert_array_equal(again(labelled).energies, labelled.energies)
    np.testing.assert_allclose(labelled.energies, np.linalg.eigvalsh(matrix)[:3], atol=1e-9)
    density = rp.observables(again(labelled).ground)["electron_density"]
    np.testing.assert_allclose(density, rp.observables(labelled.ground)["electron_density"], atol=1e-12)


def test_a_copy_holds_what_a_value_was_made_of_only():
    hamiltonian = rp.Hamiltonian.of(RING, rp.Sector(4))
    size = len(pickle.dumps(hamiltonian))
    _ = hamiltonian.kept_matrix
    assert len(pickle.dumps(hamiltonian)) == size


def test_a_basis_of_quspin_is_made_anew():
    basis = rp.Hamiltonian.of(RING, rp.Sector(2)).quspin_basis()
    for again in WAYS.values():
        np.testing.assert_array_equal(again(basis).states, basis.states)


PROGRAM = """
import sys
import multiprocessing
import numpy as np
import respair as rp

LATTICE = rp.Phonons(1.0, boson_coupling=1.0, total_quanta=6)
MODEL = rp.Model(rp.ring(4), rp.Electrons(1.0), rp.Bosons(0.5, 0.8), LATTICE)

def solved(engine):
    return rp.ground_state(MODEL, 8, 1, rp.Options(engine=engine))

def density(levels):
    return float(rp.observables(levels.ground, ["electron_density"])["electron_density"].sum())

def pairs(levels):
    return float(rp.observables(levels.ground, ["boson_density"])["boson_density"].sum())

if __name__ == "__main__":
    engines = ("tensor", "quspin")
    here = [solved(engine) for engine in engines]
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        there, seen = pool.map(solved, engines), pool.map(density, here)
    for other in (*there, solved("tensor")):
        np.testing.assert_allclose(other.energies, here[0].energies, atol=1e-9)
    np.testing.assert_allclose(seen, 8 - 2 * np.array([pairs(levels) for levels in here]), atol=1e-6)
    print("equal")
"""


@pytest.mark.parametrize(
    "method", ["fork", *(pytest.param(each, marks=pytest.mark.slow) for each in ("forkserver", "spawn"))]
)
@pytest.mark.long
def test_processes_begun_after_a_computation_compute_too(method, tmp_path):
    """Each with threads: 72,660 states are more than one takes alone."""
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": PACKAGE, "OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "program.py", method],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "equal\n"), done.stderr


def test_the_script_of_the_documentation_runs(tmp_path):
    (page,) = [page for page in DOCS if page.name == "processes.md"]
    (block,) = blocks(page, "python")
    file = tmp_path / "script.py"
    environment = {**os.environ, "PYTHONPATH": PACKAGE}
    file.write_text(block.text + "    print([round(float(each.energies[0]), 6) for each in levels])\n")
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[-8.0, ")


def test_threads_of_python_may_compute_together():
    """The work queue of numba takes one at a time."""
    block = Block.of(rp.Hamiltonian.of(RING, rp.Sector(8)))
    v = np.random.default_rng(0).normal(size=block.energy.size)
    large = np.resize(v, (64, v.size))
    wanted = block.energy.dot(v, np.zeros_like(v))
    found = []

    def compute():
        for row in large[:20]:
            found.append(np.array_equal(block.energy.dot(row, np.zeros_like(v)), wanted))

    threads = [threading.Thread(target=compute) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80


def told(code, **environment):
    kept = {key: value for key, value in os.environ.items() if not key.endswith("_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, "PYTHONPATH": PACKAGE, **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


THREADS = "import numba, respair.hamiltonians.kernels.loops; print(numba.get_num_threads(), numba.threading_layer())"


def test_the_environment_says_how_many_threads_there_are(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert told(THREADS) == [str(cores()), "workqueue"]
    assert told(THREADS, OMP_NUM_THREADS="1") == ["1", "workqueue"]
    assert told(THREADS, NUMBA_NUM_THREADS="3", OMP_NUM_THREADS="1") == ["3", "workqueue"]
    assert told(THREADS, NUMBA_THREADING_LAYER="omp", NUMBA_NUM_THREADS="1") == ["1", "omp"]


def test_affinity_is_kept():
    first = min(os.sched_getaffinity(0))
    assert told(f"import os; os.sched_setaffinity(0, [{first}]); {THREADS}") == ["1", "workqueue"]


def test_a_child_of_openmp_threads_computes_alone():
    """With numba's own OpenMP layer the child would be ended by numba."""
    code = """if True:
    import os, numba, numpy as np, respair
    from respair.hamiltonians.kernels.loops import scale
    v = np.ones(1 << 18)
    scale(v, 2.0)
    child = os.fork()
    if child == 0:
        scale(v, 2.0)
        os._exit(0 if numba.get_num_threads() == 1 and np.all(v == 4.0) else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert told(code, NUMBA_THREADING_LAYER="omp", NUMBA_NUM_THREADS="2") == ["0"]


@pytest.mark.parametrize(
    ("group", "files", "most"),
    [
        ("0::/box/inner\n", {"sys/fs/cgroup/box/cpu.max": "150000 100000\n"}, 1),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "1 100000\n"}, 1),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        (
            "4:cpu,cpuacct:/box\n1:name=systemd:/\n",
            {"sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "100000", "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000"},
            1,
        ),
        (
            "4:cpu:/\n",
            {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"},
            None,
        ),
    ],
)
def test_quotas_of_control_groups_are_kept(tmp_path, monkeypatch, group, files, most):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for name, text in {"proc/self/cgroup": group, **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cores(tmp_path) == (most or len(os.sched_getaffinity(0)))
