"""The tables of the model file about pairing and lattice: records, files, terminal, figures, and what is refused."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from respair.cli.commands import app
from respair.hamiltonians import InvalidModel
from respair.studies import parse, read_data, records, run, write

RING = """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons.hopping = 1.0
bosons = { level = -0.4, exchange = 0.8 }
sector.charge = 4
"""


def record_of(text):
    (record,) = records(run(parse(text, "model.toml")))
    return record


def test_pairing_gives_every_form_under_its_name():
    record = record_of(RING + "[pairing]")["pairing"]
    assert set(record) == {"multiplicity", "boson", "on-site", "combined", "bond", "s", "d"}
    local = record["on-site"]
    assert sum(local["eigenvalues"]) == pytest.approx(np.trace(local["matrix"]))
    assert local["fraction"] == pytest.approx(local["eigenvalues"][0] / sum(local["eigenvalues"]))
    assert local["distance"] == [0.0, 1.0, 2.0]
    assert "correlation" not in record["combined"]
    assert local["eigenvalue_error"] < 1e-8


def test_a_form_factor_given_as_numbers_is_named_by_its_place():
    record = record_of(RING + '[pairing]\nform_factors = ["d", [1, -1, 1, -1]]')["pairing"]
    assert record["factor-1"]["matrix"] == record["d"]["matrix"]


def test_pairing_is_written_read_back_swept_shown_and_drawn(tmp_path):
    file = tmp_path / "ring.toml"
    file.write_text(RING + "[pairing]\n[sweep]\n'bosons.exchange' = [0.5, 0.8]")
    result = run(parse(file.read_text(), "ring.toml"))
    data = read_data(write(result, tmp_path / "ring.nc"))
    assert data["pairing_on-site_matrix"].shape == (2, 4, 4)
    np.testing.assert_allclose(data["pairing_d_eigenvalues"], result.data["pairing_d_eigenvalues"], atol=1e-14)
    file.write_text(RING + "[pairing]")
    shown = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path), "--plot"])
    assert shown.exit_code == 0
    assert "condensate fraction" in shown.stdout
    assert (tmp_path / "ring-pairing.png").stat().st_size > 1000


def test_a_degenerate_level_is_said_to_be_averaged(tmp_path):
    file = tmp_path / "triangle.toml"
    text = 'schema = 1\ncluster = { kind = "ring", sites = 3 }\nelectrons = { hopping = 1, hubbard_u = 4 }\n'
    file.write_text(text + "sector = { charge = 3, two_sz = 1 }\n[pairing]\n")
    shown = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path)])
    assert "averages over all of them" in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('[pairing]\nform_factors = ["p"]', r'pairing.form_factors\[0\]: got "p"; allowed: boson'),
        ("[pairing]\nform_factors = []", r"pairing.form_factors"),
        ("[pairing]\nform_factors = [[1.0, 2.0]]", r"\[1.0, 2.0\]; .*this cluster has 4 bonds"),
        ("[pairing]\nform_factors = [[0, 0, 0, 0]]", "not all zero"),
        ('[pairing]\nforms = ["d"]', "no such key"),
    ],
)
def test_wrong_tables_are_refused(table, message):
    with pytest.raises(InvalidModel, match=message):
        parse(RING + table, "model.toml")


def test_forms_of_absent_species_are_refused():
    text = RING.replace("bosons = { level = -0.4, exchange = 0.8 }\n", "")
    with pytest.raises(InvalidModel, match=r"form_factors\[0\]: got \"combined\"; leave it out, or add \[bosons\]"):
        parse(text + '[pairing]\nform_factors = ["combined"]', "model.toml")


def test_entanglement_of_all_cuts_with_their_spectra(tmp_path):
    text = RING + "phonons = { frequency = 1.0, boson_coupling = 1.0, total_quanta = 2 }\n[entanglement]\n"
    text += 'cuts = ["lattice", [0, 1], { sites = [0], modes = false }]\nlevels = 5\n'
    record = record_of(text)["entanglement"]
    assert record["cuts"] == ["lattice", "sites 0, 1", "sites 0 without modes"]
    assert record["pure"] is True
    assert record["entropy"] == record["entanglement"]
    assert [len(row) for row in record["spectrum"]] == [5, 5, 5]
    assert set(record["charge"][0]) == {0}
    assert all(isinstance(value, int) for value in record["two_sz"][1])
    file = tmp_path / "ring.toml"
    file.write_text(text)
    shown = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path), "--plot"])
    assert shown.exit_code == 0
    assert "sites 0 without modes" in shown.stdout
    assert (tmp_path / "ring-entanglement.png").stat().st_size > 1000
    assert read_data(tmp_path / "ring.nc")["entanglement_spectrum"].shape == (3, 5)


def test_by_default_every_site_is_cut_off_and_a_degenerate_level_is_flagged(tmp_path):
    text = 'schema = 1\ncluster = { kind = "ring", sites = 3 }\nelectrons = { hopping = 1, hubbard_u = 4 }\n'
    text += "sector = { charge = 3, two_sz = 1 }\n[entanglement]\n"
    record = record_of(text)["entanglement"]
    assert record["cuts"] == ["sites 0", "sites 1", "sites 2"]
    assert record["pure"] is False
    assert record["multiplicity"] == 2
    file = tmp_path / "triangle.toml"
    file.write_text(text)
    shown = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path)])
    assert "is not entanglement" in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    ("cuts", "message"),
    [
        ('["lattice"]', r"cuts\[0\]: got \"lattice\"; .*no phonon mode"),
        ("[[0], [4]]", r"cuts\[1\]: got \[4\]; .*0 to 3"),
        ("[{ sites = [] }]", "not a set of sites"),
        ("[]", "entanglement.cuts"),
        ('["sites"]', r"cuts\[0\]"),
    ],
)
def test_wrong_cuts_are_refused(cuts, message):
    with pytest.raises(InvalidModel, match=message):
        parse(RING + f"[entanglement]\ncuts = {cuts}", "model.toml")


LATTICE = RING + "phonons = { frequency = 1.0, boson_coupling = 1.0, total_quanta = 2 }\n"


def test_the_lattice_with_its_response_shown_and_drawn(tmp_path):
    record = record_of(LATTICE + '[lattice]\ncondition = "bosons"')["lattice"]
    joint = record["joint"]
    assert (joint["condition"], joint["n"]) == ("bosons", [0, 1])
    assert np.shape(joint["P"]) == (4, 2, len(joint["X"]))
    np.testing.assert_allclose(np.trapezoid(np.sum(joint["P"], axis=1), joint["X"], axis=1), 1.0, atol=1e-3)
    assert np.shape(record["susceptibility"]) == (4, 4)
    assert np.sum(record["quanta_distribution"][0]) == pytest.approx(1.0)
    assert record["maxima"] == [1] * 4
    file = tmp_path / "ring.toml"
    file.write_text(LATTICE + "[lattice]\n")
    shown = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path), "--plot"])
    assert shown.exit_code == 0
    assert "softened frequency" in " ".join(shown.stdout.split())
    assert (tmp_path / "ring-lattice-shape.png").stat().st_size > 1000


def test_natural_phonon_states_of_a_momentum_are_complex():
    text = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 0.7 }
phonons = { frequency = 2.0, electron_coupling = 0.7, max_quanta = 1 }
sector = { charge = 1, momentum = 1 }
lattice = { susceptibility = false, condition = "electrons" }
"""
    record = record_of(text)["lattice"]["natural_phonons"]
    occupation, function = record["occupation"][0], record["function"][0]
    assert np.sum(occupation) == pytest.approx(1.0)
    assert {type(value) for value in function[1][0]} == {dict}
    json.dumps(record, allow_nan=False)


