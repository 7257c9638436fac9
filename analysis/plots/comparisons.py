"""Figures of comparisons: error curves, error maps over two parameters, and maps of the best approximation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import ListedColormap, LogNorm
from numpy.typing import NDArray

from ..approximations.comparison import WITHIN
from .labels import axis_label, literal, value_words
from .states import COLOURS, cell_edges, draw_curves, new_axes
from .sweeps import slices

SMALLEST, LARGEST = 1e-4, 1.0
"""Range of relative errors in colour maps."""


def comparison_variable(data: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable of a comparison, from Python or from ``[compare]`` in a model file."""
    return data[name] if name in data else data[f"compare_{name}"]


def _cells(ax: Axes, data: xr.Dataset, x: str, y: str, values: NDArray[np.float64], **style: Any) -> QuadMesh:
    """Draw one coloured cell for each point of two axes."""
    (across, across_scale), (up, up_scale) = (cell_edges(np.asarray(data[axis].values, dtype=float)) for axis in (x, y))
    image = ax.pcolormesh(across, up, values, shading="flat", **style)
    ax.set(xlabel=axis_label(x), ylabel=axis_label(y), xscale=across_scale, yscale=up_scale)
    return image


MARKS = "osD^"
"""Markers that distinguish more quantities than colours."""
VANISHES = 1e-9
"""Quantities below this have no relative error."""


def plot_error_lines(data: xr.Dataset, quantity: str, axis: str, ax: Axes | None = None) -> Axes:
    """Plot the relative error of each approximation over one parameter, with lines at 1, 5 and 20 percent."""
    errors = comparison_variable(data, f"relative_error_{quantity}").transpose(axis, "approximation")
    rows = np.where(errors.values > 0, errors.values, np.nan).T
    names = [literal(str(name)) for name in errors["approximation"].values]
    curves = [("" if np.all(np.isnan(row)) else name, row, None) for name, row in zip(names, rows, strict=True)]
    what = f"relative error of {quantity.replace('_', ' ')}"
    ax = draw_curves(ax, data[axis].values, curves, xlabel=axis_label(axis), ylabel=what)
    if np.any(rows > 0):
        ax.set_yscale("log")
    for level in WITHIN:
        ax.axhline(level, color="0.7", lw=0.8, ls=":")
    return ax


def plot_error_map(data: xr.Dataset, quantity: str, approximation: str, x: str, y: str, ax: Axes | None = None) -> Axes:
    """Plot the relative error of one approximation over two parameters, with contours at 1, 5 and 20 percent."""
    ax = ax or new_axes()
    errors = comparison_variable(data, f"relative_error_{quantity}").sel(approximation=approximation).transpose(y, x)
    shown = np.clip(np.nan_to_num(errors.values, nan=LARGEST), SMALLEST, LARGEST)
    image = _cells(ax, data, x, y, shown, norm=LogNorm(SMALLEST, LARGEST), cmap="viridis_r")
    if min(shown.shape) > 1 and np.ptp(shown) > 0:
        levels = [level for level in WITHIN if shown.min() < level < shown.max()]
        if levels:
            lines = ax.contour(data[x].values, data[y].values, shown, levels, colors="k", linewidths=0.8)
            ax.clabel(lines, fmt=lambda level: f"{100 * level:g}%", fontsize=7)
    figure = ax.get_figure()
    assert figure is not None
    figure.colorbar(image, ax=ax, label=f"relative error of {quantity.replace('_', ' ')}")
    ax.set_title(literal(approximation))
    return ax


def plot_best_map(data: xr.Dataset, quantity: str, x: str, y: str, ax: Axes | None = None) -> Axes:
    """Plot the best approximation over two parameters."""
    ax = ax or new_axes()
    best = comparison_variable(data, f"best_{quantity}").transpose(y, x)
    names = [str(name) for name in data["approximation"].values]
    numbers = np.array(
        [[names.index(str(cell)) if str(cell) in names else np.nan for cell in row] for row in best.values]
    )
    colours = ListedColormap([COLOURS[k % len(COLOURS)] for k in range(len(names))])
    _cells(ax, data, x, y, numbers, cmap=colours, vmin=-0.5, vmax=len(names) - 0.5)
    for k in sorted({int(number) for number in numbers.ravel() if np.isfinite(number)}):
        ax.plot([], [], "s", color=COLOURS[k % len(COLOURS)], label=literal(names[k]))
    ax.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
    ax.set_title(f"nearest in {quantity.replace('_', ' ')}")
    return ax


def comparison_figures(data: xr.Dataset, axes: Sequence[str]) -> Iterator[tuple[str, Axes]]:
    """Yield the figures of a sweep with ``[compare]``, with titles, for every quantity that has relative errors.

    For one axis error curves; for two axes the map of the best approximation, the error map of each approximation, and
    error curves at the middle of the first axis; all of these for each value of further axes.
    """
    for words, suffix, there in slices(data, axes[2:]):
        for title, ax in _comparison_figures(there, axes[:2]):
            ax.set_title(", ".join(filter(None, (ax.get_title(), words))), fontsize=8 if words else None)
            yield f"{title}{suffix}", ax


def _comparison_figures(data: xr.Dataset, axes: Sequence[str]) -> Iterator[tuple[str, Axes]]:
    compared = [n.removeprefix("compare_best_") for n in map(str, data.data_vars) if n.startswith("compare_best_")]
    for quantity in compared:
        errors = comparison_variable(data, f"relative_error_{quantity}")
        defined = [str(name) for name in data["approximation"].values if errors.sel(approximation=name).notnull().any()]
        if not defined:
            continue
        if len(axes) == 1:
            yield f"compare-{quantity}", plot_error_lines(data, quantity, axes[0])
            continue
        yield f"best-{quantity}", plot_best_map(data, quantity, axes[1], axes[0])
        for name in defined:
            yield f"{name}-{quantity}", plot_error_map(data, quantity, name, axes[1], axes[0])
        middle = data.isel({axes[0]: data.sizes[axes[0]] // 2})
        ax = plot_error_lines(middle, quantity, axes[1])
        ax.set_title(value_words(axes[0], float(middle[axes[0]])))
        yield f"lines-{quantity}", ax


def plot_errors(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot the relative errors of one comparison, a row of points for each nonzero quantity."""
    ax = ax or new_axes()
    rows = np.arange(data.sizes["approximation"])
    found = [str(name).partition("relative_error_") for name in data.data_vars if "relative_error_" in str(name)]
    exact = {name: data[f"{prefix}exact_{name}"].values for prefix, _, name in found}
    shown = [each for each in found if np.max(np.abs(exact[each[2]]), initial=0.0) > VANISHES]
    for k, (prefix, words, name) in enumerate(shown):
        errors = data[f"{prefix}{words}{name}"].values
        style = MARKS[k // len(COLOURS) % len(MARKS)]
        label = name.replace("_", " ")
        ax.plot(np.where(errors > 0, errors, np.nan), rows, style, color=COLOURS[k % len(COLOURS)], label=label)
    ax.set_yticks(rows, [literal(str(name)) for name in data["approximation"].values])
    ax.set_xlabel("relative error")
    if any(np.any(data[f"{prefix}{words}{name}"].values > 0) for prefix, words, name in shown):
        ax.set_xscale("log")
    if shown:
        ax.legend(frameon=False, fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax
