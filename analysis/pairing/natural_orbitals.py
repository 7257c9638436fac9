"""Eigenvalues and eigenvectors of density matrices with reproducible order and phases."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

EQUAL = 1e-9
"""Eigenvalues closer than this times the largest one are degenerate."""
TIE = 1e-6
"""Weights that differ by less are equal in the search for the largest one."""


def descending(matrix: NDArray[Any]) -> NDArray[np.float64]:
    """Return the eigenvalues of a Hermitian matrix in descending order."""
    return np.linalg.eigvalsh(matrix)[::-1].copy()


def natural_orbitals(matrix: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[Any]]:
    r"""Diagonalize a density matrix ``rho_xy = <O+_x O_y>``.

    .. math:: \rho_{xy} = \sum_k \lambda_k\, \phi^*_k(x)\, \phi_k(y)

    Phase convention: the first of the largest components of an orbital is real and positive. Within a degenerate
    eigenvalue the first orbital has the largest possible weight on a single x (the first such x), the second one the
    largest possible weight among the orbitals orthogonal to the first, and so on, independently of the library.

    Parameters
    ----------
    matrix : (n, n) float or complex
        Hermitian.

    Returns
    -------
    eigenvalues : (n,) float
        Descending.
    orbitals : (n, n) float or complex
        ``orbitals[k, x]``, orthonormal rows.

    Examples
    --------
    >>> values, orbitals = natural_orbitals(np.array([[0.5, -0.5], [-0.5, 0.5]]))
    >>> values.round(12) + 0.0, orbitals.round(6)
    (array([1., 0.]), array([[ 0.707107, -0.707107],
           [ 0.707107,  0.707107]]))
    """
    values, vectors = np.linalg.eigh(_real(np.conj(matrix)))
    values, vectors = values[::-1].copy(), vectors[:, ::-1]
    width = EQUAL * max(1.0, float(np.max(np.abs(values), initial=0.0)))
    starts = np.flatnonzero(np.diff(values, prepend=np.inf) < -width)
    groups = np.split(vectors, starts[1:], axis=1)
    return values, np.concatenate([_canonical(group) for group in groups], axis=1).T


def _canonical(basis: NDArray[Any]) -> NDArray[Any]:
    """Return a basis of the subspace that does not depend on the basis given."""
    chosen = np.zeros((len(basis), 0), basis.dtype)
    for _ in range(basis.shape[1]):
        rest = basis @ basis.conj().T - chosen @ chosen.conj().T
        weight = np.diag(rest).real
        column = rest[:, int(np.argmax(weight > np.max(weight) - TIE))]
        chosen = np.column_stack([chosen, column / np.linalg.norm(column)])
    return chosen


def _real(matrix: NDArray[Any]) -> NDArray[Any]:
    return matrix.real if np.max(np.abs(np.imag(matrix)), initial=0.0) <= 1e-12 else matrix
