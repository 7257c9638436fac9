"""Figures of spectra: curves with sticks for the lines, and maps."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...clusters import InvalidValue
from ..spectra.measures import elastic_below
from .labels import axis_label
from .states import COLOURS, new_axes

PARTS = ("real", "imag")
FAINT = 1e-3
"""Negative values smaller than this fraction of the largest value are ignored."""


def _variable(data: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable by its name, or by its name in the result of a model file."""
    return data[name] if name in data else data[f"spectrum_{name}"]


def plot_spectrum(data: xr.Dataset, ax: Axes | None = None, label: str = "", colour: str = COLOURS[0]) -> Axes:
    """Plot a spectrum as a curve, with a stick for each line, scaled to the curve.

    Parameters
    ----------
    data : xarray.Dataset
        Result of `spectral_function` or `optical_conductivity`, or of a model file with ``[spectrum]``.
    ax : matplotlib.axes.Axes, optional
        Axes; by default those of a new figure.
    label, colour : str
        Label and colour of the curve. Maps are drawn by `plot_spectral_map`, complex ones without `ax` in two panels.
        The imaginary part of a complex curve is dashed.
    """
    array = _variable(data, "values")
    values = array.values
    if "momentum" in array.dims or "site" in array.dims:
        if ax is not None or np.isrealobj(values):
            return plot_spectral_map(data, ax)
        panels = Figure(figsize=(9.2, 3.6), layout="constrained").subplots(1, 2, sharey=True)
        for panel, part, title in zip(panels, PARTS, ("real part", "imaginary part"), strict=True):
            plot_spectral_map(data, panel, part).set_title(title, fontsize=10)
        panels[1].set_ylabel("")
        first: Axes = panels[0]
        return first
    ax = ax or new_axes()
    omega, curve = data["omega"].values, np.real(values)
    at, weights = (_variable(data, f"pole_{key}").values for key in ("frequencies", "weights"))
    here = (at >= omega.min()) & (at <= omega.max())
    heights = np.real(weights[here])
    strongest = np.max(np.abs(heights), initial=0.0)
    if strongest:
        ax.vlines(at[here], 0.0, heights * np.max(np.abs(curve)) / strongest, color=colour, lw=1.0, alpha=0.45)
    label = label or ("real part" if np.iscomplexobj(values) else "")
    ax.plot(omega, curve, color=colour, label=label or None)
    if np.iscomplexobj(values):
        ax.plot(omega, np.imag(values), color=colour, ls="--", label="imaginary part")
    ax.axhline(0.0, color="0.6", lw=0.8)
    ax.set(xlabel=r"$\omega$", ylabel=_quantity(data))
    if label:
        ax.legend(frameon=False)
    return ax


def _quantity(data: xr.Dataset) -> str:
    return r"$\sigma_{\rm reg}(\omega)$" if "drude" in data or "spectrum_drude" in data else r"$A(\omega)$"


