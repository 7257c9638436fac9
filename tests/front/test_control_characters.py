"""Names with escapes, line breaks and NUL: refused with the place, or shown as Python writes them."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import respair as rp
from respair._core.text import has_controls, printable
from respair.analysis.approximations import Approximation
from respair.cli.commands import app
from respair.clusters import Bond, Cluster
from respair.studies import DatasetError, parse, toml_text
from respair.studies.file.record import write

HEAD = 'schema = 1\ncluster.kind = "dimer"\nelectrons.hopping = 1.0\nsector.charge = 2\n'
CUSTOM = """
schema = 1
cluster = { kind = "custom", positions = [[0, 0], [1, 0]], bonds = [[0, 1, "BOND"]], classes = ["SITE", "SITE"] }
electrons = { hopping = 1.0, level = { "SITE" = 0.5 } }
sector.charge = 2
"""
CONTROLS = {"escape": r"\u001b]0;owned\u0007\u001b[31mred", "nul": r"a\u0000b", "line": r"a\nb", "delete": r"a\u007f",
            "c1": r"a\u009b31m", "separator": r"a\u2028b", "bidi": r"a\u202eb"}  # fmt: skip
each_control = pytest.mark.parametrize("text", CONTROLS.values(), ids=CONTROLS)


def refused(text):
    with pytest.raises(rp.InvalidModel) as error:
        parse(text, "model.toml")
    message = str(error.value)
    assert not any(has_controls(line) for line in message.split("\n"))
    assert "allowed: text without control characters" in message
    return message


@each_control
def test_names_in_model_files_are_refused_with_their_place(text):
    assert refused(f'name = "{text}"\n{HEAD}').startswith('name: got "')
    assert "cluster.bonds[0][2]" in refused(CUSTOM.replace("BOND", text))
    message = refused(CUSTOM.replace("SITE", text))
    assert "cluster.classes[0]" in message
    assert "a key with control characters" in message


@pytest.mark.parametrize("case", ["name_with_escape", "name_with_nul"])
def test_commands_refuse_them_and_write_nothing(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = {"name_with_escape": CONTROLS["escape"], "name_with_nul": CONTROLS["nul"]}[case]
    Path(f"{case}.toml").write_text(f'name = "{name}"\n{HEAD}')
    for command in ("check", "estimate", "run", "draw"):
        done = CliRunner().invoke(app, [command, f"{case}.toml"])
        assert done.exit_code == 2
        assert "control characters" in done.output
        assert not has_controls(done.output.replace("\n", ""))
    assert [path.name for path in tmp_path.iterdir()] == [f"{case}.toml"]


@each_control
def test_names_in_python_are_refused(text):
    name = text.encode().decode("unicode_escape")
    with pytest.raises(rp.InvalidModel, match="control characters"):
        rp.Model(rp.dimer(), rp.Electrons(1.0), name=name)
    with pytest.raises(rp.InvalidModel, match="control characters"):
        replace(rp.Model(rp.dimer(), rp.Electrons(1.0)), name=name)
    with pytest.raises(ValueError, match="control characters"):
        rp.custom([[0, 0], [1, 0]], classes=[name, "b"])
    with pytest.raises(ValueError, match="control characters"):
        Cluster("pair", ((0.0, 0.0), (1.0, 0.0)), ("a", "a"), (Bond(0, 1, name),))
    with pytest.raises(ValueError, match="control characters"):
        Approximation(name, lambda model, where: None)


def test_names_of_approximations_name_files():
    with pytest.raises(ValueError, match="without /"):
        Approximation("a/b", lambda model, where: None)


def test_values_that_are_wrong_are_shown_harmlessly():
    """By the messages of the checks of Python's values, which see no file."""
    model = rp.Model(rp.dimer(), rp.Electrons(1.0))
    with pytest.raises(rp.InvalidModel) as error:
        rp.Model(rp.dimer(), rp.Electrons(hopping={"\x1b[31m": 1.0}))
    assert not has_controls(str(error.value))
    assert r"\x1b[31m" in str(error.value)
    with pytest.raises(rp.InvalidModel):
        rp.study(model, rp.Sector(2), thermal={"temperatures": [1.0], "ensemble": "\x1b[31m"})


@pytest.mark.parametrize("key", ["title", "licence", "authors"])
def test_datasets_are_told_without_them(tmp_path, key):
    (tmp_path / "model.toml").write_text(HEAD)
    value = ["a\x1b"] if key == "authors" else "a\x1b"
    with pytest.raises(DatasetError, match=r"'a\\x1b'"):
        rp.build_dataset([tmp_path / "model.toml"], tmp_path / "data", **{key: value})
    assert not (tmp_path / "data").exists()


def test_a_study_is_named_after_its_file_harmlessly(tmp_path):
    study = parse(HEAD, "a\x1b[31m\udcff.toml")
    assert study.name == r"a\x1b[31m\udcff"
    assert not has_controls(repr(study).replace("\n", ""))
    written = write(rp.run(study), tmp_path / "result.nc")
    assert written.exists()


def test_sweeps_are_over_names_that_files_take():
    text = CUSTOM.replace("SITE", "a/b") + '[sweep]\n"electrons.level.a/b" = [0.0, 1.0]\n'
    with pytest.raises(rp.InvalidModel, match="name without /"):
        parse(text, "model.toml")


def test_dollars_are_no_mathematics_in_figures():
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from respair.analysis.plots.states import draw_cluster

    cluster = rp.custom([[0, 0], [1, 0]], [[0, 1, r"$\broken{"]], ["$x", "y$"])
    ax = draw_cluster(cluster, title=r"pay $5 and $\frac")
    FigureCanvasAgg(ax.figure).draw()
    assert ax.get_title().replace(r"\$", "$") == r"pay $5 and $\frac"


@pytest.mark.parametrize("text", ["Δ_B → ∞", "naïve", "名前", "a b"])
def test_letters_of_all_languages_are_left_alone(text):
    assert printable(text) == text
    tables = {"cluster": {"kind": "dimer"}, "electrons": {"hopping": 1.0}, "sector": {"charge": 2}}
    assert parse(toml_text(tables, text), "m.toml").name == text
