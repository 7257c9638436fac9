"""The explorer without a browser: screens, controls, answers, figures, files, and jobs in the background."""

import re
import threading
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import respair
from respair.analysis.plots.states import COLOURS
from respair.cli.commands import app
from respair.explorer import ExtraMissing, check_installed
from respair.explorer.comparison import changes, differences
from respair.explorer.controls import COUPLINGS, Control, couplings
from respair.explorer.drawn import Drawn
from respair.explorer.engine import Engine, Memory, _is_long
from respair.explorer.figures import PINNED, unit_of
from respair.explorer.jobs import Cancelled, Latest
from respair.explorer.links import placed, query_of, screen_of
from respair.explorer.markup import downloads, numbers
from respair.explorer.outputs import comma_separated, model_file, netcdf, python_lines
from respair.explorer.page import Page
from respair.explorer.panels import PANELS
from respair.explorer.presets import PHYSICS, PRESETS, preset
from respair.explorer.screen import SHAPES, Screen, shown, value_of
from respair.explorer.sections import Choice, sections, switched
from respair.studies import Quiet, parse, read_data, run

SMALL = """
schema = 1
name = "small"
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0 }
bosons = { level = -3.0, exchange = 0.8 }
phonons = { frequency = 1.0, boson_coupling = 1.0, cutoff = "auto", accuracy = 1e-2 }
sector = { charge = 2 }
"""


@pytest.fixture
def small():
    return Screen.of(parse(SMALL, "small.toml"))


def answered(screen, panel, engine=None, show=lambda part: None):
    return (engine or Engine()).answer(screen, panel, Quiet(), show)


@pytest.mark.parametrize("title", PRESETS)
def test_models_to_begin_with_are_correct_in_every_panel(title):
    screen = preset(title)
    for panel in PANELS.values():
        if not panel.lacks(screen.study(["ground_state"]).model):
            assert screen.checked(panel.asks).name == title


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("title", PRESETS)
def test_every_model_can_be_taken_to_every_cluster(title, kind):
    moved = preset(title).changed("sector.two_sz", 2).on_cluster(kind)
    assert moved.checked(["ground_state", "pairing"]).model.cluster.kind == kind


@pytest.mark.parametrize("title", PRESETS)
@pytest.mark.parametrize("species", ["electrons", "bosons", "phonons"])
def test_species_come_and_go_and_leave_a_correct_model(title, species):
    screen = preset(title)
    model = screen.study(["ground_state"]).model
    there = species in screen.tables
    if there and not {"electrons", "bosons"} & (screen.tables.keys() - {species}):
        pytest.skip("nothing would be left")
    other = switched(screen, species, not there, model)
    found = other.checked(["ground_state"]).model
    assert (getattr(found, species) is None) == there
    back = switched(other, species, there, found).checked(["ground_state"])
    assert (getattr(back.model, species) is None) != there


@pytest.mark.long
@pytest.mark.parametrize("title", PRESETS)
def test_every_choice_reads_back_what_it_writes_and_leaves_a_correct_model(title):
    screen = preset(title)
    model = screen.study(["ground_state"]).model
    for panel in PANELS:
        for section in sections(screen, model, panel):
            for entry in (each for each in section.entries if isinstance(each, Choice)):
                assert entry.read(screen) in [value for _, value in entry.options]
                for _, value in entry.options:
                    changed = entry.write(screen, value)
                    assert entry.read(changed) == value
                    changed.checked(["ground_state"])


def test_a_control_has_the_default_of_the_model_file():
    for control in COUPLINGS:
        species, key = control.path.split(".")
        kind = {"electrons": respair.Electrons, "bosons": respair.Bosons, "phonons": respair.Phonons}[species]
        if control.path != "phonons.frequency":
            assert getattr(kind(**({"frequency": 1.0} if species == "phonons" else {})), key) == control.default


