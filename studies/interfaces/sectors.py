"""Lowest energies of a sector from matrices on the product space, for codes without conserved charges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import splinalg
from ...clusters import InvalidValue
from .terms import Terms

SMALL = 400
"""Largest dimension for full diagonalization."""


def sector_rows(terms: Terms, dimensions: list[int], spins: list[int], charges: list[int]) -> NDArray[np.int64]:
    """Return the states of a product basis, first factor slowest, in the sector and within the phonon cutoff.

    Parameters
    ----------
    terms : Terms
        Terms of the Hamiltonian, with the sector.
    dimensions, spins, charges : list of int
        For each factor, its dimension, and the spin (1, -1 or 0) and charge of its particles; zero for oscillators.
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
    start = np.random.default_rng(0).standard_normal(len(rows))
    return float(splinalg.eigsh(block, k=1, which="SA", tol=0, v0=start, return_eigenvectors=False)[0])
