"""Quantities derived from spectra: quasi-particles, gaps, transferred weight, effective frequencies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ..labelled import dataset_of

FAINT = 1e-8
"""Lines with less than this fraction of the weight do not count as a quasi-particle."""
ELASTIC = 1e-8


def _edge(energies: NDArray[np.float64], weights: NDArray[np.float64], last: bool) -> tuple[float, float, float]:
    """Return frequency and weight of the first (or last) significant line, and the weight of all others."""
    total = float(np.nansum(weights))
    seen = np.flatnonzero(weights > FAINT * max(total, FAINT))
    if not len(seen):
        return np.nan, 0.0, total
    at = seen[-1 if last else 0]
    return float(energies[at]), float(weights[at]), total - float(weights[at])


def _of_lines(
    data: xr.Dataset, read: Callable[..., tuple[float, ...]], texts: Mapping[str, tuple[str, str]]
) -> xr.Dataset:
    """Apply a function of frequencies, weights and kinds of the lines to a spectrum, or to each spectrum of a map.

    `texts` contains formula and unit of each result by name.
    """
    weights = data["pole_weights"]
    shape, over = weights.shape[:-1], " ".join(map(str, weights.dims[:-1]))
    lines = (data.get(f"pole_{key}", weights).values for key in ("frequencies", "weights", "kinds"))
    spectra = zip(*(each.reshape(math.prod(shape), each.shape[-1]) for each in lines), strict=True)
    columns = np.array([read(*each) for each in spectra]).T.reshape(len(texts), *shape)
    table = {name: (values, over, *text) for (name, text), values in zip(texts.items(), columns, strict=True)}
    return dataset_of(table, {dim: data[dim].values for dim in over.split()})


def quasi_particles(data: xr.Dataset) -> xr.Dataset:
    r"""Return the quasi-particles of a spectrum or map: the lines closest to the chemical potential on either side.

    Parameters
    ----------
    data : xarray.Dataset
        Result of `spectral_function` or `spectral_map`.

    Returns
    -------
    xarray.Dataset
        For ``addition`` and ``removal``: ``_energy`` of the lowest (highest) line, its weight ``_z``, and the
        ``_incoherent`` weight of all others; over the leading dimension of a map.

    Examples
    --------
    >>> from respair.analysis import probe, spectral_function
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons, Model, Phonons
    >>> from respair.solvers import ground_state
    >>> model = Model(site(), Electrons(), phonons=Phonons(1.0, electron_coupling=0.8, max_quanta=30))
    >>> found = quasi_particles(spectral_function(ground_state(model, 0), probe(model, "electron"), [0.0]))
    >>> bool(np.isclose(found.addition_z, np.exp(-0.64)))
    True
    """
    texts = {
        f"{part}_{key}": ("line next to the gap", "energy" if key == "energy" else "1")
        for part in ("addition", "removal")
        for key in ("energy", "z", "incoherent")
    }

    def read(e: NDArray[np.float64], w: NDArray[Any], kind: NDArray[Any]) -> tuple[float, ...]:
        return *_edge(e[kind == 1], w[kind == 1], last=False), *_edge(e[kind == -1], w[kind == -1], last=True)

    return _of_lines(data, read, texts)


def gap_measures(data: xr.Dataset, centre: float | None = None) -> xr.Dataset:
    """Return the gaps of a spectrum, or of the sum over a map.

    Parameters
    ----------
    data : xarray.Dataset
        Result of `spectral_function` or `spectral_map`.
    centre : float, optional
        Centre of the gap; by default the midpoint of the highest removal and the lowest addition energy, which is the
        chemical potential of the charge. 0 is that of the ensemble.

    Returns
    -------
    xarray.Dataset
        ``gap``, the lowest addition minus the highest removal energy over the whole map, about ``centre``. For the
        broadened curve ``depth_value``, its value at the centre, ``peak_distance`` between the highest points below and
        above, and ``pseudogap``, one minus ``depth_value`` divided by the lower of the two (1: empty; 0 or less: none).
        Without lines on both sides ``gap`` is NaN, and so are the others without a `centre`.
    """
    particles = quasi_particles(data)
    edges = (particles[f"{part}_energy"].values.ravel() for part in ("addition", "removal"))
    added, removed = (edge[np.isfinite(edge)] for edge in edges)
    above, below = (
        float(edge) if len(own) else np.nan
        for own, edge in ((added, np.min(added, initial=np.inf)), (removed, np.max(removed, initial=-np.inf)))
    )
    middle = 0.5 * (above + below) if centre is None else centre
    curve = data["values"]
    curve = curve.mean([d for d in curve.dims if d != "omega"])
    omega, values = data["omega"].values, np.real(curve.values)
    depth, distance, share = _depth(omega, values, middle) if np.isfinite(middle) else (np.nan,) * 3
    return dataset_of(
        {
            "gap": (above - below, "", "E_0(N+1) + E_0(N-1) - 2 E_0(N), as far as the probe sees it", "energy"),
            "centre": (middle, "", "where the gap is looked for", "energy"),
            "depth_value": (depth, "", "A(centre)", "1/energy"),
            "peak_distance": (distance, "", "between the highest points", "energy"),
            "pseudogap": (share, "", "1 - A(centre) / lower peak"),
        }
    )


def _depth(omega: NDArray[np.float64], values: NDArray[np.float64], middle: float) -> tuple[float, float, float]:
    """Return the value of a curve at a frequency, the distance of the highest points around it, and the depth."""
    inside = int(np.argmin(np.abs(omega - middle)))
    masks = (np.arange(len(omega)) <= inside, np.arange(len(omega)) >= inside)
    below, above = (int(np.argmax(np.where(mask, values, -np.inf))) for mask in masks)
    value, lower = float(values[inside]), float(min(values[below], values[above]))
    return value, float(omega[above] - omega[below]), 1.0 - value / lower if lower > 0 else np.nan


def weight_transfer(before: xr.Dataset, after: xr.Dataset) -> xr.Dataset:
    """Return the spectral weight transferred between two spectra.

    Parameters
    ----------
    before, after : xarray.Dataset
        Spectra on the same frequencies.

    Returns
    -------
    xarray.Dataset
        ``difference`` of the curves, ``moved`` its integral up to omega, and the transferred ``amount``, half the
        integral of its absolute value.

    Raises
    ------
    ValueError
        If the frequencies differ.
    """
    omega = before["omega"].values
    if not np.array_equal(omega, after["omega"].values):
        raise InvalidValue("the two spectra have different frequencies; compute both at the same ones")
    difference = np.real(after["values"].values - before["values"].values)
    steps = 0.5 * np.diff(omega) * (difference[..., 1:] + difference[..., :-1])
    moved = np.concatenate([np.zeros((*difference.shape[:-1], 1)), np.cumsum(steps, axis=-1)], axis=-1)
    amount = 0.5 * np.trapezoid(np.abs(difference), omega, axis=-1)
    over = " ".join(map(str, before["values"].dims))
    return dataset_of(
        {
            "difference": (difference, over, "A_after - A_before", "1/energy"),
            "moved": (moved, over, "integral of the difference"),
            "amount": (amount, over.rpartition(" ")[0], "half the integral of its modulus"),
        },
        {"omega": omega},
    )


def effective_frequency(data: xr.Dataset) -> xr.Dataset:
    r"""Return the softened frequency of an oscillator from the spectrum of its displacement.

    .. math:: \Omega^2 = \frac{\sum_n w_n \omega_n}{\sum_n w_n / \omega_n}

    The sums run over the inelastic lines; the numerator is exactly omega0, the denominator the static response.

    Parameters
    ----------
    data : xarray.Dataset
        Result of `spectral_function` or `spectral_map` for the probe "displacement".

    Returns
    -------
    xarray.Dataset
        ``static`` Omega, ``average`` the mean frequency of the lines, ``softest`` that of the lowest line and
        ``softest_share`` its fraction of the inelastic weight, ``elastic`` the weight at zero; over the leading
        dimension of a map. Without inelastic lines all but ``elastic`` are NaN.
    """
    texts = {
        "static": ("sqrt(sum w omega / sum w/omega)", "energy"),
        "average": ("sum w omega / sum w", "energy"),
        "softest": ("lowest line", "energy"),
        "softest_share": ("its share of the inelastic weight", "1"),
        "elastic": ("|<0|x|0>|^2", "1"),
    }
    return _of_lines(data, _softened, texts)


def elastic_below(lines: NDArray[np.float64]) -> float:
    """Return the frequency below which lines belong to the ground level, scaled with the largest line if below 1."""
    return ELASTIC * min(1.0, float(np.max(np.abs(lines[np.isfinite(lines)]), initial=0.0)))


def _softened(lines: NDArray[np.float64], weights: NDArray[Any], kinds: NDArray[Any]) -> tuple[float, ...]:
    weights = np.real(weights)
    least = elastic_below(lines)
    elastic = float(np.sum(weights[np.abs(lines) <= least]))
    inelastic = lines > least
    at, w = lines[inelastic], weights[inelastic]
    seen = np.flatnonzero(w > FAINT * np.sum(w))
    if not len(seen):
        return (*(np.nan,) * 4, elastic)
    total, static = np.sum(w), np.sqrt(np.sum(w * at) / np.sum(w / at))
    return float(static), float(np.sum(w * at) / total), float(at[seen[0]]), float(w[seen[0]] / total), elastic
