"""Animation of the cluster: an SVG whose discs and rings follow the charges and the lattice, with playback controls."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ..clusters import Cluster
from ..hamiltonians import Model
from .cluster_figure import BREATH, GREEN, LEAST, MODE, MOVES, RADIUS, SITE, SPECIES, draw_state
from .figures import Drawing

SECONDS = 12.0
"""Duration of the animation in seconds."""
PREFIX = "evolution_"
FOLLOWED = ("electron_density", "boson_density", "displacement")
PLACE = re.compile(rf'<g id="({SITE}|{MODE})_(\d+)">\s*<path d="([^"]*)"')
MOVED = re.compile(rf'<g id="{MOVES}_[^>]*>.*?</g>', re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
KNOB = (
    "const it = this.closest('figure').querySelector('svg'), going = it.animationsPaused(); "
    "going ? it.unpauseAnimations() : it.pauseAnimations(); this.textContent = going ? 'Pause' : 'Play'"
)
TURN = (
    "const all = this.closest('figure'), it = all.querySelector('svg'); it.pauseAnimations(); "
    "it.setCurrentTime(+this.value); all.querySelector('button').textContent = 'Play'"
)


class Played(Drawing):
    """Animated drawing of the cluster; the first frame in files for print."""

    def svg(self, data: xr.Dataset, model: Model, pinned: tuple[xr.Dataset, Model] | None = None) -> str:
        """Return the animation as an SVG element that plays automatically."""
        still = super().svg(data, model)
        places = {(kind, int(n)): _circle(path) for kind, n, path in PLACE.findall(still)}
        return MOVED.sub("", still).replace("</svg>", f"{''.join(_parts(data, places))}</svg>")

    def below(self, data: xr.Dataset) -> str:
        """Return the playback controls as HTML."""
        t = data["time"].values
        step = SECONDS / max(1, len(t) - 1)
        return (
            f'<div class="respair-play"><button class="respair-link" onclick="{KNOB}">Pause</button> '
            f'<label>t = {t[0]:.4g} <input type="range" min="0" max="{SECONDS - 1e-3:.3f}" step="{step:.4f}" value="0" '
            f'aria-label="time" oninput="{TURN}"> {t[-1]:.4g}</label></div>'
        )


def _circle(path: str) -> NDArray[np.float64]:
    """Return the centre and the radius of a circle from its path."""
    points = np.array(NUMBER.findall(path), float).reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    return np.array([*(low + high) / 2, (high - low)[0] / 2])


def _parts(data: xr.Dataset, places: dict[tuple[str, int], NDArray[np.float64]]) -> Iterator[str]:
    """Yield the animated shapes, with their radii at all times."""
    t = data["time"].values
    moments = (t - t[0]) / max(t[-1] - t[0], 1e-300)
    there = [each for each in SPECIES if PREFIX + each[0] in data]
    for k, (name, most, colour, _) in enumerate(there):
        sides = (1 - k,) if len(there) == 2 else (0, 1)
        for i, values in enumerate(data[PREFIX + name].transpose("site", "time").values.real):
            x, y, radius = places[SITE, i]
            radii = radius * np.sqrt(np.clip(values / most, 0.0, 1.0))
            for side in sides:
                shapes = [f"M{x:.2f} {y - r:.2f}A{r:.2f} {r:.2f} 0 0 {1 - side} {x:.2f} {y + r:.2f}Z" for r in radii]
                yield f'<path d="{shapes[0]}" fill="{colour}" stroke="none">{_animated("d", shapes, moments)}</path>'
    if PREFIX + "displacement" in data:
        for m, values in enumerate(data[PREFIX + "displacement"].transpose("mode", "time").values.real):
            x, y, rest = places[MODE, m]
            radii = np.maximum(LEAST / RADIUS * rest, rest * (1 + BREATH * values / np.sqrt(2.0)))
            sizes = [f"{r:.2f}" for r in radii]
            circle = (
                f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{sizes[0]}" fill="none" stroke="{GREEN}" stroke-width="2.2">'
            )
            yield f"{circle}{_animated('r', sizes, moments)}</circle>"


def _animated(attribute: str, values: list[str], moments: NDArray[np.float64]) -> str:
    if len(values) < 2:
        return ""
    times = ";".join(f"{moment:.5f}" for moment in moments)
    return (
        f'<animate attributeName="{attribute}" values="{";".join(values)}" keyTimes="{times}" dur="{SECONDS:g}s" '
        'repeatCount="indefinite"/>'
    )


def _first(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    """Draw the first frame, without numbers, which are not animated."""
    moments = data[[PREFIX + name for name in FOLLOWED if PREFIX + name in data]].isel(time=0)
    draw_state(moments.rename({name: str(name).removeprefix(PREFIX) for name in moments}), cluster, ax)
    for text in list(ax.texts):
        text.remove()


PLAYED = Played("The cluster in motion", (f"{PREFIX}electron_density", f"{PREFIX}boson_density"), _first, bare=True)
"""Charges, local pairs and lattice on the drawing of the cluster."""
