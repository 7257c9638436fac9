"""Axes of sweeps: linked keys, temperatures and fluxes one at a time, more values where a quantity changes fast."""

from dataclasses import replace

import numpy as np
import pytest
from same import assert_same
from typer.testing import CliRunner

from respair.cli.commands import app
from respair.hamiltonians import InvalidModel
from respair.studies import Axis, at_point, opened, parse, read_data, run, sweep_points

SITE = """
schema = 1
cluster.kind = "site"
electrons.level = 0.0
bosons = { level = 0.3, exchange = 0.05 }
sector.charge = 2
"""
RING = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0, hubbard_u = 2.0 }
field.flux = 0.0
sector.charge = 2
"""


def study_of(text, sweep):
    return parse(f"{text}\n[sweep]\n{sweep}\n", "model.toml")


def energies(data):
    return data["energies"].isel(level=0)


def test_linked_keys_go_in_step_along_one_dimension():
    sweep = """
"bosons.level" = [0.0, 0.1, 0.2]
"electrons.level" = { start = 1.0, stop = 3.0, count = 3 }
"bosons.exchange" = [0.3, 0.6]
linked = [["bosons.level", "electrons.level"]]
"""
    study = study_of(SITE, sweep)
    axis = Axis("bosons.level", (0.0, 0.1, 0.2), (Axis("electrons.level", (1, 2, 3)),))
    assert study.sweep == (axis, Axis("bosons.exchange", (0.3, 0.6)))
    assert sweep_points(study)[2] == {"bosons.level": 0.1, "electrons.level": 2, "bosons.exchange": 0.3}
    data = run(study).data
    assert energies(data).dims == ("bosons.level", "bosons.exchange")
    assert data["electron_density"].dims == ("bosons.level", "bosons.exchange", "site")
    level, pair, v = data["electrons.level"], data["bosons.level"], data["bosons.exchange"]
    exact = level + pair / 2 - np.sqrt((level - pair / 2) ** 2 + v**2)
    np.testing.assert_allclose(energies(data), exact.transpose("bosons.level", "bosons.exchange"), atol=1e-12)


def test_a_linked_key_without_values_takes_those_of_the_first():
    sweep = '"electrons.level" = [0.0, 0.5]\nlinked = [["electrons.level", "bosons.level"]]'
    points = sweep_points(study_of(SITE, sweep))
    assert points == ({"electrons.level": 0.0, "bosons.level": 0.0}, {"electrons.level": 0.5, "bosons.level": 0.5})


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ("linked = 3", r"sweep\.linked: got 3; allowed: a list of lists"),
        ('linked = [["electrons.level"]]', r"sweep\.linked.*two or more"),
        ('linked = [["electrons.level", "bosons.level"]]', "give the first key of a group its values"),
        ('"bosons.level" = [1]\nlinked = [["bosons.level", "bosons.levle"]]', "did you mean level"),
        ('"bosons.level" = [1]\nlinked = [["bosons.level", "bosons.level"]]', "one place of one group"),
        (
            '"bosons.level" = [1]\n"electrons.level" = [1, 2]\nlinked = [["bosons.level", "electrons.level"]]',
            r'sweep\."electrons.level": got 2 values; allowed: 1 values',
        ),
        ('"bosons.level" = [1, 2]\nrefine = 3', r"sweep\.refine: got 3; allowed: a table"),
        ('"bosons.level" = [1, 2]\nrefine = { points = 3 }', r"sweep\.refine\.quantity: got nothing"),
        ('"bosons.level" = [1, 2]\nrefine = { quantity = "x", points = 0 }', r"refine\.points: got 0.*from 1 to"),
        ('"bosons.level" = [1, 2]\nrefine = { quantity = "x", point = 1 }', "no such key; did you mean points"),
        ('"bosons.level" = [1]\nrefine = { quantity = "x", points = 1 }', "two or more values"),
        ('"bosons.level" = [1, 2]\nrefine = { quantity = "x", points = 1, axis = "a.b" }', "allowed: an axis"),
    ],
)
def test_wrong_axes_are_refused_in_words(sweep, said):
    with pytest.raises(InvalidModel, match=said):
        study_of(SITE, sweep)


def test_a_thermal_sweep_is_shown_against_its_axes_and_the_temperature(tmp_path):
    file = tmp_path / "warm.toml"
    file.write_text(
        "schema = 1\ncluster.kind = 'dimer'\nelectrons = { hopping = 1.0, hubbard_u = 2.0 }\n"
        "thermal = { temperatures = [0.5, 1.0], observables = ['electron_density'] }\n"
        "sweep = { 'electrons.hubbard_u' = [1.0, 3.0], 'electrons.hopping' = [1.0] }\n"
    )
    done = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    data = read_data(tmp_path / "warm.nc")
    rows = [line.split("│")[1:-1] for line in done.stdout[done.stdout.index("thermal\n") :].splitlines() if "│" in line]
    shown = {(float(u), float(t)): float(energy) for u, _, t, _, energy, *_ in rows}
    assert shown.keys() == {(1.0, 0.5), (1.0, 1.0), (3.0, 0.5), (3.0, 1.0)}
    for (u, t), energy in shown.items():
        assert energy == pytest.approx(data.thermal_energy.sel({"electrons.hubbard_u": u, "temperature": t}).item())
    status = CliRunner().invoke(app, ["status", str(tmp_path)])
    assert "nan" not in status.stdout


def test_a_sweep_over_charge_and_flux():
    data = run(study_of(RING, '"sector.charge" = [1, 2]\n"field.flux" = [0.0, 0.7, 2.0]')).data
    momenta = 2 * np.pi * np.arange(3)[:, None] / 3
    one = np.min(-2 * np.cos(momenta - np.array([0.0, 0.7, 2.0]) / 3), axis=0)
    np.testing.assert_allclose(energies(data)[0], one, atol=1e-12)
    assert data["status"].dims == ("sector.charge", "field.flux")


def test_temperatures_and_fluxes_are_swept_one_at_a_time():
    text = SITE + "thermal = { temperatures = [1.0] }\n"
    sweep = '"thermal.temperatures" = { start = 0.1, stop = 10.0, count = 3, spacing = "log" }\n"bosons.level" = [0, 1]'
    swept = run(study_of(text, sweep)).data
    together = run(parse(text.replace("[1.0]", "[0.1, 1.0, 10.0]").replace("0.3", "1.0"), "model.toml")).data
    assert swept["thermal_energy"].dims == ("thermal.temperatures", "bosons.level")
    np.testing.assert_allclose(swept["thermal_energy"][:, 1], together["thermal_energy"], rtol=1e-12)
    flux = run(study_of(RING + "flux.values = [0.0]\n", '"flux.values" = [0.1, 0.4]')).data
    listed = run(parse(RING + "flux.values = [0.1, 0.4]\n", "model.toml")).data
    np.testing.assert_allclose(flux["flux_energies"], listed["flux_energies"], atol=1e-12)


REFINED = (
    '"bosons.level" = { start = -1.0, stop = 1.0, count = 5 }\nrefine = { quantity = "boson_density", points = 9 }'
)


def test_values_are_added_where_the_quantity_changes_fast():
    result = run(study_of(SITE, REFINED))
    levels = result.data["bosons.level"].values
    assert len(levels) == len(result.points) == 5 + 9
    assert np.all(np.diff(levels) > 0)
    gaps = np.diff(levels)
    crossing = np.argmin(np.abs(levels[:-1] + levels[1:]))
    assert gaps[crossing] == gaps.min() < 0.1 < gaps[0] == gaps[-1] == 0.5
    exact = levels / 2 - np.sqrt(levels**2 / 4 + 0.05**2)
    np.testing.assert_allclose(energies(result.data), exact, atol=1e-12)


def test_a_refinement_is_the_same_in_every_run_and_goes_on_from_its_records(tmp_path):
    study = study_of(SITE, REFINED)
    whole = run(study).data

    def stop(number, result):
        if number == 8:
            raise KeyboardInterrupt

    with opened(tmp_path / "s", study) as folder, pytest.raises(KeyboardInterrupt):
        run(study, finished=stop, folder=folder)
    assert len(list((tmp_path / "s" / "points").iterdir())) == 9
    with opened(tmp_path / "s", study) as folder:
        again = run(study, folder=folder).data
    assert_same(whole, again)


def test_a_refinement_in_logarithms_halves_the_ratio():
    sweep = '"bosons.exchange" = { start = 0.01, stop = 100.0, count = 2, spacing = "log" }\n'
    refine = 'refine = { quantity = "boson_density", points = 1 }'
    data = run(study_of(SITE, sweep + refine)).data
    np.testing.assert_allclose(data["bosons.exchange"], [0.01, 1.0, 100.0])


def test_whole_numbers_are_refined_by_whole_numbers_until_there_are_none():
    sweep = '"cluster.sites" = [1, 4]\nrefine = { quantity = "energies", points = 5 }'
    data = run(study_of(RING.replace('"ring"', '"chain"'), sweep)).data
    assert data["cluster.sites"].values.tolist() == [1, 2, 3, 4]


def test_an_unknown_quantity_is_named_with_those_that_are_there():
    with pytest.raises(ValueError, match=r"refine\.quantity: got 'density'.*electron_density"):
        run(study_of(SITE, REFINED.replace("boson_density", "density")))


DIMER = """
schema = 1
cluster.kind = "dimer"
electrons.hopping = { bond = 1.0 }
sector.charge = 2
"""


@pytest.mark.parametrize("whole_first", [True, False])
def test_a_key_and_a_part_of_it_are_refused_together(whole_first):
    axes = ['"electrons.hopping" = [0.1, 0.2]', '"electrons.hopping.bond" = [0.3, 0.4]']
    with pytest.raises(InvalidModel, match=r'sweep\."electrons\.hopping\.bond".*leave electrons\.hopping out'):
        study_of(DIMER, "\n".join(axes if whole_first else axes[::-1]))
    study = study_of(DIMER, axes[0])
    with pytest.raises(InvalidModel, match=r"leave electrons\.hopping out"):
        at_point(study, {"electrons.hopping": 0.1, "electrons.hopping.bond": 0.3})
    with pytest.raises(InvalidModel, match="each key once"):
        replace(study, sweep=(*study.sweep, *study.sweep))


def test_a_value_that_stands_twice_on_an_axis_is_refused():
    with pytest.raises(InvalidModel, match=r'"electrons.hopping": got 0.1 2 times; allowed: each value once'):
        study_of(DIMER, '"electrons.hopping" = [0.1, 0.2, 0.1]')
