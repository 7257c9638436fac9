"""How far a sweep is: on the terminal that runs it, and from another one."""

import io
import os

import pytest
from rich.console import Console
from typer.testing import CliRunner

from respair.cli.commands import app
from respair.studies import TerminalReporter, Workers, opened, parse, run, statuses
from respair.studies.execution import point

TEXT = """
schema = 1
cluster.kind = "site"
bosons = { level = 0.5, exchange = 0.0 }
sector.charge = 2
[sweep]
"bosons.level" = [-1.0, -2.0, -3.0, -4.0]
"""


@pytest.fixture
def study():
    return parse(TEXT, "model.toml")


def test_status_tells_from_outside_how_far_a_run_is(tmp_path, study):
    seen = []
    with opened(tmp_path / "model.study", study) as folder:
        run(study, folder=folder, finished=lambda *_: seen.extend(statuses(tmp_path)))
    assert [(each.done, each.failed, each.total) for each in seen] == [(n, 0, 4) for n in (1, 2, 3, 4)]
    assert all(each.running.startswith(f"{os.getpid()} on ") for each in seen)
    assert all(each.seconds_left > 0 for each in seen[:3])
    assert seen[-1].seconds_left == 0
    assert [float(each.last[0]) for each in seen] == [-1.0, -2.0, -3.0, -4.0]
    (after,) = statuses(tmp_path / "model.study")
    assert (after.running, after.done) == ("", 4)
    told = CliRunner().invoke(app, ["status", str(tmp_path)])
    assert told.exit_code == 0
    assert "model.study" in told.stdout
    assert "-4.0" in told.stdout


def test_status_counts_failed_and_damaged_points(tmp_path, study, monkeypatch):
    monkeypatch.setattr(point, "compute", lambda *_, **__: 1 / 0)
    with opened(tmp_path / "model.study", study) as folder:
        run(study, folder=folder)
    next((tmp_path / "model.study" / "points").iterdir()).write_bytes(b"")
    (tmp_path / "model.study" / "manifest.json").write_text("{}")
    (found,) = statuses(tmp_path)
    assert (found.done, found.failed, found.damaged, found.total) == (0, 3, 1, None)
    assert "division by zero" in found.last[0]


def test_a_folder_without_studies_is_told(tmp_path):
    told = CliRunner().invoke(app, ["status", str(tmp_path)])
    assert told.exit_code == 2
    assert "no study is saved there" in told.stderr


@pytest.mark.parametrize("watched", [True, False], ids=["terminal", "no terminal"])
def test_a_terminal_shows_the_last_points_and_anything_else_nothing(study, watched):
    console = Console(file=io.StringIO(), force_terminal=watched, width=120)
    with TerminalReporter(console) as reporter:
        run(study, reporter)
    shown = console.file.getvalue()
    assert ("bosons.level = -4" in shown) == watched
    assert ("residual" in shown) == watched
    assert watched or shown == ""


def test_a_study_without_a_sweep_is_watched_as_well():
    with TerminalReporter(Console(file=io.StringIO(), force_terminal=True, width=120)) as reporter:
        assert run(parse(TEXT.split("[sweep]")[0], "model.toml"), reporter).failed == 0


def test_a_terminal_shows_the_points_that_run_elsewhere_with_their_energies():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with TerminalReporter(console) as reporter:
        reporter.point(3, 9, "")
        reporter.running({"x = 1": (40, -1.25, 1e-3), "x = 2": None})
        reporter._bar.refresh()
    shown = console.file.getvalue()
    for words in ("3/9", "2 running", "x = 2", "-1.25", "1.0e-03"):
        assert words in shown


@pytest.mark.long
def test_workers_tell_how_far_their_points_are(tmp_path, monkeypatch):
    text = """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons.hopping = 1.0
bosons.exchange = 0.8
phonons = { frequency = 1.0, boson_coupling = 0.7, max_quanta = 4 }
sector.charge = 4
solver.tolerance = 1e-13
ground_state.states = 4
ground_state.observables = []
[sweep]
"bosons.level" = [0.1, 0.2]
"""
    seen = []
    monkeypatch.setattr(TerminalReporter, "running", lambda self, points: seen.append(dict(points)))
    with TerminalReporter(Console(file=io.StringIO())) as reporter, Workers(2) as workers:
        data = run(parse(text, "ring.toml"), reporter, pool=workers).data
    assert max(map(len, seen)) == 2
    told = [how_far for points in seen for how_far in points.values() if how_far]
    assert told
    assert all(matvecs > 0 and energy >= float(data.energies.min()) - 1e-6 for matvecs, energy, _ in told)
