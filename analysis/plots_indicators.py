"""Figures of the indicators of resonant pairing; every function takes an axes (or makes one) and returns it."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from .plots import COLOURS, new_axes

SMALL = 1e-13
"""Schmidt levels below this are not drawn."""


def plot_pairing(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the correlation of pairs against their distance, a line for each form; dashed the connected part."""
    ax = ax or new_axes()
    ax.axhline(0.0, color="0.7", lw=0.8)
    for k, name in enumerate(data["pairing_forms"].values.tolist()):
        if f"pairing_{name}_correlation" not in data:
            continue
        r, colour = data[f"{name}_distance"].values, COLOURS[k % len(COLOURS)]
        ax.plot(r, data[f"pairing_{name}_correlation"].values, "o-", ms=4, color=colour, label=name)
        ax.plot(r, data[f"pairing_{name}_connected_correlation"].values, "--", lw=1, color=colour)
    ax.set(xlabel="distance", ylabel=r"$\langle\Delta^\dagger_x\Delta_y\rangle$")
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_entanglement(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the entanglement spectra, -ln lambda level by level, a colour for each cut, with the entropies."""
    ax = ax or new_axes()
    for k, name in enumerate(data["entanglement_cuts"].values.tolist()):
        levels = data["entanglement_spectrum"].isel(cut=k).values
        shown = levels[levels > SMALL]
        entropy = float(data["entanglement_entropy"].isel(cut=k))
        colour = COLOURS[k % len(COLOURS)]
        ax.plot(np.arange(len(shown)), -np.log(shown), "_", ms=9, color=colour, label=f"{name}: S = {entropy:.3f}")
    ax.set(xlabel="level $k$", ylabel=r"$-\ln\lambda_k$")
    ax.legend(frameon=False, fontsize=8)
    return ax
