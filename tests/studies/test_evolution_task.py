"""[evolution] in model files: its keys, what is refused, the record, the files, and runs that go on after a stop."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from respair.cli.commands import app
from respair.hamiltonians import InvalidModel
from respair.solvers.checkpoint import how_far
from respair.studies import parse, records, run
from respair.studies.file.record import read_data

HEAD = """
schema = 1
cluster = { kind = "dimer" }
electrons = { hopping = 1.0, hubbard_u = 0.5 }
bosons = { level = -0.3, exchange = 0.9 }
phonons = { frequency = 1.0, boson_coupling = 0.4, max_quanta = 8 }
sector = { charge = 2, two_sz = 0 }
"""
MOTION = """
[evolution]
times = { start = 0.0, stop = 3.0, count = 7 }
initial = { "bosons.exchange" = 0.1, "electrons.level" = [0.0, 0.2] }
kick = { operator = "momentum", site = 1, strength = 0.2 }
pulse = { amplitude = 0.3, frequency = 2.0, centre = 1.0, width = 0.5 }
observables = ["boson_density", "displacement_distribution", "pair_correlation", "condensate"]
tolerance = 1e-9
"""


def test_the_record_has_lists_over_times():
    (record,) = records(run(parse(HEAD + MOTION, "motion.toml")))
    found = record["evolution"]
    assert found["times"] == pytest.approx(np.linspace(0.0, 3.0, 7))
    for name in ("energy", "norm", "return_probability", "errors", "rate_function", "absorbed_energy"):
        assert len(found[name]) == 7
    assert np.shape(found["observables"]["boson_density"]) == (7, 2)
    assert np.shape(found["observables"]["displacement_distribution"]["P"])[:2] == (7, 2)
    assert np.shape(found["observables"]["condensate"]["boson"]) == (7, 2)
    assert np.shape(found["observable_errors"]["boson_density"]) == (7, 2)
    assert np.shape(found["observables"]["pair_correlation"]) == (7, 2, 2) or "re" in str(found)
    json.dumps(found, allow_nan=False)


def test_files_tables_figures_and_estimates(tmp_path):
    path = tmp_path / "motion.toml"
    path.write_text(HEAD + MOTION)
    runner = CliRunner()
    done = runner.invoke(app, ["run", str(path), "--out", str(tmp_path), "--plot"])
    assert done.exit_code == 0, done.output
    assert "evolution" in done.stdout
    assert "last time" in done.stdout
    data = read_data(tmp_path / "motion.nc")
    assert data.evolution_boson_density.dims == ("time", "site")
    assert data.evolution_displacement_distribution.dims == ("time", "mode", "X")
    assert (tmp_path / "motion-evolution.png").is_file()
    estimate = runner.invoke(app, ["estimate", str(path)])
    assert "evolution to t = 3" in estimate.stdout
    assert runner.invoke(app, ["check", str(path)]).exit_code == 0


def test_a_sweep_over_a_pulse():
    sweep = '[sweep]\n"evolution.pulse.amplitude" = [0.0, 0.4]\n'
    text = HEAD.replace("max_quanta = 8", "max_quanta = 3") + MOTION + sweep
    data = run(parse(text, "motion.toml")).data
    assert data.evolution_energy.shape == (2, 7)
    assert abs(float(data.evolution_energy[0, -1] - data.evolution_energy[0, 0])) < 1e-7
    assert abs(float(data.evolution_energy[1, -1] - data.evolution_energy[1, 0])) > 1e-4


def test_a_sweep_over_the_direction_of_a_pulse():
    text = """
