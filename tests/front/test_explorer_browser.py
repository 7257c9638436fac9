"""The explorer in a browser: what is on the page is what the library computes, and nothing on it breaks."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import respair
from respair.explorer.links import screen_of
from respair.explorer.server import free_port
from respair.hamiltonians.parameters import COUPLINGS
from respair.studies import parse, read, read_data, run, with_error

sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright here: pip install 'respair[test]'")
pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 120_000
FIRST_TIME = 400_000
"""Milliseconds for a page whose kernels are compiled for this machine first."""
MODEL = """
schema = 1
name = "small ring"
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0 }
bosons = { level = -0.4, exchange = 0.8 }
phonons = { frequency = 1.0, boson_coupling = 0.5, total_quanta = 2 }
sector = { charge = 2, two_sz = 0 }
ground_state = { states = 3 }
solver = { tolerance = 1e-9 }
"""
PICTURES = os.environ.get("RESPAIR_PICTURES")


def browser_path():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    return found


def answers(url):
    try:
        with urllib.request.urlopen(f"{url}voila/static/voila.js", timeout=1):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    browser_path()
    file = tmp_path_factory.mktemp("explorer") / "ring.toml"
    file.write_text(MODEL)
    port = free_port()
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "respair", "explore", str(file), "--no-browser", "--port", str(port)]
    said = file.with_suffix(".log").open("w+")
    with said, subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stderr=said) as server:
        until = time.monotonic() + 120
        while not answers(f"http://127.0.0.1:{port}/"):
            assert server.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)
        found = re.search(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+", Path(said.name).read_text())
        assert found is not None
        yield found[0], server.pid
        server.terminate()


@pytest.fixture(scope="module")
def url(served):
    return served[0]


@pytest.fixture(scope="module")
def opened(url):
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        found = browser.new_page(viewport={"width": 1366, "height": 768})
        found.set_default_timeout(PATIENCE)
        sync_api.expect.set_options(timeout=PATIENCE)
        found.complaints = []
        found.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.goto(url, timeout=FIRST_TIME)
        found.locator(".respair-numbers table").first.wait_for(timeout=FIRST_TIME)
        yield found
        assert found.complaints == []
        browser.close()


@pytest.fixture
def page(opened):
    """The page on a laptop, showing the ground state; nothing went wrong on it afterwards."""
    opened.set_viewport_size({"width": 1366, "height": 768})
    turn(opened, "Ground state")
    yield opened
    assert opened.locator("text=Traceback").count() == 0
    assert opened.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def turn(page, title):
    page.locator(".respair-tabs button", has_text=title).click()


def field(page, name):
    return page.locator(f".respair-at-{name} .respair-field").locator("input, select")


def write(page, name, text):
    field(page, name).fill(text)
    field(page, name).press("Enter")


def open_file(page, file):
    with page.expect_file_chooser() as chooser:
        page.locator(".respair-head button", has_text="Open a model file").click()
    chooser.value.set_files(file)


def shows(page, energy, error):
    """Wait for a ground energy in the table of levels."""
    row = page.locator(".respair-numbers table").first.locator("tbody tr").first
    sync_api.expect(row).to_contain_text(with_error(energy, error))


def picture(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


def model_text(page):
    """Return the model file of what is on the screen."""
    turn(page, "Files")
    with page.expect_download() as download:
        page.locator("a[download='explorer.toml']").click()
    text = download.value.path().read_text()
    turn(page, "Ground state")
    return text


def first_level(text):
    data = run(parse(text, "screen.toml")).data
    return float(data["energies"][0]), float(data["energy_errors"][0])


def test_the_page_shows_the_levels_of_its_model_file(page):
    model = respair.Model(
        respair.ring(3),
        respair.Electrons(hopping=1.0),
        respair.Bosons(level=-0.4, exchange=0.8),
        respair.Phonons(1.0, boson_coupling=0.5, total_quanta=2),
    )
    levels = respair.ground_state(model, 2, 3)
    shows(page, levels.energies[0], levels.certificate.energy_errors[0])
    assert page.locator(".respair-numbers table").first.locator("tbody tr").count() == 3
    pictures = page.locator(".respair-figures svg")
    sync_api.expect(pictures).to_have_count(4)
    labels = [each.get_attribute("aria-label") for each in page.locator(".respair-figures [role=img]").all()]
    assert all(labels)
    picture(page, "laptop")


GIVE_UP = tuple(key for key, entry in COUPLINGS.items() if entry.breaks)
"""Couplings that give up S_z or N, and change the sector."""
TWO_STEPS = {
    "electrons-hopping": "1.02",
    "electrons-level": "0.1",
    "electrons-hubbard-u": "0.2",
    "electrons-repulsion": "0.1",
    "electrons-spin-exchange": "0.04",
    "electrons-pair-hopping": "0.04",
    "electrons-hopping-imaginary": "0.04",
    "electrons-spin-orbit": "0.04",
    "electrons-zeeman": "0.04",
    "bosons-level": "-0.3",
    "bosons-exchange": "0.84",
    "bosons-hopping": "0.02",
    "bosons-repulsion": "0.1",
    "bosons-electron-repulsion": "0.1",
    "bosons-bond-exchange": "0.04",
    "phonons-frequency": "1.1",
    "phonons-boson-coupling": "0.52",
    "phonons-electron-coupling": "0.02",
    "phonons-bond-coupling": "0.02",
    "phonons-hopping": "0.02",
    "phonons-spring": "0.02",
    "phonons-quartic": "0.004",
    "phonons-quadratic": "0.02",
    "phonons-cubic": "0.004",
    "phonons-electron-quadratic": "0.02",
    "phonons-boson-quadratic": "0.02",
    "phonons-exchange-coupling": "0.02",
    "phonons-max-quanta": "2",
    "phonons-total-quanta": "4",
    "field-flux": "0.02",
    "ensemble-chemical-potential": "0.1",
    "sector-charge": "4",
    "sector-two-sz": "2",
}
"""What stands beside each slider after two steps to the right."""


def test_every_slider_moves_its_number_and_the_levels_follow(page):
    assert page.locator(".respair-controls .noUi-handle").count() == len(TWO_STEPS) + len(GIVE_UP) + 1
    for name, value in TWO_STEPS.items():
        handle = page.locator(f".respair-at-{name} .noUi-handle")
        handle.press("ArrowRight")
        handle.press("ArrowRight")
        sync_api.expect(field(page, name)).to_have_value(value)
    text = model_text(page)
    found = parse(text, "screen.toml")
    phonons = found.model.phonons
    assert (found.model.electrons.hopping, found.model.flux, found.model.chemical_potential) == (1.02, 0.02, 0.1)
    assert (phonons.max_quanta, phonons.total_quanta, phonons.bond_coupling) == (2, 4, 0.02)
    assert (found.sector.charge, found.sector.two_sz) == (4, 2)
    shows(page, *first_level(text))
    handle = page.locator(".respair-at-cluster-sites .noUi-handle")
    for key, value in (("ArrowRight", "4"), ("ArrowLeft", "3")):
        handle.press(key)
        sync_api.expect(field(page, "cluster-sites")).to_have_value(value)


def test_every_choice_can_be_made(page):
    for kind in ("site", "dimer", "chain", "ladder", "plaquette", "ligand-centre", "ring"):
        field(page, "cluster-kind").select_option(kind.replace("-", " "))
        if kind != "ligand-centre":  # keeps sectors small
            write(page, "sector-charge", "2")
        text = model_text(page)
        assert parse(text, "screen.toml").model.cluster.kind == kind
        shows(page, *first_level(text))
    write(page, "cluster-sites", "3")
    choices = {
        "phonons-on": "bonds",
        "phonons-frame": "mean",
        "sector-momentum": "m = 0",
        "phonons-cutoff": "by the error bar",
    }
    for name, label in choices.items():
        field(page, name).select_option(label=label)
    write(page, "phonons-accuracy", "1e-2")
    page.locator(".respair-switch-bosons input").uncheck()
    text = model_text(page)
    study = parse(text, "screen.toml")
    assert study.model.bosons is None
    assert study.model.phonons.on == "bonds"
    assert study.sector.momentum == 0
    shows(page, *first_level(text))


def test_a_bad_value_is_answered_beside_its_control(page):
    page.locator(".respair-head select").select_option("Hubbard ring")
    answers = {
        "electrons-hopping": ("much", "allowed: a finite number"),
        "electrons-level": ("[1, 2]", "one number for each site, 6 of them"),
        "sector-charge": ("99", "allowed: whole numbers from 0 to 12"),
        "cluster-sites": ("-3", "allowed: whole numbers from 1"),
        "electrons-hubbard-u": ("nan", "allowed: a finite number"),
    }
    for name, (wrong, answer) in answers.items():
        right = field(page, name).input_value()
        write(page, name, wrong)
        place = page.locator(f".respair-at-{name} [role=alert]")
        sync_api.expect(place).to_contain_text(answer)
        if name == "sector-charge":
            picture(page, "bad")
        write(page, name, right)
        sync_api.expect(place).to_have_count(0)
    write(page, "electrons-level", "[1.0, 0, 0, 0, 0, 0.5]")
    text = model_text(page)
    assert parse(text, "screen.toml").model.electrons.level == (1.0, 0.0, 0.0, 0.0, 0.0, 0.5)
    shows(page, *first_level(text))


def test_model_files_come_in_and_what_is_wrong_with_them_is_told(page, tmp_path):
    bad, good = tmp_path / "bad.toml", tmp_path / "good.toml"
    bad.write_text(MODEL.replace("hopping = 1.0", "hoping = 1.0"))
    good.write_text(MODEL.replace("hopping = 1.0", "hopping = 0.7"))
    open_file(page, bad)
    sync_api.expect(page.locator(".respair-refused [role=alert]")).to_contain_text("did you mean hopping")
    open_file(page, good)
    sync_api.expect(page.locator(".respair-refused [role=alert]")).to_have_count(0)
    sync_api.expect(field(page, "electrons-hopping")).to_have_value("0.7")
    shows(page, *first_level(good.read_text()))


def test_what_is_downloaded_can_be_run_again(page, tmp_path):
    turn(page, "Spectrum")
    sync_api.expect(page.locator(".respair-figures svg")).to_have_count(1)
    picture(page, "spectrum")
    turn(page, "Files")
    taken = {}
    for kind in ("toml", "nc", "csv", "py"):
        with page.expect_download() as download:
            page.locator(f"a[download='explorer.{kind}']").click()
        taken[kind] = tmp_path / f"explorer.{kind}"
        download.value.save_as(taken[kind])
    picture(page, "files")
    kept, again = read_data(taken["nc"]), run(read(taken["toml"])).data
    bars = {name for name in set(again) - set(kept) if name.endswith(("_error", "_errors"))}  # a run adds error bars
    assert set(kept) == set(again) - bars
    for name in ("spectrum_values", "spectrum_moments"):
        np.testing.assert_allclose(kept[name], again[name], rtol=0, atol=1e-6)
    rows = [line.split(",") for line in taken["csv"].read_text().splitlines()]
    values = [float(row[3]) for row in rows if row[0] == "spectrum_values"]
    np.testing.assert_array_equal(values, kept["spectrum_values"].values.ravel())
    names = {}
    exec(compile(taken["py"].read_text().replace("print(data)", ""), "explorer.py", "exec"), names)
    np.testing.assert_allclose(names["data"]["spectrum_values"], again["spectrum_values"], rtol=0, atol=1e-6)
    assert page.locator(".respair textarea").input_value() == taken["py"].read_text()


def test_every_panel_answers(page):
    page.locator(".respair-head select").select_option("Hubbard ring")
    sync_api.expect(field(page, "cluster-sites")).to_have_value("6")
    write(page, "cluster-sites", "3")
    write(page, "sector-charge", "2")
    for title, count in {"Pairs": 2, "Spectrum": 1, "Flux": 2, "Motion": 2, "Temperature": 3}.items():
        turn(page, title)
        sync_api.expect(page.locator(".respair-figures svg")).to_have_count(count)
        sync_api.expect(page.locator(".respair-busy")).to_have_count(0)
        sync_api.expect(page.locator(".respair-numbers table").first).to_be_visible()
        picture(page, title)
    turn(page, "Flux")
    field(page, "cluster-kind").select_option("chain")
    sync_api.expect(page.locator(".respair-status [role=alert]")).to_contain_text("no loop for a flux")


def test_long_computations_show_how_far_they_are_and_can_be_cancelled(page):
    page.locator(".respair-head select").select_option("Boson-fermion ring")
    turn(page, "Temperature")
    button = page.locator(".respair-status button")
    sync_api.expect(page.locator(".respair-status [role=status]")).to_contain_text("block")
    button.click()
    sync_api.expect(page.locator(".respair-status [role=status]")).to_contain_text("Cancelled")
    sync_api.expect(button).to_be_disabled()
    page.locator(".respair-head select").select_option("Hubbard ring")
    turn(page, "Pairs")
    sync_api.expect(page.locator(".respair-figures svg")).to_have_count(2)


def test_the_page_works_with_the_keyboard_alone(page):
    page.locator(".respair-head select").select_option("Hubbard ring")
    page.locator(".respair-head select").focus()
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.className + ' ' + document.activeElement.textContent"))
        if "Pairs" in reached[-1]:
            break
    assert sum("noUi-handle" in each for each in reached) == page.locator(".noUi-handle").count()
    assert sum("widget-input" in each for each in reached) == page.locator(".respair-controls input[type=text]").count()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    sync_api.expect(page.locator(".respair-figures svg")).to_have_count(2)


def test_a_narrow_window_needs_no_scrolling_sideways(page):
    page.set_viewport_size({"width": 480, "height": 900})
    sync_api.expect(page.locator(".respair-figure-state-0 svg")).to_be_visible()
    sync_api.expect(page.locator(".respair-busy")).to_have_count(0)
    picture(page, "narrow")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for box in page.locator(".respair-figures svg").all():
        place = box.bounding_box()
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= 480


def test_nothing_is_loaded_from_elsewhere(page, url):
    loaded = page.evaluate("performance.getEntriesByType('resource').filter(e => e.responseStatus).map(e => e.name)")
    assert loaded
    assert [name for name in loaded if not name.startswith((url.partition("?")[0], "data:", "blob:"))] == []


def test_the_notebook_runs_in_jupyterlab(opened, tmp_path):
    pytest.importorskip("jupyterlab", reason="no JupyterLab here: pip install 'respair[test]'")
    shutil.copy(ROOT / "notebooks" / "explorer.ipynb", tmp_path)
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    places = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    port = free_port()
    options = [f"--port={port}", "--ip=127.0.0.1", "--no-browser", "--allow-root", "--IdentityProvider.token="]
    command = [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={tmp_path}"]
    environment = {**os.environ, **places, "PYTHONPATH": path}
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 120
            while not is_there(f"http://127.0.0.1:{port}/api"):
                assert server.poll() is None
                assert time.monotonic() < until
                time.sleep(0.2)
            lab = opened.context.browser.new_page(viewport={"width": 1366, "height": 768})
            lab.set_default_timeout(PATIENCE)
            lab.goto(f"http://127.0.0.1:{port}/lab/tree/explorer.ipynb")
            lab.locator(".jp-Notebook .jp-CodeCell").first.click()
            lab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()
            lab.keyboard.press("Shift+Enter")
            table = lab.locator(".respair-numbers table").first
            table.wait_for(timeout=FIRST_TIME)
            before = table.inner_text()
            lab.locator(".respair-at-electrons-hopping .noUi-handle").press("ArrowRight")
            sync_api.expect(lab.locator(".respair-at-electrons-hopping input").last).to_have_value("1.01")
            other = "before => document.querySelector('.respair-numbers table').innerText != before"
            lab.wait_for_function(other, arg=before)
            assert lab.locator(".respair-figures svg").count() >= 2
            assert lab.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
            picture(lab, "jupyterlab")
            lab.close()
        finally:
            server.terminate()


def is_there(url):
    try:
        urllib.request.urlopen(url, timeout=1).close()
        return True
    except OSError:
        return False


def kernels(server):
    command = ["pgrep", "-P", str(server), "-f", "ipykernel"]
    return len(subprocess.run(command, capture_output=True, text=True, check=False).stdout.split())


def wait_for_kernels(server, count):
    until = time.monotonic() + 60
    while kernels(server) != count:
        assert time.monotonic() < until, f"{kernels(server)} kernels, not {count}"
        time.sleep(0.2)


def test_no_kernel_outlives_its_page(served, opened):
    """After reloading, leaving and closing a page, with and without a word from the browser."""
    address, server = served
    before = kernels(server)
    context = opened.context.browser.new_context()

    def shown(page):
        page.locator(".respair-numbers table").first.wait_for(timeout=FIRST_TIME)
        wait_for_kernels(server, before + 1)

    page = context.new_page()
    page.goto(address, timeout=FIRST_TIME)
    shown(page)
    page.reload(timeout=FIRST_TIME)
    shown(page)
    page.goto("about:blank")
    wait_for_kernels(server, before)
    page.goto(address, timeout=FIRST_TIME)
    shown(page)
    page.close()
    wait_for_kernels(server, before)
    context.close()


def test_a_page_of_another_server_ends_no_kernel(served, opened):
    address, server = served
    before = kernels(server)
    asked = urllib.request.Request(
        f"{address.partition('?')[0]}voila/api/shutdown/any", data=b"", headers={"Origin": "http://else.where"}
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(asked, timeout=10)
    assert kernels(server) == before


OVERLAPS = """
() => {
  const texts = [];
  const walker = document.createTreeWalker(document.querySelector(".respair"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, holder = node.parentElement;
    if (!node.textContent.trim() || ["STYLE", "SCRIPT", "OPTION", "TEXTAREA"].includes(holder.tagName)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const scroller = holder.closest(".respair-controls, .respair-wide");
    const frame = scroller ? scroller.getBoundingClientRect() : null;
    for (const r of range.getClientRects()) {
      if (r.width < 2 || r.height < 2) continue;
      const hidden = (f) => r.top < f.top || r.bottom > f.bottom || r.left < f.left || r.right > f.right;
      if (frame && hidden(frame)) continue;
      texts.push({ words: node.textContent.trim().slice(0, 40), r });
    }
  }
  const found = [];
  for (let i = 0; i < texts.length; i++)
    for (let j = i + 1; j < texts.length; j++) {
      const a = texts[i].r, b = texts[j].r;
      const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (w > 2 && h > 4) found.push([texts[i].words, texts[j].words]);
    }
  return found;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 1920])
def test_no_words_lie_over_others_in_light_and_in_the_dark(page, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    for panel, title in (("pairs", "Pairs"), ("spectrum", "Spectrum"), ("state", "Ground state")):
        turn(page, title)
        page.locator(f".respair-figure-{panel}-0 svg").wait_for()
        page.locator(".respair-numbers table").first.wait_for()
        picture(page, f"{title}-{width}-{scheme}")
        assert page.evaluate(OVERLAPS) == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = page.evaluate("getComputedStyle(document.querySelector('.respair')).color")
    letter = page.evaluate("getComputedStyle(document.querySelector('.respair-figure-state-1 svg use')).fill")
    light = [sum(map(int, re.findall(r"\d+", colour)[:3])) > 384 for colour in (paper, ink, letter)]
    assert light == ([False, True, True] if scheme == "dark" else [True, False, False])
    page.emulate_media(color_scheme="light")


def shown_hopping(page) -> float | None:
    """Return the hopping that the address of the page holds."""
    held = screen_of(urllib.parse.urlsplit(page.url).query)
    return held[0].tables["electrons"]["hopping"] if held else None


def wait_until(page, holds, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, page.url
        page.wait_for_timeout(100)


def test_reloading_loses_nothing_and_steps_can_be_taken_back(page):
    before = field(page, "electrons-hopping").input_value()
    write(page, "electrons-hopping", "sqrt(2)/2")
    sync_api.expect(field(page, "electrons-hopping")).to_have_value("0.7071067812")
    page.locator(".respair-head button", has_text="Undo").click()
    sync_api.expect(field(page, "electrons-hopping")).to_have_value(before)
    page.locator(".respair-head button", has_text="Redo").click()
    sync_api.expect(field(page, "electrons-hopping")).to_have_value("0.7071067812")
    wait_until(page, lambda: shown_hopping(page) == pytest.approx(0.5**0.5))
    assert "token" not in page.url
    page.reload(timeout=FIRST_TIME)
    page.locator(".respair-numbers table").first.wait_for(timeout=FIRST_TIME)
    sync_api.expect(field(page, "electrons-hopping")).to_have_value("0.7071067812")
    write(page, "electrons-hopping", before)


def test_a_sweep_fills_in_and_a_click_on_it_goes_to_the_point(page):
    write(page, "electrons-hopping", "1.0")
    turn(page, "Sweep")
    along = page.locator(".respair-at-sweep-0 select")
    along.select_option("electrons.hopping")
    write(page, "sweep-electrons-hopping-count", "3")
    sync_api.expect(page.locator(".respair-status")).to_contain_text("3 points", timeout=PATIENCE)
    place = page.locator(".respair-figure-sweep-0 svg [id^=go_]").last
    place.click(force=True)
    page.locator(".respair-figure-state-1 svg").wait_for(timeout=PATIENCE)
    sync_api.expect(field(page, "electrons-hopping")).to_have_value("2.0")
    write(page, "electrons-hopping", "1.0")


def test_what_is_pinned_is_compared(page):
    page.locator(".respair-head button", has_text="Pin").click()
    write(page, "electrons-hopping", "1.2")
    sync_api.expect(page.locator(".respair-numbers")).to_contain_text("electrons.hopping = 1.2 (pinned: 1.0)")
    page.locator(".respair-head button", has_text="Unpin").click()
    write(page, "electrons-hopping", "1.0")
    sync_api.expect(page.locator(".respair-numbers")).not_to_contain_text("pinned")


def test_without_the_token_nobody_gets_in(served):
    address, server = served
    before = kernels(server)
    for path in ("", "voila/render/explorer.ipynb", "api/kernels/any"):
        with urllib.request.urlopen(address.partition("?")[0] + path, timeout=10) as answer:
            assert "/login" in answer.url
    assert kernels(server) == before
