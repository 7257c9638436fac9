"""What is shown is run: README, docstrings, notebooks, model files, changelog."""

import doctest
import importlib
import os
import pkgutil
import re
import shutil
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from pages import README as README_FILE
from pages import ROOT, blocks, run_page
from typer.testing import CliRunner

import respair
from respair.cli.commands import app
from respair.studies import parse, read, records, run

README = README_FILE.read_text()
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MODEL_FILES = sorted((ROOT / "notebooks" / "models").glob("*.toml"))
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(respair.__path__, "respair.")
    if not module.name.endswith("__main__")  # to import it is to run the command line
)
WHICH_MODEL = blocks(ROOT / "docs" / "which-model.md", "toml")
LATTICES = blocks(ROOT / "docs" / "lattices.md", "toml")
INFINITE = ROOT / "docs" / "infinite-lattice.md"
INFINITE_MODELS = blocks(INFINITE, "toml")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def run_readme(folder):
    """Run the Python blocks of the README one after the other; return what they leave and what they print."""
    return run_page(README_FILE, folder, ["python"])


def test_the_python_of_the_readme_runs(tmp_path):
    names, printed = run_readme(tmp_path)
    levels = names["levels"]
    assert np.all(levels.certificate.residuals < 1e-9)
    assert f"{levels.energies[0]:.6f}"[:6] in printed
    assert "pair_exchange" in printed
    assert list(tmp_path.iterdir()) == []


def test_the_model_file_of_the_readme_is_the_model_of_its_python(tmp_path):
    names, _ = run_readme(tmp_path)
    (block,) = blocks(README_FILE, "toml")
    study = parse(block.text, "readme.toml")
    assert replace(study.model, name="") == replace(names["model"], name="")
    (record,) = records(run(study))
    np.testing.assert_allclose(record["ground_state"]["energies"], names["levels"].energies, rtol=0, atol=1e-9)


def test_the_twelve_lines_of_the_readme_are_no_more_than_twelve():
    assert "## Twelve lines" in README
    assert len(blocks(README_FILE, "python")[0].text.splitlines()) <= 12


def test_every_file_that_the_readme_names_is_there():
    links = re.findall(r"\]\(((?!https?:)[^)#]+)\)", README)
    named = re.findall(r"[\w./-]+/[\w.-]+\.(?:toml|ipynb|py|json|png|md)", re.sub(r"https?://\S+", "", README))
    assert links
    assert any(name.endswith(".toml") for name in named)
    assert not [name for name in {*links, *named} if not (ROOT / name).exists()]


def test_the_commands_of_the_documentation_are_those_of_the_command_line():
    page = (ROOT / "docs" / "commands.md").read_text()
    table = set(re.findall(r"^\| `respair (\w+)", page, re.MULTILINE))
    registered = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert registered <= table <= registered | {group.name for group in app.registered_groups}
    targets = set(re.findall(r"^make (\w+)", README, re.MULTILINE))
    assert targets <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_readme_is_short():
    assert len(README.splitlines()) < 150


def test_the_readme_is_finished():
    assert not re.findall(r"^[A-Z]+_[A-Z_]+$", README, re.MULTILINE)


def test_the_symmetry_and_exchange_conventions_of_the_readme():
    """T psi = exp(-ik) psi on rings, and <D+ b> < 0 for v > 0."""
    model = respair.Model(respair.ring(3), respair.Electrons(1.0), respair.Bosons(-0.2, 0.5), flux=0.4)
    levels = respair.ground_state(model, respair.Sector(1, momentum=1))
    assert levels.energies[0] == pytest.approx(-2 * np.cos(2 * np.pi / 3 - 0.4 / 3), abs=1e-12)
    exchange = respair.observables(respair.ground_state(replace(model, flux=0.0), 2).ground, ["pair_exchange"])
    assert np.all(exchange["pair_exchange"].values.real < 0)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.failed == 0


def test_every_room_shows_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    rooms = {
        name.split(".")[1] for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples
    }
    assert rooms >= {"clusters", "hamiltonians", "solvers", "analysis"}


