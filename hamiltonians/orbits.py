"""Orbits of charge configurations under a symmetry group: what the tensor engine stores, and how it finds the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .symmetry import SAME, Action


@dataclass(frozen=True)
class Orbits:
    """Representatives of the charge configurations, each with all phonon states.

    For a state with ``U_g psi = character(g) psi`` the amplitudes of a configuration ``e = g r`` follow from those of
    its representative: ``psi[e, p] = factor[e] sign_g[p] psi[r, gather_g[p]]``. Stored are
    ``phi[r, p] = sqrt(size of the orbit) psi[r, p]``, so that norms are those of the whole state.

    Attributes
    ----------
    representatives : (rows,) int
        Configurations, ascending.
    row, element : (configurations,) int
        Representative and group element of each configuration.
    factor : (configurations,) float or complex
        ``conj(character(g)) * Fermi sign``.
    sizes : (rows,) int
        Number of configurations in each orbit.
    gather : (elements, phonon states) int32
        ``gather[g, p]`` is g^-1 p.
    sign : (elements, phonon states) float
        Sign of the phonons under g; no rows where all are +1.
    special : (n,) int
        Rows with a stabiliser; their amplitudes are redundant.
    stabiliser_start, stabiliser_element, stabiliser_value
        CSR lists of the stabiliser elements of the special rows, with ``factor / order``.
    """

    representatives: NDArray[np.int64]
    row: NDArray[np.int64]
    element: NDArray[np.int16]
    factor: NDArray[Any]
    sizes: NDArray[np.int64]
    gather: NDArray[np.int32]
    sign: NDArray[np.float64]
    special: NDArray[np.int64]
    stabiliser_start: NDArray[np.int64]
    stabiliser_element: NDArray[np.int16]
    stabiliser_value: NDArray[Any]

    @classmethod
    def of(cls, elements: tuple[Action, ...]) -> Orbits:
        """Sort configurations into orbits of a group (identity first)."""
        images = np.array([a.charges for a in elements])
        signs = np.array([a.charge_sign for a in elements])
        phases = _real_if_possible(np.conj([a.character for a in elements]))
        smallest = images.min(axis=0)
        representatives = np.unique(smallest)
        row = np.searchsorted(representatives, smallest)
        element = np.zeros(images.shape[1], np.int16)
        factor = np.zeros(images.shape[1], phases.dtype)
        for g in range(len(elements) - 1, -1, -1):  # the first element that reaches a configuration wins
            reached = images[g, representatives]
            element[reached] = g
            factor[reached] = phases[g] * signs[g, representatives]
        sizes = np.bincount(row, minlength=len(representatives))
        fixes = images[:, representatives] == representatives
        special = np.flatnonzero(fixes.sum(axis=0) > 1)
        which, fixing = np.nonzero(fixes[:, special].T)
        orders = fixes[:, special].sum(axis=0)
        values = phases[fixing] * signs[fixing, representatives[special[which]]] / orders[which]
        phonon_sign = np.array([_pulled_back(a) for a in elements])
        return cls(
            representatives,
            row,
            element,
            factor,
            sizes,
            np.array([np.argsort(a.phonons) for a in elements], dtype=np.int32),
            phonon_sign if np.any(phonon_sign < 0) else np.zeros((0, 0)),
            special,
            np.concatenate([[0], np.cumsum(orders)]),
            fixing.astype(np.int16),
            values,
        )

    def reduced(self, matrix: sp.csr_array) -> tuple[sp.csr_array, NDArray[np.int16]]:
        """Return the rows of the representatives of a charge matrix, acting on stored amplitudes.

        Returns
        -------
        csr_array, shape (rows, rows)
            Entries, not summed: two of them may share a place and differ in the group element.
        (nnz,) int16
            Group element of each entry.
        """
        rows = matrix[self.representatives]
        counts = np.diff(rows.indptr)
        own = np.repeat(np.arange(len(self.representatives)), counts)
        target = self.row[rows.indices]
        scale = np.sqrt(self.sizes[own] / self.sizes[target])
        entries = rows.data * self.factor[rows.indices] * scale
        shape = (len(self.representatives),) * 2
        reduced = sp.csr_array((entries, target, rows.indptr), shape=shape)
        return reduced, self.element[rows.indices]

    def expand(self, phi: NDArray[Any]) -> NDArray[Any]:
        """Return all amplitudes ``psi[e, p]`` of stored ones ``phi[row, p]``."""
        source = phi / np.sqrt(self.sizes)[:, None]
        psi = np.empty((len(self.row), phi.shape[1]), np.result_type(phi, self.factor))
        for g in range(len(self.gather)):
            here = np.flatnonzero(self.element == g)
            moved = source[self.row[here]][:, self.gather[g]]
            psi[here] = self.factor[here, None] * (moved * self.sign[g] if len(self.sign) else moved)
        return psi


def _pulled_back(action: Action) -> NDArray[np.float64]:
    """Return sign_g(g^-1 p) for each phonon state p."""
    return action.phonon_sign[np.argsort(action.phonons)]


def _real_if_possible(values: NDArray[np.complex128]) -> NDArray[Any]:
    return values.real.copy() if np.max(np.abs(values.imag)) < SAME else values
