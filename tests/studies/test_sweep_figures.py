"""Figures of sweeps: every value of every axis is drawn, or counted where it is not."""

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from respair.analysis.plots.comparisons import comparison_figures
from respair.analysis.plots.sweeps import MOST_MAPS, plot_family, plot_map, plot_sweep, slices
from respair.cli.options import with_formats
from respair.studies import parse, run
from respair.studies.execution.figures import fixed_values, save_figures
from respair.studies.execution.report import show_result

X, Y, Z = "electrons.hubbard_u", "electrons.hopping", "ensemble.chemical_potential"


def swept(x, y, z=(0.0,), levels=2):
    """A quantity that names its own place."""
    values = np.add.outer(np.add.outer(np.add.outer(1.0 * np.array(x), 10.0 * np.array(y)), 100.0 * np.array(z)),
                          1000.0 * np.arange(levels))  # fmt: skip
    return xr.Dataset({"energies": ((X, Y, Z, "level"), values)}, coords={X: list(x), Y: list(y), Z: list(z)})


def test_two_axes_give_a_map_for_each_entry_with_every_point():
    data = swept([3.0, 1.0, 2.0], [0.5, 1.5]).isel({Z: 0}, drop=True)
    figure = plot_map(data, [X, Y], "energies")
    maps = [ax for ax in figure.axes if ax.get_title().startswith("$E")]
    assert [ax.get_title() for ax in maps] == ["$E_{0}$", "$E_{1}$"]
    for level, ax in enumerate(maps):
        (mesh,) = ax.collections
        wanted = 1000.0 * level + np.add.outer(10.0 * np.array([0.5, 1.5]), [1.0, 2.0, 3.0])
        np.testing.assert_allclose(np.asarray(mesh.get_array()).reshape(2, 3), wanted)
        np.testing.assert_allclose(ax.get_xlim(), [0.5, 3.5])
    assert {ax.get_xlim() for ax in maps} == {(0.5, 3.5)}


def test_further_axes_give_further_maps_and_what_is_left_out_is_counted():
    figure = plot_map(swept([0.0, 1.0], [0.0, 1.0], [0.0, 0.3, 0.6]), [X, Y, Z], "energies")
    titles = [ax.get_title() for ax in figure.axes]
    assert r"$\mu = 0.3$, $E_{1}$" in titles
    assert len([title for title in titles if title]) == 6
    many = plot_map(swept([0.0, 1.0], [0.0, 1.0], [0.0, 0.3, 0.6], levels=8), [X, Y, Z], "energies")
    (bar,) = [ax for ax in many.axes if "E_n" in ax.get_ylabel()]
    assert bar.get_ylabel() == f"$E_n$ ({MOST_MAPS} of 24 entries)"


@pytest.mark.parametrize("levels", [3, 9])
def test_one_axis_gives_a_line_for_each_entry(levels):
    data = swept([0.0, 1.0, 2.0], [0.0], levels=levels).isel({Y: 0, Z: 0}, drop=True)
    ax = plot_sweep(data, X, "energies")
    assert len(ax.containers) == levels
    lines = [container[0] for container in ax.containers]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == levels
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [f"$E_{{{n}}}$" for n in range(levels)]
    both = plot_sweep(swept([0.0, 1.0], [0.2, 0.4], levels=1).isel({Z: 0}, drop=True), X, "energies")
    assert [line.get_label() for line in both.containers] == ["$t = 0.2$, $E_{0}$", "$t = 0.4$, $E_{0}$"]


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
    printed = next(save_figures(result, tmp_path / "dimer", "svg", columns=1)).read_text()
    assert 'width="243.7' in printed  # 8.6 cm in points
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


def swept_ring(labels, multiplicities=1):
    """Energies and a density of a ring against U, with the quantum numbers of its levels."""
    x = np.arange(len(labels), dtype=float)
    energies = np.stack([-1.0 - 0.1 * x, -1.2 + 0.3 * x])
    data = {
        "energies": ((X, "level"), np.sort(energies.T, axis=1)),
        "labels": ((X, "level"), np.array(labels)),
        "multiplicity": ((X,), np.broadcast_to(multiplicities, x.shape)),
        "electron_density": ((X, "site"), np.stack([0.5 + x, 0.5 + x, 0.2 * x], axis=1)),
        "electron_density_error": ((X, "site"), np.full((len(x), 3), 0.2)),
    }
    return xr.Dataset(data, coords={X: x})


CROSSED = [["k = 2", "k = 0"], ["k = 0", "k = 2"], ["k = 0", "k = 2"]]


def test_curves_end_where_the_ground_level_changes_and_levels_follow_their_quantum_numbers():
    data = swept_ring(CROSSED)
    ax = plot_sweep(data, X, "electron_density")
    first, second = ax.containers
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["sites 0, 1", "site 2"]
    np.testing.assert_allclose(first[0].get_ydata(), [0.5, np.nan, 1.5, 2.5])
    assert first.has_yerr
    assert second.has_yerr
    levels = plot_sweep(data, X, "energies")
    found = {container.get_label(): container[0].get_ydata() for container in levels.containers}
    np.testing.assert_allclose(found["k = 2"], [-1.2, -0.9, -0.6])
    np.testing.assert_allclose(found["k = 0"], [-1.0, -1.1, -1.2])


