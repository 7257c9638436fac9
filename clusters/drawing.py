"""A cluster as a small picture in SVG, for notebooks; `analysis.plots.draw_cluster` makes figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9")
"""Colours of the site classes, from a palette for colour-blind readers."""
MODE = "#E69F00"
DASHES = ("", "6 4", "2 3", "6 3 2 3")
SCALE, RADIUS, EDGE, LINE, LETTER = 64.0, 13.0, 22.0, 16.0, 7.0
"""In pixels: one bond length, radius of a site, margin, height of a legend line, width of a letter."""


DEPTH = (0.35, 0.22)
"""Direction of the third axis in a drawing."""


def projected(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the projection of points onto the plane of the drawing; one coordinate lies along x.

    Examples
    --------
    >>> projected(np.array([[1.0, 2.0, 1.0]])), projected(np.array([[3.0]]))
    (array([[1.35, 2.22]]), array([[3., 0.]]))
    """
    axes = np.array([(1.0, 0.0), (0.0, 1.0), DEPTH])
    return np.asarray(points @ axes[: points.shape[-1]])


def svg(
    positions: NDArray[np.float64],
    classes: Sequence[str],
    bonds: Sequence[tuple[NDArray[np.float64], NDArray[np.float64], str]],
    modes: NDArray[np.float64],
    title: str,
) -> str:
    """Draw sites by class, bonds by class, and lattice modes as rings around their hosts.

    Parameters
    ----------
    positions : (sites, 2) float
        In units of the bond length.
    classes : sequence of str
        Class of each site.
    bonds : sequence of (point, point, str)
        End points of each line that draws a bond, and the class of the bond.
    modes : (modes, 2) float
        Positions of the modes.
    title : str
        Title of the picture, read out by screen readers.

    Returns
    -------
    str
        An ``<svg>`` element; lines have the colour of the surrounding text.
    """
    every = np.concatenate([positions, *(np.array([start, end]) for start, end, _ in bonds)])
    low, high = every.min(axis=0), every.max(axis=0)

    def pixels(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(((points - low) * [1, -1] + [0, (high - low)[1]]) * SCALE + EDGE)

    at, rings = pixels(positions), pixels(modes)
    size = (high - low) * SCALE + 2 * EDGE
    site_classes, bond_classes = (list(dict.fromkeys(names)) for names in (classes, [label for *_, label in bonds]))
    legend = list(_legend(site_classes, bond_classes, bool(len(modes)), size[1] + LINE / 2))
    names = ["lattice mode" if len(modes) else "", *site_classes, *bond_classes]
    width = max(size[0], 30 + LETTER * max(map(len, names)))
    parts = [
        *(_bond(pixels(start), pixels(end), DASHES[bond_classes.index(label) % 4]) for start, end, label in bonds),
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS + 5}" {_ring()}/>' for x, y in rings),
        *(_site(i, point, _colour(site_classes.index(classes[i]))) for i, point in enumerate(at)),
        *legend,
    ]
    height = size[1] + LINE * len(legend) + LINE / 2
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" height="{height:.0f}">'
    return f"{head}<title>{escape(title)}</title>{''.join(parts)}</svg>"


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _ring() -> str:
    return f'fill="none" stroke="{MODE}" stroke-width="2"'


def _bond(start: NDArray[np.float64], end: NDArray[np.float64], dash: str) -> str:
    (x, y), (u, v) = start, end
    line = f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}"'
    return f'{line} stroke="currentColor" stroke-opacity="0.55" stroke-width="2" stroke-dasharray="{dash}"/>'


def _site(number: int, point: NDArray[np.float64], colour: str) -> str:
    x, y = point
    style = 'fill="white" font-size="11" font-family="sans-serif" text-anchor="middle" dominant-baseline="central"'
    circle = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}" fill="{colour}"/>'
    return f'{circle}<text x="{x:.1f}" y="{y:.1f}" {style}>{number}</text>'


def _legend(sites: Sequence[str], bonds: Sequence[str], modes: bool, top: float) -> Iterator[str]:
    """Yield one line per class if there are several classes, and one for the modes."""
    marks = [(f'<circle cx="11" cy="0" r="5" fill="{_colour(i)}"/>', name) for i, name in enumerate(sites)]
    lines = [(_bond(np.array([2.0, 0.0]), np.array([20.0, 0.0]), DASHES[i % 4]), name) for i, name in enumerate(bonds)]
    shown = [*(marks if len(marks) > 1 else ()), *(lines if len(lines) > 1 else ())]
    shown += [(f'<circle cx="11" cy="0" r="5" {_ring()}/>', "lattice mode")] if modes else []
    style = 'fill="currentColor" font-size="11" font-family="sans-serif" dominant-baseline="central"'
    for i, (mark, name) in enumerate(shown):
        yield f'<g transform="translate(4 {top + LINE * i:.0f})">{mark}<text x="26" {style}>{escape(name)}</text></g>'
