"""Nothing that is finished is lost: kills, full disks, two runs at once, damaged and foreign records, changed files."""

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from amounts import cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same import assert_same
from typer.testing import CliRunner

from respair.cli.commands import app
from respair.solvers import ConvergenceError
from respair.studies import StudyError, opened, parse, read_data, records, run
from respair.studies.execution import point, runner

TEXT = """
schema = 1
cluster.kind = "site"
electrons.level = 0.0
bosons = { level = 0.3, exchange = 0.5 }
sector.charge = 2
[sweep]
"bosons.level" = [-0.5, 0.0, 0.25]
"electrons.hubbard_u" = [0.0, 0.8]
"""
KILLED = """
import os, random, signal, sys, time
from respair.studies import opened, parse, read, run

study, folder, most = read(sys.argv[1]), sys.argv[2], float(sys.argv[3])
run(parse(study.text.split("[sweep]")[0], "one.toml"))  # loads all that a run takes
chance, kills = random.Random(5), 0
while True:
    child = os.fork()
    if child == 0:
        from pathlib import Path
        with opened(Path(folder), study) as records:
            run(study, folder=records)
        os._exit(0)
    time.sleep(chance.uniform(0.2, 1.0) * most)
    if os.waitpid(child, os.WNOHANG) != (0, 0):
        break
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    kills, most = kills + 1, most * 1.3
print(kills)
"""


def numbers(data):
    return data.drop_vars("wall_time")


def kept(path, study, **options):
    """Run a study in a folder; return its dataset and what was said."""
    said = []
    with opened(path, study, say=said.append, **options) as folder:
        return run(study, folder=folder).data, said


def sweep(count):
    return TEXT.split("[sweep]")[0] + f'[sweep]\n"bosons.level" = {{ start = -1, stop = 1.0, count = {count} }}\n'


