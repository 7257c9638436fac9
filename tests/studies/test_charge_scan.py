"""Pair binding, charge gap, compressibility and spin gap: closed forms, definitions, error bars, model files."""

import numpy as np
import pytest
from typer.testing import CliRunner

from respair.analysis import charge_scan
from respair.cli.commands import app
from respair.clusters import dimer, ring, site
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons, Sector
from respair.solvers import ground_state
from respair.studies import parse, records, run


@pytest.mark.parametrize("u", [-6.0, 0.0, 5.0])
def test_the_hubbard_dimer(u):
    """E(1) = E(3) - U = -t, E(2) = U/2 - sqrt(U^2/4 + 4 t^2), the triplet of two electrons at 0."""
    data = charge_scan(Model(dimer(), Electrons(1.0, 0.0, u)), spin=True)
    pair = u / 2 - np.hypot(u / 2, 2)
    np.testing.assert_allclose(data["energies"], [0, -1, pair, u - 1, 2 * u], atol=1e-12)
    np.testing.assert_allclose(data["binding"], [pair + 2, u - 2 - 2 * pair, 2 * u + pair - 2 * (u - 1)], atol=1e-12)
    np.testing.assert_allclose(data["charge_gap"], [2 * u - 2 * pair], atol=1e-12)
    np.testing.assert_allclose(data["inverse_compressibility"], [2 * (2 * u - 2 * pair) / 4], atol=1e-12)
    np.testing.assert_allclose(data["spin_gap"], [np.nan, np.nan, -pair, np.nan, np.nan], atol=1e-12)
    assert data["gap_charge"].values.tolist() == [2]


def test_the_atomic_limit_of_strong_exchange():
    """One site: bonding singlet of electron pair and boson at -v; nothing else is below 0."""
    v = 0.7
    data = charge_scan(Model(site(), Electrons(), Bosons(0.0, v)), spin=True)
    np.testing.assert_allclose(data["energies"], [0, 0, -v, 0, 0], atol=1e-12)
    np.testing.assert_allclose(data["binding"], [-v, 2 * v, -v], atol=1e-12)
    np.testing.assert_allclose(data["charge_gap"], [2 * v], atol=1e-12)
    assert np.all(np.isnan(data["spin_gap"]))


def test_local_pairs_alone_have_no_odd_charges_and_no_spin():
    data = charge_scan(Model(ring(4), None, Bosons(0.3, 0.0, 1.0)), spin=True)
    energies = data["energies"].values
    assert np.isnan(energies[1::2]).all()
    gaps = energies[4::2] + energies[:-4:2] - 2 * energies[2:-2:2]
    np.testing.assert_allclose(data["charge_gap"].values[::2], gaps, atol=1e-12)
    assert np.isnan(data["spin_gap"]).all()


def test_the_chemical_potential_drops_out_of_every_difference():
    scans = [
        charge_scan(Model(ring(3), Electrons(1.0), Bosons(-0.4, 0.6), chemical_potential=mu), spin=True)
        for mu in (0.0, 0.9)
    ]
    for name in ("binding", "charge_gap", "inverse_compressibility", "spin_gap"):
        np.testing.assert_allclose(scans[0][name], scans[1][name], atol=1e-9)


def test_error_bars_are_those_of_the_levels_added_up_and_cover():
    def model(cutoff):
        return Model(dimer(), Electrons(1.0, 0.0, 2.0), None, Phonons(1.0, electron_coupling=0.8, max_quanta=cutoff))

    rough, fine = (charge_scan(model(cutoff), [0, 1, 2, 3, 4], spin=True) for cutoff in (7, 16))
    errors = {
        (n, s): float(ground_state(model(7), Sector(n, s)).certificate.energy_errors[0])
        for n, s in ((0, 0), (1, 1), (2, 0), (2, 2), (3, 1), (4, 0))
    }
    binding = [errors[2, 0] + errors[0, 0] + 2 * errors[1, 1], errors[3, 1] + errors[1, 1] + 2 * errors[2, 0]]
    np.testing.assert_allclose(rough["binding_errors"][:2], binding, rtol=1e-3)
    np.testing.assert_allclose(rough["charge_gap_errors"], [errors[4, 0] + errors[0, 0] + 2 * errors[2, 0]], rtol=1e-3)
    np.testing.assert_allclose(rough["spin_gap_errors"][2], errors[2, 2] + errors[2, 0], rtol=1e-3)
    for name in ("binding", "charge_gap", "inverse_compressibility"):
        assert np.all(np.abs(rough[name] - fine[name]) <= rough[f"{name}_errors"] + 1e-9)


def test_gaps_where_the_charges_asked_for_allow_them():
    data = charge_scan(Model(dimer(), Electrons(1.0)), [0, 2, 4, 3])
    assert data["gap_charge"].values.tolist() == [2]
    assert data["binding_charge"].values.tolist() == [2]
    assert "spin_gap" not in data


FILE = """
schema = 1
cluster.kind = "dimer"
electrons = { hopping = 1.0, hubbard_u = 4.0 }
charge_scan = { spin = true }
"""


def test_the_record_of_a_model_file():
    scan = records(run(parse(FILE, "scan.toml")))[0]["charge_scan"]
    pair = 2 - np.sqrt(8)
    assert scan["charges"] == [0, 1, 2, 3, 4]
    assert scan["gap_charges"] == [2]
    assert scan["charge_gap"] == pytest.approx([8 - 2 * pair])
    assert scan["inverse_compressibility"] == pytest.approx([(8 - 2 * pair) / 2])
    assert scan["spin_gap"] == [None, None, pytest.approx(-pair), None, None]
    assert len(scan["charge_gap_errors"]) == 1
    assert "spin_gap" not in records(run(parse(FILE.replace("spin = true", ""), "scan.toml")))[0]["charge_scan"]


def test_spin_is_a_switch():
    with pytest.raises(InvalidModel, match="true or false"):
        parse(FILE.replace("spin = true", "spin = 2"), "scan.toml")


def test_the_command_line_shows_and_draws_the_gaps(tmp_path):
    (tmp_path / "scan.toml").write_text(FILE)
    done = CliRunner().invoke(app, ["run", str(tmp_path / "scan.toml"), "--out", str(tmp_path / "out"), "--plot"])
    assert done.exit_code == 0, done.output
    assert "charge gap" in done.stdout
    assert "spin gap" in done.stdout
    assert (tmp_path / "out" / "scan-gaps.png").exists()
