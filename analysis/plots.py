"""Figures. Every function takes an axes (or makes one) and returns it; nothing here computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..clusters import Cluster, Mode

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, distinct to colour-blind eyes."""


def new_axes(width: float = 5.2, height: float = 3.6) -> Axes:
    """Return the axes of a new figure that belongs to nobody else (no pyplot state)."""
    return Figure(figsize=(width, height), layout="constrained").subplots()


def save(ax: Axes, path: Path) -> Path:
    """Save the figure of an axes and return where it is."""
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    figure.savefig(path, dpi=160)
    return path


def literal(name: str) -> str:
    """Return a name of the user's for a figure, where dollars would make mathematics of it."""
    return name.replace("$", r"\$")


def draw_cluster(cluster: Cluster, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the sites by class, the bonds by class and the lattice modes; ``model.cluster`` knows its modes."""
    ax = ax or new_axes(4.2, 4.2)
    xy = cluster.coordinates
    styles = ("-", "--", ":", "-.")
    for c, label in enumerate(cluster.bond_classes):
        for bond in cluster.bonds:
            if bond.label == label:
                ax.plot(*xy[[bond.start, bond.end]].T, styles[c % 4], color="0.45", lw=1.8, zorder=1)
        ax.plot([], [], styles[c % 4], color="0.45", lw=1.8, label=f"bond: {literal(label)}")
    for c, name in enumerate(cluster.site_classes):
        at, label = xy[[i for i, each in enumerate(cluster.classes) if each == name]], f"site: {literal(name)}"
        ax.scatter(at[:, 0], at[:, 1], s=420, color=COLOURS[c % len(COLOURS)], label=label, zorder=2)
    for i, point in enumerate(xy):
        ax.annotate(str(i), point, color="white", ha="center", va="center", fontsize=9, zorder=4)
    where = [_place(cluster, mode) for mode in cluster.modes]
    if where:
        at = np.array(where)
        ax.scatter(at[:, 0], at[:, 1], s=900, facecolors="none", edgecolors="#E69F00", lw=2, label="mode", zorder=3)
    ax.set_aspect("equal")
    ax.margins(0.25)
    ax.set_axis_off()
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2, frameon=False, fontsize=8, markerscale=0.4)
    ax.set_title(literal(title or f"{cluster.kind}, {cluster.sites} sites"))
    return ax


def _place(cluster: Cluster, mode: Mode) -> NDArray[np.float64]:
    """Return where a mode sits: its site, or the middle of its bond."""
    xy = cluster.coordinates
    return np.asarray(xy[mode.place(cluster.bonds)].mean(axis=0))


def plot_levels(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the levels with their error bars."""
    ax = ax or new_axes()
    energies = data["energies"].values
    ax.errorbar(np.arange(len(energies)), energies, data["energy_errors"].values, fmt="o", color=COLOURS[0], capsize=3)
    ax.set_xticks(np.arange(len(energies)))
    ax.set(xlabel="level $n$", ylabel="$E_n$")
    return ax


def plot_distribution(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw P(X) of each mode."""
    ax = ax or new_axes()
    for m, curve in enumerate(data["displacement_distribution"].values):
        ax.plot(data["X"].values, curve, color=COLOURS[m % len(COLOURS)], label=f"mode {m}")
    ax.set(xlabel=r"$X = (a + a^\dagger)/\sqrt{2}$", ylabel="$P(X)$")
    ax.set_ylim(bottom=0)
    if data.sizes["mode"] > 1:
        ax.legend(frameon=False)
    return ax


def plot_charge_scan(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the pair binding energy against the charge."""
    ax = ax or new_axes()
    ax.axhline(0.0, color="0.6", lw=0.8)
    ax.errorbar(
        data["binding_charge"].values,
        data["charge_scan_binding"].values,
        data["charge_scan_binding_errors"].values,
        fmt="o-",
        color=COLOURS[0],
    )
    ax.set(xlabel="$N$", ylabel=r"$\Delta_b = E_{N+2} + E_N - 2E_{N+1}$")
    return ax


def plot_flux(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the ground energy against the flux."""
    ax = ax or new_axes()
    ax.plot(data["phi"].values, data["flux_energies"].values, "o-", color=COLOURS[0], ms=3)
    ax.set(xlabel=r"$\varphi = 2\pi\Phi/(hc/e)$", ylabel=r"$E_0(\varphi)$")
    return ax


def plot_thermal(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw entropy and specific heat against the temperature, with their error bars."""
    ax = ax or new_axes()
    for k, (name, label) in enumerate((("entropy", "$S$"), ("specific_heat", "$C$"))):
        value, error = data[f"thermal_{name}"].values, data[f"thermal_{name}_error"].values
        ax.errorbar(data["temperature"].values, value, error, fmt="o-", ms=3, color=COLOURS[k], label=label)
    if data.sizes["temperature"] > 1:
        ax.set_xscale("log")
    ax.set(xlabel="$T$")
    ax.legend(frameon=False)
    return ax


def plot_sweep(data: xr.Dataset, axis: str, name: str, ax: Axes | None = None) -> Axes:
    """Draw one quantity against one axis of a sweep, a line for each of its entries."""
    ax = ax or new_axes()
    array = data[name].transpose(axis, ...)
    lines = array.values.reshape(array.sizes[axis], -1)
    for k, line in enumerate(lines.T[:7]):
        ax.plot(data[axis].values, line, "-", color=COLOURS[k % len(COLOURS)], label=str(k))
    if 1 < lines.shape[1] <= 7:
        ax.legend(frameon=False, fontsize=8)
    ax.set(xlabel=literal(axis), ylabel=name.replace("_", " "))
    return ax


def plot_resonance(data: xr.Dataset, axis: str, site: int, mode: int = 0, resonance: float | None = None) -> Figure:
    """Draw a bipolaron resonance: the charge on one site, the gap, and P(X), against a swept coupling.

    Parameters
    ----------
    data : xarray.Dataset
        Result of a sweep over `axis`, with ``electron_density``, ``energies`` (two levels) and
        ``displacement_distribution``.
    axis : str
        Swept parameter.
    site, mode : int
        The polaronic site and its oscillator.
    resonance : float, optional
        Position of the exact resonance, drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure
        Three panels that share the coupling axis.
    """
    figure = Figure(figsize=(5.6, 7.2), layout="constrained")
    charge, gap, lattice = figure.subplots(3, 1, sharex=True, height_ratios=(1, 1, 1.5))
    x = data[axis].values
    charge.plot(x, data["electron_density"].isel(site=site).values, "o-", ms=3, color=COLOURS[0])
    charge.set_ylabel(r"charge on the ligand $\langle n_P\rangle$")
    energies = data["energies"].transpose(axis, "level").values
    gap.plot(x, energies[:, 1] - energies[:, 0], "o-", ms=3, color=COLOURS[1])
    gap.set_ylabel("gap $E_1 - E_0$")
    gap.set_ylim(bottom=0)
    density = data["displacement_distribution"].isel(mode=mode).transpose("X", axis).values
    image = lattice.pcolormesh(x, data["X"].values, density, cmap="magma_r", shading="nearest", rasterized=True)
    figure.colorbar(image, ax=lattice, label="$P(X)$", pad=0.01)
    lattice.set(xlabel=r"lattice coupling $\alpha$", ylabel=r"$X = (a + a^\dagger)/\sqrt{2}$")
    seen = data["X"].values[np.max(density, axis=1) > 2e-3 * np.max(density)]
    lattice.set_ylim(seen[0], seen[-1])
    if resonance is not None:
        for ax in (charge, gap, lattice):
            ax.axvline(resonance, color="0.3", ls="--", lw=1)
        charge.annotate(rf" $\alpha_c = {resonance:.5f}$", (resonance, charge.get_ylim()[0]), va="bottom", fontsize=9)
    return figure