def invoke(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def study():
    return parse(TEXT, "model.toml")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.toml"
    path.write_text(TEXT)
    return path


def test_a_second_run_takes_every_point_from_its_record_bit_by_bit(tmp_path, study):
    first, _ = kept(tmp_path / "s", study)
    second, said = kept(tmp_path / "s", study)
    assert said == []
    xr.testing.assert_identical(first, second)  # wall times included: nothing was computed
    assert_same(run(study).data, second)
    assert set(second["status"].values.ravel()) == {"done"}
    assert set(second["engine"].values.ravel()) == {"dense"}
    assert float(second["residual"].max()) < 1e-12
    np.testing.assert_array_equal(second["leak"], second["leaks"].max("level"))
    assert (second["wall_time"] > 0).all()


def test_every_kind_of_array_comes_back_from_a_record(tmp_path):
    text = (
        "schema = 1\ncluster = { kind = 'ring', sites = 3 }\nelectrons.hopping = 1.0\nfield.flux = 0.4\n"
        "sector = { charge = 2, momentum = 1 }\nground_state.states = 2\ncharge_scan.charges = [0, 1]\n"
        "flux.values = [0.1, 0.2]\n[sweep]\n'electrons.hubbard_u' = [0.0, 1.0]\n"
    )
    study = parse(text, "ring.toml")
    first, _ = kept(tmp_path / "s", study)
    second, _ = kept(tmp_path / "s", study)
    xr.testing.assert_identical(first, second)
    assert any(np.iscomplexobj(array.values) for array in second.data_vars.values())


@settings(max_examples=cases(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_record_is_noticed_reported_and_computed_again(tmp_path, study, place, change, cut):
    path = tmp_path / "s"
    whole, _ = kept(path, study)
    record = sorted((path / "points").iterdir())[2]
    content = bytearray(record.read_bytes())
    at = int(place * len(content))
    content[at] ^= change
    record.write_bytes(content[:at] if cut else content)
    again, said = kept(path, study)
    assert len(said) == 1
    assert re.search(rf"{record.name} (is|has|belongs).*; the point is computed again", said[0])
    assert_same(whole, again)


def test_the_record_of_another_point_is_not_taken(tmp_path, study):
    path = tmp_path / "s"
    whole, _ = kept(path, study)
    first, second = sorted((path / "points").iterdir())[:2]
    second.write_bytes(first.read_bytes())
    again, said = kept(path, study)
    assert "belongs to another calculation" in said[0]
    assert_same(whole, again)


def test_a_damaged_manifest_is_written_anew(tmp_path, study):
    path = tmp_path / "s"
    whole, _ = kept(path, study)
    manifest = path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"seed": 0', '"seed": 1'))
    again, said = kept(path, study)
    assert "manifest.json is damaged" in said[0]
    xr.testing.assert_identical(whole, again)


def test_a_changed_model_file_is_refused_with_the_difference(tmp_path, file):
    assert invoke("run", file, "--out", tmp_path).exit_code == 0
    before = (tmp_path / "model.nc").read_bytes()
    file.write_text(TEXT.replace("exchange = 0.5", "exchange = 0.6"))
    refused = invoke("run", file, "--out", tmp_path)
    assert refused.exit_code == 2
    assert "\n-bosons = { level = 0.3, exchange = 0.5 }\n+bosons = { level = 0.3, exchange = 0.6 }\n" in refused.stderr
    assert "name another folder (--out), or remove" in refused.stderr
    assert (tmp_path / "model.nc").read_bytes() == before
    assert invoke("run", file, "--out", tmp_path / "other").exit_code == 0
    file.write_text(TEXT + "# a comment changes nothing\n")
    assert invoke("run", file, "--out", tmp_path).exit_code == 0


def test_a_point_that_fails_keeps_its_error_and_the_others_go_on(tmp_path, file, monkeypatch):
    compute = point.compute

    def failing(study, *rest, **options):
        if study.model.bosons.level == 0.25:
            raise ConvergenceError(1e-3, -1.0, 1e-10, 10)
        return compute(study, *rest, **options)

    monkeypatch.setattr(point, "compute", failing)
    done = invoke("run", file, "--out", tmp_path, "--json")
    assert done.exit_code == 1
    assert "failed at bosons.level = 0.25, electrons.hubbard_u = 0.8: ConvergenceError: Lanczos did not" in done.stderr
    lines = done.stdout.splitlines()
    assert ['"status":"failed"' in line for line in lines] == [False] * 4 + [True] * 2
    assert ['"energies"' in line for line in lines] == [True] * 4 + [False] * 2
    data = read_data(tmp_path / "model.nc")
    assert data["status"].values.tolist() == [["done"] * 2, ["done"] * 2, ["failed"] * 2]
    assert "ConvergenceError" in str(data["error"].values[2, 0])
    assert np.isnan(data["energies"][2]).all()
    exact = run(parse(TEXT.replace(", 0.25]", "]"), "model.toml")).data
    np.testing.assert_array_equal(data["energies"][:2], exact["energies"])
    table = invoke("run", file, "--out", tmp_path)
    assert table.exit_code == 1
    assert "6 points, 2 failed" in table.stdout


def test_failed_points_are_repeated_when_asked(tmp_path, monkeypatch):
    study = parse(TEXT, "model.toml")
    with monkeypatch.context() as patch:
        patch.setattr(point, "compute", lambda *_, **__: 1 / 0)
        broken, _ = kept(tmp_path / "s", study)
    assert set(broken["error"].values.ravel()) == {"ZeroDivisionError: division by zero"}
    still, _ = kept(tmp_path / "s", study)
    xr.testing.assert_identical(still, broken)
    mended, _ = kept(tmp_path / "s", study, retry_failed=True)
    assert_same(mended, run(study).data)


def test_a_second_run_in_one_folder_is_refused_with_the_process_of_the_first(tmp_path, file, study):
    with opened(tmp_path / "model.study", study), pytest.raises(StudyError, match=f"process {os.getpid()} on .+"):
        kept(tmp_path / "model.study", study)
    with opened(tmp_path / "model.study", study):
        refused = invoke("run", file, "--out", tmp_path)
    assert refused.exit_code == 2
    assert "is in use" in refused.stderr
    assert invoke("run", file, "--out", tmp_path).exit_code == 0


@pytest.mark.long
def test_a_full_disk_stops_the_run_and_loses_nothing(tmp_path, file, study):
    """A limit on the size of files stands for the full disk: the write fails half-way."""
    whole = numbers(run(study).data)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        assert invoke("run", file, "--out", tmp_path / "sizes").exit_code == 0
        sizes = [f.stat().st_size for f in (tmp_path / "sizes" / "model.study" / "points").iterdir()]
        resource.setrlimit(resource.RLIMIT_FSIZE, (min(sizes) - 100, before[1]))
        stopped = invoke("run", file, "--out", tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert stopped.exit_code == 1
    assert "could not be saved" in stopped.stderr
    assert not list((tmp_path / "model.study" / "points").iterdir())
    assert invoke("run", file, "--out", tmp_path).exit_code == 0
    assert np.array_equal(read_data(tmp_path / "model.nc")["energies"], whole["energies"])


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes the rights of root")
def test_a_full_file_system_stops_the_run_and_loses_nothing(tmp_path, file):
    disk = tmp_path / "disk"
    disk.mkdir()
    file.write_text(sweep(30))
    mount = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        stopped = invoke("run", file, "--out", disk)
        assert stopped.exit_code == 1
        assert "No space left on device" in stopped.stderr
        finished = len(list((disk / "model.study" / "points").iterdir()))
        assert 0 < finished < 30
        assert f"saved: {finished} finished points; free disk space and repeat the command" in stopped.stderr
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert invoke("run", file, "--out", disk).exit_code == 0
        data = read_data(disk / "model.nc")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    np.testing.assert_array_equal(data["energies"], run(parse(sweep(30), "model.toml")).data["energies"])


def under_kills(tmp_path, count, most):
    """Kill a sweep again and again at random moments; compare what comes of it with an undisturbed run."""
    file = tmp_path / "model.toml"
    file.write_text(sweep(count))
    command = [sys.executable, "-c", KILLED, file, tmp_path / "s", str(most)]
    kills = int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=500).stdout)
    study = parse(sweep(count), str(file))
    data, said = kept(tmp_path / "s", study)
    assert_same(data, run(study).data)
    assert said == []
    assert not list(Path(tmp_path / "s" / "points").glob("*.partial"))
    return kills


@pytest.mark.long
def test_a_sweep_that_is_killed_again_and_again_ends_complete(tmp_path):
    assert under_kills(tmp_path, 40, 0.25) > 2


@pytest.mark.slow
def test_a_thousand_points_that_are_killed_again_and_again_end_complete(tmp_path):
    assert under_kills(tmp_path, 1000, 1.0) > 5


def test_an_interrupted_sweep_goes_on_where_it_was(tmp_path, monkeypatch, file):
    compute, calls = runner.compute_or_fail, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return compute(*arguments, **options)

    monkeypatch.setattr(runner, "compute_or_fail", interrupted)
    stopped = invoke("run", file, "--out", tmp_path)
    assert stopped.exit_code == 130
    assert "kept 3 finished points" in stopped.stderr
    assert invoke("run", file, "--out", tmp_path).exit_code == 0
    assert len(calls) == 4 + 3  # three points were there


def test_a_record_names_the_version_that_made_it(tmp_path, study, monkeypatch):
    monkeypatch.setattr(point, "versions", lambda: {"respair": "0.0.9"})
    with opened(tmp_path / "s", study) as folder:
        first = records(run(study, folder=folder))[0]
        record = next((tmp_path / "s" / "points").iterdir())
    assert first["point"] == {"bosons.level": -0.5, "electrons.hubbard_u": 0.0}
    monkeypatch.undo()
    record.unlink()
    data, _ = kept(tmp_path / "s", study)
    versions = data["version"].values.ravel().tolist()
    assert versions.count("0.0.9") == 5
