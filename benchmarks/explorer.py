"""The explorer without a browser: time from a change of a control to the first new figure, and to all figures.

Each row changes one coupling of a model five times and shows the median time, which includes the search for the
cutoff, the levels, the quantities of the panel and its figures as sent to the browser, but not their rendering in the
browser. The first result of each model, with compilation and imports, is not counted. Goal: 0.3 s to the first figure
up to about 1e5 states.

Usage: python benchmarks/explorer.py [TITLE ...] [--panels NAME ...]; a title of `respair.explorer.presets.PRESETS`, or
"many charges", "deep lattice"; a name of `respair.explorer.panels.PANELS`, by default all but "temperature".
"""

from __future__ import annotations

import argparse
import time
from statistics import median

from fresh import describe, header, line

from respair.explorer.drawn import Drawn
from respair.explorer.engine import Answer, Engine
from respair.explorer.panels import PANELS
from respair.explorer.presets import PRESETS, preset
from respair.explorer.screen import Screen
from respair.studies import Quiet, parse

MOVED = {
    "Boson-fermion ring": "bosons.exchange",
    "Resonating bipolaron": "phonons.electron_coupling",
    "Holstein-Hubbard dimer": "electrons.hubbard_u",
    "Pseudogap ring": "bosons.exchange",
    "Hubbard ring": "electrons.hubbard_u",
    "many charges": "bosons.exchange",
    "deep lattice": "bosons.exchange",
}
"""The varied control, by the title of the model."""
LARGE = """
schema = 1
name = "large"
cluster = {{ kind = "ring", sites = {0} }}
electrons = {{ hopping = 1.0 }}
bosons = {{ level = -0.4, exchange = 0.8 }}
phonons = {{ frequency = 1.0, boson_coupling = 0.7, total_quanta = {1}, frame = "mean" }}
sector = {{ charge = {0}, two_sz = 0 }}
"""
SIZES = {"many charges": (6, 2), "deep lattice": (4, 10)}
"""Sites and quanta of the large models."""
MOVES = 5


def first_figure_and_all(engine: Engine, screen: Screen, panel: str) -> tuple[float, float, Answer]:
    began, first, drawn = time.perf_counter(), [], Drawn(panel)

    def draw(answer: Answer) -> None:
        for _ in drawn.of(answer):
            first.append(time.perf_counter() - began)

    answer = engine.answer(screen, panel, Quiet(), draw)
    draw(answer)
    return first[0], time.perf_counter() - began, answer


def rows(title: str, panels: list[str]) -> None:
    large, key = title in SIZES, MOVED[title]
    screen = Screen.of(parse(LARGE.format(*SIZES[title]), "large.toml")) if large else preset(title)
    for panel in panels:
        if PANELS[panel].lacks(screen.study(["ground_state"]).model):
            continue
        engine = Engine()
        first_figure_and_all(engine, screen, panel)
        values = [screen.value(key) * (1 + 0.07 * (move + 1)) for move in range(MOVES)]
        taken = [first_figure_and_all(engine, screen.changed(key, value), panel) for value in values]
        about = taken[-1][2].about.split(";")[0]
        line((title, about, PANELS[panel].title, *(f"{median(each[n] for each in taken):.2f}" for n in (0, 1))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("titles", nargs="*", metavar="TITLE", default=MOVED, help=", ".join(MOVED))
    panels = [name for name in PANELS if name != "temperature"]
    parser.add_argument("--panels", nargs="+", choices=PANELS, default=panels)
    chosen = parser.parse_args()
    describe("respair", "quspin", "numba", "matplotlib")
    header("model", "sector", "panel", "first figure (s)", "all (s)")
    for title in chosen.titles:
        rows(title, chosen.panels)


if __name__ == "__main__":
    assert MOVED.keys() - PRESETS.keys() == SIZES.keys()
    main()
