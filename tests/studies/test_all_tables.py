"""All tables of a model file together: none takes the place of another."""

import numpy as np
import pytest

from respair.studies import parse, read_data, records, run, write
from respair.studies.execution.figures import save_figures
from respair.studies.tasks.table import NAMES

TABLES = {
    "ground_state": "{ states = 3 }",
    "operators": '{ first = "c+up_0 cup_1 + h.c.", second = "n_0 n_1" }',
    "charge_scan": "{ charges = [0, 1, 2, 3, 4] }",
    "flux": "{ values = [0.0, 0.4] }",
    "pairing": '{ form_factors = ["on-site"] }',
    "lattice": "{}",
    "entanglement": "{}",
    "coherence": "{}",
    "spectrum": '{ operator = "electron", site = 1, frequencies = { start = -3.0, stop = 3.0, count = 7 } }',
    "evolution": '{ times = [0.0, 0.5, 1.0, 1.5, 2.0], kick = { operator = "density", site = 0, strength = 0.5 } }',
    "thermal": '{ temperatures = [0.5, 1.0], ensemble = "canonical" }',
    "compare": '{ approximations = ["lang-firsov", "adiabatic"] }',
}
MODEL = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0, hubbard_u = 2.0 }
phonons = { frequency = 1.0, electron_coupling = 0.5, total_quanta = 1 }
sector = { charge = 2 }
"""


def text(*names):
    return MODEL + "\n".join(f"{name} = {TABLES[name]}" for name in names)


@pytest.mark.parametrize("states", ["1", "2", pytest.param('"all"', marks=pytest.mark.long)])
def test_several_levels_stand_beside_a_comparison(states, tmp_path):
    study = parse(text("compare") + f"\nground_state.states = {states}", "both.toml")
    result = run(study)
    alone = run(parse(text("compare"), "alone.toml")).data
    np.testing.assert_allclose(result.data.compare_energies.values, alone.compare_energies.values, atol=1e-9)
    kept = read_data(write(result, tmp_path / "both.nc"))
    np.testing.assert_array_equal(kept.compare_energies, result.data.compare_energies)
    (record,) = records(result)
    assert record["compare"]["best"]["energies"] in ("lang-firsov", "adiabatic")
    assert len(record["ground_state"]["energies"]) == len(result.data.energies)


@pytest.mark.long
def test_a_sweep_has_both():
    data = run(parse(text("compare", "ground_state") + '\nsweep."electrons.hubbard_u" = [0.0, 2.0]', "swept.toml")).data
    assert data.compare_energies.dims[0] == "electrons.hubbard_u"
    assert data.sizes["level"] == 3


@pytest.mark.long
@pytest.mark.parametrize("name", TABLES)
def test_figures_of_a_table_are_drawn_beside_the_ground_level(name, tmp_path):
    tables = ("ground_state",) if name == "ground_state" else ("ground_state", name)
    result = run(parse(text(*tables), "beside.toml"))
    drawn = {file.name for file in save_figures(result, tmp_path / "beside", "svg")}
    alone = run(parse(text(name), "alone.toml"))
    assert {file.name for file in save_figures(alone, tmp_path / "beside", "svg")} <= drawn


@pytest.mark.long
def test_all_tables_together_say_what_each_says_alone():
    assert set(NAMES) - set(TABLES) == {"resonance", "crossover"}  # these search
    whole = run(parse(text(*TABLES), "whole.toml")).data
    for name in ("ground_state", "flux", "lattice", "entanglement", "compare", "operators"):
        own = run(parse(text(name), "own.toml")).data
        for variable in own.data_vars:
            if own[variable].dtype.kind in "fc" and "residual" not in str(variable):
                np.testing.assert_allclose(whole[variable].values, own[variable].values, rtol=1e-6, atol=1e-6)
