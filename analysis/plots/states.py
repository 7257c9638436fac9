"""Figures of clusters, levels, distributions, charge scans, fluxes and thermal averages."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from ...clusters import Cluster, InvalidValue
from ...clusters.drawing import projected
from ...clusters.magnetic import without_field
from ...clusters.translations import primitive_vectors
from ..observables.structure import STRUCTURES, structure_factor
from .crossings import crossings, interrupted
from .labels import axis_label, literal, whole_ticks

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The colours of Okabe and Ito, distinguishable for colour-blind readers."""
MARKERS = ("o", "s", "^", "D")
LINES = ("-", "--", ":", "-.")
MOST_LETTERS = 60
"""Largest length of a line of a title."""
MOST_NAMED = 12
"""Largest number of curves with a legend."""


def new_axes(width: float = 5.2, height: float = 3.6) -> Axes:
    """Return the axes of a new figure, without pyplot state."""
    return Figure(figsize=(width, height), layout="constrained").subplots()


def save(drawn: Axes | Figure, path: Path) -> Path:
    """Save a figure, or that of an axes, and return its path; PDF and SVG contain their fonts."""
    figure = drawn if isinstance(drawn, Figure) else drawn.get_figure()
    assert isinstance(figure, Figure)
    with rc_context({"pdf.fonttype": 42, "svg.fonttype": "path"}):
        figure.savefig(path, dpi=160)
    return path