@pytest.mark.parametrize(
    ("labels", "multiplicities", "whole"),
    [
        ([["k = 1", "k = 3"]] * 2 + [["k = 3", "k = 1"]], 2, True),
        ([["k = 0", "k = 3"]] * 3, [1, 1, 4], False),
        ([["", ""]] * 3, 1, True),
    ],
)
def test_members_of_a_degenerate_level_may_come_in_any_order(labels, multiplicities, whole):
    ax = plot_sweep(swept_ring(labels, multiplicities), X, "electron_density")
    assert np.all(np.isfinite(ax.containers[0][0].get_ydata())) == whole


def test_ticks_of_whole_numbers_are_whole():
    data = swept_ring(CROSSED).rename({X: "cluster.sites"}).drop_vars("labels")
    ticks = plot_sweep(data, "cluster.sites", "electron_density").get_xticks()
    np.testing.assert_array_equal(ticks, np.round(ticks))


@pytest.mark.parametrize(("count", "panels"), [(3, 2), (12, 2)])
def test_curves_over_time_are_lines_or_maps_of_the_swept_parameter(count, panels):
    x, time = np.arange(count, dtype=float), np.linspace(0.0, 2.0, 21)
    values = np.cos(np.multiply.outer(x + 1, time))[..., None] * np.array([1.0, 1.0, -1.0])
    data = xr.Dataset({"evolution_x": ((X, "time", "site"), values)}, coords={X: x, "time": time})
    figure = plot_family(data, [X], "evolution_x")
    drawn = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in drawn] == ["sites 0, 1", "site 2"]
    assert len(drawn) == panels
    if count == 3:
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["$U = 0$", "$U = 1$", "$U = 2$"]
        np.testing.assert_allclose(drawn[1].containers[2][0].get_ydata(), -np.cos(3 * time))
    else:
        np.testing.assert_allclose(np.asarray(drawn[0].collections[0].get_array()).reshape(12, 21), values[..., 0])


MOTION = BODY + 'evolution = { times = [0.0, 0.5, 1.0], initial = { "electrons.hubbard_u" = 0.0 } }\n'


def test_a_sweep_of_a_motion_has_a_table_and_figures(tmp_path, capsys):
    result = run(parse(MOTION + f'[sweep]\n"{X}" = [1.0, 2.0]\n', "motion.toml"))
    names = {path.name for path in save_figures(result, tmp_path / "motion", "svg")}
    assert {"motion-evolution_electron_density.svg", "motion-evolution_return_probability.svg"} <= names
    show_result(result, Console(width=200))
    printed = capsys.readouterr().out
    assert all(heading in printed for heading in ("hubbard_u", "E(1)", "|<0|t>|^2", "<n>[0]"))


def test_what_is_fixed_stands_above_a_figure():
    study = parse(BODY + f'ground_state = {{}}\n[sweep]\n"{X}" = [1.0, 2.0]\n', "dimer.toml")
    assert fixed_values(study) == "dimer, dimer: 2 sites, $N = 2$, $t = 1$"


def test_columns_of_a_sweep_have_different_names(capsys):
    text = BODY.replace("hubbard_u = 1.0 }", "hubbard_u = 1.0, level = 0.0 }\nbosons = { level = 0.0 }")
    sweep = '[sweep]\n"electrons.level" = [0.0, 1.0]\n"bosons.level" = [0.5]\n'
    show_result(run(parse(text + "ground_state = {}\n" + sweep, "dimer.toml")), Console(width=200))
    printed = capsys.readouterr().out
    assert "electrons.level" in printed
    assert "bosons.level" in printed
    assert "-0.0000000" not in printed


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["--plot", "pdf", "a.toml"], ["--plot", "pdf", "a.toml"]),
        (["--plot", "a.toml"], ["--plot", "png", "a.toml"]),
        (["a.toml", "--plot"], ["a.toml", "--plot", "png"]),
        (["--plot", "--json", "a.toml"], ["--plot", "png", "--json", "a.toml"]),
        (["--plot=svg", "--", "--plot"], ["--plot=svg", "--", "--plot"]),
    ],
)
def test_the_format_of_figures_may_be_left_out(words, read):
    assert list(with_formats(words)) == read


def test_a_table_over_sizes_shows_the_same_site_of_each_and_no_empty_column(capsys):
    text = BODY.replace('cluster.kind = "dimer"', 'cluster = { kind = "chain", sites = 2 }')
    result = run(parse(text + 'ground_state = {}\n[sweep]\n"cluster.sites" = [2, 4]\n', "chain.toml"))
    show_result(result, Console(width=200))
    printed = capsys.readouterr().out
    assert "<n>[1]" in printed
    assert "gap" not in printed
    assert f"{float(result.points[1][1].electron_density[1]):.8f}" in printed