def test_a_table_by_class_has_a_control_for_each_class():
    screen = preset("Resonating bipolaron")
    model = screen.study(["ground_state"]).model
    paths = [control.path for control in couplings(screen, model, "electrons")]
    assert paths[:4] == [
        "electrons.hopping.ring", "electrons.hopping.centre", "electrons.level.metal", "electrons.level.ligand",
    ]  # fmt: skip
    moved = screen.changed("electrons.level.ligand", 2.0).study(["ground_state"]).model
    assert moved.couplings.electron_level.tolist() == [0.0, 0.0, 0.0, 0.0, 2.0]


WRITTEN = {
    "1.0": True, "-3": True, "[1.0]": True, "{ bond = 1 }": True, "[1, 2.5]": False, "{ a = 1.0 }": False,
    "much": False, "1 2": False, "2020-01-01": False, "inf": False, '"x"': False, "[[[": False, "true": False,
}  # fmt: skip


@pytest.mark.parametrize(("text", "right"), WRITTEN.items())
def test_whatever_is_written_in_a_field_is_answered_at_its_place(text, right):
    screen = Screen({"cluster": {"kind": "dimer"}, "electrons": {"hopping": value_of(text)}, "sector": {"charge": 1}})
    assert value_of(shown(value_of(text))) == value_of(text)
    if right:
        assert screen.study(["ground_state"]).model.couplings.electron_hopping.shape == (1,)
    else:
        with pytest.raises(respair.InvalidModel) as refused:
            screen.study(["ground_state"])
        assert {problem.path.partition("[")[0] for problem in refused.value.problems} == {"electrons.hopping"}


@pytest.mark.long
def test_the_answer_is_what_the_model_file_gives(small):
    for panel, name in {"state": "energies", "pairs": "pairing_on-site_eigenvalues"}.items():
        answer = answered(small, panel)
        again = run(parse(model_file(answer), "again.toml")).data
        assert set(answer.data) == {name for name in again if not name.endswith("_error") or name in answer.data}
        np.testing.assert_allclose(answer.data[name], again[name], rtol=0, atol=1e-7)


def test_the_cutoff_is_chosen_by_the_certificate_once_and_kept(small):
    engine = Engine()
    answer = answered(small, "state", engine)
    assert answer.data["energy_errors"].values[0] <= 1e-2
    assert "cutoff" not in answer.screen.tables["phonons"]
    quanta = answer.study.model.phonons.total_quanta
    assert f"total_quanta = {quanta}" in answer.about
    assert answered(small, "spectrum", engine).study.model.phonons.total_quanta == quanta
    tighter = answered(small.changed("phonons.accuracy", 1e-6), "state", engine)
    assert tighter.data["energy_errors"].values[0] <= 1e-6
    assert tighter.study.model.phonons.total_quanta > quanta


SHOWN_FIRST = {
    "state": ("electron_density", "displacement", "pair_correlation"),
    "pairs": ("pairing_forms", "pairing_boson_eigenvalues", "pairing_combined_matrix"),
    "spectrum": ("spectrum_addition_weight", "spectrum_moments"),
    "temperature": ("thermal_entropy", "thermal_specific_heat"),
}


@pytest.mark.parametrize(
    "panel", [pytest.param(p, marks=pytest.mark.slow if p == "temperature" else ()) for p in SHOWN_FIRST]
)
def test_the_first_part_of_an_answer_is_the_same_state(small, panel, monkeypatch):
    monkeypatch.setattr("respair.studies.tasks.spectrum.ROUGH_FROM", 0)
    parts = []
    whole = answered(small.capped(3), panel, show=parts.append)
    part = parts[0]
    assert not part.complete
    assert part.data.sizes.items() <= whole.data.sizes.items() or panel == "spectrum"
    for name in SHOWN_FIRST[panel]:
        if part.data[name].dtype.kind == "U":
            assert part.data[name].equals(whole.data[name])
        else:
            np.testing.assert_allclose(part.data[name], whole.data[name], rtol=0, atol=1e-5)


@pytest.mark.long
def test_a_flux_curve_grows_on_the_page(small):
    parts = []
    whole = answered(small.capped(3), "flux", show=parts.append)
    assert [part.data.sizes["phi"] for part in parts] == list(range(1, whole.data.sizes["phi"] + 1))


