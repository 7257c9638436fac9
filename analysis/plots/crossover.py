"""Figures of T* and T_phi."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from ..thermal.crossover import CURVES, ESTIMATORS
from .labels import axis_label
from .states import COLOURS, draw_curves, new_axes

LABELS = {"T*": "$T^*$", "T_phi": r"$T_\phi$"}


def plot_crossover(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot the curves relative to their maxima, with the crossover temperatures derived from them."""
    ax = ax or new_axes()
    t = data["temperature"].values
    for k, name in enumerate(CURVES):
        value, error = (data[f"crossover_{name}{end}"].values for end in ("", "_error"))
        largest = np.nanmax(np.abs(value), initial=0.0)
        if not largest > 0:
            continue
        ax.errorbar(t, value / largest, error / largest, fmt="o-", ms=3, color=COLOURS[k], label=name)
        for key in (str(key) for key in data["estimator"].values if ESTIMATORS[str(key)].curve == name):
            one = data.sel(estimator=key)
            at, bar = float(one["crossover_value"]), float(one["crossover_error"])
            if np.isfinite(at):
                height = np.interp(np.log(at), np.log(t), value / largest)
                ax.errorbar(at, height, xerr=bar, fmt="s", ms=6, capsize=3, color=COLOURS[k])
                ax.annotate(LABELS[ESTIMATORS[key].role], (at, height), (4, 6), textcoords="offset points")
    ax.set(xscale="log", xlabel="$T$", ylabel="relative to the largest")
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_crossovers(data: xr.Dataset, axis: str, ax: Axes | None = None) -> Axes:
    """Plot all estimates of T* (solid lines) and T_phi (dashed lines) over one axis of a sweep."""
    ax = ax or new_axes()
    for k, key in enumerate(map(str, data["estimator"].values)):
        estimator = ESTIMATORS[key]
        value, error = (data[f"crossover_{name}"].sel(estimator=key).values for name in ("value", "error"))
        curve = (f"{LABELS[estimator.role]} {key.replace('_', ' ')}", value, np.nan_to_num(error))
        if np.any(np.isfinite(value)):
            draw_curves(ax, data[axis].values, [curve], "o-" if estimator.role == "T*" else "s--", first=k)
    ax.set(xlabel=axis_label(axis), ylabel="$T$", yscale="log")
    return ax
