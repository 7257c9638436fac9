"""Ground energies of a sector from matrices on a whole product space, for codes without conserved charges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import splinalg
from ...clusters import InvalidValue
from .terms import Terms

SMALL = 400
"""States up to which all levels are computed."""


def sector_rows(terms: Terms, dimensions: list[int], spins: list[int], charges: list[int]) -> NDArray[np.int64]:
    """Return the states of a product basis, the first factor slowest, that lie in the sector and within the caps.

    Parameters
    ----------
    terms : Terms
        With the sector.
    dimensions, spins, charges : list of int
        Of each factor: its states, and the spin (1, -1 or 0) and charge of a particle there; oscillators have none.
    """
    numbers = np.indices(dimensions, np.int32).reshape(len(dimensions), -1)
    n = sum((q * k for q, k in zip(charges, numbers, strict=True)), np.zeros(numbers.shape[1], np.int64))
    s = sum((q * k for q, k in zip(spins, numbers, strict=True)), np.zeros(numbers.shape[1], np.int64))
    kept = (n == terms.sector.charge) & (s == terms.sector.spin_excess)
    if terms.total_quanta is not None:
        quanta = numbers[[k for k, (q, z) in enumerate(zip(charges, spins, strict=True)) if not q and not z]]
        kept &= quanta.sum(axis=0) <= terms.total_quanta
    return np.flatnonzero(kept)


def lowest_energy(matrix: Any, rows: NDArray[np.int64]) -> float:
    """Return the lowest eigenvalue of the block of a Hermitian matrix on some of its rows."""
    if not len(rows):
        raise InvalidValue("the sector has no states")
    block = matrix[rows][:, rows]
    if len(rows) <= SMALL:
        return float(np.linalg.eigvalsh(block.toarray())[0])
    shift = float(abs(block).sum(axis=1).max())  # exact zeros are found as well
    start = np.random.default_rng(0).standard_normal(len(rows))
    identity = splinalg.aslinearoperator(block)
    values = splinalg.eigsh(identity, k=1, which="SA", tol=0, v0=start, sigma=None, return_eigenvectors=False)
    return float(values[0]) if np.isfinite(shift) else float("nan")
