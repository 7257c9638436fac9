"""What a notebook shows: one clean output for a run, errors that say what is wrong, studies that go on."""

import threading
import time

import nbformat
import pytest
from nbclient import NotebookClient

import respair
from respair import clusters, solvers, studies
from respair.studies.execution import notebook, point

MODEL = """
import respair
from respair import Bosons, Electrons, Model, Phonons, ring
model = Model(ring(4), Electrons(hopping=1.0), Bosons(level=-0.4, exchange=0.8),
              Phonons(1.0, boson_coupling=0.7, max_quanta={quanta}))
"""
STUDY = """
sweep = {"bosons.level": {"start": -1.0, "stop": 1.0, "count": 8}}
data = respair.study(model, 4, sweep=sweep).run("ring.study", workers=2)
"""
SOLVE = """
large = Model(model.cluster, model.electrons, model.bosons, Phonons(1.0, boson_coupling=0.7, max_quanta=5))
with respair.watching("ring") as shown:
    respair.ground_state(large, 4, progress=shown.lanczos)
"""
LONGER = """
    while time.monotonic() < began + 1.0:
        respair.ground_state(large, 4, progress=shown.lanczos)
"""


class Screen(NotebookClient):
    """A notebook whose outputs are counted as they come."""

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] in ("display_data", "update_display_data", "stream", "execute_result", "error"):
            self.seen = [*getattr(self, "seen", []), msg]
        return super().process_message(msg, cell, cell_index)


def opened(folder, *cells):
    pages = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    return Screen(pages, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}})


def shown(message):
    return message["content"]["data"]["text/plain"]


@pytest.mark.slow
def test_runs_in_a_notebook_have_one_output_each_and_go_on_after_an_interrupt(tmp_path):
    """The kernel is interrupted for real in the midst of the study; the same cell, run again, has all points."""
    quick = SOLVE.replace("large, 4", "large, 0")
    longer = f"import time\nbegan = time.monotonic(){SOLVE}{LONGER}"
    client = opened(tmp_path, MODEL.format(quanta=3), STUDY, "float(data.energies[0, 0])", longer, quick)
    points = tmp_path / "ring.study" / "points"

    def interrupt():
        while not points.is_dir() or len(list(points.glob("*.point"))) < 2:
            time.sleep(0.02)
        client.kc.session.send(client.kc.control_channel.socket, "interrupt_request", {})

    with client.setup_kernel():
        model, study, value, solve, quick = client.nb.cells
        client.execute_cell(model, 0)
        threading.Thread(target=interrupt, daemon=True).start()
        client.allow_errors = True
        client.execute_cell(study, 1)
        stopped = [output for output in study.outputs if output.output_type == "error"]
        assert [output.ename for output in stopped] == ["Interrupted"]
        kept = len(list(points.glob("*.point")))
        assert 2 <= kept < 8
        assert f"interrupted: {kept} of 8 points are saved in ring.study; repeat the call" in stopped[0].evalue
        records = {file.name: file.stat().st_mtime_ns for file in points.glob("*.point")}
        client.allow_errors = False
        for number, cell in enumerate(client.nb.cells[1:], 1):
            client.execute_cell(cell, number)
    assert all((points / name).stat().st_mtime_ns == when for name, when in records.items())  # nothing computed twice
    assert len(list(points.glob("*.point"))) == 8
    assert [len(cell.outputs) for cell in (study, solve, quick)] == [1, 1, 0]
    ends = [cell.outputs[0].data["text/plain"].split("; ")[0] for cell in (study, solve)]
    assert ends == ["8 of 8 points", "ring: 1 of 1 point"]
    live = [shown(message) for message in client.seen if "display_data" in message["msg_type"]]
    assert any("2 running" in text for text in live)
    assert any("products, E = " in text for text in live)
    exact = {"bosons": respair.Bosons(-1.0, 0.8), "phonons": respair.Phonons(1.0, boson_coupling=0.7, max_quanta=3)}
    energy = respair.ground_state(respair.Model(respair.ring(4), respair.Electrons(1.0), **exact), 4).energies[0]
    assert float(value.outputs[0].data["text/plain"]) == pytest.approx(energy, abs=1e-8)


