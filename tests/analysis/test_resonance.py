"""Resonances and the response to a parameter: closed forms, differences, sums over states, error bars, model files."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from typer.testing import CliRunner

from respair.analysis import BracketError, expectation, fidelity_susceptibility, resonance
from respair.analysis.response.parameters import ParameterLine, common_blocks
from respair.cli.commands import app
from respair.clusters import dimer, ligand_centre, ring, site
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Hamiltonian,
    InvalidModel,
    Model,
    Phonons,
    Sector,
    electron_number,
    hamiltonian_operator,
    parameter_derivative,
    with_parameter,
)
from respair.solvers import Options, ground_state
from respair.studies import parse, read_data, records, run

LIGAND = Model(
    ligand_centre(3),
    Electrons({"ring": 1.0, "centre": 0.4}, {"ligand": 1.0}, {"ligand": 0.3}),
    None,
    Phonons(1.0, on="ligand", electron_coupling=1.1, max_quanta=14),
)
BFM = Model(
    ring(3),
    Electrons(1.0, hubbard_u=0.4, repulsion=0.2),
    Bosons(-0.4, 0.7, 0.1),
    Phonons(0.9, boson_coupling=0.5, electron_coupling=0.2, bond_coupling=0.1, total_quanta=2),
    flux=0.3,
    chemical_potential=0.2,
)
LINES = {
    "ligand: alpha": (partial(with_parameter, LIGAND, "phonons.electron_coupling"), 1.1, 2, 3),
    "ligand: frequency": (partial(with_parameter, LIGAND, "phonons.frequency"), 1.0, 2, 3),
    "ligand: t*": (partial(with_parameter, LIGAND, "electrons.hopping.centre"), 0.4, 2, 3),
    "ring: v": (partial(with_parameter, BFM, "bosons.exchange"), 0.7, 3, 0),
    "ring: flux": (partial(with_parameter, BFM, "field.flux"), 0.3, 2, 0),
    "ring: level of one site, at a point of more symmetry": (
        lambda p: Model(ring(4), Electrons(1.0, [p, 0.0, 0.0, 0.0], 2.0)), 0.0, 2, 0,
    ),
}  # fmt: skip


def evaluated(name, at=None):
    model_of, p, charge, where = LINES[name]
    sector = Sector(charge)
    blocks = common_blocks(model_of, sector, p, p + 0.05)
    return ParameterLine(model_of, sector, blocks, electron_number(where), 2).evaluate(p if at is None else at)


@pytest.mark.sampled
@pytest.mark.parametrize("name", LINES)
def test_slopes_are_the_derivatives_of_charge_and_gap(name):
    p, h = LINES[name][1], 1e-3
    here = evaluated(name)
    stencil = [evaluated(name, p + k * h) for k in (-2, -1, 1, 2)]
    pairs = (("charge", here.charge_slope), ("gap", here.gap_slope))
    for quantity, slope in pairs[:1] if "more symmetry" in name else pairs:  # E_1 is degenerate at that point
        values = np.array([getattr(e, quantity) for e in stencil])
        assert slope == pytest.approx(np.array([1, -8, 8, -1]) @ values / (12 * h), abs=2e-8), quantity


@pytest.mark.sampled
@pytest.mark.parametrize("name", LINES)
def test_the_fidelity_susceptibility_is_that_of_overlaps_and_of_the_sum_over_states(name):
    model_of, p, charge, _ = LINES[name]
    chi = fidelity_susceptibility(model_of, p, charge)
    here = Hamiltonian.of(model_of(p), Sector(charge))
    force = here.space.factorise(parameter_derivative(model_of, p))
    matrix = sum(np.kron(f.charges.toarray(), here.space.lattice_matrix(f.lattice).toarray()) for f in force)
    energies, states = np.linalg.eigh(here.matrix().toarray())
    weights = np.abs(states[:, 1:].conj().T @ matrix @ states[:, 0]) ** 2
    assert chi == pytest.approx(np.sum(weights / (energies[1:] - energies[0]) ** 2), rel=1e-7)
    h = 1e-3
    sides = [ground_state(model_of(p + s * h), charge).vectors[0].ravel() for s in (-1, 1)]
    assert 2 * (1 - abs(np.vdot(*sides))) / (2 * h) ** 2 == pytest.approx(chi, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("key", ["electrons.hopping", "electrons.level", "electrons.hubbard_u", "electrons.repulsion",
                                 "bosons.level", "bosons.exchange", "bosons.hopping", "phonons.frequency",
                                 "phonons.boson_coupling", "phonons.electron_coupling", "phonons.bond_coupling",
                                 "ensemble.chemical_potential"])  # fmt: skip
def test_the_derivative_of_the_hamiltonian_is_the_exact_difference_of_a_linear_coupling(key):
    at = partial(with_parameter, BFM, key)
    found = parameter_derivative(at, 0.6)
    wanted = hamiltonian_operator(at(1.1)) - hamiltonian_operator(at(0.1))
    words = found.terms.keys() | {word for word, value in wanted.terms.items() if abs(value) > 1e-12}
    for word in words:
        assert found.terms.get(word, 0) == pytest.approx(wanted.terms.get(word, 0), abs=1e-12)


def test_a_derivative_of_a_function_that_is_no_polynomial():
    found = parameter_derivative(lambda p: Model(dimer(), Electrons(np.exp(-p))), 1.3)
    assert all(value == pytest.approx(np.exp(-1.3), abs=1e-12) for value in found.terms.values())
    with pytest.raises(ValueError, match="not a finite number"):
        parameter_derivative(lambda p: BFM, np.nan)


RESONANT = Model(
    ligand_centre(4),
    Electrons({"ring": 1.0, "centre": 0.35}, {"ligand": 1.5}),
    None,
    Phonons(1.0, on="ligand", max_quanta=40),
)
ALPHA = partial(with_parameter, RESONANT, "phonons.electron_coupling")
EXACT = np.sqrt(7) / 2
EVEN = Sector(2, 0, irrep="A1")


@pytest.mark.parametrize("engine", ["quspin", "tensor"])
def test_the_ligand_shares_its_charge_at_the_exact_resonance(engine):
    """alpha_c^2 = (2 eps_P + U_P + 4 t) / (4 omega0)."""
    found = resonance(ALPHA, EVEN, [1.2, 1.4], options=Options(engine=engine))
    assert float(found["value"]) == pytest.approx(EXACT, abs=1e-10)
    assert float(found["charge"]) == pytest.approx(1, abs=1e-9)
    assert not bool(found["crossing"])
    assert found.sizes["evaluation"] < 20


@pytest.mark.long
def test_the_error_bar_covers_what_the_cutoff_does():
    for quanta in (12, 16):

        def rough(p, quanta=quanta):
            return replace(ALPHA(p), phonons=replace(ALPHA(p).phonons, max_quanta=quanta))

        found = resonance(rough, EVEN, [1.2, 1.4])
        off = abs(float(found["value"]) - EXACT)
        assert 1e-11 < off <= float(found["error"]) < 0.1


def test_error_bars_of_the_responses_cover_what_the_cutoff_does():
    def here(quanta):
        model = replace(LIGAND, phonons=replace(LIGAND.phonons, max_quanta=quanta))
        line = partial(with_parameter, model, "phonons.electron_coupling")
        return ParameterLine(line, EVEN, (EVEN,), electron_number(3), 2).evaluate(1.1)

    fine = here(24)
    for rough in (here(9), here(12)):
        change = abs(rough.fidelity_susceptibility - fine.fidelity_susceptibility)
        assert 1e-12 < change <= rough.fidelity_susceptibility_error
        assert 1e-12 < abs(rough.charge_slope - fine.charge_slope) <= rough.charge_slope_error < 0.1


@pytest.mark.long
def test_the_smallest_gap_and_the_largest_slope_are_those_of_a_scan():
    model_of, _, charge, _ = LINES["ligand: alpha"]
    grid = np.linspace(1.0, 1.7, 8)
    scan = [evaluated("ligand: alpha", p) for p in grid]
    gap, slope = (resonance(model_of, Sector(charge, 0, irrep="A1"), [1.0, 1.7], name) for name in ("gap", "slope"))
    assert abs(float(gap["value"]) - min(scan, key=lambda e: e.gap).parameter) < 0.11
    assert float(gap["gap"]) <= min(e.gap for e in scan)
    assert evaluated("ligand: alpha", float(gap["value"])).gap_slope == pytest.approx(0, abs=1e-8)
    assert abs(float(slope["value"]) - max(scan, key=lambda e: e.charge_slope).parameter) < 0.11
    assert float(slope["charge_slope"]) >= max(e.charge_slope for e in scan)


def test_one_site_resonates_where_the_polaron_shift_makes_up_for_the_level():
    """Delta_B = alpha^2 omega0 (eps = U = 0): <b+ b> = 1/2 by an exact symmetry."""
    model = Model(site(), Electrons(), Bosons(0.0, 0.3), Phonons(0.8, boson_coupling=1.2, max_quanta=40))
    level = partial(with_parameter, model, "bosons.level")
    found = resonance(level, 2, [0.5, 2.0], on=[0], species="bosons", target=0.5)
    assert float(found["value"]) == pytest.approx(1.2**2 * 0.8, abs=1e-9)


@pytest.mark.parametrize("criterion", ["charge", "gap"])
def test_a_level_crossing_is_found_and_told(criterion):
    """Without exchange two electrons become a boson at Delta_B = -2 t."""
    level = partial(with_parameter, Model(dimer(), Electrons(1.0), Bosons(0.0)), "bosons.level")
    found = resonance(level, 2, [-3.0, -1.3], criterion, on=[0, 1])
    assert float(found["value"]) == pytest.approx(-2, abs=1e-8)
    assert bool(found["crossing"])
    assert np.isnan(float(found["charge_slope"])) or criterion == "charge"


BAD = {
    "no sign change": ({"bracket": [1.0, 1.1]}, r"does not pass 1 between 1 and 1.1: it is 0\.\d+ and 0\.\d+ there"),
    "gap at an end": ({"bracket": [1.35, 1.6], "criterion": "gap"}, "smallest at an end of the bracket: .* at 1.35"),
    "slope at an end": ({"bracket": [1.0, 1.2], "criterion": "slope"}, "fastest at an end of the bracket: .* at 1.2"),
    "bracket": ({"bracket": [1.4, 1.2]}, "not a bracket"),
    "one number": ({"bracket": [1.4]}, "not a bracket"),
    "criterion": ({"bracket": [1.2, 1.4], "criterion": "charm"}, "allowed: 'charge', 'slope', 'gap'"),
    "species": ({"bracket": [1.2, 1.4], "species": "phonons"}, "allowed: 'electrons', 'bosons'"),
    "bosons": ({"bracket": [1.2, 1.4], "species": "bosons"}, "carries no bosons"),
    "site": ({"bracket": [1.2, 1.4], "on": [7]}, "site 7 carries no electrons"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_resonance_is_refused(name):
    wrong, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        resonance(ALPHA, EVEN, **wrong)
    assert issubclass(BracketError, ValueError)


def test_sites_must_be_named_where_there_is_no_ligand():
    with pytest.raises(ValueError, match="give the sites"):
        resonance(LINES["ring: v"][0], 3, [0.5, 1.0])


def test_a_sector_of_one_state_has_no_gap():
    with pytest.raises(BracketError, match="no level above"):
        resonance(lambda p: Model(site(), Electrons(level=p)), 2, [0.0, 1.0], "gap", on=[0])


def test_parameters_by_the_keys_of_model_files():
    assert with_parameter(BFM, "field.flux", 0.5).flux == 0.5
    assert with_parameter(BFM, "ensemble.chemical_potential", 0.5).chemical_potential == 0.5
    assert with_parameter(LIGAND, "electrons.hopping.centre", 0.5).electrons.hopping == {"ring": 1.0, "centre": 0.5}


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("phonons.max_quanta", "one of electrons.hopping, .*phonons.frequency"),
        ("bosons.level", "allowed: a number of this model"),
        ("cluster.sites", "allowed: a number"),
        ("electrons.hopping.legs", 'only if electrons.hopping is a table with the class "legs"'),
        ("electrons.hubbard_v", "allowed: a number"),
        ("", "allowed: a number"),
    ],
)
def test_a_parameter_that_is_no_number_is_refused(key, allowed):
    with pytest.raises(InvalidModel, match=allowed):
        with_parameter(LIGAND, key, 1.0)


FILE = """
schema = 1
[cluster]
kind = "ligand-centre"
sites = 4
[electrons]
hopping = { ring = 1.0, centre = 0.35 }
level = { ligand = 1.5 }
[phonons]
frequency = 1.0
max_quanta = 30
[sector]
charge = 2
irrep = "A1"
[resonance]
parameter = "phonons.electron_coupling"
bracket = [1.2, 1.4]
"""


def test_the_record_of_a_model_file():
    record = records(run(parse(FILE, "ligand.toml")))[0]["resonance"]
    assert record["value"] == pytest.approx(EXACT, abs=1e-8)
    assert record["parameter"] == "phonons.electron_coupling"
    assert record["criterion"] == "charge"
    assert record["crossing"] is False
    series = record["evaluations"]
    assert record["value"] in series["parameters"]
    assert series["parameters"] == sorted(series["parameters"])
    assert len({len(values) for values in series.values()}) == 1


def test_a_sweep_of_resonances():
    """alpha_c^2 = (2 eps_P + 4 t) / (4 omega0) against omega0."""
    data = run(parse(f'{FILE}[sweep]\n"phonons.frequency" = [1.0, 1.1]\n', "ligand.toml")).data
    np.testing.assert_allclose(data["resonance_value"], np.sqrt(7 / (4 * np.array([1.0, 1.1]))), atol=1e-8)


@pytest.mark.long
def test_a_point_without_a_resonance_leaves_a_gap_in_a_sweep(tmp_path):
    """At a higher level of the ligand the bracket is too low."""
    file = tmp_path / "ligand.toml"
    file.write_text(f'{FILE}[sweep]\n"electrons.level.ligand" = [1.5, 3.0]\n'.replace("= 30", "= 20"))
    done = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    found, none = (json.loads(line)["resonance"] for line in done.stdout.splitlines())
    assert found["value"] == pytest.approx(EXACT, abs=1e-5)
    assert found["problem"] == ""
    assert none["value"] is None
    assert "does not pass 1 between 1.2 and 1.4" in none["problem"]
    assert none["evaluations"]["parameters"] == [1.2, 1.4]
    data = read_data(tmp_path / "ligand.nc")
    assert np.isnan(data["resonance_value"].values).tolist() == [False, True]


@pytest.mark.parametrize(
    ("old", "new", "path", "allowed"),
    [
        ("phonons.electron_coupling", "phonons.max_quanta", "resonance.parameter", "one of"),
        ("phonons.electron_coupling", "phonons.electron_copling", "resonance.parameter", "one of"),
        ('"phonons.electron_coupling"', "3", "resonance.parameter", "a number of the file"),
        ("[1.2, 1.4]", "[1.4, 1.2]", "resonance.bracket", "smaller one first"),
        ("[1.2, 1.4]", "[1.4]", "resonance.bracket", "two numbers"),
        ("bracket = [1.2, 1.4]", "", "resonance.bracket", "two numbers"),
        ("[1.2, 1.4]", "[1.2, 1.4]\ncriterion = 'charm'", "resonance.criterion", "charge, slope, gap"),
        ("[1.2, 1.4]", "[1.2, 1.4]\non = 'metalic'", "resonance.on", "give the sites"),
        ("[1.2, 1.4]", "[1.2, 1.4]\non = [9]", "resonance.on", "site 9 carries no electrons"),
        ("[1.2, 1.4]", "[1.2, 1.4]\nspecies = 'bosons'", "resonance.on", "carries no bosons"),
        ('"phonons.electron_coupling"\nbracket = [1.2', '"phonons.frequency"\nbracket = [-1.0', "resonance.bracket",
         "above 0"),
        ("[sector]\ncharge = 2\nirrep = \"A1\"", "", "sector", "needs it"),
        ("30\n[sector]", "-1\n[sector]", "phonons.max_quanta", "whole numbers"),
    ],
)  # fmt: skip
def test_wrong_model_files(old, new, path, allowed):
    with pytest.raises(InvalidModel) as refused:
        parse(FILE.replace(old, new), "ligand.toml")
    problems = refused.value.problems
    assert any(p.path.startswith(path) and allowed in p.allowed for p in problems), problems


def test_the_command_line_shows_and_draws_the_search_and_tells_where_there_is_none(tmp_path):
    (tmp_path / "found.toml").write_text(FILE)
    (tmp_path / "none.toml").write_text(FILE.replace("1.4", "1.25"))
    files = [str(tmp_path / name) for name in ("found.toml", "none.toml")]
    done = CliRunner().invoke(app, ["run", *files, "--out", str(tmp_path / "out"), "--plot"])
    assert done.exit_code == 1
    assert "Resonance at phonons.electron_coupling = 1.32287" in done.stdout
    assert "does not pass 1 between 1.2 and 1.25" in done.stderr
    assert (tmp_path / "out" / "found-resonance.png").exists()


def test_the_average_charge_of_the_search_is_the_expectation():
    found = resonance(ALPHA, EVEN, [1.2, 1.4])
    ends = found["charges"].values[[0, -1]]
    for p, charge in zip((1.2, 1.4), ends, strict=True):
        value = expectation(ground_state(ALPHA(p), 2).ground, electron_number(4)).real
        assert charge == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(("criterion", "cap"), [("charge", 16), ("gap", 13)])
@pytest.mark.long
def test_the_error_of_a_resonance_holds_that_of_the_crossing_levels(criterion, cap):
    """alpha_c = sqrt((2 eps + U + 4 t) / 4 omega0) of the ligand-centre cluster with too few quanta."""
    electrons = Electrons({"ring": 1.0, "centre": 0.33}, {"ligand": 4.85}, {"ligand": 1.55})
    model = Model(ligand_centre(4), electrons, None, Phonons(0.93, on="ligand", electron_coupling=1.8, max_quanta=cap))
    found = resonance(partial(with_parameter, model, "phonons.electron_coupling"), 2, [1.82224, 2.28793], criterion)
    exact = np.sqrt((2 * 4.85 + 1.55 + 4.0) / (4 * 0.93))
    assert abs(float(found.value) - exact) <= float(found.error)
    assert float(found.error) < 10 * abs(float(found.value) - exact)