def test_there_are_notebooks_and_model_files():
    assert NOTEBOOKS
    assert MODEL_FILES


@pytest.mark.long
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "notebook",
    [pytest.param(n, marks=() if n.stem == "explorer" else pytest.mark.slow, id=n.stem) for n in NOTEBOOKS],
)
def test_notebooks_run_from_top_to_bottom(notebook, tmp_path, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    folder = tmp_path / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns(".*"))
    monkeypatch.setenv("RESPAIR_NOTEBOOK", "quick")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")])))
    cells = nbformat.read(folder / notebook.name, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    done = nbclient.NotebookClient(cells, timeout=900, kernel_name="python3", resources=resources).execute()
    code = [cell for cell in done.cells if cell.cell_type == "code" and cell.source.strip()]
    assert code
    assert all(cell.execution_count for cell in code)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_executed_and_without_errors(notebook):
    nbformat = pytest.importorskip("nbformat")
    cells = nbformat.read(notebook, as_version=4)
    nbformat.validate(cells)
    code = [cell for cell in cells.cells if cell.cell_type == "code" and cell.source.strip()]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]


@pytest.mark.parametrize("file", MODEL_FILES, ids=lambda path: path.stem)
def test_model_files_are_correct(file):
    assert read(file).file == str(file)
    checked = CliRunner().invoke(app, ["check", str(file)])
    assert checked.exit_code == 0
    assert checked.stdout == f"{file}: correct\n"


LONG = ("pseudogap-lattice", "boson-fermion-ring")


@pytest.mark.parametrize(
    "file", [pytest.param(f, marks=pytest.mark.slow if f.stem in LONG else (), id=f.stem) for f in MODEL_FILES]
)
def test_model_files_run(file):
    """Of a sweep, the two ends of each axis."""
    study = read(file)
    ends = tuple(replace(axis, values=(axis.values[0], axis.values[-1])) for axis in study.sweep)
    found = records(run(replace(study, sweep=ends)))
    assert len(found) == 2 ** len(ends)
    for record in found:
        assert "error" not in record
        assert record.keys() & {"ground_state", "compare", "thermal"} or record["spectrum"]["poles"]
        if (ground := record.get("ground_state")) is not None:
            assert ground["energies"] == sorted(ground["energies"])
            assert max(ground["residuals"]) < 1e-8


@pytest.mark.parametrize("number", range(len(WHICH_MODEL)))
def test_the_models_of_the_literature_run(number):
    for record in records(run(parse(WHICH_MODEL[number].text, f"{number}.toml"))):
        if "average" not in record:
            assert record["ground_state"]["energy_errors"][0] < 0.05


@pytest.mark.parametrize("number", range(len(LATTICES)))
def test_the_models_on_lattices_run(number):
    (record,) = records(run(parse(LATTICES[number].text, f"{number}.toml")))
    assert record["cluster"]["momenta"][0] == [0, 0]


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(INFINITE_MODELS)))
def test_the_models_on_infinite_lattices_run(number):
    (record,) = records(run(parse(INFINITE_MODELS[number].text, f"{number}.toml")))
    if "ground_state" in record:
        assert record["ground_state"]["energy_errors"][0] <= 1.1e-5
    else:
        found = record["resonance"]
        assert found["value"] == pytest.approx(-20 / 14, abs=found["error"])


@pytest.mark.long
def test_the_python_of_infinite_lattices_runs(tmp_path):
    _, printed = run_page(INFINITE, tmp_path, ["python"])
    assert "E = -2.469684724, m*/m = 1.35049, Z = 0.73844" in printed


def test_the_changelog_names_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[?{re.escape(VERSION)}\b", changelog, re.MULTILINE)


def test_the_citation_names_the_version():
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.search(rf"^version: \"?{re.escape(VERSION)}\"?$", citation, re.MULTILINE)


def test_the_package_knows_its_version():
    assert respair.__version__ in (VERSION, "unknown")
    assert CliRunner().invoke(app, ["--version"]).stdout.strip() == f"respair {VERSION}"
