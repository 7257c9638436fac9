"""Momenta of clusters in the first Brillouin zone, and correlations drawn on the cluster."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...clusters import Cluster, InvalidValue, momenta
from ...clusters.drawing import projected
from ...clusters.magnetic import without_field
from ...clusters.translations import as_numbers, primitive_vectors, wave_vectors
from .states import COLOURS, new_axes

CORRELATIONS = ("density", "spin", "pair", "boson")
"""Correlations that can be drawn on a cluster, by their names without ``_correlation``."""


def draw_zone(cluster: Cluster, ax: Axes | None = None) -> Axes:
    """Draw the momenta of a closed cluster as labelled points in the first Brillouin zone.

    In two dimensions the zone is outlined; three-dimensional momenta are projected. Momenta that remain quantum numbers
    in a magnetic field are filled.

    Parameters
    ----------
    cluster : Cluster
        A lattice; for a model its cluster is used.
    ax : matplotlib.axes.Axes, optional
        Axes; by default those of a new figure.

    Raises
    ------
    ValueError
        If the cluster has no cell, so that its wave vectors are unknown.
    """
    cluster = getattr(cluster, "cluster", cluster)
    if not cluster.cell:
        raise InvalidValue(f"a {cluster.kind} of {cluster.sites} sites has no zone; draw that of a closed lattice")
    whole = without_field(cluster)
    ax = ax or new_axes(4.4, 4.2)
    axes = whole.coordinates.shape[1]
    points = wave_vectors(whole) / np.pi
    flat = projected(points) if axes > 1 else np.column_stack([points[:, 0], 0 * points[:, 0]])
    if axes == len(whole.cell) == 2:
        outline = first_zone(whole) / np.pi
        ax.fill(*outline.T, facecolor="0.94", edgecolor="0.5", lw=1.0, zorder=0)
    left = {as_numbers(k) for k in momenta(cluster)}
    for at, k in zip(flat, momenta(whole), strict=True):
        filled = as_numbers(k) in left
        ax.scatter(at[0], at[1], s=70, color=COLOURS[0] if filled else "white", edgecolors=COLOURS[0], zorder=2)
        ax.annotate(", ".join(map(str, as_numbers(k))), at, (0, 7), textcoords="offset points", ha="center", fontsize=8)
    ax.margins(0.15)
    ax.set(xlabel=r"$k_x / \pi$", ylabel=r"$k_y / \pi$" if axes > 1 else "")
    if axes == 1:
        ax.set_yticks([])
    ax.set_aspect("equal")
    return ax


def first_zone(cluster: Cluster) -> NDArray[np.float64]:
    """Return the corners of the first Brillouin zone of a planar lattice, ordered by angle.

    Examples
    --------
    >>> from respair.clusters import square
    >>> (first_zone(square(size=[4, 4])) / np.pi).round(9).tolist()
    [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]
    """
    reciprocal = 2 * np.pi * np.linalg.pinv(np.array(primitive_vectors(cluster))).T
    every = np.array([n for n in product((-2, -1, 0, 1, 2), repeat=2) if any(n)]) @ reciprocal
    halves = np.sum(every**2, axis=1) / 2
    corners = []
    for i, j in zip(*np.triu_indices(len(every), 1), strict=True):
        pair = every[[i, j]]
        if abs(np.linalg.det(pair)) > 1e-9:
            corner = np.linalg.solve(pair, halves[[i, j]])
            if np.all(every @ corner <= halves + 1e-9):
                corners.append(corner.round(12) + 0.0)
    unique = np.unique(corners, axis=0)
    return np.asarray(unique[np.argsort(np.arctan2(unique[:, 1], unique[:, 0]))])


def plot_correlation(data: xr.Dataset, cluster: Cluster, name: str, site: int = 0, ax: Axes | None = None) -> Axes:
    """Draw the correlation of one site with all sites on the cluster.

    Parameters
    ----------
    data : xarray.Dataset
        Observables, with ``NAME_correlation``.
    cluster : Cluster
        The cluster; for a model its cluster is used.
    name : str
        "density", "spin", "pair" or "boson".
    site : int
        The reference site, marked by a ring.
    ax : matplotlib.axes.Axes, optional
        Axes; by default those of a new figure.
    """
    cluster = getattr(cluster, "cluster", cluster)
    there = [each for each in CORRELATIONS if f"{each}_correlation" in data]
    if name not in there:
        raise InvalidValue(f"correlation {name!r}: allowed are those in the data: {', '.join(there) or 'none'}")
    matrix = np.real(data[f"{name}_correlation"].values)
    if not 0 <= site < len(matrix):
        raise InvalidValue(f"site {site} does not exist; this correlation has sites 0 to {len(matrix) - 1}")
    ax = ax or new_axes(4.6, 4.0)
    places = range(cluster.sites) if len(matrix) == cluster.sites else data[data[f"{name}_correlation"].dims[-1]].values
    xy = projected(cluster.coordinates)[np.asarray(places, int)]
    for bond in cluster.bonds:
        for line in cluster.lines(bond):
            ax.plot(*projected(np.array(line)).T, color="0.75", lw=1.2, zorder=1)
    largest = float(np.max(np.abs(np.delete(matrix[site], site)), initial=0.0)) or 1.0
    look: dict[str, Any] = {
        "s": 380,
        "cmap": "RdBu_r",
        "vmin": -largest,
        "vmax": largest,
        "edgecolors": "0.4",
        "zorder": 2,
    }
    drawn = ax.scatter(xy[:, 0], xy[:, 1], c=matrix[site], **look)
    ax.scatter(xy[site, 0], xy[site, 1], s=640, facecolors="none", edgecolors=COLOURS[1], lw=2.0, zorder=3)
    for i, point in enumerate(xy):
        ax.annotate(f"{matrix[site, i]:.2g}", point, ha="center", va="center", fontsize=7, zorder=4)
    figure = ax.get_figure()
    assert figure is not None
    figure.colorbar(drawn, ax=ax, label=f"{name} correlation with site {site}", shrink=0.8)
    ax.set_aspect("equal")
    ax.margins(0.2)
    ax.set_axis_off()
    return ax


def plot_correlations(data: xr.Dataset, cluster: Cluster) -> Figure:
    """Draw all correlations of a result with the first site, side by side on the cluster."""
    there = [name for name in CORRELATIONS if f"{name}_correlation" in data]
    figure = Figure(figsize=(4.2 * len(there), 3.8), layout="constrained")
    for name, ax in zip(there, figure.subplots(1, len(there), squeeze=False).flat, strict=True):
        plot_correlation(data, cluster, name, ax=ax)
    return figure
