"""Figures of time evolution: observables over time with error bars, and maps of distributions."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...clusters import InvalidValue
from ..observables.table import OBSERVABLES
from .states import COLOURS, LINES, new_axes

PREFIX = "evolution_"
MOST_LINES = 12
MOST_CURVES = 6
TIME = r"$t$"


def _variable(data: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable, by its name in the result of a model file if the dataset is one."""
    return data[f"{PREFIX}{name}"] if f"{PREFIX}{name}" in data else data[name]


def _moving(data: xr.Dataset) -> list[str]:
    """Return the observables that can be plotted as curves over time."""
    there = [name for name in OBSERVABLES if name in data or f"{PREFIX}{name}" in data]
    return [name for name in there if "time" in (dims := _variable(data, name).dims) and len(dims) <= 2]


def plot_evolution(data: xr.Dataset, names: list[str] | None = None) -> Figure:
    """Plot observables over time, a panel for each, followed by the return probability and the error bound.

    Parameters
    ----------
    data : xarray.Dataset
        Result of `respair.evolve`, or of a model file with ``[evolution]``.
    names : list of str, optional
        Observables; by default all that can be plotted as curves.
    """
    shown = _moving(data) if names is None else names
    panels = [*shown, "return_probability", "errors"]
    figure = Figure(figsize=(5.6, 1.7 * len(panels)), layout="constrained")
    axes = np.atleast_1d(figure.subplots(len(panels), sharex=True))
    for ax, name in zip(axes, panels, strict=True):
        plot_motion(data, name, ax)
        ax.set_xlabel("")
    if np.any(_variable(data, "errors").values > 0.0):
        axes[-1].set_yscale("log")
    axes[-1].axhline(float(_variable(data, "tolerance")), color="0.5", ls=":", lw=1.0)
    axes[-1].set_xlabel(TIME)
    return figure


def plot_motion(data: xr.Dataset, name: str, ax: Axes | None = None) -> Axes:
    """Plot one quantity over time: a curve for each element, or a map for distributions such as P(X, t).

    Parameters
    ----------
    data : xarray.Dataset
        See `plot_evolution`.
    name : str
        A variable over time; for ``displacement_distribution`` the first mode.
    ax : matplotlib.axes.Axes, optional
        Axes; by default those of a new figure.
    """
    ax = ax or new_axes()
    array = _variable(data, name)
    if "time" not in array.dims:
        raise InvalidValue(f"{name} has the dimensions {', '.join(map(str, array.dims))}; allowed: variables over time")
    time, symbol = array["time"].values, OBSERVABLES[name].symbol if name in OBSERVABLES else ""
    label = symbol or name.replace("_", " ")
    if "X" in array.dims:
        first = array.isel(mode=0).transpose("X", "time")
        drawn = ax.pcolormesh(time, array["X"].values, first.values, shading="nearest", cmap="viridis", rasterized=True)
        figure = ax.get_figure()
        assert figure is not None
        figure.colorbar(drawn, ax=ax, label="P(X, t)")
        ax.set(xlabel=TIME, ylabel="X")
        return ax
    lines = np.real(array.values).reshape(len(time), -1)
    bars = data.get(f"{array.name}_error", data.get(f"{PREFIX}{name}_error"))
    for k, line in enumerate(lines.T[:MOST_LINES]):
        colour, style = COLOURS[k % len(COLOURS)], LINES[k // len(COLOURS) % len(LINES)]
        ax.plot(time, line, style, color=colour, label=str(k) if 1 < lines.shape[1] <= MOST_LINES else None)
        if bars is not None and np.max(bars.values, initial=0.0) > 1e-3 * max(float(np.ptp(lines)), 1e-12):
            bar = np.minimum(bars.values.reshape(len(time), -1)[:, k], 10.0)
            ax.fill_between(time, line - bar, line + bar, color=colour, alpha=0.2, lw=0)
    if 1 < lines.shape[1] <= MOST_LINES:
        ax.legend(frameon=False, fontsize=7, ncols=4)
    ax.set(xlabel=TIME, ylabel=label)
    return ax


def plot_probe_spectrum(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the spectrum that a probe pulse sees: a curve for each of a few times, otherwise a map.

    Parameters
    ----------
    data : xarray.Dataset
        Of a model file with ``[evolution.probe]``.
    ax : matplotlib.axes.Axes, optional
        Where; a new figure by default.
    """
    ax = ax or new_axes()
    seen = data["evolution_probe_intensity"].transpose("probe_time", "probe_omega").values
    time, omega, bars = (data[name].values for name in ("probe_time", "probe_omega", "evolution_probe_errors"))
    if len(time) > MOST_CURVES and len(omega) > 1:
        drawn = ax.pcolormesh(time, omega, seen.T, shading="nearest", cmap="magma", rasterized=True)
        figure = ax.get_figure()
        assert figure is not None
        figure.colorbar(drawn, ax=ax, label=r"$A(\omega, t)$")
        ax.set(xlabel=TIME, ylabel=r"$\omega$")
        return ax
    for k, (t, curve, bar) in enumerate(zip(time, seen, bars, strict=True)):
        colour = COLOURS[k % len(COLOURS)]
        ax.plot(omega, curve, LINES[k // len(COLOURS) % len(LINES)], color=colour, label=f"$t = {t:.4g}$")
        ax.fill_between(omega, curve - bar, curve + bar, color=colour, alpha=0.2, lw=0)
    ax.set(xlabel=r"$\omega$", ylabel=r"$A(\omega, t)$")
    ax.legend(frameon=False, fontsize=8)
    return ax