@pytest.mark.long
def test_figures_are_drawn_as_they_change_but_not_too_often(small, monkeypatch):
    parts = []
    parts.append(answered(small.capped(3), "flux", show=parts.append))
    now = iter(np.arange(0.0, 100.0, 0.15).tolist())
    monkeypatch.setattr("respair.explorer.drawn.time.monotonic", lambda: next(now))
    drawn = Drawn("flux")
    found = [[number for number, picture in drawn.of(part) if picture] for part in parts]
    assert found[0] == [0, 1]
    assert sorted({*found[-2], *found[-1]}) == [0, 1]
    assert [] in found
    assert any(found[1:-1])
    assert [picture for _, picture in drawn.of(parts[-1])] == []
    without = Drawn("state")
    assert [n for n, p in without.of(answered(preset("Hubbard ring"), "state")) if not p] == [2]


def test_large_thermal_sums_are_sampled_unless_the_file_says_how(small):
    capped = small.capped(3).changed("thermal.ensemble", "canonical")
    wide = capped.changed("cluster.sites", 4).changed("phonons.total_quanta", 7).changed("sector.charge", 4)
    for screen, panel, sampled in ((capped, "temperature", False), (wide, "temperature", True), (wide, "state", False)):
        assert _is_long(screen.study(PANELS[panel].asks)) == sampled
    assert wide.sampled().value("thermal.method") == "ftlm"
    assert wide.changed("thermal.samples", 30).sampled().value("thermal.method") is None


def test_answers_are_kept(small):
    engine, steps = Engine(), []
    first = answered(small, "pairs", engine)

    class Loud(Quiet):
        def step(self, what):
            steps.append(what)

    assert engine.answer(small, "pairs", Loud(), lambda part: None) is first
    engine.answer(small, "spectrum", Loud(), lambda part: None)
    assert not [step for step in steps if "ground" in step]
    assert any("error bars" in step for step in steps)


def test_a_memory_forgets_what_is_oldest():
    memory = Memory(2)
    assert [memory.get(key, lambda k=key: k) for key in "abab"] == list("abab")
    memory.get("c", lambda: "c")
    assert [key in memory for key in "abc"] == [False, True, True]


def test_what_is_taken_from_the_page_says_the_same(small, tmp_path):
    answer = answered(small, "state")
    (tmp_path / "explorer.nc").write_bytes(netcdf(answer))
    kept = read_data(tmp_path / "explorer.nc")
    np.testing.assert_array_equal(kept["pair_boson_correlation"], answer.data["pair_boson_correlation"])
    rows = [line.split(",") for line in comma_separated(answer.data).splitlines()]
    written = [float(row[3]) for row in rows if row[0] == "energies"]
    assert written == answer.data["energies"].values.tolist()
    names = {}
    exec(compile(python_lines(answer).replace("print(data)", ""), "lines", "exec"), names)
    np.testing.assert_allclose(names["data"]["energies"], answer.data["energies"], rtol=0, atol=1e-7)


@pytest.mark.parametrize("title", PRESETS)
def test_lines_of_python_make_the_model_of_every_preset(title):
    answer = answered(preset(title).capped(1), "pairs")
    names = {}
    exec(compile(python_lines(answer).replace(".run()", ""), "lines", "exec"), names)
    assert names["data"].study.model == answer.study.model


def test_the_numbers_carry_the_digits_of_their_error_bars(small):
    answer = answered(small, "state")
    energy, error = float(answer.data["energies"][0]), float(answer.data["energy_errors"][0])
    assert f"<td>{respair.studies.with_error(energy, error)}</td>" in numbers(answer)