schema = 1
cluster = { kind = "square", size = [2, 3] }
electrons = { hopping = 1.0 }
sector = { charge = 1 }
[evolution]
times = [0.0, 2.0]
pulse = { amplitude = 0.8, frequency = 1.0, centre = 1.0, width = 0.2, direction = [1, 0] }
[sweep]
"evolution.pulse.direction.0" = [1.0, 0.0]
"evolution.pulse.direction.1" = [0.0, 1.0]
linked = [["evolution.pulse.direction.0", "evolution.pulse.direction.1"]]
"""
    data = run(parse(text, "motion.toml")).data
    assert abs(float(data.evolution_current[0, -1]) - float(data.evolution_current[1, -1])) >= 0.0
    assert data.evolution_energy.shape == (2, 2)


def test_levels_and_thermal_states_as_a_start():
    head = HEAD.replace("max_quanta = 8", "max_quanta = 2")
    level = f"{head}[evolution]\ntimes = [0.0, 1.0]\nlevel = 1\ntolerance = 1e-3\n"
    (record,) = records(run(parse(level, "motion.toml")))
    assert record["evolution"]["energy"][0] == pytest.approx(record["evolution"]["energy"][1])
    thermal = f"{head}[evolution]\ntimes = [0.0, 1.0]\nthermal = {{ temperature = 0.5 }}\n{QUENCH}\ntolerance = 1e-3\n"
    (record,) = records(run(parse(thermal, "motion.toml")))
    assert "random_vectors" not in record["evolution"]
    sampled = thermal.replace("max_quanta = 2", "max_quanta = 8").replace("ture = 0.5", "ture = 0.5, samples = 2")
    (record,) = records(run(parse(sampled, "motion.toml")))
    assert record["evolution"]["random_vectors"] == 2
    assert len(record["evolution"]["energy_error"]) == 2
    json.dumps(record["evolution"], allow_nan=False)


def test_no_observables_and_optimal_states():
    (record,) = records(run(parse(f"{HEAD}[evolution]\ntimes = [0.0, 1.0]\nobservables = []", "motion.toml")))
    assert record["evolution"]["observables"] == {}
    with pytest.raises(InvalidModel, match=r"phonons\.basis"):
        parse(f"{HEAD}[evolution]\ntimes = [0.0]".replace("frequency", 'basis = "optimal", frequency'), "motion.toml")


def test_coherent_oscillators_and_charges_on_sites():
    state = "state = { up = [0], dn = [0], bosons = [], displacement = [1.0, 0.0] }"
    (record,) = records(run(parse(f"{HEAD}[evolution]\ntimes = [0.0, 1.0]\n{state}", "motion.toml")))
    found = record["evolution"]["observables"]
    assert found["displacement"][0] == pytest.approx([1.0, 0.0], abs=1e-5)
    assert found["electron_density"][0] == pytest.approx([2.0, 0.0])


PULSE = "amplitude = 0.1, frequency = 1.0, centre = 0.0"
STATE, QUENCH = "state = { up = [0], dn = [0] }", 'initial = { "bosons.exchange" = 0.1 }'


@pytest.mark.parametrize(
    ("lines", "path", "allowed"),
    [
        ("times = [0.0, 1.0, 1.0]", "times", "times that ascend"),
        ("times = [0.0]\ntolerance = 0.0", "tolerance", "above 0"),
        ('times = [0.0]\ninitial = { "bosons.exchanges" = 0.1 }', 'initial."bosons.exchanges"', "bosons.exchange"),
        ('times = [0.0]\ninitial = { "electrons.level" = [1.0] }', 'initial."electrons.level"', "electrons.level"),
        ("times = [0.0]\nstate = { up = [0], dn = [5] }", "state.dn", "sites among [0, 1]"),
        ("times = [0.0]\nstate = { up = [0] }", "state", "charge = 2 and two_sz = 0"),
        ('times = [0.0]\nkick = { operator = "shove", strength = 1.0 }', "kick", "displacement"),
        ('times = [0.0]\nkick = { operator = "density", site = 4, strength = 1.0 }', "kick.site", "0, 1"),
        (f"times = [0.0]\npulse = {{ {PULSE}, width = 0.0 }}", "pulse", ""),
        (f"times = [0.0]\npulse = {{ {PULSE}, width = 1.0, direction = [0, 0] }}", "pulse.direction", "not all 0"),
        ('times = [0.0]\nobservables = ["momentum"]', "observables[0]", "boson_density"),
        (f"times = [0.0]\n{STATE}\n{QUENCH}", "state", "either"),
        (f"times = [0.0]\n{STATE}\nlevel = 1", "level", "leave it out"),
        (f"times = [0.0]\n{STATE}\nthermal = {{ temperature = 0.1 }}", "thermal", "either"),
        ("times = [0.0]\nthermal = { temperature = 0.0 }", "thermal.temperature", "above 0"),
        ("times = [0.0]\nthermal = { temperature = 0.2, samples = 1 }", "thermal.samples", "2 or more"),
        ('times = [0.0]\nthermal = { temperature = 0.2 }\nobservables = ["condensate"]', "observables", "averages"),
        ("times = [0.0]\nlevel = -1", "level", "whole number"),
        (f"times = [0.0]\npulse = {{ {PULSE}, width = -1.0 }}", "pulse.width", "a number above 0"),
        (
            f"times = [0.0]\npulse = {{ {PULSE}, width = 1.0, directoin = [1] }}",
            "pulse.directoin",
            "did you mean direction",
        ),
        (
            'times = [0.0]\nkick = { operator = "density", strength = 1.0, at = 1 }',
            "kick.at",
            "operator, site, strength",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(lines, path, allowed):
    with pytest.raises(InvalidModel) as error:
        parse(f"{HEAD}[evolution]\n{lines}", "motion.toml")
    (problem,) = error.value.problems
    assert problem.path.startswith(f"evolution.{path}")
    assert allowed in problem.allowed


LONG = """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons = { hopping = 1.0, hubbard_u = 3.0 }
bosons = { level = 0.1, exchange = 0.5 }
phonons = { frequency = 1.0, boson_coupling = 0.3, total_quanta = 3 }
sector = { charge = 4, two_sz = 0 }
solver = { checkpoint_interval = 0.0 }
[evolution]
times = { start = 0.0, stop = 60.0, count = 121 }
initial = { "electrons.hubbard_u" = 0.0 }
observables = ["boson_density", "displacement"]
"""


@pytest.mark.long
def test_a_motion_goes_on_after_it_was_killed(tmp_path):
    path = tmp_path / "long.toml"
    path.write_text(LONG)
    command = [sys.executable, "-m", "respair", "run", str(path), "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    kept, began = None, time.monotonic()
    while kept is None and process.poll() is None and time.monotonic() - began < 120:
        time.sleep(0.02)
        kept = next((p for p in tmp_path.rglob("*evolution*checkpoint*") if not p.name.endswith(".partial")), None)
    assert kept is not None, "no checkpoint was written"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert "t = " in (how_far(kept) or "")
    again = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert not kept.exists(), again.stderr
    whole = run(parse(LONG, "long.toml")).data
    data = read_data(tmp_path / "long.nc")
    for name in ("energy", "return_probability", "boson_density", "displacement", "errors"):
        np.testing.assert_allclose(data[f"evolution_{name}"], whole[f"evolution_{name}"], rtol=1e-6, atol=1e-9)
