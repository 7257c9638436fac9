"""Figures of spectra: curves with sticks for the lines, and maps. Nothing here computes."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from .plots import COLOURS, new_axes


def _variable(data: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable by its name, or by its name in the result of a model file."""
    return data[name] if name in data else data[f"spectrum_{name}"]


def plot_spectrum(data: xr.Dataset, ax: Axes | None = None, label: str = "", colour: str = COLOURS[0]) -> Axes:
    """Draw a spectrum as a curve, with a stick of the weight's height (scaled to the curve) for each line.

    Parameters
    ----------
    data : xarray.Dataset
        From `spectral_function` or `optical_conductivity`, or of a model file with ``[spectrum]``.
    ax : matplotlib.axes.Axes, optional
        Where; a new figure by default.
    label, colour : str
        Of the curve.
    """
    ax = ax or new_axes()
    omega = data["omega"].values
    curve = np.real(_variable(data, "values").values)
    at, weights = (_variable(data, f"pole_{key}").values for key in ("frequencies", "weights"))
    here = (at >= omega.min()) & (at <= omega.max())
    heights = np.real(weights[here])
    strongest = np.max(np.abs(heights), initial=0.0)
    if strongest:
        ax.vlines(at[here], 0.0, heights * np.max(np.abs(curve)) / strongest, color=colour, lw=1.0, alpha=0.45)
    ax.plot(omega, curve, color=colour, label=label or None)
    ax.axhline(0.0, color="0.6", lw=0.8)
    drude = "drude" in data or "spectrum_drude" in data
    ax.set(xlabel=r"$\omega$", ylabel=r"$\sigma_{\rm reg}(\omega)$" if drude else r"$A(\omega)$")
    if label:
        ax.legend(frameon=False)
    return ax
