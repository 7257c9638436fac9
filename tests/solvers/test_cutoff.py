"""cutoff = "auto": the caps that an accuracy needs, for any task, and honest failure."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from respair.analysis import charge_scan, flux_response, observables
from respair.cli.commands import app
from respair.clusters import dimer, ligand_centre, ring
from respair.hamiltonians import Bosons, Electrons, Hamiltonian, InvalidModel, Model, Phonons, Sector
from respair.solvers import CutoffError, Options, estimate, ground_state

HOLSTEIN = Model(
    dimer(),
    Electrons(1.0, hubbard_u=1.0),
    phonons=Phonons(1.0, electron_coupling=0.8, cutoff="auto", displacement="mean"),
)
LIGAND = Model(
    ligand_centre(4),
    Electrons({"ring": 1.0, "centre": 0.35}, {"ligand": 1.5}),
    phonons=Phonons(1.0, "ligand", electron_coupling=1.3, cutoff="auto"),
)
FILE = """
schema = 1
cluster.kind = "dimer"
electrons = { hopping = 1.0, hubbard_u = 1.0 }
sector.charge = 2
ground_state.states = 2
charge_scan.charges = [1, 2, 3]
[phonons]
frequency = 1.0
electron_coupling = 0.8
"""


def accurate(model, accuracy):
    return replace(model, phonons=replace(model.phonons, accuracy=accuracy))


@pytest.mark.parametrize("accuracy", [1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize("model", [HOLSTEIN, LIGAND], ids=["dimer", "ligand"])
def test_the_error_is_below_the_accuracy_asked_for(model, accuracy):
    best = replace(model, phonons=replace(model.phonons, cutoff=None, max_quanta=40))
    exact = ground_state(best, 2, 2).energies
    levels = ground_state(accurate(model, accuracy), 2, 2)
    assert np.max(levels.certificate.energy_errors) <= accuracy
    assert np.all(np.abs(levels.energies - exact) <= levels.certificate.energy_errors + 1e-11)
    assert levels.hamiltonian.space.dimension < ground_state(best, 2, 1).hamiltonian.space.dimension


def test_more_accuracy_needs_more_quanta():
    caps = [
        ground_state(accurate(HOLSTEIN, a), 2).hamiltonian.space.phonons.total_quanta for a in (1e-2, 1e-5, 1e-9, 1e-12)
    ]
    assert caps == sorted(set(caps))


def test_a_good_frame_needs_fewer_quanta():
    plain = replace(HOLSTEIN, phonons=replace(HOLSTEIN.phonons, displacement="none"))
    good, poor = (ground_state(model, 3).hamiltonian.space.dimension for model in (HOLSTEIN, plain))
    assert good < poor


def test_every_task_takes_an_automatic_cutoff():
    scan = charge_scan(HOLSTEIN, [1, 2, 3])
    assert np.all(scan["energy_errors"] <= 1e-8)
    pairs = Model(
        ring(3), Electrons(1.0), Bosons(-0.3, 0.5), Phonons(1.0, boson_coupling=0.5, cutoff="auto", accuracy=1e-4)
    )
    response = flux_response(pairs, 2, [0.3])
    assert float(response["energy_errors"][0]) <= 1e-4
    assert np.isfinite(float(response["stiffness"][0]))
    state = ground_state(pairs, Sector(2, momentum=0, reflection=1)).ground
    data = observables(state)
    assert float(data["electron_density"].sum() + 2 * data["boson_density"].sum()) == pytest.approx(2, abs=1e-9)
    used = ground_state(HOLSTEIN, Sector(2)).hamiltonian.space.dimension
    assert used / 3 <= estimate(HOLSTEIN, Sector(2)).dimension <= 3 * used


def test_an_accuracy_out_of_reach_says_how_far_it_got():
    model = replace(HOLSTEIN, phonons=replace(HOLSTEIN.phonons, electron_coupling=3.0, displacement="none"))
    with pytest.raises(CutoffError, match=r"accuracy = 1.0e-08 needs about total_quanta = \d+ .* does not fit"):
        ground_state(model, 2, 1, Options(memory_limit=271 << 20))


def test_a_hamiltonian_needs_a_number():
    with pytest.raises(InvalidModel, match=r"phonons.cutoff: got \"auto\"; .*ground_state finds them"):
        Hamiltonian.of(HOLSTEIN, Sector(2))


WRONG = {
    "with a cap": ({"cutoff": "auto", "max_quanta": 3}, 'either "auto" or max_quanta'),
    "another word": ({"cutoff": "automatic"}, '"auto"'),
    "no accuracy": ({"cutoff": "auto", "accuracy": 0.0}, "above 0"),
    "no cap at all": ({}, 'cutoff = "auto"'),
}


@pytest.mark.parametrize("name", WRONG)
def test_contradictions_are_refused(name):
    keys, allowed = WRONG[name]
    with pytest.raises(InvalidModel, match=allowed):
        Model(dimer(), Electrons(1.0), phonons=Phonons(1.0, electron_coupling=0.3, **keys))


@pytest.mark.long
def test_the_command_line_says_what_it_chose(tmp_path):
    file = tmp_path / "auto.toml"
    file.write_text(FILE + 'cutoff = "auto"\naccuracy = 1e-6\n')
    done = CliRunner().invoke(app, ["run", str(file), "--json", "--out", str(tmp_path)])
    assert done.exit_code == 0
    record = json.loads(done.stdout)
    assert max(record["ground_state"]["energy_errors"]) <= 1e-6
    chosen = record["ground_state"]["cutoff"]["total_quanta"]
    assert record["sector"]["dimension"] == 4 * (chosen + 1) * (chosen + 2) // 2
    shown = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path)]).stdout
    assert f"The accuracy of 1.0e-06 needed total_quanta = {chosen}" in shown
    file.write_text(FILE + 'cutoff = "auto"\nmax_quanta = 4\n')
    refused = CliRunner().invoke(app, ["check", str(file)])
    assert refused.exit_code == 2
    assert "either" in refused.stderr
