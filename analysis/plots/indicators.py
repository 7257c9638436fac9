"""Figures of pairing, entanglement, lattice distributions, amplitude and phase."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .states import COLOURS, MARKERS, draw_curves, new_axes

SMALL = 1e-13
"""Eigenvalues of reduced density matrices below this are not plotted."""

SHOWN = 1e-3
"""Contributions to a distribution below this fraction of the largest are not labelled."""


def plot_pairing(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot pair correlations over distance, a curve for each form; the connected part is dashed."""
    ax = ax or new_axes()
    ax.axhline(0.0, color="0.7", lw=0.8)
    for k, name in enumerate(data["pairing_forms"].values.tolist()):
        if f"pairing_{name}_correlation" not in data:
            continue
        r, colour = data[f"{name}_distance"].values, COLOURS[k % len(COLOURS)]
        mark = MARKERS[k // len(COLOURS) % len(MARKERS)]
        ax.plot(r, data[f"pairing_{name}_correlation"].values, f"{mark}-", ms=4, color=colour, label=name)
        ax.plot(r, data[f"pairing_{name}_connected_correlation"].values, "--", lw=1, color=colour)
    ax.plot([], [], "--", lw=1, color="0.3", label="connected part")
    ax.set(xlabel="distance", ylabel=r"$\langle\Delta^\dagger_x\Delta_y\rangle$")
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_entanglement(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot the entanglement spectra -ln lambda, a colour for each cut, with the entropies."""
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


def plot_lattice(data: xr.Dataset, mode: int = 0, ax: Axes | None = None) -> Axes:
    """Plot P(X) of one mode as stacked contributions of each local charge, with its maxima marked."""
    ax = ax or new_axes()
    joint = data["lattice_joint"].isel(mode=mode).transpose("local_charge", "X").values
    x, lower = data["X"].values, np.zeros(data.sizes["X"])
    for n, part in enumerate(joint):
        if np.max(part) > SHOWN * np.max(joint):
            ax.fill_between(
                x, lower, lower + part, color=COLOURS[n % len(COLOURS)], alpha=0.5, lw=0, label=f"$n = {n}$"
            )
        lower = lower + part
    ax.plot(x, lower, color="black", lw=1.2)
    peaks = [data[f"lattice_{name}"].isel(mode=mode).values for name in ("peak_position", "peak_height")]
    ax.plot(*peaks, "v", color="black", ms=5)
    ax.set(xlabel=r"$X = (a + a^\dagger)/\sqrt{2}$", ylabel="$P(X, n)$")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_amplitude_and_phase(data: xr.Dataset, axis: str) -> Figure:
    """Plot amplitude and condensate fraction, and stiffness and gaps, over one parameter.

    Ranges in which the amplitude increases while the stiffness decreases are shaded grey.

    Parameters
    ----------
    data : xarray.Dataset
        Result of `amplitude_and_phase` along one parameter.
    axis : str
        Name of the parameter.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels with a common axis.
    """
    figure = Figure(figsize=(5.2, 5.4), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True)
    x = data[axis].values
    lines = (
        ("amplitude", {"amplitude": r"$-\langle D^\dagger b\rangle$", "fraction": r"$\lambda_0/\mathrm{tr}\,\rho$"}),
        ("phase", {"stiffness": "stiffness $D$", "pair_gap": "pair gap", "gap": "$E_1 - E_0$"}),
    )
    for ax, (title, quantities) in zip(panels, lines, strict=True):
        bars = {"pair_gap": data["pair_gap_error"].values}
        curves = [(label, data[name].values, bars.get(name)) for name, label in quantities.items()]
        draw_curves(ax, x, curves, zero=title == "phase", ylabel=title)
    opposed = (np.diff(data["amplitude"].values) > 0) & (np.diff(data["stiffness"].values) < 0)
    for i in np.flatnonzero(opposed):
        for ax in panels:
            ax.axvspan(x[i], x[i + 1], color="0.92", lw=0, zorder=0)
    panels[1].set_xlabel(axis)
    return figure
