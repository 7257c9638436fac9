"""Figures of phase coherence, pairing and resonance."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from .labels import axis_label, whole_ticks
from .states import COLOURS, draw_curves, new_axes


def plot_flux_period(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot the sampled E_0(phi), and its mean and first two harmonics."""
    phi, energies = data["curve_phi"].values, data["flux_period_curve"].values
    name = r"$E_0(\varphi)$"
    ax = draw_curves(ax, phi / np.pi, [(name, energies, None)], xlabel=r"$\varphi/\pi = \Phi/(hc/2e)$", ylabel=name)
    ax.set_title(str(data["flux_period_verdict"].values))
    for n, amplitude in enumerate(data["flux_period_harmonics"].values, 1):
        label = rf"$a_{n} = {amplitude:.3g}$"
        ax.plot(phi / np.pi, energies.mean() + amplitude * np.cos(n * phi), "--", color=COLOURS[n], lw=1, label=label)
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_coherence(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot amplitude, condensate fraction and paired fraction as bars, stiffness and gaps on an energy scale."""
    ax = ax or new_axes()
    shares = ("amplitude", "fraction", "paired")
    energies = ("stiffness", "gap", "pair_gap")
    above = ax.twiny()
    for axes, names, first, colour in ((ax, shares, 0, COLOURS[0]), (above, energies, len(shares), COLOURS[1])):
        values = [float(data[f"coherence_{name}"]) for name in names]
        axes.barh(np.arange(first, first + len(names)), np.nan_to_num(values), height=0.6, color=colour)
        axes.xaxis.label.set_color(colour)
    ax.set(xlabel="amplitude, fraction, share of all charges", xlim=(0, 1.05), ylim=(5.6, -0.6))
    ax.set_yticks(range(6), [name.replace("_", " ") for name in (*shares, *energies)])
    above.set_xlabel("energy")
    above.axvline(0.0, color="0.6", lw=0.8)
    phi = ", ".join(rf"{value / np.pi:.4g}\,\pi" for value in np.ravel(data["coherence_phi"].values))
    ax.set_title(rf"$\varphi^* = {phi}$", fontsize=9)
    return ax


def plot_gaps(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot the charge gap, and the spin gap if available, over the charge."""
    ax = ax or new_axes()
    lines = (
        ("charge_gap", "gap_charge", r"$\Delta_c = E_{N+2} + E_{N-2} - 2E_N$", "o-"),
        ("spin_gap", "charge", r"$\Delta_s$", "s--"),
    )
    for k, (name, dim, label, style) in enumerate(lines):
        if f"charge_scan_{name}" in data:
            curve = (label, data[f"charge_scan_{name}"].values, data[f"charge_scan_{name}_errors"].values)
            draw_curves(ax, data[dim].values, [curve], style, not k, k, xlabel="$N$", ylabel="gap")
            whole_ticks(ax, data[dim].values)
    return ax


def plot_resonance_search(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot the charge and the gap at all computed values of the parameter, and the resonance."""
    p, best = data["resonance_parameters"].values, float(data["resonance_value"])
    curve = ("", data["resonance_charges"].values, data["resonance_charge_errors"].values)
    ax = draw_curves(ax, p, [curve], xlabel=axis_label(str(data["resonance_parameter"].values)), ylabel="charge")
    ax.yaxis.label.set_color(COLOURS[0])
    beside = ax.twinx()
    beside.errorbar(p, data["resonance_gaps"].values, data["resonance_gap_errors"].values, fmt="s--", color=COLOURS[1])
    beside.set_ylabel("gap $E_1 - E_0$", color=COLOURS[1])
    beside.set_ylim(bottom=0)
    ax.axvline(best, color="0.3", ls=":", lw=1)
    ax.set_title(f"resonance at {best:.10g}", fontsize=9)
    return ax
