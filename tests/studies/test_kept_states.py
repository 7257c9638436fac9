"""States that model files keep, and operators that they name."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import respair as rp
from respair.cli.commands import app
from respair.studies import parse, read_data, records, run, write

TEXT = """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons = { hopping = 1.0, hubbard_u = 2.0 }
phonons = { frequency = 1.0, electron_coupling = 0.3, total_quanta = 3 }
sector = { charge = 3 }
"""
KEEP = TEXT + "ground_state = { states = 2, keep_states = true }\n"
NAMED = TEXT + """
[operators]
bond = "c+up_0 cup_1 + h.c."
copy = "n_0 x_0"
turn = "1j (c+up_0 cup_1 - h.c.)"
"""


@pytest.mark.long
def test_kept_states_are_those_of_the_levels(tmp_path):
    study = parse(KEEP, "ring.toml")
    result = run(study)
    levels = rp.load(write(result, tmp_path / "ring.nc"))
    fresh = rp.solvers.levels_by_symmetry(study.model, 3, 2)
    np.testing.assert_array_equal(levels.energies, fresh.energies)
    assert rp.fidelity(levels.ground, fresh.ground) == pytest.approx(1.0, abs=1e-10)
    assert "kept" not in json.dumps(records(result))
    assert read_data(tmp_path / "ring.nc").kept_amplitudes.dtype == complex


@pytest.mark.long
def test_states_of_sweeps_are_chosen_by_their_point(tmp_path):
    sweep = '[sweep]\n"phonons.electron_coupling" = [0.1, 0.4]\n"cluster.sites" = [3, 4]\n'
    path = write(run(parse(KEEP + sweep, "ring.toml")), tmp_path / "ring.nc")
    one, two = (rp.load(path, {"phonons.electron_coupling": g, "cluster.sites": 4}) for g in (0.1, 0.4))
    assert 0 < rp.fidelity(one, two) < 0.99
    three = rp.load(path, {"phonons.electron_coupling": 0.1, "cluster.sites": 3})
    assert three.hamiltonian.space.model.cluster.sites == 3
    with pytest.raises(ValueError, match="holds many points"):
        rp.load(path)
    with pytest.raises(ValueError, match="was not computed"):
        rp.load(path, {"phonons.electron_coupling": 0.2, "cluster.sites": 4})
    with pytest.raises(ValueError, match="is not swept"):
        rp.load(path, {"bosons.level": 0.2})


@pytest.mark.long
def test_named_operators_are_averages_of_the_ground_level():
    study = parse(NAMED, "ring.toml")
    (record,) = records(run(study))
    ground = rp.solvers.levels_by_symmetry(study.model, 3, 2).ground
    for name, text in study.tasks[0].formulas.items():
        value = rp.expectation(ground, text)
        found, bar = record["operators"]["values"][name], record["operators"]["errors"][name]
        assert found == pytest.approx(value.real, abs=1e-10)
        assert 0 <= bar < 0.2


def test_the_error_bars_of_operators_cover_what_a_larger_cutoff_gives():
    records_of = {}
    for cap in (3, 9):
        text = NAMED.replace("sites = 4", "sites = 2").replace("ring", "chain")
        text = text.replace("total_quanta = 3", f"total_quanta = {cap}")
        (records_of[cap],) = records(run(parse(text, "chain.toml")))
    few, many = (records_of[cap]["operators"] for cap in (3, 9))
    for name, value in few["values"].items():
        assert abs(value - many["values"][name]) <= few["errors"][name] + many["errors"][name] + 1e-10


def test_wrong_operators_are_refused_all_at_once(tmp_path):
    path = tmp_path / "bad.toml"
    wrong = 'a = "c+up_0 cup_9"\nb = "D_0"\nc = 3\nd = "__import__(\'os\')"\n"e f" = "n_0"\n'
    path.write_text(TEXT + "[operators]\n" + wrong)
    done = CliRunner().invoke(app, ["check", str(path)])
    assert done.exit_code == 2
    for message in ("site 9 does not exist", "changes (N, N_up - N_dn) by (-2, 0)", "a formula in quotes",
                    "character 1: allowed", "names of letters"):  # fmt: skip
        assert message in done.stderr


def test_infinite_lattices_keep_no_states():
    text = TEXT.replace('kind = "ring", sites = 4', 'kind = "infinite-chain"').replace(", total_quanta = 3", "")
    with pytest.raises(ValueError, match="keep_states"):
        parse(text.replace("charge = 3", "charge = 1") + "ground_state = { keep_states = true }", "chain.toml")
