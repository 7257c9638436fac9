"""Figures of flux dependence, and of structure factors in the Brillouin zone."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from ..analysis.plots.states import COLOURS, plot_flux, plot_structure_factor
from ..clusters import Cluster
from .cluster_figure import BLUE, RED
from .figures import Drawing, E

PHI = r"flux $\varphi = 2\pi\Phi/(hc/e)$"


def _along(data: xr.Dataset) -> Any:
    """Return phi; for flux vectors along a line, their largest component."""
    if "flux_phi" not in data:
        return data["phi"].values
    vectors = data["flux_phi"].values
    return vectors[:, int(np.argmax(np.max(np.abs(vectors), axis=0)))]


def _energy(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    if "flux_phi" not in data:
        plot_flux(data, ax)
        return
    y, error = (data[name].values for name in ("flux_energies", "flux_energy_errors"))
    ax.errorbar(_along(data), y, error, fmt="o-", ms=4, color=BLUE, capsize=2)


def _currents(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    """Draw the current along each lattice vector, and the stiffness averaged over the axes."""
    phi = _along(data)
    for j in range(data.sizes["row"]):
        y, error = (data[name].values[:, j] for name in ("flux_current", "flux_current_errors"))
        ax.errorbar(phi, y, np.nan_to_num(error), fmt="os^"[j] + "-", ms=4, color=COLOURS[j], label=f"$I_{j + 1}$")
    mean = np.trace(data["flux_stiffness"].values, axis1=1, axis2=2) / data.sizes["axis"]
    ax.plot(phi, mean, "D--", ms=4, color=COLOURS[3], label=r"$\sum_a D_{aa}/d$")
    ax.axhline(0.0, color="0.7", lw=0.8)
    ax.legend(frameon=False)


def _current(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    if "flux_phi" in data:
        _currents(data, cluster, ax)
        return
    for name, label, colour, style in (("current", "$I$", BLUE, "o-"), ("stiffness", "$D$", RED, "s--")):
        y, error = data[f"flux_{name}"].values, data[f"flux_{name}_errors"].values
        ax.errorbar(data["phi"].values, y, np.nan_to_num(error), fmt=style, ms=4, color=colour, label=label, capsize=2)
    ax.axhline(0.0, color="0.7", lw=0.8)
    ax.legend(frameon=False)


def _zone(data: xr.Dataset, cluster: Cluster, ax: Axes, *, name: str) -> None:
    plot_structure_factor(data, cluster, name, ax)


ENERGY = Drawing("Ground energy against the flux", ("flux_energies",), _energy, PHI, rf"$E_0$ {E}")
CURRENT = Drawing(
    "Persistent current and stiffness", ("flux_current",), _current, PHI, rf"$I = -E_0'$, $D = \pi L E_0''$ {E}"
)
ZONES = tuple(
    Drawing(
        f"Structure factor of {words}", (f"structure_factor_{name}",),
        partial(_zone, name=name), r"$q_x / \pi$", r"$q_y / \pi$",
    )
    for name, words in (("density", "the charge"), ("spin", "the spins"), ("pair", "pairs on a site"),
                        ("boson", "local pairs"), ("displacement", "the lattice"))
)  # fmt: skip
