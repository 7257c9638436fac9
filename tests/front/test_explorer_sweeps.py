"""Sweeps of the explorer: any coupling, points that come and stay, figures on which one can click."""

import re
import threading
import time
from html import escape

import numpy as np
import pytest

import respair
from respair._core.wording import dotted
from respair.explorer.engine import Engine
from respair.explorer.jobs import Cancelled, Latest, Watch
from respair.explorer.markup import GO, downloads, figure, numbers
from respair.explorer.outputs import model_file, python_lines
from respair.explorer.page import Page
from respair.explorer.panels import FIRST, PANELS
from respair.explorer.presets import PRESETS, preset
from respair.explorer.screen import Screen
from respair.explorer.sections import Choice, sections, switched
from respair.explorer.sweeps import along, at, axes_of, choices, with_sweep
from respair.studies import Quiet, parse, run

FILE = """
schema = 1
cluster = { kind = "dimer" }
electrons = { hopping = 1.0, hubbard_u = 2.0 }
phonons = { frequency = 1.0, electron_coupling = 0.5, max_quanta = 4 }
sector = { charge = 2 }
sweep = { "electrons.hubbard_u" = [0.0, 2.0, 4.0] }
"""
UNSTABLE = ("phonons.cubic",)
"""Couplings with which the lattice has no lowest energy."""


@pytest.fixture
def screen():
    return with_sweep(Screen.of(parse(FILE, "dimer.toml")))


def offered(screen):
    return {control.path: control for control in choices(screen, screen.study().model)}


def at_rest(latest):
    """Wait until no job is at work: kernels are for one thread at a time."""
    until = time.monotonic() + 60
    while latest.busy is not None:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("title", PRESETS)
def test_every_model_begins_with_a_sweep_that_is_correct(title):
    screen = with_sweep(preset(title))
    assert len(axes_of(screen)) == 1
    assert len(screen.checked(PANELS["sweep"].asks).sweep) == 0  # the ground level alone
    assert len(screen.study(PANELS["sweep"].asks).sweep[0].values) == 9


