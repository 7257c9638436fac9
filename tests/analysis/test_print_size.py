"""Figures for print: their widths, fonts, letters, and that no label lies on another one."""

import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from small_figures import FIGURES, collisions

from respair.analysis import plots

CENTIMETRES = {1: 8.6, 2: 17.8}
REFUSED = r"columns = 3: allowed are 1 \(8.6 cm wide\) and 2 \(17.8 cm wide\)"


def drawing():
    ax = plots.new_axes()
    ax.plot([0.0, 1.0], [0.0, 1.0], "o-", label=r"$\langle n\rangle$")
    ax.set(xlabel="exchange $v$", ylabel="amplitude")
    ax.legend()
    return ax


@pytest.mark.parametrize("columns", [1, 2])
def test_widths_are_those_of_columns(columns):
    figure = plots.print_size(drawing(), columns)
    assert 2.54 * figure.get_size_inches()[0] == pytest.approx(CENTIMETRES[columns])
    before = mpl.rcParams["pdf.fonttype"]
    with plots.print_style(columns, height=5.0):
        np.testing.assert_allclose(2.54 * Figure().get_size_inches(), [CENTIMETRES[columns], 5.0])
        assert mpl.rcParams["pdf.fonttype"] == 42
    assert mpl.rcParams["pdf.fonttype"] == before


def test_other_widths_are_refused():
    with pytest.raises(ValueError, match=REFUSED):
        plots.print_size(drawing(), 3)
    with pytest.raises(ValueError, match=REFUSED), plots.print_style(3):
        pass


def test_no_letter_is_larger_or_smaller_than_can_be_read():
    figure = plots.print_size(drawing())
    sizes = {text.get_fontsize() for text in figure.findobj(Text) if text.get_text()}
    assert 7 <= min(sizes) <= max(sizes) <= 8


def test_files_contain_their_fonts(tmp_path):
    figure = plots.print_size(drawing())
    pdf = plots.save(figure, tmp_path / "figure.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    svg = plots.save(figure, tmp_path / "figure.svg").read_text()
    assert "<text" not in svg  # letters are outlines: no font is needed


def test_letters_of_panels():
    with plots.print_style(2):
        axes = Figure().subplots(1, 3)
    letters = plots.panel_letters(axes, first="b")
    assert [letter.get_text() for letter in letters] == ["(b)", "(c)", "(d)"]
    assert not collisions(axes[0].get_figure())


def test_colours_differ_also_in_grey_and_are_those_of_the_style():
    with plots.print_style():
        cycle = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    assert [to_hex(colour) for colour in cycle] == [colour.lower() for colour in plots.COLOURS]
    grey = sorted(np.array([to_rgb(colour) for colour in plots.COLOURS[:3]]) @ [0.299, 0.587, 0.114])
    assert len(set(np.round(grey, 3))) == 3


def test_collisions_are_found():
    ax = drawing()
    ax.text(0.5, 0.5, "one")
    ax.text(0.52, 0.5, "two")
    ax.text(5.0, 0.5, "outside").set_in_layout(False)
    found = collisions(ax)
    assert "'one' on 'two'" in found
    assert any(re.search("outside.*cut off", line) for line in found)


def test_every_function_that_draws_has_a_small_figure():
    assert set(FIGURES) == {name for name in plots.__all__ if name.startswith(("plot_", "draw_"))}


@pytest.mark.long
@pytest.mark.parametrize("name", FIGURES)
def test_no_label_lies_on_another(name):
    assert not collisions(FIGURES[name]()), "on the screen"
    for columns in (1, 2):
        assert not collisions(plots.print_size(FIGURES[name](), columns)), f"in {columns} columns"
