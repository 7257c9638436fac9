"""Figures of natural phonon states."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .states import COLOURS
from .sweeps import alike

FAINT = 1e-12
"""Occupations below this are rounding."""


def plot_natural_phonons(data: xr.Dataset, mode: int = 0) -> Figure:
    r"""Draw the occupations of the natural phonon states of one mode, and the most occupied state of each local charge.

    Parameters
    ----------
    data : xarray.Dataset
        Of a model file with ``[lattice]``.
    mode : int
        Which mode.
    """
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_occupations(data, left, mode)
    draw_functions(data, right, mode)
    return figure


def draw_occupations(data: xr.Dataset, ax: Axes, mode: int = 0) -> None:
    """Draw how the occupations fall, a line for each local charge."""
    occupations = data["lattice_natural_occupation"].isel(mode=mode).transpose("local_charge", ...).values
    for places in alike(occupations):
        weights, charges = occupations[places[0]], [place[0] for place in places]
        seen = np.flatnonzero(weights > FAINT)
        if len(seen):
            n, label = charges[0], f"$n = {', '.join(map(str, charges))}$"
            ax.semilogy(seen, weights[seen], "osD^v<>"[n % 7] + "-", color=COLOURS[n % len(COLOURS)], label=label)
    ax.set(xlabel="natural state $k$", ylabel=r"occupation $w_k^n$")
    ax.legend(frameon=False, fontsize=8)


def draw_functions(data: xr.Dataset, ax: Axes, mode: int = 0) -> None:
    r"""Draw \|phi(X)\|^2 of the most occupied state of each local charge that occurs."""
    there = data["lattice_natural_function"].isel(mode=mode, natural_state=0).transpose("local_charge", "X").values
    weights = data["lattice_natural_occupation"].isel(mode=mode, natural_state=0).values
    for n, wave in enumerate(there):
        if weights[n] > FAINT:
            ax.plot(data["X"].values, np.abs(wave) ** 2, color=COLOURS[n % len(COLOURS)], label=f"$n = {n}$")
    ax.set(xlabel=r"$X = (a + a^\dagger)/\sqrt{2}$", ylabel=r"$|\phi_0^n(X)|^2$")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, fontsize=8)
