"""Figures of phase coherence, pairing and resonance. Every function takes an axes (or makes one) and returns it."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from .states import COLOURS, new_axes


def plot_flux_period(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw E_0(phi) as it was sampled, and what its mean and first two harmonics give."""
    ax = ax or new_axes()
    phi, energies = data["curve_phi"].values, data["flux_period_curve"].values
    ax.plot(phi / np.pi, energies, "o-", color=COLOURS[0], ms=3, label=r"$E_0(\varphi)$")
    for n, amplitude in enumerate(data["flux_period_harmonics"].values, 1):
        label = rf"$a_{n} = {amplitude:.3g}$"
        ax.plot(phi / np.pi, energies.mean() + amplitude * np.cos(n * phi), "--", color=COLOURS[n], lw=1, label=label)
    ax.set(xlabel=r"$\varphi/\pi = \Phi/(hc/2e)$", ylabel=r"$E_0(\varphi)$")
    ax.set_title(str(data["flux_period_verdict"].values))
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_coherence(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw amplitude, condensate fraction and share of pairs as bars; stiffness and gaps on a scale of energy."""
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
    ax.set_title(rf"$\varphi^* = {float(data['coherence_phi']) / np.pi:.4g}\,\pi$", fontsize=9)
    return ax


def plot_gaps(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the charge gap, and the spin gap where it was computed, against the charge."""
    ax = ax or new_axes()
    ax.axhline(0.0, color="0.6", lw=0.8)
    shown = (
        ("charge_gap", "gap_charge", r"$\Delta_c = E_{N+2} + E_{N-2} - 2E_N$"),
        ("spin_gap", "charge", r"$\Delta_s$"),
    )
    for k, (name, dim, label) in enumerate(shown):
        if f"charge_scan_{name}" in data:
            values, errors = (data[f"charge_scan_{key}"].values for key in (name, f"{name}_errors"))
            ax.errorbar(data[dim].values, values, errors, fmt="o-", color=COLOURS[k], label=label)
    ax.set(xlabel="$N$", ylabel="gap")
    ax.legend(frameon=False, fontsize=8)
    return ax


def plot_resonance_search(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the charge at every value of the parameter that was solved, the gap beside it, and the resonance."""
    ax = ax or new_axes()
    p, best = data["resonance_parameters"].values, float(data["resonance_value"])
    ax.errorbar(p, data["resonance_charges"].values, data["resonance_charge_errors"].values, fmt="o-", color=COLOURS[0])
    ax.set(xlabel=str(data["resonance_parameter"].values), ylabel="charge")
    ax.yaxis.label.set_color(COLOURS[0])
    beside = ax.twinx()
    beside.errorbar(p, data["resonance_gaps"].values, data["resonance_gap_errors"].values, fmt="s--", color=COLOURS[1])
    beside.set_ylabel("gap $E_1 - E_0$", color=COLOURS[1])
    beside.set_ylim(bottom=0)
    ax.axvline(best, color="0.3", ls=":", lw=1)
    ax.set_title(f"resonance at {best:.10g}", fontsize=9)
    return ax
