r"""Random levels: disorder landscapes that are reproducible from a seed on every machine.

With :math:`r_i` the upper 53 bits of the i-th 64-bit output of the generator ``numpy.random.PCG64(seed)``, whose stream
is guaranteed not to change, the random number of site i is

.. math:: w_i = \frac{r_i + 1/2}{2^{53}} - \frac12 \quad\text{(box)}, \qquad
          w_i = \Phi^{-1}\!\left(\frac{r_i + 1/2}{2^{53}}\right) \quad\text{(gaussian)},

rounded to multiples of :math:`2^{-40}`. The level of site i is the mean level plus :math:`W w_i`: the box distribution
is uniform in [-W/2, W/2] with variance W^2 / 12, and W is the standard deviation of the Gaussian. Site i has the same
number on every cluster and for every species: a seed defines one landscape, and independent ones need different seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .values import LARGEST, Coupling, is_coupling, is_number, resolve, show

DISORDER, SEED, KIND, MEAN = "disorder", "seed", "kind", "mean"
KEYS = (DISORDER, SEED, KIND, MEAN)
KINDS = ("box", "gaussian")
LARGEST_SEED = 2**63 - 1
GRAIN = 2.0**-40
"""Random numbers are rounded to multiples of this, so that they do not depend on the last digits of a function."""


def landscape(seed: int, sites: int, kind: str = "box") -> NDArray[np.float64]:
    """Return the random numbers w of the sites 0, 1, ..., as defined in the docstring of the module.

    Examples
    --------
    >>> landscape(3, 4).round(6)
    array([-0.414351, -0.263189,  0.301274,  0.082162])
    """
    words = np.random.PCG64(seed).random_raw(sites)
    shares = ((np.asarray(words, np.uint64) >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53
    numbers = np.array([NormalDist().inv_cdf(p) for p in shares]) if kind == "gaussian" else shares - 0.5
    return np.asarray(np.round(numbers / GRAIN) * GRAIN)


def is_disorder(coupling: object) -> bool:
    """True for a table that describes disorder, ``{"disorder": W, "seed": 3}``."""
    return isinstance(coupling, Mapping) and DISORDER in coupling


def resolve_disorder(
    coupling: Mapping[str, Any], labels: Sequence[str], what: str, sites: Sequence[int]
) -> tuple[NDArray[np.float64], str | None]:
    """Expand a coupling with disorder into values at the sites.

    Parameters
    ----------
    coupling : mapping
        ``disorder`` and ``seed``, optionally ``kind`` and ``mean`` (a coupling without disorder).
    labels : sequence of str
        Class of each place.
    what : str
        Kind of place in messages: "site" or "boson site".
    sites : sequence of int
        The site of each place.

    Returns
    -------
    values : (n,) float
        One value for each place; zeros if the coupling is invalid.
    complaint : str or None
        The allowed values, if the coupling is invalid.
    """
    zeros = np.zeros(len(labels))
    strange = [key for key in coupling if key not in KEYS]
    width, seed, kind = coupling[DISORDER], coupling.get(SEED), coupling.get(KIND, KINDS[0])
    mean: Coupling = coupling.get(MEAN, 0.0)
    if strange:
        return zeros, f"unknown key with {DISORDER}: {show(strange[0])}; allowed: {', '.join(KEYS)}"
    if not is_coupling(width) or float(width) < 0:
        return zeros, f"allowed for {DISORDER}: a number from 0 to {LARGEST:g}"
    if not is_number(seed) or float(seed) != int(seed) or not 0 <= int(seed) <= LARGEST_SEED:  # type: ignore[arg-type]
        return zeros, f"allowed for {SEED}: a whole number from 0 to {LARGEST_SEED}"
    if kind not in KINDS:
        return zeros, f"allowed for {KIND}: {', '.join(map(show, KINDS))}"
    centre, complaint = resolve(mean, labels, what)
    if complaint:
        return zeros, f"{MEAN}: {complaint}"
    numbers = landscape(int(seed), max(sites, default=-1) + 1, kind)  # type: ignore[arg-type]
    return centre + float(width) * numbers[list(sites)], None
