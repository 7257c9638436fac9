"""Points of sweeps in other processes: the same numbers, also when workers are killed."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from same import assert_same
from typer.testing import CliRunner

from respair.cli.commands import app
from respair.studies import Workers, opened, parse, read_data, run
from respair.studies.execution.progress import LiveReporter

TEXT = """
schema = 1
cluster.kind = "site"
electrons.level = 0.0
bosons = { level = 0.3, exchange = 0.5 }
phonons = { frequency = 1.0, boson_coupling = 0.7, max_quanta = 3 }
sector.charge = 2
[sweep]
"bosons.level" = { start = -1.0, stop = 1.0, count = 12 }
"""
LONG = """
schema = 1
cluster = { kind = "ring", sites = 6 }
electrons.hopping = 1.0
bosons = { level = 0.5, exchange = 0.4 }
phonons = { frequency = 1.0, boson_coupling = 1.0, total_quanta = 5 }
sector = { charge = 12, momentum = 1 }
[sweep]
"bosons.exchange" = [0.4, 0.6]
"""
"""Points that take some seconds."""
DIES = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]


@pytest.fixture(scope="module")
def study():
    return parse(TEXT, "model.toml")


@pytest.fixture(scope="module")
def serial(study):
    return run(study).data


class Noting(LiveReporter):
    """Keeps what was told of running points."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __exit__(self, *ignored):
        pass

    def _show(self):
        self.seen.append(dict(self._running))


def kill_at(number, pids):
    """Return a function that kills a worker when so many points are done."""

    def finished(done, result):
        if done == number:
            os.kill(pids()[0], signal.SIGKILL)

    return finished


@pytest.mark.long
def test_a_killed_worker_is_replaced_and_its_point_repeated(tmp_path, study, serial):
    with Workers(2) as workers, opened(tmp_path / "s", study) as folder:
        result = run(study, finished=kill_at(3, lambda: workers.pids), folder=folder, pool=workers)
        left = workers.pids
    assert result.failed == 0
    assert_same(result.data, serial)
    for pid in left:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_point_whose_workers_die_each_time_has_failed(study):
    with Workers(2, DIES) as workers:
        result = run(study, pool=workers)
    assert result.failed == 12
    assert "died 3 times, at last with status -9" in str(result.data["error"].values[0])


@pytest.mark.slow
def test_a_refinement_is_the_same_in_two_processes(study):
    text = TEXT.replace("count = 12", "count = 3") + 'refine = { quantity = "boson_density", points = 5 }\n'
    finer = parse(text, "model.toml")
    with Workers(2) as workers:
        assert_same(run(finer, pool=workers).data, run(finer).data)


@pytest.mark.long
def test_the_command_line_shares_out_the_memory_and_the_points(tmp_path, serial):
    (tmp_path / "model.toml").write_text(TEXT)
    command = ["run", str(tmp_path / "model.toml"), "--out", str(tmp_path), "--workers"]
    done = CliRunner().invoke(app, [*command, "2"])
    assert done.exit_code == 0, done.stderr
    np.testing.assert_array_equal(read_data(tmp_path / "model.nc")["energies"], serial["energies"])
    (tmp_path / "model.toml").write_text(TEXT.replace("[sweep]", "[solver]\nmemory_limit = '600 MiB'\n[sweep]"))
    refused = CliRunner().invoke(app, [*command, "60"])
    assert refused.exit_code == 2
    assert "10.0 MiB" in refused.stderr
    both = CliRunner().invoke(app, [*command, "2", "--scheduler", "tcp://127.0.0.1:1"])
    assert both.exit_code == 2
    assert "leave --workers out" in both.stderr


@pytest.mark.long
def test_workers_end_with_the_process_that_they_work_for(tmp_path):
    (tmp_path / "model.toml").write_text(TEXT)
    code = (
        "import sys, time\nfrom respair.studies import Workers, read, run\n"
        "with Workers(2) as w:\n    run(read(sys.argv[1]), pool=w)\n    print(*w.pids, flush=True)\n    time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path / "model.toml"], stdout=subprocess.PIPE) as process:
        pids = list(map(int, process.stdout.readline().split()))
        process.kill()
    assert len(pids) == 2
    deadline = time.monotonic() + 30
    while any(os.path.exists(f"/proc/{pid}") and "Z" not in _state(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _state(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


@pytest.mark.slow
def test_a_dask_scheduler_with_two_workers_one_of_them_killed(tmp_path, study, serial):
    pytest.importorskip("distributed")
    from respair.studies import connected

    file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    scheduler = [
        *dask,
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
        "--scheduler-file",
        str(file),
    ]
    worker = [*dask, "worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard", "--no-nanny"]
    processes = [subprocess.Popen(scheduler, **quiet)]
    try:
        deadline = time.monotonic() + 60
        while not file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        processes += [subprocess.Popen(worker, **quiet) for _ in range(2)]
        with connected(str(file)) as pool, opened(tmp_path / "s", study) as folder:
            pool._client.wait_for_workers(2, timeout=120)
            result = run(study, finished=kill_at(2, lambda: [processes[1].pid]), folder=folder, pool=pool)
            assert len(pool._client.scheduler_info()["workers"]) <= 2
            shown = Noting()
            run(parse(LONG, "long.toml"), shown, pool=pool)
            assert set().union(*shown.seen) == {"bosons.exchange = 0.4", "bosons.exchange = 0.6"}
            assert any(how_far for seen in shown.seen for how_far in seen.values())
        assert result.failed == 0
        assert_same(result.data, serial)
        (tmp_path / "model.toml").write_text(TEXT)
        done = CliRunner().invoke(
            app, ["run", str(tmp_path / "model.toml"), "--out", str(tmp_path), "--scheduler", str(file)]
        )
        assert done.exit_code == 0, done.stderr
        np.testing.assert_array_equal(read_data(tmp_path / "model.nc")["energies"], serial["energies"])
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_scheduler_that_does_not_answer_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    from respair.studies.execution import scheduler

    monkeypatch.setattr(scheduler, "PATIENCE", "0.3s")
    (tmp_path / "model.toml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(app, ["run", "model.toml", "--scheduler", "tcp://127.0.0.1:9"])
    assert refused.exit_code == 2
    assert "no scheduler answers at tcp://127.0.0.1:9" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.toml"]