def plot_spectral_map(data: xr.Dataset, ax: Axes | None = None, part: str = "real") -> Axes:
    """Plot A(k, omega) over the momenta from -pi to pi, or A_i(omega) over the sites, as an image.

    Cross spectra with both signs use a diverging colour map.

    Parameters
    ----------
    data : xarray.Dataset
        Result of `spectral_map`, or of a model file with ``momentum = "all"``.
    ax : matplotlib.axes.Axes, optional
        Axes; by default those of a new figure.
    part : str
        Part of a cross spectrum: "real" or "imag".

    Raises
    ------
    ValueError
        If the part is neither.
    """
    if part not in PARTS:
        raise InvalidValue(f"part = {part!r} is unknown; allowed: {', '.join(map(repr, PARTS))}")
    ax = ax or new_axes()
    array = _variable(data, "values")
    over = "momentum" if "momentum" in array.dims else "site"
    values = getattr(array.transpose("omega", over).values, part)
    if "momenta" in data.coords:  # on lattices the momenta of the cluster in sequence
        at = np.arange(data.sizes[over], dtype=float)
        ax.set_xticks(at, [", ".join(map(str, m)) for m in data["momenta"].values.tolist()], fontsize=7, rotation=90)
        ax.set_xlabel("$m_1, m_2$ of $k$")
    elif over == "momentum":
        count = data.sizes[over]
        zone = np.arange(-(count // 2), count // 2 + 1)
        values, at = values[:, zone % count], 2 * zone / count
        ax.set(xlabel=r"$k / \pi$", xlim=(-1, 1), xticks=(-1.0, -0.5, 0.0, 0.5, 1.0))
    else:
        at = data[over].values
        ax.set_xlabel("site")
    most = float(np.max(np.abs(values)))
    both = {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
    colours = both if np.min(values) < -FAINT * most else {"cmap": "magma_r"}
    image = ax.pcolormesh(at, data["omega"].values, values, shading="nearest", rasterized=True, **colours)
    ax.figure.colorbar(image, ax=ax, label=r"$A(\omega)$", pad=0.01)
    ax.axhline(0.0, color="0.6", lw=0.8, ls="--")
    ax.set_ylabel(r"$\omega$")
    return ax


def plot_lines(spectra: xr.Dataset, axis: str, ax: Axes | None = None, faintest: float = 1e-4) -> Axes:
    """Plot the inelastic lines of several spectra over a parameter; areas show weights, a second colour negative ones.

    Parameters
    ----------
    spectra : xarray.Dataset
        Spectra combined along `axis`, such as those of a sweep.
    axis : str
        The parameter.
    ax : matplotlib.axes.Axes, optional
        Axes; by default those of a new figure.
    faintest : float
        Fraction of the largest weight at the same parameter below which a line is omitted.
    """
    ax = ax or new_axes()
    at, weights = (
        _variable(spectra, f"pole_{key}").transpose(axis, "pole").values for key in ("frequencies", "weights")
    )
    size = np.where(np.abs(at) > elastic_below(at), np.abs(np.nan_to_num(weights)), 0.0)
    size = size / np.maximum(np.max(size, axis=1, keepdims=True, initial=0.0), np.finfo(float).tiny)
    x = np.broadcast_to(spectra[axis].values[:, None], at.shape)
    for colour, sign in zip(COLOURS, (1, -1), strict=False):
        seen = (size > faintest) & (np.sign(np.real(weights)) == sign)
        ax.scatter(x[seen], at[seen], s=90 * size[seen], color=colour, alpha=0.7, lw=0)
    ax.set(xlabel=axis_label(axis), ylabel=r"$\omega$")
    return ax


def plot_thermal_spectrum(data: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Plot the spectra of a thermal state, a curve for each temperature, with error bands.

    Imaginary parts of complex cross spectra are dashed.

    Parameters
    ----------
    data : xarray.Dataset
        Result of `thermal_spectral_function`, or of a model file with ``[spectrum]`` and ``[thermal]``.
    ax : matplotlib.axes.Axes, optional
        Axes; by default those of a new figure.
    """
    ax = ax or new_axes()
    omega, values, errors = data["omega"].values, *(_variable(data, name).values for name in ("values", "values_error"))
    parts = 2 if np.iscomplexobj(values) else 1
    for i, t in enumerate(data["temperature"].values):
        colour = colormaps["viridis"](0.9 * i / max(1, len(values) - 1))
        for curve, style, label in ((values[i].real, "-", f"T = {t:g}"), (values[i].imag, "--", None))[:parts]:
            ax.plot(omega, curve, style, color=colour, label=label)
            ax.fill_between(omega, curve - errors[i], curve + errors[i], color=colour, alpha=0.3, lw=0)
    ax.set(xlabel=r"$\omega$", ylabel=_quantity(data))
    ax.legend(frameon=False)
    return ax
