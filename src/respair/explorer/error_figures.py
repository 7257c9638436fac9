"""Figure of the errors of approximations."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes

from ..analysis.plots.comparisons import plot_errors
from ..clusters import Cluster
from .figures import FRAME, Drawing

NAMES, LEGEND = 0.13, 0.27
"""Additional fractions of the width for the names of approximations and of quantities."""
LETTERS = 7
"""Font size of the names, in points."""


def _errors(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    """Draw the relative error of each quantity in each approximation."""
    left, bottom, width, height = FRAME
    ax.set_position((left + NAMES, bottom, width - NAMES - LEGEND, height))
    own = {name: str(name).removeprefix("compare_") for name in data.data_vars if str(name).startswith("compare_")}
    plot_errors(data[list(own)].rename(own), ax)
    ax.tick_params(axis="y", labelsize=LETTERS)


APPROXIMATIONS = Drawing(
    "Errors of approximations, relative to the exact values", ("compare_approximation", "compare_claim"), _errors,
    "relative error", " ",
)  # fmt: skip