class Display:
    """The outputs of a cell in the place of IPython's."""

    def __init__(self):
        self.shown = []

    def display(self, data, raw, display_id):
        assert raw
        assert display_id
        self.update(data, raw)
        return self

    def update(self, data, raw):
        self.shown.append(data)


@pytest.fixture
def display(monkeypatch):
    found = Display()
    monkeypatch.setattr(notebook, "import_module", lambda name: found)
    monkeypatch.setattr(notebook, "PATIENCE", 0.0)
    monkeypatch.setattr(notebook, "PACE", 0.0)
    return found


def test_the_table_shows_what_runs_what_is_done_and_what_failed(display):
    done = studies.run(studies.parse(SITE, "site.toml")).points[0][1]
    with studies.NotebookReporter("site") as reporter:
        reporter.point(2, 6, "")
        reporter.running({"x = 1": None, "x = 2": (40, -1.25, 1e-3)})
        reporter.done("x = 1", done)
        reporter.done("x = 3", point.failure("MemoryError: <too much>"))
        text, html = display.shown[-1]["text/plain"], display.shown[-1]["text/html"]
    assert "4 of 6 points, 1 running, 1 failed, under 1 s, " in text
    assert "left" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("  ")]
    assert rows[0] == ["point", "state", "energy", "residual", "seconds"]
    assert rows[1][:5] == ["x", "=", "1", "done", "-1.000000000000"]
    assert rows[2][3] == "failed"
    assert rows[3] == ["x", "=", "2", "running", "-1.25", "1.0e-03", "0"]
    assert "&lt;too much&gt;" in html
    assert '<progress max="6" value="4"' in html
    assert display.shown[-1]["text/plain"] == "site: 6 of 6 points, 1 failed; under 1 s"


SITE = """
schema = 1
cluster.kind = "site"
bosons = { level = 0.5, exchange = 0.0 }
sector.charge = 2
[sweep]
"bosons.level" = [-1.0, -2.0]
"""


def test_an_error_in_a_study_leaves_a_line_that_says_how_far_it_was(display):
    reporter = studies.NotebookReporter()
    reporter.point(3, 6, "x = 1")
    reporter.__exit__(ZeroDivisionError, None, None)
    assert display.shown[-1]["text/plain"] == "stopped after under 1 s, 3 of 6 points"


ERRORS = (
    respair.InvalidModel,
    respair.ConvergenceError,
    *(clusters.InvalidIndex, clusters.InvalidValue),
    *(solvers.CheckpointError, solvers.CutoffError, solvers.DoesNotFit),
    *(studies.StudyError, studies.SchedulerError, studies.DatasetError, studies.Interrupted),
    *(respair.analysis.BracketError, respair.analysis.approximations.BoundViolation),
)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_of_ones_own_is_known_by_its_class(kind):
    assert issubclass(kind, clusters.Told)
    assert not issubclass(studies.Interrupted, Exception)  # `except Exception` must not swallow it


DIMER = respair.Model(respair.dimer(), respair.Electrons(1.0))
CALLS = {
    "spin = 'left'": lambda: respair.hamiltonians.create(0, "left"),
    "site 9": lambda: respair.expectation(
        respair.ground_state(DIMER, 2).ground, respair.hamiltonians.electron_number(9)
    ),
    "level 5": lambda: respair.ground_state(DIMER, 2).level(5),
    "'boson_lattice'": lambda: respair.observables(respair.ground_state(DIMER, 2).ground, ["boson_lattice"]),
    "'middle'": lambda: respair.entanglement(respair.ground_state(DIMER, 2).ground, ["middle"]),
    "'x-wave'": lambda: respair.pair_densities(respair.ground_state(DIMER, 2).ground, ["x-wave"]),
    "over = 'time'": lambda: respair.spectral_map(respair.ground_state(DIMER, 2), "electron", [0.0], 0.1, over="time"),
    "criterion = 'best'": lambda: respair.resonance(lambda u: DIMER, 2, (0.0, 1.0), criterion="best", on=[0]),
}


@pytest.mark.parametrize("value", CALLS)
def test_values_that_cannot_be_are_told_with_what_was_given(value):
    with pytest.raises((ValueError, IndexError)) as found:
        CALLS[value]()
    assert isinstance(found.value, clusters.Told)
    assert value in str(found.value)