def test_a_momentum_block_responds_from_the_whole_sector_and_the_response_can_be_left_out():
    whole = record_of(LATTICE + "[lattice]")["lattice"]
    block = record_of(LATTICE + "sector.momentum = 0\n[lattice]")["lattice"]
    np.testing.assert_allclose(block["susceptibility"], whole["susceptibility"], atol=1e-7)
    short = record_of(LATTICE + "[lattice]\nsusceptibility = false")["lattice"]
    assert "susceptibility" not in short
    assert short["mean"] == pytest.approx(whole["mean"], abs=1e-9)


@pytest.mark.long
def test_all_tables_of_one_file_share_their_ground_level(tmp_path):
    text = LATTICE + "[ground_state]\n[pairing]\n[lattice]\n[entanglement]\n[sweep]\n'bosons.level' = [0.0, 1.0]"
    result = run(parse(text, "model.toml"))
    first, second = records(result)
    assert {"ground_state", "pairing", "lattice", "entanglement"} <= set(first)
    assert first["entanglement"]["entropy"] != second["entanglement"]["entropy"]
    data = read_data(write(result, tmp_path / "all.nc"))
    assert data["lattice_joint"].dims == ("bosons.level", "mode", "local_charge", "X")


def test_a_lattice_that_is_not_there_is_refused():
    with pytest.raises(InvalidModel, match=r"lattice: got a table; leave it out, or add \[phonons\]"):
        parse(RING + "[lattice]", "model.toml")
    with pytest.raises(InvalidModel, match=r"lattice.condition: got \"spin\"; allowed: charge"):
        parse(LATTICE + '[lattice]\ncondition = "spin"', "model.toml")


