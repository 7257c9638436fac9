"""Figures of sweeps: every value of every axis is drawn, or counted where it is not."""

import numpy as np
import pytest
import xarray as xr

from respair.analysis.plots.comparisons import comparison_figures
from respair.analysis.plots.states import MOST_MAPS, plot_map, plot_sweep, slices
from respair.studies import parse, run
from respair.studies.execution.figures import save_figures

X, Y, Z = "electrons.hubbard_u", "electrons.hopping", "ensemble.chemical_potential"


def swept(x, y, z=(0.0,), levels=2):
    """A quantity that names its own place."""
    values = np.add.outer(np.add.outer(np.add.outer(1.0 * np.array(x), 10.0 * np.array(y)), 100.0 * np.array(z)),
                          1000.0 * np.arange(levels))  # fmt: skip
    return xr.Dataset({"energies": ((X, Y, Z, "level"), values)}, coords={X: list(x), Y: list(y), Z: list(z)})


def test_two_axes_give_a_map_for_each_entry_with_every_point():
    data = swept([3.0, 1.0, 2.0], [0.5, 1.5]).isel({Z: 0}, drop=True)
    figure = plot_map(data, [X, Y], "energies")
    maps = [ax for ax in figure.axes if ax.get_title().startswith("level")]
    assert [ax.get_title() for ax in maps] == ["level 0", "level 1"]
    for level, ax in enumerate(maps):
        (mesh,) = ax.collections
        wanted = 1000.0 * level + np.add.outer(10.0 * np.array([0.5, 1.5]), [1.0, 2.0, 3.0])
        np.testing.assert_allclose(np.asarray(mesh.get_array()).reshape(2, 3), wanted)
        np.testing.assert_allclose(ax.get_xlim(), [0.5, 3.5])
    assert {ax.get_xlim() for ax in maps} == {(0.5, 3.5)}


def test_further_axes_give_further_maps_and_what_is_left_out_is_counted():
    figure = plot_map(swept([0.0, 1.0], [0.0, 1.0], [0.0, 0.3, 0.6]), [X, Y, Z], "energies")
    titles = [ax.get_title() for ax in figure.axes]
    assert f"{Z} = 0.3, level 1" in titles
    assert len([title for title in titles if title]) == 6
    many = plot_map(swept([0.0, 1.0], [0.0, 1.0], [0.0, 0.3, 0.6], levels=8), [X, Y, Z], "energies")
    (bar,) = [ax for ax in many.axes if "energies" in ax.get_ylabel()]
    assert bar.get_ylabel() == f"energies ({MOST_MAPS} of 24 entries)"


@pytest.mark.parametrize("levels", [3, 9])
def test_one_axis_gives_a_line_for_each_entry(levels):
    data = swept([0.0, 1.0, 2.0], [0.0], levels=levels).isel({Y: 0, Z: 0}, drop=True)
    ax = plot_sweep(data, X, "energies")
    assert len(ax.lines) == levels
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == levels
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [str(n) for n in range(levels)]
    both = plot_sweep(swept([0.0, 1.0], [0.2, 0.4], levels=1).isel({Z: 0}, drop=True), X, "energies")
    assert [line.get_label() for line in both.lines] == [f"{Y} = 0.2, level 0", f"{Y} = 0.4, level 0"]


def test_slices_name_every_value():
    found = list(slices(swept([0.0, 1.0], [0.2, 0.4], [0.5, 0.6]), [Y, Z]))
    assert [suffix for _, suffix, _ in found] == ["", "-1", "-2", "-3"]
    assert found[2][0] == f"{Y} = 0.4, {Z} = 0.5"
    assert [words for words, _, _ in slices(swept([0.0], [0.2]), [])] == [""]


BODY = """
schema = 1
cluster.kind = "dimer"
electrons = { hopping = 1.0, hubbard_u = 1.0 }
sector = { charge = 2 }
"""


def test_a_run_over_two_axes_saves_maps(tmp_path):
    sweep = '[sweep]\n"electrons.hubbard_u" = [0.0, 2.0]\n"electrons.hopping" = [0.5, 1.0, 2.0]\n'
    ground = 'ground_state = { observables = ["electron_density"] }\n'
    result = run(parse(BODY + ground + sweep, "dimer.toml"))
    names = {path.name for path in save_figures(result, tmp_path / "dimer")}
    assert names == {"dimer-energies.png", "dimer-electron_density.png"}
    exact = np.array([[u / 2 - np.hypot(u / 2, 2 * t) for t in (0.5, 1.0, 2.0)] for u in (0.0, 2.0)])
    figure = plot_map(result.data, [X, Y], "energies")
    np.testing.assert_allclose(np.asarray(figure.axes[0].collections[0].get_array()).reshape(3, 2), exact.T, atol=1e-9)


def test_comparisons_over_three_axes_are_drawn_at_each_value_of_the_third():
    phonons = "phonons = { frequency = 1.0, electron_coupling = 0.4, max_quanta = 1 }"
    more = f'compare = {{ approximations = ["adiabatic"] }}\nensemble.chemical_potential = 0\n{phonons}\n'
    text = BODY + more
    axes = f'[sweep]\n"{X}" = [0.5, 2.0]\n"{Y}" = [0.5, 1.0]\n"{Z}" = [0.0, 0.1]\n'
    data = run(parse(text + axes, "dimer.toml")).data
    figures = dict(comparison_figures(data, [X, Y, Z]))
    assert {"best-energies", "best-energies-1"} <= figures.keys()
    assert figures["best-energies-1"].get_title().endswith(f"{Z} = 0.1")
