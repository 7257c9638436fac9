"""Many spectral lines replaced by equidistant ones with the same moments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .block_terms import Lines


def comb(x: NDArray[np.float64], w: NDArray[Any], step: float) -> Lines:
    """Spread lines over the multiples of a step, each over six of them, so that moments up to the fifth stay exact.

    Parameters
    ----------
    x : (n,) float
        Frequencies.
    w : (t, n) float or complex
        Weights.
    step : float
        Distance of the new lines.

    Examples
    --------
    >>> at, weights = comb(np.array([0.13, 0.5]), np.ones((1, 2)), 0.1)
    >>> np.round(weights @ at[:, None] ** np.arange(4), 12)
    array([[2.      , 0.63    , 0.2669  , 0.127197]])
    """
    if np.iscomplexobj(w):
        at, both = comb(x, np.concatenate([w.real, w.imag]), step)
        return at, both[: len(w)] + 1j * both[len(w) :]
    first = np.floor(x / step).astype(np.int64) - 2
    low = int(first.min())
    place = x / step - first
    spread = np.zeros((len(w), int(first.max()) - low + 6))
    for node in range(6):
        others = [k for k in range(6) if k != node]
        share = np.prod([(place - k) / (node - k) for k in others], axis=0)
        for row, weights in zip(spread, w, strict=True):
            row += np.bincount(first - low + node, weights * share, minlength=len(row))
    kept = np.any(spread, axis=0)
    return np.asarray(step * (low + np.flatnonzero(kept)), float), spread[:, kept]