@pytest.mark.long
@pytest.mark.parametrize("title", ["Boson-fermion ring", "Resonating bipolaron"])
def test_figures_have_axes_with_symbols_and_units_and_colours_for_all_eyes(title):
    screen = preset(title).capped(1)
    for panel in ("state", "pairs", "spectrum"):
        answer = answered(screen, panel)
        for drawing in PANELS[panel].drawings:
            if drawing.suits(answer.data):
                text = drawing.svg(answer.data, answer.study.model)
                ElementTree.fromstring(text)
                colours = {each.upper() for each in re.findall(r"#[0-9a-fA-F]{6}", text)}
                grey = {colour for colour in colours if colour[1:3] == colour[3:5] == colour[5:7]}
                assert colours - grey <= {colour.upper() for colour in COLOURS}
    for name, panel in PANELS.items():
        for drawing in (each for each in panel.drawings if not each.bare):
            assert drawing.xlabel or name == "sweep"  # there the swept couplings name the axes
            assert "[1]" not in drawing.ylabel


def wait(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_of_many_requests_the_newest_is_answered():
    latest, done, free = Latest(lambda what: what()), [], threading.Event()
    latest.submit(lambda job: (free.wait(), done.append(0)))
    for number in range(1, 10):
        latest.submit(lambda job, n=number: done.append(n))
    free.set()
    wait(lambda: done == [0, 9])
    wait(lambda: latest.busy is None)


def test_a_job_is_cancelled_in_the_middle_and_says_nothing_more():
    latest, ended, begun = Latest(lambda what: what()), [], threading.Event()

    def forever(job):
        try:
            begun.set()
            while True:
                time.sleep(0.001)
        except Cancelled:
            ended.append(job.wanted)
            raise

    latest.submit(forever)
    begun.wait()
    latest.cancel()
    wait(lambda: ended == [False])
    latest.submit(lambda job: ended.append("next"))
    wait(lambda: ended == [False, "next"])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # late ones end their thread
def test_cancelling_at_any_moment_leaves_the_next_request_its_turn():
    latest, done = Latest(lambda what: what()), []
    for number in range(200):
        latest.submit(lambda job, n=number: time.sleep(2e-4 * (n % 5)))
        time.sleep(2e-4 * (number % 3))
        latest.cancel()
    latest.submit(lambda job: done.append("last"))
    wait(lambda: done == ["last"])
    wait(lambda: latest.busy is None)


def test_a_missing_extra_is_told_with_what_installs_it(monkeypatch):
    monkeypatch.setattr("respair.explorer.find_spec", lambda name: None)
    with pytest.raises(ExtraMissing, match=r"pip install 'respair\[explore\]'"):
        check_installed()
    told = CliRunner().invoke(app, ["explore"])
    assert told.exit_code == 2
    assert "pip install 'respair[explore]'" in told.stderr


def test_the_command_refuses_a_wrong_model_file(tmp_path):
    file = tmp_path / "wrong.toml"
    file.write_text(SMALL.replace("hopping", "hoping"))
    told = CliRunner().invoke(app, ["explore", str(file)])
    assert told.exit_code == 2
    assert "electrons.hoping" in told.stderr


@pytest.mark.long
def test_figures_leave_the_page_as_files_and_motion_fills_its_axes(small):
    answer = answered(small.capped(2).changed("evolution.times.stop", 2.0), "motion")
    played, charges, lattice, back, distribution = PANELS["motion"].drawings
    kinds = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}
    for drawing in (played, charges, lattice, back, distribution):
        assert drawing.suits(answer.data)
        for kind, beginning in kinds.items():
            assert drawing.saved(answer.data, answer.study.model, kind).startswith(beginning)
    links = downloads(answer, "motion")
    assert [f"explorer-motion-{n}.{kind}" in links for n in range(5) for kind in kinds] == [True] * 15


