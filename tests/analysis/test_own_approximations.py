"""Approximations of the user's own in model files and on the command line: found, compared, held to their claims."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from respair.analysis.approximations import STANDARD, PluginError, fingerprint, own_approximations, registry_of
from respair.cli.commands import app
from respair.clusters import dimer
from respair.hamiltonians import Electrons, InvalidModel, Model, Phonons
from respair.studies import DatasetError, build_dataset, parse, read_data, read_dataset, study, verify_dataset

OWN = """
import numpy as np
import xarray as xr
from respair import Approximation
from respair.analysis.approximations import STANDARD

def frozen(model, sector):
    \"\"\"Electrons on a lattice that does not move.\"\"\"
    return xr.Dataset({"energies": ("level", [-float(model.couplings.electron_hopping[0])])})

class Shifted:
    def __init__(self, shift):
        self.shift = shift
    def __call__(self, model, sector):
        return STANDARD["lang-firsov"](model, sector) + self.shift

FROZEN = Approximation("frozen", frozen, bound="upper", asymptotic="g -> 0")
ALSO = Approximation("shifted", Shifted(SHIFT), bound="upper")
"""
FILE = """
schema = 1
cluster.kind = "dimer"
electrons.hopping = 1.0
phonons = { frequency = 1.0, on = [0], electron_coupling = 0.8, max_quanta = 20 }
sector.charge = 1
compare = { approximations = ["frozen", "shifted", "lang-firsov"], quantities = ["energies"] }
"""
SWEEP = '\nsweep = { "phonons.electron_coupling" = [0.1, 0.6, 1.1] }\n'


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN.replace("SHIFT", "0.25"))
    return path


def invoke(tmp_path, text, *options):
    (tmp_path / "own.toml").write_text(text)
    return CliRunner().invoke(app, ["run", str(tmp_path / "own.toml"), "--json", "--out", str(tmp_path), *options])


def test_a_file_that_is_named_takes_part(tmp_path, own):
    done = invoke(tmp_path, FILE, "--plugin", str(own))
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)["compare"]
    assert list(found["approximations"]) == ["frozen", "shifted", "lang-firsov"]
    assert found["approximations"]["frozen"]["energies"] == [-1.0]
    assert found["approximations"]["frozen"]["claim"] == "upper bound; exact as g -> 0"
    both = (found["approximations"][name]["energies"][0] for name in ("shifted", "lang-firsov"))
    assert next(both) - next(both) == pytest.approx(0.25, abs=1e-12)
    assert found["plugins"][0].startswith("own.py ")
    for command in ("check", "estimate"):
        again = CliRunner().invoke(app, [command, str(tmp_path / "own.toml"), "--plugin", str(own)])
        assert again.exit_code == 0, again.stderr


@pytest.mark.long
def test_worker_processes_find_it_and_a_kept_study_goes_on(tmp_path, own):
    for _ in range(2):
        done = invoke(tmp_path, FILE + SWEEP, "--plugin", str(own), "--workers", "2", "--plot")
        assert done.exit_code == 0, done.stderr
    data = read_data(tmp_path / "own.nc")
    assert data.compare_relative_error_energies.sizes["approximation"] == 3
    assert (tmp_path / "own-compare-energies.png").exists()


def test_a_dataset_is_built_with_it_and_verified_by_whoever_names_it(tmp_path, own):
    def dataset(*arguments):
        return CliRunner().invoke(app, ["dataset", *map(str, arguments)])

    file, folder = tmp_path / "own.toml", tmp_path / "dataset"
    file.write_text(FILE + SWEEP)
    refused = dataset("build", file, "--out", folder)
    assert (refused.exit_code, folder.exists()) == (2, False)
    assert "your own come with --plugin FILE" in refused.stderr
    built = dataset("build", file, "--out", folder, "--plugin", own)
    assert built.exit_code == 0, built.stderr
    own.unlink()
    moved = shutil.move(folder, tmp_path / "elsewhere")
    published = moved / "models" / "own.py"
    assert f"--plugin DIR/models/{published.name}" in (moved / "README.md").read_text()
    unnamed = dataset("verify", moved)
    assert unnamed.exit_code == 2
    assert f"got nothing; needed: own.py with the SHA-256 {fingerprint(published)[:16]}" in unnamed.stderr
    assert f"--plugin {published} runs what was published" in unnamed.stderr
    for _ in range(2):  # running the file leaves nothing in the dataset
        found = dataset("verify", moved, "--points", 1, "--plugin", published)
        assert found.exit_code == 0, found.stderr
        assert "1 point recomputed" in found.stdout
    assert read_dataset(moved, [published])["own"].data.sizes["approximation"] == 3
    other = tmp_path / "own.py"
    other.write_text(OWN.replace("SHIFT", "0.26"))
    with pytest.raises(DatasetError, match=f"got {other}; needed: own.py"):
        verify_dataset(moved, plugins=[other])
    with pytest.raises(DatasetError, match=r"nothing.py cannot be read: No such file"):
        read_dataset(moved, [tmp_path / "nothing.py"])
    published.write_text("raise SystemExit")
    damaged = dataset("verify", moved, "--plugin", published)
    assert damaged.exit_code == 1
    assert "models/own.py was changed" in damaged.stderr


def test_two_different_files_of_one_name_are_not_published_together(tmp_path, own):
    (tmp_path / "b").mkdir()
    other = tmp_path / "b" / "own.py"
    other.write_text(OWN.replace('"frozen"', '"still"').replace('"shifted"', '"moved"').replace("SHIFT", "0.5"))
    (tmp_path / "own.toml").write_text(FILE)
    with pytest.raises(DatasetError, match="have one name; rename one"):
        build_dataset([tmp_path / "own.toml"], tmp_path / "dataset", plugins=[own, other])


def test_a_kept_study_knows_the_file_by_what_it_holds(tmp_path, own):
    assert invoke(tmp_path, FILE + SWEEP, "--plugin", str(own)).exit_code == 0
    moved = tmp_path / "moved.py"
    shutil.move(own, moved)
    records = {path: path.stat().st_mtime_ns for path in (tmp_path / "own.study" / "points").iterdir()}
    assert invoke(tmp_path, FILE + SWEEP, "--plugin", str(moved)).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "own.study" / "points").iterdir()} == records
    moved.write_text(OWN.replace("SHIFT", "0.26"))
    changed = invoke(tmp_path, FILE + SWEEP, "--plugin", str(moved))
    assert changed.exit_code == 2
    assert "-own.py (SHA-256" in changed.stderr.replace("--plugin ", "")
    assert f"+--plugin moved.py (SHA-256 {fingerprint(moved)[:16]}...)" in changed.stderr


def test_a_file_of_the_same_size_written_within_a_second_is_run_as_it_is(tmp_path, own):
    assert own_approximations(own)["shifted"].solve.shift == 0.25
    own.write_text(OWN.replace("SHIFT", "0.35"))
    assert own_approximations(own)["shifted"].solve.shift == 0.35
    assert not (tmp_path / "__pycache__").exists()


def test_a_claim_that_does_not_hold_is_an_error_there_too(tmp_path, own):
    own.write_text(OWN.replace("SHIFT", "-2.5"))
    done = invoke(tmp_path, FILE, "--plugin", str(own))
    assert done.exit_code == 1
    assert "shifted claims to be an upper bound" in done.stderr


def test_from_python(own):
    model = Model(dimer(), Electrons(1.0), phonons=Phonons(1.0, [0], 0.0, 0.8, max_quanta=20))
    data = study(model, 1, plugins=[own], compare={"approximations": ["frozen", "lang-firsov"]}).run()
    assert float(data.compare_energies[0, 0]) == -1.0


def test_a_model_file_runs_no_code(own):
    named = FILE.replace("compare = {", f'compare = {{ plugins = ["{own}"],')
    with pytest.raises(InvalidModel, match=r"compare.plugins: got .*a model file runs no code; .*--plugin FILE"):
        parse(named, "own.toml")
    with pytest.raises(InvalidModel, match=r"\"frozen\"; allowed: mean-field.*your own come with --plugin FILE"):
        parse(FILE, "own.toml")
    with pytest.raises(InvalidModel, match=r"did you mean frozen\?"):
        parse(FILE.replace("frozen", "frosen"), "own.toml", [own])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 / 0", "fails: ZeroDivisionError"),
        ("from respair.analysis.approximations import STANDARD", "contains no approximation"),
        (OWN.replace('"frozen", frozen', '"adiabatic", frozen'), "which is a standard one"),
        (OWN.replace('"frozen", frozen', '"shifted", frozen'), "several approximations shifted"),
    ],
    ids=["fails", "empty", "standard", "twice"],
)
def test_a_file_without_approximations_is_refused(tmp_path, text, why):
    path = tmp_path / "wrong.py"
    path.write_text(text.replace("SHIFT", "0.0"))
    with pytest.raises(PluginError, match=why):
        own_approximations(path)
    refused = invoke(tmp_path, FILE, "--plugin", str(path))
    assert refused.exit_code == 2
    assert why in refused.stderr
    assert "--plugin" in refused.stderr


def test_a_file_that_is_not_there_has_changed_or_says_the_same_twice_is_refused(tmp_path, own):
    with pytest.raises(PluginError, match="cannot be read: No such file"):
        own_approximations(tmp_path / "nothing.py")
    with pytest.raises(PluginError, match="has changed since this run began"):
        registry_of({str(own): "0"})
    (tmp_path / "copy.py").write_bytes(own.read_bytes())
    with pytest.raises(InvalidModel, match="and another file both define frozen, shifted"):
        parse(FILE, "own.toml", [own, tmp_path / "copy.py"])
    (tmp_path / "own.txt").write_bytes(own.read_bytes())
    with pytest.raises(PluginError, match=r"end with \.py"):
        own_approximations(tmp_path / "own.txt")
    assert "frozen" not in STANDARD
