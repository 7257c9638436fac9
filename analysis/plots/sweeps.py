"""Figures of sweeps: a quantity over one or two parameters, and families of curves."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .crossings import crossings, interrupted
from .labels import axis_label, literal, place_words, quantity_label, value_words, whole_ticks
from .states import COLOURS, LINES, cell_edges, new_axes

MOST_MAPS = 16
"""Largest number of maps, or panels of curves, of a figure."""
MOST_CURVES = 9
"""Largest number of parameter values drawn as curves; more are drawn as a map."""
MOST_CROSSING = 5
"""The same limit for curves with many maxima."""
MOST_NAMED = 12
"""More curves than these have no legend."""
MOST_LETTERS = 50
"""Largest length of a name in a legend."""
FLAT = 1e-9
"""Relative variation below which a map has one colour, and curves are drawn as one."""
SEEN = 2e-3
"""Error bars below this fraction of the height of a figure are invisible."""
INNER = ("time", "omega", "temperature", "phi", "X", "charge", "binding_charge", "gap_charge")
"""Coordinates along which a quantity is drawn as a curve at every point of a sweep."""
UPWARDS = ("omega", "X")
"""Those drawn along the vertical axis of maps."""
Place = tuple[int, ...]


def inner_dim(data: xr.Dataset, name: str) -> str:
    """Return the coordinate along which a quantity is a curve at every point of a sweep; empty for numbers."""
    return next((dim for dim in INNER if data[name].sizes.get(dim, 0) > 1), "")


def plot_sweep(data: xr.Dataset, axis: str, name: str, ax: Axes | None = None) -> Axes:
    """Plot one quantity over one axis of a sweep, a curve for each of its elements and each value of other axes.

    Elements that are equal everywhere are drawn as one curve. Curves are interrupted at level crossings of the ground
    level, and level energies follow their quantum numbers. Standard errors of means over realizations are bands.

    Parameters
    ----------
    data : xarray.Dataset
        Result of a sweep.
    axis : str
        Swept parameter.
    name : str
        The quantity.
    ax : matplotlib.axes.Axes, optional
        Axes; by default those of a new figure.
    """
    ax = ax or new_axes()
    data = data.sortby(axis)
    x, array = data[axis].values, data[name].transpose(axis, ...)
    dims = array.dims[1:]
    averaged = f"{name}_mean_error" in data
    curves = _levels_by_label(data, axis) if name == "energies" else None
    if curves is None:
        found = _curves(data, axis, name)
        curves = [("" if len(found) == 1 and _is_one(array, places) else place_words(array, dims, places), *rest)
                  for places, *rest in found]  # fmt: skip
    for k, (words, values, bars, breaks) in enumerate(curves):
        style = f"o{LINES[k // len(COLOURS) % len(LINES)]}"
        shown = bars if np.nanmax(bars, initial=0.0) > SEEN * np.ptp(np.nan_to_num(array.values.real)) else None
        at, height = interrupted(x, breaks), interrupted(values, breaks)
        bar = None if shown is None else interrupted(shown, breaks)
        label = words if len(words) <= MOST_LETTERS else f"{words[:MOST_LETTERS]} ..."
        ax.errorbar(at, height, bar, fmt=style, ms=3, color=COLOURS[k % len(COLOURS)], label=label or None)
        if averaged and bar is not None:
            ax.fill_between(at, height - bar, height + bar, color=COLOURS[k % len(COLOURS)], alpha=0.25, linewidth=0)
    if len(curves) > 1 or curves[0][0]:
        few = len(curves) <= MOST_NAMED
        size, columns = (8, 1) if few else (6, 1 + (len(curves) - 1) // 10)
        ax.legend(frameon=False, fontsize=size, ncols=columns)
    ax.set(xlabel=axis_label(axis), ylabel=quantity_label(name), xscale=cell_edges(np.asarray(x, float))[1])
    if ax.get_xscale() == "linear":
        whole_ticks(ax, x)
    _not_flatter(ax, array.values.real)
    return ax


def _not_flatter(ax: Axes, values: NDArray[np.float64]) -> None:
    """Choose the limits such that a constant appears as a line in the middle, without rounding errors."""
    if not np.isfinite(values).any():
        return
    middle, height = float(np.nanmean(values)), float(np.nanmax(values) - np.nanmin(values))
    low, high = ax.get_ylim()
    if height <= FLAT * max(1.0, abs(middle)) and high - low < 0.1 * max(1.0, abs(middle)):
        ax.set_ylim(middle - 0.05 * max(1.0, abs(middle)), middle + 0.05 * max(1.0, abs(middle)))


def _is_one(array: xr.DataArray, places: Sequence[Place]) -> bool:
    """True for a quantity without further dimensions, or with a single element."""
    return len(places) == 1 and all(size == 1 for size in array.shape[1:])


def _curves(data: xr.Dataset, axis: str, name: str) -> list[tuple[list[Place], Any, Any, list[int]]]:
    """Return the distinct curves of a quantity: elements, values, error bars, and interruptions."""
    array = data[name].transpose(axis, ...)
    bars = error_bars(data, name).transpose(*array.dims).values
    found = []
    for places in alike(np.moveaxis(array.values, 0, -1)):
        at = dict(zip(array.dims[1:], places[0], strict=True))
        own = {dim: n for dim, n in at.items() if dim in data.coords and "." in str(dim)}
        pick: Any = (slice(None), *places[0])
        found.append((places, np.real(array.values[pick]), bars[pick], crossings(data.isel(own), axis)))
    return found


def alike(values: NDArray[Any]) -> list[list[Place]]:
    """Return groups of elements of an array whose curves along the last axis are equal.

    Examples
    --------
    >>> alike(np.array([[0.0, 1.0], [0.5, 1.0], [0.0, 1.0]]))
    [[(0,), (2,)], [(1,)]]
    """
    close = FLAT * np.nanmax(np.abs(values), initial=0.0)
    groups: list[list[Place]] = []
    for place in np.ndindex(*values.shape[:-1]):
        same = (g for g in groups if np.allclose(values[g[0]], values[place], rtol=0, atol=close, equal_nan=True))
        group = next(same, None)
        if group is None:
            groups.append([place])
        else:
            group.append(place)
    return groups


def error_bars(data: xr.Dataset, name: str) -> xr.DataArray:
    """Return the error bars of a quantity, zero if it has none."""
    names = (f"{name}_mean_error", f"{name}_error", f"{name}_errors", name.replace("energies", "energy_errors"))
    there = next((data[n] for n in names if n != name and n in data and data[n].dims == data[name].dims), None)
    return xr.zeros_like(data[name].real, dtype=float) if there is None else there


def _levels_by_label(data: xr.Dataset, axis: str) -> list[tuple[str, Any, Any, list[int]]] | None:
    """Return the levels as curves of equal quantum numbers; None without labels or with further axes."""
    if "labels" not in data or set(data["energies"].dims) != {axis, "level"}:
        return None
    labels = data["labels"].transpose(axis, "level").values
    names = [text for text in dict.fromkeys(labels.ravel().tolist()) if text]
    if len(names) < 2:
        return None
    energies = data["energies"].transpose(axis, "level").values
    bars = error_bars(data, "energies").transpose(axis, "level").values
    found: list[tuple[str, Any, Any, list[int]]] = []
    for name in names:
        depth = int(np.max(np.sum(labels == name, axis=1)))
        rows = np.full((2, depth, len(labels)), np.nan)
        for n, row in enumerate(labels == name):
            for part, values in zip(rows, (energies, bars), strict=True):
                part[: np.sum(row), n] = values[n, row]
        for k, (values, errors) in enumerate(zip(*rows, strict=True)):
            same = next((i for i, f in enumerate(found) if np.allclose(f[1], values, 0, 1e-9, equal_nan=True)), None)
            words = name if k == 0 else f"{name} ({k + 1})"
            if same is None:
                found.append((words, values, errors, []))
            else:
                found[same] = (f"{found[same][0]}; {words}", *found[same][1:])
    return found


def plot_map(data: xr.Dataset, axes: Sequence[str], name: str) -> Figure:
    """Plot one quantity over two axes of a sweep, a map for each of its elements and each value of further axes.

    Parameters
    ----------
    data : xarray.Dataset
        Result of a sweep.
    axes : sequence of str
        Swept parameters; the first is horizontal, the second vertical.
    name : str
        The quantity.

    Returns
    -------
    matplotlib.figure.Figure
        At most 16 maps with a common colour scale; elements that are equal everywhere are drawn as one map, and the
        number of omitted maps is given in the title.
    """
    x, y = axes[:2]
    data = data.sortby([x, y])
    array = data[name].transpose(y, x, ...)
    dims = array.dims[2:]
    groups = alike(np.moveaxis(array.values.reshape(-1, *array.shape[2:]), 0, -1))
    shown = groups[:MOST_MAPS]
    figure, grid = _panels(len(shown))
    across, up = (cell_edges(np.asarray(data[axis].values, dtype=float)) for axis in (x, y))
    leading = np.moveaxis(array.values.real, (0, 1), (-2, -1)).astype(float)
    drawn = np.array([leading[places[0]] for places in shown])
    low, high = np.nanmin(drawn, initial=np.inf), np.nanmax(drawn, initial=-np.inf)
    if high - low <= FLAT * max(abs(low), abs(high)):  # otherwise rounding errors would be coloured
        low, high = low - 0.05 * abs(low) - FLAT, high + 0.05 * abs(high) + FLAT
    scale = {"vmin": low, "vmax": high}
    for ax, places, values in zip(grid, shown, drawn, strict=False):
        image = ax.pcolormesh(across[0], up[0], values, shading="flat", cmap="viridis", rasterized=True, **scale)
        ax.set(xscale=across[1], yscale=up[1])
        whole_ticks(ax, *(v if s == "linear" else None for v, s in ((data[x], across[1]), (data[y], up[1]))))
        if dims:
            ax.set_title(place_words(array, dims, places), fontsize=8)
    figure.supxlabel(axis_label(x), fontsize=10)
    figure.supylabel(axis_label(y), fontsize=10)
    figure.colorbar(image, ax=list(grid), label=f"{quantity_label(name)}{_left_out(shown, groups, 'entries')}")
    return figure


def _left_out(shown: Sequence[Any], every: Sequence[Any], what: str) -> str:
    return f" ({len(shown)} of {len(every)} {what})" if len(shown) < len(every) else ""


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` panels; empty places of the grid have no axes."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(max(4.6, 2.9 * columns), max(3.4, 2.4 * rows)), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
    for ax in grid[count:]:
        ax.set_axis_off()
    for n, ax in enumerate(grid[:count]):
        if n + columns >= count:
            ax.tick_params(labelbottom=True)
    return figure, grid


def plot_family(data: xr.Dataset, axes: Sequence[str], name: str) -> Figure:
    """Plot a quantity that is a curve at every point of a sweep, such as over time, frequency, temperature or flux.

    Parameters
    ----------
    data : xarray.Dataset
        Result of a sweep.
    axes : sequence of str
        Swept parameters. The colour of the curves shows the first one; more than 9 values are drawn as a map.
    name : str
        The quantity.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each element and each value of further axes, at most 16.
    """
    axis, *others = axes
    inner = inner_dim(data, name)
    data = data.sortby(axis)
    array = data[name].transpose(*others, ..., axis, inner)
    dims = array.dims[:-2]
    groups = alike(array.values.reshape(*array.shape[:-2], -1))
    shown = (
        groups
        if len(groups) <= MOST_MAPS
        else [groups[n] for n in np.linspace(0, len(groups) - 1, MOST_MAPS).round().astype(int)]
    )
    figure, grid = _panels(len(shown))
    swept, x = np.asarray(data[axis].values, float), np.asarray(data[inner].values, float)
    turned = inner in UPWARDS
    as_map = len(swept) > (MOST_CROSSING if turned else MOST_CURVES)
    bars = error_bars(data, name).transpose(*array.dims).values
    drawn = np.real(array.values)
    image: Any = None
    for ax, places in zip(grid, shown, strict=False):
        if as_map:
            scale = {"vmin": np.nanmin(drawn), "vmax": np.nanmax(drawn), "cmap": "viridis", "rasterized": True}
            edges = [cell_edges(values) for values in ((swept, x) if turned else (x, swept))]
            values = drawn[places[0]].T if turned else drawn[places[0]]
            image = ax.pcolormesh(edges[0][0], edges[1][0], values, **scale)
            ax.set(xscale=edges[0][1], yscale=edges[1][1])
        else:
            at = {dim: n for dim, n in zip(dims, places[0], strict=True) if "." in str(dim)}
            _draw_family(ax, data.isel(at), axis, inner, drawn[places[0]], bars[places[0]])
        if dims:
            ax.set_title(place_words(array, dims, places), fontsize=8)
    label = f"{quantity_label(name)}{_left_out(shown, groups, 'panels')}"
    names = (axis, inner) if turned else (inner, axis)
    if as_map:
        figure.colorbar(image, ax=list(grid), label=label)
    else:
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=8)
    figure.supxlabel(axis_label(names[0] if as_map else inner), fontsize=10)
    figure.supylabel(axis_label(names[1]) if as_map else label, fontsize=10)
    return figure


def _draw_family(
    ax: Axes, data: xr.Dataset, axis: str, inner: str, curves: NDArray[np.float64], bars: NDArray[np.float64]
) -> None:
    """Plot the curves of a panel, a colour for each value of an axis."""
    x, height = np.asarray(data[inner].values, float), float(np.ptp(np.nan_to_num(curves)))
    few = len(x) <= MOST_NAMED
    for n, value in enumerate(data[axis].values.tolist()):
        colour = colormaps["viridis"](0.9 * n / max(1, len(curves) - 1))
        breaks = crossings(data.isel({axis: n}), inner)
        at, curve, bar = (interrupted(part, breaks) for part in (x, curves[n], bars[n]))
        seen = np.nanmax(bar, initial=0.0) > SEEN * height
        style: dict[str, Any] = {"label": value_words(axis, value), "fmt": "o-" if few else "-"}
        ax.errorbar(at, curve, bar if seen and few else None, ms=3, color=colour, **style)
        if seen and not few:
            ax.fill_between(at, curve - bar, curve + bar, color=colour, alpha=0.2, lw=0)
    if inner == "temperature":
        ax.set_xscale("log")
    else:
        whole_ticks(ax, x if few else None)


def slices(data: xr.Dataset, axes: Sequence[str]) -> Iterator[tuple[str, str, xr.Dataset]]:
    """Yield the parts of a sweep at each combination of values of some axes: title, suffix of the file name, data."""
    for number, place in enumerate(product(*(range(data.sizes[axis]) for axis in axes))):
        at: dict[Hashable, int] = dict(zip(axes, place, strict=True))
        words = ", ".join(f"{literal(str(axis))} = {float(data[axis].values[n]):.4g}" for axis, n in at.items())
        yield words, f"-{number}" if number else "", data.isel(at)
