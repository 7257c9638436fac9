"""Figures of a sweep: curves over one coupling, maps over two; clicking on a point selects it."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ..analysis.plots.labels import axis_label, quantity_label
from ..analysis.plots.states import cell_edges
from ..analysis.plots.sweeps import plot_sweep
from ..clusters import Cluster
from .figures import FRAME, Drawing, Plot

GOES = "go"
"""Prefix of the SVG ids of clickable areas, followed by the values of the axes."""
BAR = 0.2
"""Fraction of the width of a figure for the colour bar of a map."""


def swept_axes(data: xr.Dataset) -> list[str]:
    """Return the swept couplings, in the order of the axes."""
    return [str(dim) for dim in data.dims if "." in str(dim)]


def _swept(name: str) -> Plot:
    """Return a plot of a quantity over the axes of a sweep."""

    def drawn(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
        axes = swept_axes(data)
        fixed = dict.fromkeys(axes[2:], 0)
        if fixed:
            words = ", ".join(f"{axis_label(axis)} = {float(data[axis][0]):.4g}" for axis in axes[2:])
            ax.set_title(f"at {words}", fontsize=8)
            data = data.isel(fixed)
        if len(axes) == 1:
            plot_sweep(data, axes[0], name, ax)
            _clickable(ax, [data[axes[0]].values], None)
        else:
            _map(data, axes[:2], name, ax)
            _clickable(ax, [data[axis].values for axis in axes[:2]], fixed)

    return drawn


def _map(data: xr.Dataset, axes: list[str], name: str, ax: Axes) -> None:
    """Draw a map of one number: the gap to the next level, or the mean over sites."""
    x, y = axes
    values, label = _one_number(data, name)
    grid = values.transpose(y, x).sortby([x, y])
    (across, xscale), (up, yscale) = (cell_edges(np.asarray(grid[axis].values, float)) for axis in (x, y))
    left, bottom, width, height = FRAME
    ax.set_position((left, bottom, width - BAR, height))
    image = ax.pcolormesh(across, up, grid.values, cmap="viridis", rasterized=True)
    ax.set(xscale=xscale, yscale=yscale, xlabel=axis_label(x), ylabel=axis_label(y))
    assert ax.figure is not None
    bar = ax.figure.add_axes((left + width - BAR + 0.02, bottom, 0.025, height))
    ax.figure.colorbar(image, cax=bar, label=label)


def _one_number(data: xr.Dataset, name: str) -> tuple[xr.DataArray, str]:
    """Return a number for each point, and its symbol."""
    array = data[name].real
    if name == "energies":
        above = data.sizes["level"] > 1
        gap = array.isel(level=1) - array.isel(level=0) if above else array.isel(level=0)
        return gap.reset_coords(drop=True), "$E_1 - E_0$" if above else "$E_0$"
    inner = [dim for dim in array.dims if "." not in str(dim)]
    words = f"{quantity_label(name)}{', mean' if inner else ''}"
    return array.mean(inner), words


def _clickable(ax: Axes, values: list[NDArray[Any]], fixed: dict[str, int] | None) -> None:
    """Add invisible clickable areas on the points, at the first values of further axes."""
    first = np.sort(np.asarray(values[0], float))
    across = cell_edges(first)[0]
    if len(values) == 1:
        for n, value in enumerate(first.tolist()):
            place = Rectangle((across[n], 0.0), across[n + 1] - across[n], 1.0, transform=ax.get_xaxis_transform())
            _lay(ax, place, f"{value!r}")
        return
    second = np.sort(np.asarray(values[1], float))
    up = cell_edges(second)[0]
    for n, x in enumerate(first.tolist()):
        for m, y in enumerate(second.tolist()):
            place = Rectangle((across[n], up[m]), across[n + 1] - across[n], up[m + 1] - up[m])
            _lay(ax, place, f"{x!r}_{y!r}")


def _lay(ax: Axes, place: Rectangle, words: str) -> None:
    place.set(alpha=0.0, facecolor="white", linewidth=0.0, gid=f"{GOES}_{words}", zorder=9)
    ax.add_artist(place)


LEVELS_SWEPT = Drawing("Lowest levels", ("energies",), _swept("energies"))
ELECTRONS_SWEPT = Drawing("Electrons", ("electron_density",), _swept("electron_density"))
PAIRS_SWEPT = Drawing("Local pairs", ("boson_density",), _swept("boson_density"))
EXCHANGE_SWEPT = Drawing("Resonance of electrons and local pairs", ("pair_exchange",), _swept("pair_exchange"))
DOUBLE_SWEPT = Drawing("Double occupancy", ("double_occupancy",), _swept("double_occupancy"))
LATTICE_SWEPT = Drawing("Displacement of the lattice", ("displacement",), _swept("displacement"))
SWEPT = (LEVELS_SWEPT, ELECTRONS_SWEPT, PAIRS_SWEPT, EXCHANGE_SWEPT, DOUBLE_SWEPT, LATTICE_SWEPT)
"""Figures of the panel."""