def draw_cluster(cluster: Cluster, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw sites and bonds by class, and lattice modes (with ``model.cluster``).

    For a model its cluster is drawn. On closed clusters bonds across the boundary are drawn as stubs labelled by the
    site to whose image they lead, and the cell is dotted; three-dimensional clusters are projected.
    """
    ax = ax or new_axes(4.2, 4.2)
    cluster = getattr(cluster, "cluster", cluster)  # the cluster of a model
    xy = projected(cluster.coordinates)
    _draw_cell(cluster, ax)
    for c, label in enumerate(cluster.bond_classes):
        for bond in cluster.bonds:
            if bond.label == label:
                lines = cluster.lines(bond)
                for line, site in zip(lines, (bond.end, bond.start), strict=False):
                    start, end = projected(np.array(line))
                    ax.plot(*np.array([start, end]).T, LINES[c % 4], color="0.45", lw=1.8, zorder=1)
                    if len(lines) > 1:  # across the boundary, to the image of this site
                        ax.annotate(str(site), end + 0.12 * (end - start), color="0.45", ha="center", va="center",
                                    fontsize=7)  # fmt: skip
        ax.plot([], [], LINES[c % 4], color="0.45", lw=1.8, label=f"bond: {literal(label)}")
    for c, name in enumerate(cluster.site_classes):
        at, label = xy[[i for i, each in enumerate(cluster.classes) if each == name]], f"site: {literal(name)}"
        ax.scatter(at[:, 0], at[:, 1], s=420, color=COLOURS[c % len(COLOURS)], label=label, zorder=2)
    for i, point in enumerate(xy):
        ax.annotate(str(i), point, color="white", ha="center", va="center", fontsize=9, zorder=4)
    if cluster.modes:
        at = projected(np.array([cluster.middle(mode) for mode in cluster.modes]))
        large = np.array([mode.host == "site" for mode in cluster.modes])
        for here, size, width in ((at[large], 900, 2.0), (at[~large], 90, 1.5)):
            if len(here):
                x, y = here.T
                ax.scatter(x, y, s=size, label="mode", facecolors="none", edgecolors="#E69F00", lw=width, zorder=3)
    ax.set_aspect("equal")
    ax.margins(0.25)
    ax.set_axis_off()
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2, frameon=False, fontsize=8, markerscale=0.4)
    named = title or f"{cluster.kind}, {cluster.sites} sites"
    remarks = [line for remark in cluster.remarks for line in wrap(remark, MOST_LETTERS)]
    ax.set_title(literal("\n".join([named, *remarks])), fontsize=None if not remarks else 9)
    return ax


def _draw_cell(cluster: Cluster, ax: Axes) -> None:
    """Draw the edges of the cell of a closed cluster, with its corner near the first site."""
    if len(cluster.cell) < 2:
        return
    rows = np.array(cluster.cell)
    corner = cluster.coordinates[0] - 0.25 * np.sum(rows / np.linalg.norm(rows, axis=1)[:, None], axis=0)
    for along, row in enumerate(rows):
        others = np.delete(rows, along, axis=0)
        for at in product((0, 1), repeat=len(others)):
            start = corner + np.array(at) @ others
            ax.plot(*projected(np.array([start, start + row])).T, ":", color="0.6", lw=1.0, zorder=0)


def plot_structure_factor(data: xr.Dataset, cluster: Cluster | None, name: str, ax: Axes | None = None) -> Axes:
    """Plot a structure factor over the momenta of a planar cluster, including neighbouring zones.

    Parameters
    ----------
    data : xarray.Dataset
        Observables, with ``structure_factor_NAME`` over ``momentum``.
    cluster : Cluster, optional
        A cluster closed in the plane. Only the momenta of the first zone are drawn without it, or if the cell has
        several sites and the underlying correlations are not in `data`.
    name : str
        "density", "spin", "pair", "boson" or "displacement".
    ax : matplotlib.axes.Axes, optional
        Axes; by default those of a new figure.
    """
    ax = ax or new_axes(4.6, 4.0)
    cluster = None if cluster is None else without_field(getattr(cluster, "cluster", cluster))  # the cluster of a model
    if f"structure_factor_{name}" not in data:
        there = [each for each in STRUCTURES if f"structure_factor_{each}" in data]
        raise InvalidValue(f"structure factor {name!r}: allowed are those in the data: {', '.join(there) or 'none'}")
    array, correlation = data[f"structure_factor_{name}"], STRUCTURES[name][0]
    vectors, values = np.stack([array["q_x"].values, array["q_y"].values], axis=1), array.values
    if cluster is not None and (correlation in data or len(values) == cluster.sites):
        reciprocal = 2 * np.pi * np.linalg.pinv(np.array(primitive_vectors(cluster))).T
        copies = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]) @ reciprocal
        every = (vectors[:, None] + copies).reshape(-1, 2)
        values = np.repeat(values, len(copies))
        if len(array) < cluster.sites:  # phases within a cell: S(q + G) is not S(q)
            values = structure_factor(data[correlation].values, cluster, every)
        inside = np.linalg.norm(every, axis=1) <= 1.05 * np.max(np.linalg.norm(reciprocal, axis=1))
        vectors, values = every[inside], values[inside]
    x, y = vectors.T / np.pi
    drawn = ax.scatter(x, y, c=values, s=160, cmap="viridis", edgecolors="0.4", lw=0.5)
    figure = ax.get_figure()
    assert figure is not None
    figure.colorbar(drawn, ax=ax, label="$S(q)$")
    ax.set(xlabel=r"$q_x / \pi$", ylabel=r"$q_y / \pi$")
    ax.set_title(name, fontsize=9)
    reach = 0.15 + np.max(np.abs([x, y]), initial=1.0)
    whole = np.arange(-int(reach), int(reach) + 1)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=whole, yticks=whole, aspect="equal")
    return ax


def plot_structure_factors(data: xr.Dataset) -> Figure:
    """Plot all structure factors of a result side by side, at the momenta of the first zone."""
    there = [name for name in STRUCTURES if f"structure_factor_{name}" in data]
    columns = min(len(there), 2)
    rows = -(-len(there) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.2 * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax in panels[len(there) :]:
        ax.remove()
    for name, ax in zip(there, panels, strict=False):
        values = data[f"structure_factor_{name}"]
        if "q_y" in values.coords and "q_z" not in values.coords:
            plot_structure_factor(data, None, name, ax)
        else:
            draw_curves(ax, np.arange(values.size), [("", values.values, None)], "o", xlabel="number of the momentum")
            ax.set_ylabel("$S(q)$")
            ax.set_title(name, fontsize=9)
    return figure


def draw_curves(
    ax: Axes | None,
    x: ArrayLike,
    curves: Iterable[tuple[Any, ...]],
    style: str = "o-",
    zero: bool = False,
    first: int = 0,
    **labels: Any,
) -> Axes:
    """Plot curves with error bars and a legend.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        Axes; by default those of a new figure.
    x : array
        Abscissae of all curves.
    curves : iterable of (str, array, array or None)
        Label, values and error bars.
    style : str
        Style of markers and lines, as for ``Axes.plot``.
    zero : bool
        Whether to draw a line at zero.
    first : int
        Index of the first colour.
    **labels : str
        Properties of the axes, such as xlabel and ylabel.
    """
    ax = ax or new_axes()
    if zero:
        ax.axhline(0.0, color="0.6", lw=0.8)
    for k, (label, values, errors) in enumerate(curves, first):
        ax.errorbar(x, values, errors, fmt=style, ms=4, color=COLOURS[k % len(COLOURS)], label=label)
    ax.set(**labels)
    if any(ax.get_legend_handles_labels()[1]):
        ax.legend(frameon=False, fontsize=8)
    return ax


def plot_levels(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot the levels with their error bars."""
    energies, errors = data["energies"].values, data["energy_errors"].values
    numbers = np.arange(len(energies))
    ax = draw_curves(ax, numbers, [("", energies, errors)], "o", xlabel="level $n$", ylabel="$E_n$")
    ax.set_xticks(numbers)
    return ax


def plot_distribution(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot P(X) of each mode."""
    rows = data["displacement_distribution"].values
    named = 1 < len(rows) <= MOST_NAMED
    curves = [(f"mode {m}" if named else "", row, None) for m, row in enumerate(rows)]
    ax = draw_curves(ax, data["X"].values, curves, "-", xlabel=r"$X = (a + a^\dagger)/\sqrt{2}$", ylabel="$P(X)$")
    ax.set_ylim(bottom=0)
    return ax


def plot_charge_scan(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot the pair binding energy over the charge."""
    curve = ("", data["charge_scan_binding"].values, data["charge_scan_binding_errors"].values)
    formula = r"$\Delta_b = E_{N+2} + E_N - 2E_{N+1}$"
    charges = data["binding_charge"].values
    ax = draw_curves(ax, charges, [curve], zero=True, xlabel="$N$", ylabel=formula)
    whole_ticks(ax, charges)
    return ax


def plot_flux(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot the ground-state energy over the flux, interrupted at level crossings."""
    energies, errors = (data[name].values for name in ("flux_energies", "flux_energy_errors"))
    curve = ("", energies, None)
    if "flux_phi" not in data:
        breaks = crossings(data, "phi")
        phi, energies, errors = (interrupted(part, breaks) for part in (data["phi"].values, energies, errors))
        words = r"$\varphi = 2\pi\Phi/(hc/e)$"
        return draw_curves(ax, phi, [("", energies, errors)], xlabel=words, ylabel=r"$E_0(\varphi)$")
    points = ["\n".join(f"{x:.3g}" for x in point) for point in data["flux_phi"].values]
    ax = draw_curves(ax, np.arange(len(points)), [curve], "o", xlabel=r"$\varphi_j$", ylabel=r"$E_0(\varphi)$")
    ax.set_xticks(np.arange(len(points)), points, fontsize=8)
    return ax


def plot_thermal(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot entropy and specific heat over the temperature, with their error bars."""
    names = {"entropy": "$S$", "specific_heat": "$C$"}
    curves = [(label, *(data[f"thermal_{n}{end}"].values for end in ("", "_error"))) for n, label in names.items()]
    scale = "log" if data.sizes["temperature"] > 1 else "linear"
    return draw_curves(ax, data["temperature"].values, curves, xlabel="$T$", xscale=scale)


def cell_edges(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Return the edges of cells around the values of an axis, and its scale: "log" for a geometric series.

    Examples
    --------
    >>> cell_edges(np.array([1.0, 4.0, 16.0]))
    (array([ 0.5,  2. ,  8. , 32. ]), 'log')
    """
    positive = len(values) > 2 and np.all(values > 0)
    if positive and np.allclose(np.diff(np.log(values)), np.log(values[1] / values[0])):
        return np.exp(cell_edges(np.log(values))[0]), "log"
    if len(values) == 1:
        return values[0] + np.array([-0.5, 0.5]), "linear"
    middle = 0.5 * (values[1:] + values[:-1])
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]]), "linear"


def plot_resonance(data: xr.Dataset, axis: str, site: int, mode: int = 0, resonance: float | None = None) -> Figure:
    """Plot a bipolaron resonance: the charge on one site, the gap, and P(X), over a swept coupling.

    Parameters
    ----------
    data : xarray.Dataset
        Result of a sweep over `axis`, with ``electron_density``, ``energies`` (two levels) and
        ``displacement_distribution``.
    axis : str
        Swept parameter.
    site, mode : int
        The polaronic site and its oscillator.
    resonance : float, optional
        Position of the exact resonance, drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels with a common coupling axis.
    """
    figure = Figure(figsize=(5.6, 7.2), layout="constrained")
    charge, gap, lattice = figure.subplots(3, 1, sharex=True, height_ratios=(1, 1, 1.5))
    x = data[axis].values
    charge.plot(x, data["electron_density"].isel(site=site).values, "o-", ms=3, color=COLOURS[0])
    charge.set_ylabel(r"charge $\langle n_P\rangle$")
    energies = data["energies"].transpose(axis, "level").values
    gap.plot(x, energies[:, 1] - energies[:, 0], "o-", ms=3, color=COLOURS[1])
    gap.set_ylabel("gap $E_1 - E_0$")
    gap.set_ylim(bottom=0)
    density = data["displacement_distribution"].isel(mode=mode).transpose("X", axis).values
    image = lattice.pcolormesh(x, data["X"].values, density, cmap="magma_r", shading="nearest", rasterized=True)
    figure.colorbar(image, ax=lattice, label="$P(X)$", pad=0.01)
    lattice.set(xlabel=axis_label(axis), ylabel=r"$X = (a + a^\dagger)/\sqrt{2}$")
    seen = data["X"].values[np.max(density, axis=1) > 2e-3 * np.max(density)]
    lattice.set_ylim(seen[0], seen[-1])
    if resonance is not None:
        for ax in (charge, gap, lattice):
            ax.axvline(resonance, color="0.3", ls="--", lw=1)
        charge.annotate(rf" $\alpha_c = {resonance:.5f}$", (resonance, charge.get_ylim()[0]), va="bottom", fontsize=9)
    return figure
