"""Figures of the explorer as SVG, from the plots of the analysis and the drawing of the cluster."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..analysis import distances
from ..analysis.plots.indicators import plot_pairing
from ..analysis.plots.labels import place_words, quantity_label
from ..analysis.plots.motion import plot_motion
from ..analysis.plots.spectra import plot_spectrum, plot_thermal_spectrum
from ..analysis.plots.states import COLOURS, plot_levels
from ..analysis.plots.sweeps import alike, error_bars
from ..clusters import Cluster
from ..hamiltonians import Model
from .cluster_figure import BLUE, GREEN, RED, SIZE, draw_state

PINNED = "#8c8c8c"
FRAME = (0.155, 0.185, 0.82, 0.775)
STYLES = ("-", "--", ":", "-.")
SEEN = 1e-4
"""Smallest P(X) shown, relative to its maximum."""
Plot = Callable[[xr.Dataset, Cluster, Axes], None]
"""Function that plots the dataset of a cluster on axes."""


@dataclass(frozen=True)
class Drawing:
    """A figure of the explorer.

    Attributes
    ----------
    title : str
        Title of the figure.
    needs : tuple of str
        Variables, at least one of which must be present.
    plot : function
        Function that draws the figure.
    xlabel, ylabel : str
        Axis labels with units; empty if set by the plot.
    bare : bool
        True for a drawing without axes.
    """

    title: str
    needs: tuple[str, ...]
    plot: Plot
    xlabel: str = ""
    ylabel: str = ""
    bare: bool = False

    def suits(self, data: xr.Dataset) -> bool:
        """Return True if one of the variables is present."""
        return any(name in data and data[name].size for name in self.needs)

    def svg(self, data: xr.Dataset, model: Model, pinned: tuple[xr.Dataset, Model] | None = None) -> str:
        """Return the figure as an SVG element of full width, in the colours of the page.

        Parameters
        ----------
        data : xarray.Dataset
            Results to draw.
        model : Model
            Model of the results.
        pinned : (xarray.Dataset, Model), optional
            Results drawn behind in grey, and their model.
        """
        with rc_context({"font.size": 9.0, "svg.fonttype": "path", "svg.hashsalt": self.title}):
            text = self.saved(data, model, "svg", pinned).decode()
        for colour, name in PAGE.items():
            text = text.replace(colour, name)
        return text[text.index("<svg") :]

    def below(self, data: xr.Dataset) -> str:
        """Return the HTML below the figure."""
        return ""

    def saved(self, data: xr.Dataset, model: Model, kind: str, pinned: tuple[xr.Dataset, Model] | None = None) -> bytes:
        """Return the figure as a file: "svg", "pdf" or "png"."""
        figure = Figure(figsize=SIZE)
        ax = figure.add_axes((0.0, 0.0, 1.0, 1.0) if self.bare else FRAME)
        over = pinned is not None and not self.bare and not _is_map(data) and not _is_map(pinned[0])
        if pinned is not None and over and self.suits(pinned[0]):
            self.plot(pinned[0], pinned[1].cluster, ax)
            _fade(ax)
        self.plot(data, model.cluster, ax)
        if not self.bare:
            unit = unit_of(model)
            ax.spines[["top", "right"]].set_visible(False)
            own = {"xlabel": ax.get_xlabel(), "ylabel": ax.get_ylabel()}
            labels = {"xlabel": self.xlabel or own["xlabel"], "ylabel": self.ylabel or own["ylabel"]}
            labels = {**own, "ylabel": rf"$\omega$ {E}"} if "spectrum_values" in data and _is_map(data) else labels
            ax.set(**{key: words.replace("ENERGY", unit) for key, words in labels.items()})
        out = io.BytesIO()
        figure.savefig(
            out,
            format=kind,
            dpi=200,
            metadata={"CreationDate" if kind == "pdf" else "Date": None} if kind != "png" else None,
        )
        return out.getvalue()


PAGE = {"#000000": "currentColor", "#ffffff": "var(--respair-paper, #ffffff)"}
"""Colours of a figure that are replaced by those of the page."""
UNITS = (("electrons.hopping", "t"), ("phonons.frequency", r"\omega_0"), ("bosons.hopping", "t_b"))
"""Couplings that are the unit of energy if they are 1, with their symbols."""


def unit_of(model: Model) -> str:
    """Return the unit of energy for a label: the first coupling that is 1.

    Examples
    --------
    >>> from respair import Electrons, Model, dimer
    >>> unit_of(Model(dimer(), Electrons(hopping=1.0))), unit_of(Model(dimer(), Electrons(hopping=0.3)))
    ('$t$', 'unit of energy')
    """
    for key, symbol in UNITS:
        species, name = key.split(".")
        value = getattr(getattr(model, species), name, None)
        if isinstance(value, int | float) and value == 1.0:
            return f"${symbol}$"
    return "unit of energy"


def _is_map(data: xr.Dataset) -> bool:
    """Return True for a map over momenta or over two couplings, on which nothing can be overlaid."""
    over = "spectrum_values" in data and "momentum" in data["spectrum_values"].dims
    return over or sum("." in str(dim) for dim in data.dims) > 1


def _fade(ax: Axes) -> None:
    """Turn the contents of axes grey, with one entry in the legend."""
    for artist in (*ax.get_lines(), *ax.collections):
        artist.set(color=PINNED, alpha=0.8, zorder=1)
        artist.set_label("_pinned")
    for line in ax.get_lines():
        line.set(linestyle="--", markerfacecolor="none")
    for container in ax.containers:
        container.set_label("_pinned")
    for text in list(ax.texts):
        text.remove()
    ax.plot([], [], "--", color=PINNED, label="pinned")


def _distribution(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    """Draw P(X), one curve for modes with equal distributions."""
    curves = data["displacement_distribution"].values
    alike: dict[bytes, list[int]] = {}
    for m, curve in enumerate(curves):
        alike.setdefault((np.round(curve, 5) + 0.0).tobytes(), []).append(m)
    for k, modes in enumerate(alike.values()):
        label = f"mode{'s' if len(modes) > 1 else ''} {', '.join(map(str, modes))}"
        ax.plot(data["X"].values, curves[modes[0]], STYLES[k % 4], color=COLOURS[k % len(COLOURS)], label=label)
    seen = data["X"].values[np.max(curves, axis=0) > SEEN * np.max(curves)]
    ax.set_xlim(seen[0], seen[-1])
    ax.set_ylim(bottom=0.0)
    ax.legend(frameon=False, fontsize=8)


def _correlations(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    """Draw pair correlations averaged over all pairs of sites at each distance."""
    r, where = np.unique(distances(cluster, cluster.coordinates), return_inverse=True)
    counts = np.bincount(where.ravel())
    rows = (
        ("pair_correlation", r"electrons, $\langle D^\dagger_i D_j\rangle$", BLUE, "o-"),
        ("boson_correlation", r"local pairs, $\langle b^\dagger_i b_j\rangle$", RED, "s-"),
        ("pair_boson_correlation", r"both, $\langle D^\dagger_i b_j\rangle$", GREEN, "^-"),
    )
    ax.axhline(0.0, color="0.7", lw=0.8)
    for name, label, colour, style in rows:
        if name in data and data[name].shape == (cluster.sites, cluster.sites):
            values = np.nan_to_num(data[name].values.real.ravel())
            ax.plot(r, np.bincount(where.ravel(), values) / counts, style, color=colour, label=label, ms=5)
    ax.set_xticks(r, [f"{each:.3g}" for each in r])
    ax.legend(frameon=False, fontsize=8)


def _occupations(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    """Draw the eigenvalues of the pair density matrices."""
    for k, name in enumerate(data["pairing_forms"].values.tolist()):
        values = data[f"pairing_{name}_eigenvalues"].values
        ax.plot(np.arange(len(values)), values, "osD^vx+"[k % 7], ms=6, color=COLOURS[k % len(COLOURS)], label=name)
    ax.axhline(0.0, color="0.7", lw=0.8)
    ax.legend(frameon=False, fontsize=8)


def _pseudogap(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    t = data["temperature"].values
    ax.errorbar(
        t, data["spectrum_pseudogap"].values, data["spectrum_pseudogap_error"].values, fmt="o-", color=BLUE, capsize=3
    )
    ax.set_xscale("log")
    ax.set_ylim(bottom=0.0)


def _entropy(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    for name, label, colour, style in (("entropy", "$S$", BLUE, "o-"), ("specific_heat", "$C$", RED, "s--")):
        y, error = data[f"thermal_{name}"].values, data[f"thermal_{name}_error"].values
        ax.errorbar(data["temperature"].values, y, error, fmt=style, ms=4, color=colour, label=label, capsize=2)
    ax.set_xscale("log")
    ax.legend(frameon=False)


def _moving(*names: str) -> Plot:
    """Return a plot of observables over time with error bars, one curve for sites with equal values."""

    def drawn(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
        time, k = data["time"].values, 0
        for name in (f"evolution_{name}" for name in names if f"evolution_{name}" in data):
            array = data[name].transpose("time", ...)
            bars = error_bars(data, name).transpose(*array.dims).values
            symbol = quantity_label(name).rpartition(" $")[2].rstrip("$")
            for places in alike(np.moveaxis(array.values.real, 0, -1)):
                pick: Any = (slice(None), *places[0])
                where = place_words(array, array.dims[1:], places) if array.ndim > 1 and len(array[0]) > 1 else ""
                y, bar, colour = array.values.real[pick], bars[pick], COLOURS[k % len(COLOURS)]
                ax.plot(time, y, STYLES[k // len(COLOURS) % 4], color=colour, label=f"${symbol}$ {where}")
                ax.fill_between(time, y - bar, y + bar, color=colour, alpha=0.2, lw=0)
                k += 1
        _keep_in_view(ax)
        ax.legend(frameon=False, fontsize=8)

    return drawn


def _keep_in_view(ax: Axes) -> None:
    """Set the limits of the axes by the curves; wider error bands are clipped."""
    seen = np.concatenate([np.asarray(line.get_ydata(), float) for line in ax.get_lines()])
    low, high = float(np.min(seen)), float(np.max(seen))
    room = max(0.4 * (high - low), 1e-3 * max(1.0, abs(high)))
    ax.set_ylim(low - room, high + room)


def _returning(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
    """Draw the return probability with the bound on its error."""
    y, bar = data["evolution_return_probability"].values, 2.0 * data["evolution_errors"].values
    ax.plot(data["time"].values, y, color=BLUE)
    ax.fill_between(data["time"].values, np.clip(y - bar, 0, 1), np.clip(y + bar, 0, 1), color=BLUE, alpha=0.2, lw=0)
    ax.set_ylim(0.0, 1.05)


def _borrowed(plot: Callable[[xr.Dataset, Axes], Axes]) -> Plot:
    def drawn(data: xr.Dataset, cluster: Cluster, ax: Axes) -> None:
        plot(data, ax)

    return drawn


E, A, X, T, R = (
    "[ENERGY]",
    r"$A(\omega)$ [1/ENERGY]",
    r"$X = (a + a^\dagger)/\sqrt{2}$",
    "temperature $T$ [ENERGY]",
    "distance $|i - j|$ [bond lengths]",
)
STATE = Drawing(
    "Cluster: charges, local pairs and lattice", ("electron_density", "boson_density"), draw_state, bare=True
)
LEVELS = Drawing("Lowest levels with error bars", ("energies",), _borrowed(plot_levels), "level $n$", rf"$E_n$ {E}")
LATTICE = Drawing("Distribution of the lattice", ("displacement_distribution",), _distribution, X, "$P(X)$")
PAIRS = Drawing("Pair correlations", ("pair_correlation", "boson_correlation"), _correlations, R, "average over pairs")
PAIRING = Drawing(
    "Pair density matrices against distance (dashed: connected part)", ("pairing_forms",),
    _borrowed(lambda data, ax: plot_pairing(data, ax)), "distance [bond lengths]",
    r"$\langle\Delta^\dagger_x\Delta_y\rangle$",
)  # fmt: skip
OCCUPATIONS = Drawing(
    "Occupation of the natural pair orbitals", ("pairing_forms",), _occupations, "orbital $k$", r"$\lambda_k$"
)
SPECTRUM = Drawing(
    "Spectrum with its lines", ("spectrum_steps",), _borrowed(lambda data, ax: plot_spectrum(data, ax)),
    rf"$\omega$ {E}", A,
)  # fmt: skip
TIME = r"time $t$ [$\hbar$/ENERGY]"
MOVING_CHARGES = Drawing(
    "Charges and local pairs in motion", ("evolution_electron_density", "evolution_boson_density"),
    _moving("electron_density", "boson_density"), TIME, "number on a site",
)  # fmt: skip
MOVING_LATTICE = Drawing(
    "The lattice in motion", ("evolution_displacement",), _moving("displacement"), TIME, r"$\langle x\rangle$"
)
MOVING_DISTRIBUTION = Drawing(
    "Distribution of the lattice in motion, first mode", ("evolution_displacement_distribution",),
    _borrowed(lambda data, ax: plot_motion(data, "displacement_distribution", ax)), TIME, "$X$",
)  # fmt: skip
RETURNING = Drawing(
    "Return probability", ("evolution_return_probability",), _returning, TIME, r"$|\langle 0|t\rangle|^2$"
)
WARM = Drawing(
    "Spectrum at temperature", ("spectrum_zero_frequency",),
    _borrowed(lambda data, ax: plot_thermal_spectrum(data, ax)), rf"$\omega$ {E}", A,
)  # fmt: skip
PSEUDOGAP = Drawing("Pseudogap", ("spectrum_pseudogap",), _pseudogap, T, r"$A(0, T)\,/\,A(0, T_{high})$")
ENTROPY = Drawing("Entropy and specific heat", ("thermal_entropy",), _entropy, T, "$S$, $C$ [$k_B$]")
