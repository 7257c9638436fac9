"""``[spectrum]`` of formulas that ``[operators]`` names."""

import numpy as np
import pytest

import respair as rp
from respair.analysis.spectra import formula_probe
from respair.studies import parse, records, run

MODEL = """
schema = 1
cluster = { kind = "chain", sites = 3 }
electrons = { hopping = 1.0, hubbard_u = 2.0, level = [0.1, -0.3, 0.2] }
bosons = { level = -0.2, exchange = 0.4 }
phonons = { frequency = 0.8, boson_coupling = 0.3, on = [0], max_quanta = 3 }
sector = { charge = 3 }
"""
NAMED = """
[operators]
bond = "c+up_0 cup_1 + h.c."
odd = "cup_0 - cup_2"
one = "cup_0"
pushed = "(n_0 + 2 nb_0) x_0"
[spectrum]
frequencies = [-2.0, 0.0, 0.7, 3.0]
broadening = 0.2
"""


def record_of(text):
    (record,) = records(run(parse(text, "chain.toml")))
    return record


@pytest.mark.parametrize("name", ["bond", "pushed"])
def test_the_spectrum_of_a_formula_is_that_of_the_function(name):
    text = MODEL + NAMED.replace('odd = "cup_0 - cup_2"\none = "cup_0"\n', "") + f'operator = "{name}"\n'
    record = record_of(text)
    study = parse(text, "chain.toml")
    levels = rp.ground_state(study.model, 3)
    formula = rp.operator({"bond": "c+up_0 cup_1 + h.c.", "pushed": "(n_0 + 2 nb_0) x_0"}[name])
    probe = formula_probe(study.model, name, formula)
    data = rp.spectral_function(levels, probe, [-2.0, 0.0, 0.7, 3.0], 0.2)
    np.testing.assert_allclose(record["spectrum"]["values"], data["values"].values, atol=1e-9)
    assert set(record["operators"]["values"]) == {"bond", "pushed"}


def test_what_changes_the_charge_is_added_and_removed_and_has_no_average():
    only = MODEL + NAMED.replace('odd = "cup_0 - cup_2"\n', "")
    own = record_of(only + 'operator = "one"\n')
    built_in = record_of(only.replace('one = "cup_0"\n', "") + 'operator = "electron"\n')
    for key in ("values", "weights", "moments"):
        np.testing.assert_allclose(list_of(own["spectrum"][key]), list_of(built_in["spectrum"][key]), atol=1e-9)
    assert set(own["operators"]["values"]) == {"bond", "pushed"}


def list_of(value):
    return list(value.values()) if isinstance(value, dict) else value


def test_cross_spectra_join_formulas_and_built_in_operators():
    text = MODEL + NAMED.replace('one = "cup_0"\n', "") + 'operator = "electron"\ncross = "odd"\n'
    study = parse(text, "chain.toml")
    levels = rp.ground_state(study.model, 3)
    left = formula_probe(study.model, "odd", rp.operator("cup_0 - cup_2"))
    data = rp.spectral_function(levels, rp.probe(study.model, "electron", 0), [-2.0, 0.7], 0.2, cross=left)
    found = record_of(text)["spectrum"]["values"]
    np.testing.assert_allclose([found[0], found[2]], data["values"].values, atol=1e-9)


WRONG = {
    'operator = "bund"': ["spectrum.operator", "allowed: electron", "a name of [operators]", "operators.odd"],
    'operator = "odd"\nsite = 1\nspin = "up"': ["spectrum.site", "spectrum.spin", "includes the site"],
    'operator = "odd"\ncross = "bond"': ["spectrum.cross", "changes the charge as odd does"],
    'operator = "electron"\ncross = "pair"': ["spectrum.cross", "changes the charge as electron does"],
    'operator = "odd"\nmomentum = "all"': ["spectrum.momentum", "includes the site"],
}


@pytest.mark.parametrize("keys", WRONG)
def test_wrong_names_and_places_are_refused(keys):
    with pytest.raises(ValueError, match=WRONG[keys][0]) as caught:
        parse(MODEL + NAMED + keys + "\n", "chain.toml")
    for part in WRONG[keys]:
        assert part in str(caught.value)


def test_a_wrong_formula_is_said_once():
    with pytest.raises(ValueError, match="cup_x") as caught:
        parse(MODEL + NAMED.replace('"cup_0"', '"cup_x"') + 'operator = "one"\n', "chain.toml")
    assert "spectrum.operator" not in str(caught.value)


def test_formulas_have_thermal_spectra():
    warm = "thermal = { temperatures = [0.5], ensemble = 'sector' }\n"
    text = MODEL.replace("phonons", "#") + warm + NAMED.replace('"(n_0 + 2 nb_0) x_0"', '"n_1"')
    text = text.replace('odd = "cup_0 - cup_2"\none = "cup_0"\n', "")
    own, built_in = (record_of(text + f"operator = {name}\n") for name in ('"pushed"', '"density"\nsite = 1'))
    np.testing.assert_allclose(own["spectrum"]["values"], built_in["spectrum"]["values"], atol=1e-9)
