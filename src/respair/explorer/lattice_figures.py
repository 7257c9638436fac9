"""Figures of the oscillators, conditional on the adjacent charge."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr
from matplotlib.axes import Axes

from ..analysis.plots.indicators import plot_lattice
from ..analysis.plots.natural_phonons import draw_functions, draw_occupations
from ..clusters import Cluster
from .figures import Drawing, Plot, X


def _of_first_mode(draw: Callable[..., object]) -> Plot:
    def drawn(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
        draw(data, ax=ax)

    return drawn


LATTICE_STATES = (
    Drawing(
        "First mode: joint distribution P(X, n) with the adjacent charge n", ("lattice_joint",),
_of_first_mode(plot_lattice), X, "$P(X, n)$",
    ),
    Drawing(
        "First mode: occupations of the natural phonon states", ("lattice_natural_occupation",),
        _of_first_mode(draw_occupations),
        "natural state $k$", "occupation $w_k^n$",
    ),
    Drawing(
        "First mode: most occupied natural state for each charge", ("lattice_natural_function",),
        _of_first_mode(draw_functions), X,
        r"$|\phi_0^n(X)|^2$",
    ),
)  # fmt: skip
"""Figures of the panel."""
