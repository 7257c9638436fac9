"""A coupling and a kind of clusters take one place each: those of docs/extending.md, in a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODEL = """
schema = 1
name = "steep star"
cluster = { kind = "star", arms = 2 }
electrons = { hopping = 1.0 }
phonons = { frequency = 1.0, electron_coupling = 0.5, sextic = 0.05, total_quanta = 3 }
sector = { charge = 2 }
ground_state = { observables = ["electron_density", "lattice_energy"] }
sweep = { "phonons.sextic" = [0.0, 0.1] }
"""
CHECK = """
import respair as rp
from respair.analysis.observables.energy import PARTS
from respair.explorer.controls import COUPLINGS, fits
from respair.explorer.screen import SHAPES
from respair.studies import parse
from respair.studies.dataset.formulas import hamiltonian_lines

study = parse(open("model.toml").read(), "model.toml")
assert "+ λ Σ_m x_m^6" in repr(study.model)
assert "sextic" in PARTS["lattice_energy"]
assert SHAPES["star"] == {"arms": 3}
control = next(control for control in COUPLINGS if control.path == "phonons.sextic")
assert (control.symbol, control.high, fits(control, study.model)) == ("λ", 1.0, True)
assert any("stiffen" in line for line in hamiltonian_lines(study))
changed = rp.with_parameter(study.model, "phonons.sextic", [0.1, 0.2, 0.3])
assert changed.couplings.phonon_sextic.tolist() == [0.1, 0.2, 0.3]
try:
    rp.compare(study.model, study.sector, ["lang-firsov"])
except rp.InvalidModel as error:
    assert "phonons.sextic" in str(error)
else:
    raise AssertionError
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A package with the coupling and the cluster of the documentation."""
    folder = tmp_path_factory.mktemp("package")
    package = folder / "respair"
    shutil.copytree(ROOT / "src" / "respair", package)  # with the machine code of its kernels
    blocks = re.findall(r"```py\n(.*?)```", (ROOT / "docs" / "extending.md").read_text(), re.S)
    field, term, kind = blocks
    places = {
        "hamiltonians/parameters.py": (textwrap.indent(field, "    "), "    max_quanta: int | None = key("),
        "hamiltonians/terms.py": (term, "TERMS: Mapping"),
        "clusters/library.py": (kind, "def _circle("),
    }
    for name, (text, before) in places.items():
        file = package / name
        whole = file.read_text()
        assert whole.count(before) == 1
        file.write_text(whole.replace(before, f"{text}\n\n{before}"))
    (folder / "model.toml").write_text(MODEL)
    return folder


def run(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_formula_energy_control_and_refusals_know_a_new_coupling(copy):
    run(copy, "-c", CHECK)


@pytest.mark.long
def test_a_new_coupling_is_swept_on_a_new_cluster(copy):
    shown = run(copy, "-m", "respair", "run", "model.toml", "--json")
    assert shown.count('"phonons.sextic"') == 2
    assert '"lattice_energy"' in shown
