"""Ctrl-C, sent for real, in the midst of every long kind of calculation: one message, and nothing half-written."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from respair import studies
from respair.studies import read_data

MODEL = """
schema = 1
cluster = {{ kind = "ring", sites = 4 }}
electrons.hopping = 1.0
bosons = {{ level = -0.3, exchange = 0.6 }}
phonons = {{ frequency = 1.0, boson_coupling = 0.7, max_quanta = {quanta} }}
sector.charge = 4
solver = {{ engine = "tensor", checkpoint_interval = {interval} }}
{table}
"""
LOST = "interrupted; nothing is kept, the same command starts anew"
GOES_ON = "repeat the command to continue"
RUNS = {
    "ground": (
        (5, 0.01, "ground_state.states = 4"),
        r"interrupted\nground.checkpoint keeps the search \(.*\); the same command continues it",
        r"ground\.checkpoint",
    ),
    "young": ((7, 60, "ground_state.states = 4"), LOST, ""),
    "coherence": ((6, 60, "[coherence]"), LOST, ""),
    "flux": ((6, 60, "flux.values = [0.0, 0.5, 1.0]"), LOST, ""),
    "spectrum": (
        (7, 60, "spectrum = { operator = 'electron', site = 0, frequencies = [0.0, 1.0], broadening = 0.1 }"),
        LOST,
        "",
    ),
    "thermal": (
        (3, 0.01, "thermal = { temperatures = [0.5], method = 'ftlm', samples = 4, ensemble = 'canonical' }"),
        rf"interrupted\nthermal.blocks keeps \d+ finished blocks? of the thermal sum; {GOES_ON}",
        r"thermal\.blocks.*\.block",
    ),
    "compare": ((6, 60, "compare.approximations = ['adiabatic', 'lang-firsov-variational']"), LOST, ""),
    "sweep": (
        (3, 60, "[sweep]\n'bosons.level' = { start = -1.0, stop = 1.0, count = 100 }"),
        rf"interrupted\nkept \d+ finished points? in sweep.partial.nc; {GOES_ON}",
        r"sweep\.partial\.nc.*\.point",
    ),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """What became of all runs."""
    place = tmp_path_factory.mktemp("interrupted")
    for name, ((quanta, interval, table), *_) in RUNS.items():
        (place / name).mkdir()
        text = MODEL.format(quanta=quanta, interval=interval, table=table)
        (place / name / f"{name}.toml").write_text(text)
    driver = Path(__file__).with_name("interrupted_runs.py")
    command = [sys.executable, driver, *(place / name for name in RUNS)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=500).stdout.splitlines()
    return {found["name"]: found for found in map(json.loads, lines)}


@pytest.mark.parametrize("name", RUNS)
def test_an_interrupted_run_ends_at_once_and_says_what_is_kept(ended, name):
    _, message, kept = RUNS[name]
    found = ended[name]
    assert found["status"] == 130
    assert re.fullmatch(f"{name}.toml: {message}\n", found["stderr"]), found["stderr"]
    assert found["stdout"] == ""
    files = " ".join(file for file in found["files"] if file != f"{name}.toml")
    assert re.search(kept, files) if kept else files == ""
    assert not re.search(rf"\.partial( |$)|\b{name}\.nc", files)


def test_the_finished_points_of_an_interrupted_sweep_are_a_dataset(ended):
    found = ended["sweep"]
    records = [file for file in found["files"] if file.endswith(".point")]
    data = read_data(Path(found["folder"]) / "sweep.partial.nc")
    assert 0 < data.sizes["bosons.level"] == len(records) < 100
    assert f"kept {len(records)} finished point" in found["stderr"]
    assert set(data["status"].values) == {"done"}


HEAD = """
import os, signal, time
from respair.cli.interrupts import not_lost

signal.signal(signal.SIGINT, signal.{handler})
not_lost()
"""
DESTROYED = """
class Slow:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
work = Slow
"""
LOADED = """
module = {"__name__": "numba.core.made_up", "os": os, "signal": signal, "time": time}
exec("def work(): os.kill(os.getpid(), signal.SIGINT); time.sleep(0.2); print('whole')", module)
work = module["work"]
"""
SENT = """
work = lambda: os.kill(os.getpid(), signal.SIGINT)
"""
WAIT = """
try:
    work()
    for _ in range({seconds} * 100):
        time.sleep(0.01)
    print("deaf")
except KeyboardInterrupt:
    print("heard")
"""


@pytest.mark.parametrize(
    ("work", "handler", "printed"),
    [
        pytest.param(DESTROYED, "default_int_handler", "heard\n", id="while an object is destroyed"),
        pytest.param(LOADED, "default_int_handler", "whole\nheard\n", id="while a kernel is loaded"),
        pytest.param(SENT, "default_int_handler", "heard\n", id="at any other time"),
        pytest.param(SENT, "SIG_IGN", "deaf\n", id="where the shell ignores it"),
    ],
)
def test_an_interrupt_is_heard_once_it_can_be(work, handler, printed):
    script = HEAD.format(handler=handler) + work + WAIT.format(seconds=1 if "deaf" in printed else 10)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (printed, "")


def test_a_point_that_was_kept_just_before_an_interrupt_is_counted(tmp_path, monkeypatch):
    study = studies.parse(
        MODEL.format(quanta=2, interval=60, table="[sweep]\n'bosons.level' = [0.0, 0.5, 1.0]"), "x.toml"
    )
    keep, told = studies.StudyFolder.keep, []

    def interrupted(self, *point):
        keep(self, *point)
        if len(list(self.path.rglob("*.point"))) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(studies.StudyFolder, "keep", interrupted)
    with studies.opened(tmp_path / "kept", study) as folder, pytest.raises(KeyboardInterrupt):
        studies.run(study, finished=lambda number, result: told.append(len(result.points)), folder=folder)
    assert told == [1, 2]