def test_coherence_against_the_exchange(tmp_path):
    text = RING.replace("charge = 4", "charge = 8") + "[coherence]\n"
    first, second = records(run(parse(text + "[sweep]\n'bosons.exchange' = [0.5, 4.0]", "model.toml")))
    weak, strong = first["coherence"], second["coherence"]
    assert strong["amplitude"] > weak["amplitude"]
    assert strong["stiffness"] < weak["stiffness"]
    assert strong["pair_gap"] > weak["pair_gap"]
    file = tmp_path / "ring.toml"
    file.write_text(text + "[sweep]\n'bosons.exchange' = [0.5, 4.0]")
    swept = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path), "--plot"])
    assert swept.exit_code == 0
    assert "coherence stiffness" in " ".join(swept.stdout.split())
    for name in ("amplitude", "stiffness"):
        assert (tmp_path / f"ring-coherence_{name}.png").stat().st_size > 1000
    file.write_text(text)
    shown = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path), "--plot"])
    assert shown.exit_code == 0
    assert "pair gap" in shown.stdout
    assert (tmp_path / "ring-coherence.png").stat().st_size > 1000


def test_coherence_needs_a_ring_and_no_momentum():
    with pytest.raises(InvalidModel, match=r"coherence: got a table; leave it out: a chain of 4 sites has no loop"):
        parse(RING.replace('"ring"', '"chain"') + "[coherence]", "model.toml")
    with pytest.raises(InvalidModel, match=r"sector.momentum: got 0; leave it out"):
        parse(RING + "sector.momentum = 0\n[coherence]", "model.toml")
    with pytest.raises(InvalidModel, match=r"coherence.search: got \"all\"; allowed: ends, circle"):
        parse(RING + '[coherence]\nsearch = "all"', "model.toml")


LONG = {
    "flux": "flux = { values = [0.1, 0.2, 0.3], minimum = true }",
    "charge_scan": "charge_scan = {}",
    "resonance": 'resonance = { parameter = "bosons.level", bracket = [-3.0, 3.0], on = [0], target = 0.7 }',
    "coherence": "coherence = {}",
    "lattice": "lattice = {}",
    "entanglement": "entanglement = {}",
    "pairing": "pairing = {}",
}


@pytest.mark.parametrize("table", LONG)
def test_every_table_can_be_interrupted_and_leaves_nothing_behind(table, tmp_path, monkeypatch):
    """Ctrl-C as the third step is announced, or in the middle of the first search where there is only one."""
    text = RING.replace("sites = 4", "sites = 3") + LONG[table]
    if table == "lattice":
        text += "\nphonons = { frequency = 1.0, boson_coupling = 1.0, total_quanta = 1 }"
    told = []

    def stop(self, *what):
        told.append(what)
        if len(told) == (1 if table in ("lattice", "entanglement", "pairing") else 3):
            raise KeyboardInterrupt

    step = "respair.studies.execution.progress.TerminalReporter.step"
    monkeypatch.setattr(step, lambda self, what: what and stop(self, what))
    file = tmp_path / "ring.toml"
    file.write_text(text)
    done = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path / "out"), "--plot"])
    assert done.exit_code == 130, done.output
    assert "ring.toml: interrupted" in done.stderr
    assert "Traceback" not in done.output
    assert done.stdout == ""
    assert list((tmp_path / "out").iterdir()) == []


def test_an_estimate_tells_how_often_a_block_is_solved(tmp_path):
    file = tmp_path / "ring.toml"
    file.write_text(RING + "\n".join(LONG[table] for table in ("flux", "resonance", "coherence")))
    shown = " ".join(CliRunner().invoke(app, ["estimate", str(file)]).stdout.split())
    for words in ("3 values of the flux", "17 to 33 more", "10 to 30 values of bosons.level", "each at phi = 0 and pi"):
        assert words in shown
