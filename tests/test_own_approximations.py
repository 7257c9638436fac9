"""Approximations of the user's own in model files and on the command line: found, compared, held to their claims."""

import json

import pytest
from typer.testing import CliRunner

from respair.analysis.approximations import STANDARD, PluginError, own_approximations, registry_of
from respair.cli import app
from respair.clusters import dimer
from respair.hamiltonians import Electrons, InvalidModel, Model, Phonons
from respair.studies import parse, read_data, study

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


def test_worker_processes_find_it_and_a_kept_study_goes_on(tmp_path, own):
    for _ in range(2):
        done = invoke(tmp_path, FILE + SWEEP, "--plugin", str(own), "--workers", "2", "--plot")
        assert done.exit_code == 0, done.stderr
    data = read_data(tmp_path / "own.nc")
    assert data.compare_relative_error_energies.sizes["approximation"] == 3
    assert (tmp_path / "own-compare-energies.png").exists()


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
        ("from respair.analysis.approximations import STANDARD", "holds no approximation"),
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
    with pytest.raises(InvalidModel, match="names frozen, shifted, and another file does"):
        parse(FILE, "own.toml", [own, tmp_path / "copy.py"])
    (tmp_path / "own.txt").write_bytes(own.read_bytes())
    with pytest.raises(PluginError, match=r"end with \.py"):
        own_approximations(tmp_path / "own.txt")
    assert "frozen" not in STANDARD
