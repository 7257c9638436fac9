"""Runs that `mpiexec` starts: the same numbers as in one process, one voice, and an end to all ranks together."""

import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
ROOT = Path(__file__).parents[2]
DRIVER = ROOT / "tests" / "reference" / "mpi_run.py"
MODEL = """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons = { hopping = 1.0, hubbard_u = 1.0 }
bosons.exchange = 0.8
phonons = { frequency = 1.0, boson_coupling = 0.7, total_quanta = 3 }
sector = { charge = 4 }
[ground_state]
states = 2
"""
SWEEP = '[sweep]\n"bosons.exchange" = [0.4, 0.8]\n'

needs_mpi = pytest.mark.skipif(
    find_spec("mpi4py") is None or MPIEXEC is None, reason="there is no mpi4py or no mpiexec: pip install mpi4py mpich"
)
pytestmark = needs_mpi


def environment(**more):
    path = os.pathsep.join([str(ROOT / "src"), str(DRIVER.parent)])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return os.environ | threads | {"PYTHONPATH": path, "COLUMNS": "200"} | more


def start(folder, ranks, *arguments, fault="", text=MODEL):
    (folder / "ring.toml").write_text(text)
    command = [MPIEXEC, "-n", str(ranks), sys.executable, str(DRIVER), *(arguments or ("run", "ring.toml"))]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment(FAULT=fault), **pipes)


def run(folder, ranks, *arguments, **how):
    process = start(folder, ranks, *arguments, **how)
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


@pytest.mark.slow
def test_any_number_of_ranks_gives_the_same_file_and_rank_0_alone_speaks(tmp_path):
    found = {}
    for ranks in (1, 2, 3, 4):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        status, out, err = run(folder, ranks)
        assert status == 0, err
        assert out.count("levels") == 1
        assert err.count("wrote ring.nc") == 1
        found[ranks] = xr.load_dataset(folder / "ring.nc")
    for ranks in (2, 3, 4):
        for name, wanted in found[1].data_vars.items():
            ours = found[ranks][name].values
            if wanted.dtype.kind == "f" and not str(name).endswith("orbitals"):
                np.testing.assert_allclose(ours, wanted.values, rtol=0, atol=1e-8, err_msg=name)
        np.testing.assert_allclose(found[ranks].energies, found[1].energies, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_thermal_sums_do_not_depend_on_the_number_of_ranks(tmp_path):
    """Each rank sums over some of the blocks alone."""
    thermal = '[thermal]\ntemperatures = [0.5, 2.0]\nensemble = "canonical"\nmethod = "ftlm"\nsamples = 2\nsteps = 20\n'
    found = []
    for ranks in (1, 3):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        status, _, err = run(folder, ranks, text=MODEL.partition("[ground_state]")[0] + thermal)
        assert status == 0, err
        found.append(xr.load_dataset(folder / "ring.nc"))
    for name, wanted in found[0].data_vars.items():
        if wanted.dtype.kind == "f":
            np.testing.assert_allclose(found[1][name].values, wanted.values, rtol=1e-8, atol=1e-8, err_msg=name)


@pytest.mark.slow
def test_sweeps_keep_their_points_and_go_on(tmp_path):
    status, out, err = run(tmp_path, 2, text=MODEL + SWEEP)
    assert status == 0, err
    status, again, err = run(tmp_path, 3, text=MODEL + SWEEP)
    assert status == 0, err
    assert out == again


@pytest.mark.long
def test_an_error_on_one_rank_ends_all_with_its_message(tmp_path):
    status, _, err = run(tmp_path, 2, fault="error")
    assert status != 0
    assert err.count("a fault of one rank") == 1
    assert "rank 1 of 2" in err
    assert not (tmp_path / "ring.nc").exists()


@pytest.mark.long
def test_an_error_of_all_ranks_is_said_once(tmp_path):
    status, _, err = run(tmp_path, 2, text=MODEL.replace("[ground_state]", "solver.max_matvecs = 3\n[ground_state]"))
    assert status == 1
    assert err.count("did not converge") == 1


@pytest.mark.long
def test_a_killed_rank_ends_all(tmp_path):
    status, out, _ = run(tmp_path, 2, fault="killed")
    assert status != 0
    assert "levels" not in out
    assert not (tmp_path / "ring.nc").exists()


@pytest.mark.slow
def test_a_full_disk_ends_all_and_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    monkeypatch.setenv("CHECKPOINTS", "1")
    status, _, err = run(tmp_path, 2, fault="full")
    assert status != 0
    assert "File too large" in err
    assert "ring.checkpoint" in err
    assert not (tmp_path / "ring.nc").exists()
    assert not list(tmp_path.glob("*.partial"))
    status, _, err = run(tmp_path, 2)
    assert status == 0, err
    assert not (tmp_path / "ring.checkpoint").exists()
    continued = xr.load_dataset(tmp_path / "ring.nc").energies.values
    run(tmp_path, 1)
    np.testing.assert_allclose(continued, xr.load_dataset(tmp_path / "ring.nc").energies.values, atol=1e-10)


@pytest.mark.long
def test_a_signal_ends_all_ranks_cleanly(tmp_path):
    status, _, err = run(tmp_path, 2, fault="interrupt")
    assert status == 130
    assert err.count("interrupted") == 1
    assert not (tmp_path / "ring.nc").exists()


@pytest.mark.slow
def test_an_interrupted_search_goes_on_with_another_number_of_ranks(tmp_path, monkeypatch):
    monkeypatch.setenv("CHECKPOINTS", "1")
    status, _, err = run(tmp_path, 2, fault="kept")
    assert status == 130
    assert "ring.checkpoint keeps the search" in err
    assert "the same command continues it" in err
    status, _, err = run(tmp_path, 3)
    assert status == 0
    assert not (tmp_path / "ring.checkpoint").exists()
    continued = xr.load_dataset(tmp_path / "ring.nc").energies.values
    run(tmp_path, 1)
    np.testing.assert_allclose(continued, xr.load_dataset(tmp_path / "ring.nc").energies.values, atol=1e-10)


@pytest.mark.slow
def test_ctrl_c_ends_all_ranks(tmp_path):
    big = MODEL.replace("sites = 4", "sites = 6").replace("charge = 4", "charge = 6")
    process = start(tmp_path, 2, text=big.replace("total_quanta = 3", "total_quanta = 5"))
    time.sleep(12)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not (tmp_path / "ring.nc").exists()


@pytest.mark.long
def test_mistakes_are_said_once(tmp_path):
    status, out, err = run(tmp_path, 2, "run", "no.toml")
    assert status == 2
    assert err.count("cannot be read") == 1
    status, _, err = run(tmp_path, 2, "run", "ring.toml", "--workers", "2")
    assert status == 2
    assert err.count("--workers was given, and 2 ranks share the work already") == 1
    status, out, _ = run(tmp_path, 2, "check", "ring.toml")
    assert status == 0
    assert out.count("correct") == 1


@pytest.mark.long
def test_a_launcher_of_another_mpi_is_refused_with_the_cure(tmp_path):
    (tmp_path / "ring.toml").write_text(MODEL)
    said = []
    for rank in ("0", "1"):
        found = subprocess.run(
            [sys.executable, "-m", "respair", "run", "ring.toml"],
            cwd=tmp_path,
            env=environment(SLURM_STEP_NUM_TASKS="2", SLURM_PROCID=rank),
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 2
        said.append(found.stderr)
    assert "started 2 tasks, and each sees 1 of them" in said[0]
    assert "srun --mpi=pmi2" in said[0]
    assert said[1] == ""
