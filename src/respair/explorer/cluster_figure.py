"""Drawing of the cluster: charges and local pairs as discs on the sites, oscillators as rings."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Wedge
from numpy.typing import NDArray

from ..analysis.plots.states import COLOURS
from ..clusters import Cluster, Mode
from ..clusters.drawing import projected

BLUE, RED, GREEN = COLOURS[:3]
SIZE = (4.9, 2.85)
RADIUS = 0.26
"""Radius of the disc of a fully occupied site, in bond lengths."""
NAME = 1.75 * RADIUS
"""Distance of the numbers from the site."""
SIDES = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [0.7, 0.7], [-0.7, 0.7], [0.7, -0.7], [-0.7, -0.7]])
"""Possible directions of the numbers from the site."""
ASIDE, ABOVE, BELOW = 1.1, 1.0, 1.1
"""Margins for the numbers and the legend, in bond lengths."""
BREATH = 0.35
"""Relative change of the radius of an oscillator with <X> = 1."""
LEAST = 0.02
"""Smallest radius of an oscillator, in bond lengths."""
SITE, MODE, MOVES = "site", "mode", "moves"
"""Prefixes of the SVG ids of sites, modes and moving shapes."""
SPECIES = (("electron_density", 2.0, BLUE, "n"), ("boson_density", 1.0, RED, "n_b"))
"""Densities, largest occupations of a site, colours and symbols."""


def draw_state(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    """Draw electrons as left, local pairs as right half discs with areas proportional to density; modes as rings."""
    xy = projected(cluster.coordinates)
    for line in (line for bond in cluster.bonds for line in cluster.lines(bond)):
        ax.plot(*projected(np.array(line)).T, color="0.6", lw=1.6, zorder=1)
    there = [(data[name].values, most, colour, symbol) for name, most, colour, symbol in SPECIES if name in data]
    turns = [(90, 270), (-90, 90)] if len(there) == 2 else [(0, 360)]
    words: list[list[str]] = [[] for _ in xy]
    for i, point in enumerate(xy):
        around = Circle(tuple(point), RADIUS, facecolor="white", edgecolor="0.6", lw=0.8, zorder=2, gid=f"{SITE}_{i}")
        ax.add_patch(around)
        for (values, most, colour, symbol), (low, high) in zip(there, turns, strict=False):
            if np.isfinite(values[i]):
                radius = RADIUS * float(np.clip(values[i] / most, 0.0, 1.0)) ** 0.5
                ax.add_patch(
                    Wedge(tuple(point), radius, low, high, color=colour, lw=0, zorder=3, gid=f"{MOVES}_{symbol}_{i}")
                )
                words[i].append(f"${symbol} = {values[i]:.3f}$")
    for m, mode in enumerate(cluster.modes if "displacement" in data else ()):
        _ring(cluster, m, mode, float(data["displacement"].values[m]) / np.sqrt(2.0), ax, words)
    _names(xy, words, ax)
    for colour, label in ((BLUE, "electrons"), (RED, "local pairs"), (GREEN, "lattice, dashed at rest")):
        if (label[0] == "e" and "electron_density" in data) or (label[0] == "l" and _has(data, label)):
            ax.scatter([], [], s=45, color=colour, label=label)
    _fit(xy, ax)
    ax.set_axis_off()
    ax.legend(loc="lower center", ncols=3, frameon=False, fontsize=8, handletextpad=0.1, columnspacing=1.0)


def _fit(xy: NDArray[np.float64], ax: Axes) -> None:
    """Set equal scales of both axes, with margins for the numbers and the legend."""
    low, high = xy.min(axis=0) - np.array([ASIDE, BELOW]), xy.max(axis=0) + np.array([ASIDE, ABOVE])
    size, middle = high - low, (low + high) / 2
    half = 0.5 * max(size[0] / SIZE[0], size[1] / SIZE[1]) * np.array(SIZE)
    ax.set_xlim(middle[0] - half[0], middle[0] + half[0])
    ax.set_ylim(middle[1] - half[1], middle[1] + half[1])


def _has(data: xr.Dataset, label: str) -> bool:
    return ("boson_density" if "pairs" in label else "displacement") in data


def _ring(cluster: Cluster, number: int, mode: Mode, shift: float, ax: Axes, words: list[list[str]]) -> None:
    """Draw an oscillator at rest (dashed) and displaced by <X>."""
    on_site = mode.host == "site"
    at = tuple(projected(cluster.middle(mode)[None])[0])
    rest = RADIUS * (1.2 if on_site else 0.5)
    line = {"fill": False, "edgecolor": GREEN, "zorder": 4}
    ax.add_patch(Circle(at, rest, lw=0.8, ls=(0, (3, 3)), gid=f"{MODE}_{number}", **line))
    radius = max(LEAST, rest * (1 + BREATH * shift))
    ax.add_patch(Circle(at, radius, lw=2.2, gid=f"{MOVES}_x_{number}", **line))
    if on_site:
        words[mode.index].append(f"$X = {shift:.3f}$")
    else:
        ax.annotate(f"${shift:.2f}$", at, ha="center", va="center", fontsize=7, zorder=5)


def _names(xy: NDArray[np.float64], words: list[list[str]], ax: Axes) -> None:
    """Write the numbers of each site in the direction farthest from the other sites."""
    for i, (point, lines) in enumerate(zip(xy, words, strict=True)):
        others = np.delete(xy, i, axis=0)
        places = point + SIDES * NAME
        clear = np.linalg.norm((point + 2 * SIDES * NAME)[:, None] - others, axis=-1).min(axis=1, initial=9.0)
        outward = SIDES @ (point - xy.mean(axis=0))
        best = int(np.argmax(np.round(clear, 6) + 0.1 * outward))
        x, y = np.sign(np.round(SIDES[best], 9)).astype(int)
        ax.annotate(
            "\n".join(lines),
            tuple(places[best]),
            ha=("center", "left", "right")[x],
            va=("center", "bottom", "top")[y],
            fontsize=8,
            zorder=5,
            bbox={"facecolor": "white", "alpha": 0.75, "lw": 0.0, "pad": 0.5},
        )