def test_discs_and_rings_of_the_cluster_follow_charges_and_lattice_in_time():
    t = np.array([0.0, 1.0, 4.0])
    n, b, x = np.array([[2.0, 0.0], [1.0, 1.0], [0.5, 1.5]]), np.full((3, 2), 0.25), np.array([[0.0], [1.0], [-1.0]])
    values = {"electron_density": ("site", n), "boson_density": ("site", b), "displacement": ("mode", x)}
    variables = {f"evolution_{name}": (("time", dim), each) for name, (dim, each) in values.items()}
    data = xr.Dataset(variables, coords={"time": t})
    model = respair.Model(
        respair.dimer(), respair.Electrons(1.0), respair.Bosons(0.0, 0.5), respair.Phonons(1.0, on=[1], max_quanta=2)
    )
    drawing = PANELS["motion"].drawings[0]
    root = ElementTree.fromstring(drawing.svg(data, model))
    moved = {
        each: root.findall(f".//{{http://www.w3.org/2000/svg}}{each}[{{*}}animate]") for each in ("path", "circle")
    }
    assert [len(found) for found in moved.values()] == [4, 1]
    animations = [each[0] for found in moved.values() for each in found]
    assert {each.get("keyTimes") for each in animations} == {"0.00000;0.25000;1.00000"}
    electrons = [re.findall(r"A([\d.]+)", moved["path"][i][0].get("values")) for i in range(2)]
    radii = np.array(electrons, float)
    assert radii**2 / radii[0, 0] ** 2 == pytest.approx(n.T / 2.0, abs=2e-3)
    rings = np.array(moved["circle"][0][0].get("values").split(";"), float)
    assert np.diff(rings)[0] == pytest.approx(rings[0] - rings[2], abs=0.02)
    assert rings[1] > rings[0]
    assert 'type="range"' in drawing.below(data)
    assert PANELS["state"].drawings[0].below(data) == ""


@pytest.mark.long
def test_a_second_set_of_parameters_is_drawn_below_and_its_differences_are_told(small):
    screen = small.capped(3)
    now, pinned = (answered(s, "state") for s in (screen, screen.changed("electrons.hopping", 0.7)))
    assert changes(now.screen, pinned.screen) == ["electrons.hopping = 1.0 (pinned: 0.7)"]
    table = differences(now, pinned)
    energies = [answer.data["energies"].values[0] for answer in (now, pinned)]
    names, *cells = (list(column.cells) for column in table.columns)
    row = [column[names.index("energies[0]")] for column in cells]
    bars = [float(answer.data["energy_errors"][0]) for answer in (now, pinned)]
    assert row[2] == respair.studies.with_error(energies[0] - energies[1], sum(bars))
    levels = PANELS["state"].drawings[1]
    alone, both = (levels.svg(now.data, now.study.model, below) for below in (None, (pinned.data, pinned.study.model)))
    assert PINNED not in alone
    assert PINNED in both
    text = numbers(now, pinned)
    assert "pinned: 0.7" in text
    assert "N = 2." in text


@pytest.mark.long
def test_changes_are_undone_and_made_again():
    page = Page(preset("Pseudogap ring"), "Pseudogap ring")
    page._latest.cancel()
    page.change(lambda screen: screen.changed("bosons.level", 0.5))
    page.change(lambda screen: screen.changed("bosons.level", 1.0))
    page._turn_back(page._history.undone)
    page._turn_back(page._history.undone)
    assert page.screen == preset("Pseudogap ring")
    page._turn_back(page._history.redone)
    assert page.screen.value("bosons.level") == 0.5
    assert [page._undo.disabled, page._redo.disabled] == [False, False]
    page._latest.cancel()
    wait(lambda: page._latest.busy is None)


@pytest.mark.parametrize("title", PRESETS)
def test_an_address_holds_the_whole_page_and_every_model_says_what_it_shows(title, monkeypatch):
    screen = preset(title).changed("solver.seed", 5)
    assert screen_of(query_of(screen, "spectrum")) == (screen, "spectrum")
    assert len(PHYSICS[title]) > 100
    assert "replaceState" in placed(query_of(screen, "state"))