@pytest.mark.long
def test_the_sweep_of_a_file_is_kept_and_computed(screen):
    answer = Engine().answer(screen, "sweep", Quiet(), lambda part: None)
    exact = run(parse(FILE, "dimer.toml")).data
    np.testing.assert_allclose(answer.data.energies[:, 0], exact.energies[:, 0], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(answer.data["electrons.hubbard_u"], [0.0, 2.0, 4.0])
    assert "3 points" in answer.about
    assert "<caption>3 points</caption>" in numbers(answer)
    again = run(parse(model_file(answer), "again.toml")).data
    np.testing.assert_allclose(answer.data.energies, again.energies, rtol=0, atol=1e-12)
    assert "sweep={'electrons.hubbard_u': [0.0, 2.0, 4.0]}" in python_lines(answer)
    assert downloads(answer, "sweep").count("explorer-sweep-") >= 9


def test_points_come_one_after_the_other_and_stay(screen):
    engine, parts = Engine(), []
    engine.answer(screen, "sweep", Quiet(), parts.append)
    assert [int(np.isfinite(part.data.energies[:, 0]).sum()) for part in parts] == [1, 2, 3]

    class Points(Quiet):
        labels = ()

        def point(self, number, count, label):
            self.labels = (*self.labels, *([label] if label else ()))

    longer = screen.changed('sweep."electrons.hubbard_u"', [0.0, 2.0, 4.0, 6.0])
    points = Points()
    engine.answer(longer, "sweep", points, lambda part: None)
    assert points.labels == ("electrons.hubbard_u = 6",)


def test_a_cancelled_sweep_keeps_its_points(screen):
    engine, ended = Engine(), threading.Event()
    latest, parts = Latest(lambda what: what()), []

    def show(part):
        parts.append(part)
        latest.cancel()

    def work(job):
        try:
            engine.answer(screen, "sweep", Quiet(), show)
        except Cancelled:
            ended.set()
            raise

    latest.submit(work)
    assert ended.wait(60)
    at_rest(latest)
    assert 0 < len(engine._points._kept) < 3


@pytest.mark.long
def test_two_couplings_are_a_map_with_places_to_click_on(screen):
    two = along(screen, 1, offered(screen)["phonons.electron_coupling"]).changed(
        'sweep."phonons.electron_coupling".count', 2
    )
    assert axes_of(two) == ["electrons.hubbard_u", "phonons.electron_coupling"]
    answer = Engine().answer(two, "sweep", Quiet(), lambda part: None)
    for drawing in PANELS["sweep"].drawings:
        if drawing.suits(answer.data):
            svg = drawing.svg(answer.data, answer.study.model)
            assert len(set(re.findall(r'id="(go_[^"]*)"', svg))) == 6
            assert "electrons.hubbard" in svg
            assert "phonons.electron" in svg
            assert drawing.saved(answer.data, answer.study.model, "pdf").startswith(b"%PDF")
    assert axes_of(along(two, 1, None)) == ["electrons.hubbard_u"]
    assert axes_of(along(two, 0, offered(two)["phonons.electron_coupling"])) == ["phonons.electron_coupling"]


def test_a_point_is_reached_with_what_is_linked_to_it(screen):
    linked = screen.changed("sweep.linked", [["electrons.hubbard_u", "electrons.hopping"]]).changed(
        'sweep."electrons.hopping"', [1.0, 1.5, 2.0]
    )
    there = at(linked, linked.study(PANELS["sweep"].asks), [2.0000001])
    assert (there.value("electrons.hubbard_u"), there.value("electrons.hopping")) == (2.0, 1.5)
    assert axes_of(there) == axes_of(linked)


def test_a_click_goes_to_the_point_and_shows_its_ground_level(screen):
    page = Page(screen, panel="sweep")
    page._clicked.value = "4.0 17"
    assert page.screen.value("electrons.hubbard_u") == 4.0
    assert page._tabs.value == FIRST
    page._clicked.value = "nonsense"
    assert page.screen.value("electrons.hubbard_u") == 4.0
    page._latest.cancel()
    at_rest(page._latest)
    assert escape(GO) in figure("a", "<svg/>")


def test_controls_of_a_sweep_write_correct_files(screen):
    model = screen.study().model
    section = next(iter(sections(screen, model, "sweep")))
    choose = [entry for entry in section.entries if isinstance(entry, Choice)]
    assert [each.name for each in choose] == ["along", "and along"]
    for _, path in choose[0].options:
        found = choose[0].write(screen, path)
        assert choose[0].read(found) == path
        if path in UNSTABLE:
            with pytest.raises(respair.InvalidModel) as refused:
                found.checked(["ground_state", "sweep"])
            assert {problem.path for problem in refused.value.problems} == {dotted("sweep", path)}
        else:
            found.checked(["ground_state", "sweep"])
    bare = with_sweep(screen.changed("sweep", None))
    count = next(each for each in next(iter(sections(bare, model, "sweep"))).entries if each.name.startswith("values"))
    with pytest.raises(respair.InvalidModel) as wrong:
        bare.changed(count.path, 0).study(PANELS["sweep"].asks)
    assert wrong.value.problems[0].path == count.path


def test_a_sweep_along_what_is_gone_is_replaced(screen):
    model = screen.study().model
    pairs = switched(switched(screen, "bosons", True, model), "electrons", False, model)
    assert axes_of(with_sweep(pairs))[0].partition(".")[0] in ("bosons", "phonons")


def test_progress_names_the_point():
    said = []
    watch = Watch(said.append)
    watch.point(2, 9, "electrons.hubbard_u = 4")
    watch.step("ground level")
    assert said == ["point 3 of 9, electrons.hubbard_u = 4; ground level"]


def test_approximations_that_apply_stand_beside_the_exact_answer():
    screen = preset("Holstein-Hubbard dimer").capped(4)
    assert "lang-firsov" in screen.value("compare.approximations")
    answer = Engine().answer(screen, "approximations", Quiet(), lambda part: None)
    (drawing,) = PANELS["approximations"].drawings
    assert drawing.svg(answer.data, answer.study.model).count("<g") > 20
    assert "Nearest: " in numbers(answer)
    again = run(parse(model_file(answer), "again.toml")).data
    np.testing.assert_allclose(again.compare_energies, answer.data.compare_energies, atol=1e-9)