@pytest.mark.parametrize("query", ["", "?state=", "?state=abc", "?state=eJwDAAAAAAE=", "?panel=flux"])
def test_an_address_that_holds_nothing_right_is_left_alone(query):
    assert screen_of(query) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("pi/2", np.pi / 2), ("-2*pi/3", -2 * np.pi / 3), ("sqrt(2)", np.sqrt(2)), ("[0, pi]", [0, np.pi]), ("1/4", 0.25)],
)
def test_numbers_may_be_written_as_people_write_them(text, value):
    assert value_of(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["open('x')", "2**9", "1/0", "().real", "pi pi", "sqrt(-1)", "True + 1", "x" * 300])
def test_what_is_no_expression_stays_text(text):
    assert value_of(text) == text


def test_units_stand_on_axes_by_their_symbol(small):
    assert unit_of(small.capped(1).study(["ground_state"]).model) == "$t$"


LATTICE = """
schema = 1
cluster = { kind = "square", size = [3, 2] }
electrons = { hopping = 1.0, hubbard_u = 2.0 }
field = { flux = [0.2, 0.0] }
sector = { charge = 2, two_sz = 0 }
"""


def test_a_lattice_has_a_control_for_each_number_of_its_flux_vector():
    screen = Screen.of(parse(LATTICE, "lattice.toml"))
    model = screen.study(["ground_state"]).model
    controls = {c.symbol: c for section in sections(screen, model, "flux") for c in section.entries
                if isinstance(c, Control)}  # fmt: skip
    assert [controls[name].read(screen) for name in ("φ_1", "φ_2")] == [0.2, 0.0]
    changed = controls["φ_2"].write(screen, 0.7)
    assert changed.study(["ground_state"]).model.flux == (0.2, 0.7)
    threaded = controls["n_φ"].write(changed, 3)
    assert threaded.study(["ground_state"]).model.magnetic_flux == 3
    assert threaded.on_cluster("ring").value("field.flux") is None
    assert threaded.on_cluster("triangular").checked(["ground_state"]).model.magnetic_flux == 0


def test_fluxes_of_a_lattice_run_along_a_row():
    screen = Screen.of(parse(LATTICE, "lattice.toml")).changed("flux.values.count", 3).changed("flux.along", [0.0, 1.0])
    answer = answered(screen, "flux")
    assert answer.data["flux_phi"].values.round(6).tolist() == [[0.0, 0.0], [0.0, 1.570796], [0.0, 3.141593]]
    for drawing in PANELS["flux"].drawings:
        assert drawing.suits(answer.data)
        assert drawing.svg(answer.data, answer.study.model).startswith("<svg")
    again = Screen.of(parse(screen.text(["flux"]), "again.toml"))
    assert again.value("flux.along") == [0.0, 1.0]
    assert again.value("flux.values.stop") == pytest.approx(np.pi)
    assert "'along'" not in python_lines(answer)


def test_the_zone_of_a_plane_shows_its_structure_factors():
    screen = Screen.of(parse(LATTICE, "lattice.toml"))
    answer = answered(screen, "zone")
    seen = [drawing for drawing in PANELS["zone"].drawings if drawing.suits(answer.data)]
    assert [drawing.title.split(" of ")[1] for drawing in seen] == ["the charge", "the spins", "pairs on a site"]
    assert all(drawing.svg(answer.data, answer.study.model).startswith("<svg") for drawing in seen)
    assert "no two-dimensional momenta" in PANELS["zone"].lacks(preset("Hubbard ring").study(["ground_state"]).model)


def test_couplings_that_give_up_a_quantity_leave_what_is_conserved():
    """A pairing field leaves the parity of the charge, a transverse field all S_z; a new charge comes back."""
    tables = {"cluster": {"kind": "dimer"}, "electrons": {"hopping": 1.0}, "sector": {"charge": 3, "two_sz": 1}}
    screen = Screen(tables).changed("electrons.transverse_field", 0.3)
    assert screen.value("sector") == {"charge": 3}
    paired = screen.changed("electrons.pairing", 0.2)
    assert paired.value("sector") == {"parity": "odd"}
    assert paired.study(["ground_state"]).sector.title == "odd N, all S_z"
    charged = paired.changed("electrons.pairing", 0.0).changed("sector.charge", 2)
    assert charged.value("sector") == {"charge": 2}
