"""Orbits of charge configurations under a symmetry group: what the tensor engine stores, and how it finds the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..._core.threads import kernel_threads_for
from ..kernels import configurations as kernels
from ..space.charge_masks import index_type
from ..space.charges import ChargeBasis
from ..space.phonons import PhononSpace, Shell
from .group import SAME, Action, Move, permuted_phonons


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
    modes : (elements, modes) int
        ``modes[g, m]`` is g^-1 m.
    odd : (elements,) bool
        Elements that change the sign of every displacement.
    phonons : PhononSpace
        Phonon states of the amplitudes.
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
    row: NDArray[np.int32] | NDArray[np.int64]
    element: NDArray[np.int16]
    factor: NDArray[Any]
    sizes: NDArray[np.int64]
    modes: NDArray[np.int64]
    odd: NDArray[np.bool_]
    phonons: PhononSpace
    gather: NDArray[np.int32]
    sign: NDArray[np.float64]
    special: NDArray[np.int64]
    stabiliser_start: NDArray[np.int64]
    stabiliser_element: NDArray[np.int16]
    stabiliser_value: NDArray[Any]

    @classmethod
    def of(cls, elements: Sequence[Action], phonons: PhononSpace) -> Orbits:
        """Sort the configurations into orbits of a group, the identity first; the first of each orbit represents it.

        Parameters
        ----------
        elements : sequence of Action
            The group: characters, and what it does to charges and phonons.
        phonons : PhononSpace
            Phonon states.
        """
        basis = elements[0].basis
        states, first, shift = basis.buckets
        phases = _real_if_possible(np.conj([a.character for a in elements]))
        images, crossed, about_x = _tables(basis, [a.move for a in elements])
        kept = np.zeros(len(states), np.bool_)
        row: NDArray[Any] = np.full(len(states), -1, index_type(len(states)))
        element, factor = np.zeros(len(states), np.int16), np.zeros(len(states), phases.dtype)
        with kernel_threads_for(len(states) * len(elements)):
            kernels.largest_of_orbits(kept, states, images)
            representatives = np.flatnonzero(kept)
            sizes, orders = np.zeros((2, len(representatives)), np.int64)
            kernels.spread_over_orbits(
                row,
                element,
                factor,
                sizes,
                orders,
                representatives,
                phases,
                images,
                crossed,
                about_x,
                states,
                first,
                shift,
            )
            special = np.flatnonzero(orders > 1)
            start = np.concatenate([[0], np.cumsum(orders[special])])
            fixing, value = np.zeros(start[-1], np.int16), np.zeros(start[-1], phases.dtype)
            fixed = states[representatives[special]]
            kernels.stabilisers(fixing, value, start, fixed, phases, images, crossed, about_x)
        gather = np.array([_inverse(a.phonons) for a in elements], np.int32)
        phonon_sign = np.array([a.phonon_sign[back] for a, back in zip(elements, gather, strict=True)])
        return cls(
            representatives,
            row,
            element,
            factor,
            sizes,
            np.array([_inverse(a.modes) for a in elements]),
            np.array([a.odd for a in elements]),
            phonons,
            gather,
            phonon_sign if np.any(phonon_sign < 0) else np.zeros((0, 0)),
            special,
            start,
            fixing,
            value,
        )

    @property
    def is_complex(self) -> bool:
        """True where amplitudes of the block are complex."""
        return np.iscomplexobj(self.factor)

    @property
    def dimension(self) -> int:
        """Number of independent amplitudes: the trace of the projector onto what the stabilisers leave."""
        columns = self.gather.shape[1]
        order = np.repeat(np.arange(len(self.special)), np.diff(self.stabiliser_start))
        fixed = self.gather[self.stabiliser_element] == np.arange(columns)
        sign = self.sign[self.stabiliser_element] if len(self.sign) else 1.0
        share = np.bincount(order, (self.stabiliser_value * np.sum(fixed * sign, axis=1)).real, len(self.special))
        return int((len(self.sizes) - len(self.special)) * columns) + round(float(np.sum(share)))

    def reduced(
        self, matrix: sp.csr_array, chosen: NDArray[np.int64] | None = None
    ) -> tuple[sp.csr_array, NDArray[np.int16]]:
        """Return the rows of the representatives of a charge matrix, acting on stored amplitudes.

        Parameters
        ----------
        matrix : csr_array, shape (rows or n, configurations)
            Rows of the representatives.
        chosen : (n,) int, optional
            Only these rows are there.

        Returns
        -------
        csr_array, shape (rows or n, rows)
            Entries, not summed: two of them may share a place and differ in the group element.
        (nnz,) int16
            Group element of each entry.
        """
        every = len(self.representatives)
        chosen = np.arange(every) if chosen is None else chosen
        column, element = matrix.indices.copy(), np.zeros(matrix.nnz, np.int16)
        value = matrix.data.astype(np.result_type(matrix.data, self.factor))
        of_configurations = self.row, self.element, self.factor
        with kernel_threads_for(matrix.nnz):
            kernels.on_orbits(column, value, element, matrix.indptr, chosen, *of_configurations, self.sizes)
        return sp.csr_array((value, column, matrix.indptr), shape=(matrix.shape[0], every)), element

    def gathers(self, states: PhononSpace | Shell) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return `gather` and `sign` for other phonon states."""
        if states == self.phonons:
            return self.gather, self.sign
        moved = [permuted_phonons(states, modes, bool(odd)) for modes, odd in zip(self.modes, self.odd, strict=True)]
        gather = np.array([index for index, _ in moved], np.int32)
        if np.any(gather < 0):
            raise ValueError("these phonon states do not go over into each other under the symmetry")
        sign = np.array([s for _, s in moved]) if np.any(self.odd) else np.zeros((0, 0))
        return gather, sign

    def weights(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of each configuration in a quantity known for each row, shape (configurations, ...)."""
        scale = self.sizes.reshape(-1, *(1,) * (rows.ndim - 1))
        return np.asarray((rows / scale)[self.row])

    def mode_values(self, rows: NDArray[np.float64], odd: bool) -> NDArray[np.float64]:
        """Return for each configuration and mode a quantity known for each row and mode, shape (configurations, modes).

        With `odd` it changes sign with the displacements.
        """
        values = np.take_along_axis(self.weights(rows), self.modes[self.element], axis=1)
        return np.where(self.odd[self.element, None], -values, values) if odd else values

    def compress(self, psi: NDArray[Any]) -> NDArray[Any]:
        """Return the stored amplitudes of ``psi[e, p]``, which must have the symmetry."""
        return np.asarray(psi[self.representatives] * np.sqrt(self.sizes)[:, None])

    def expand(self, phi: NDArray[Any]) -> NDArray[Any]:
        """Return all amplitudes ``psi[e, p]`` of stored ones ``phi[row, p]``."""
        return self.amplitudes(phi, np.arange(len(self.row)))

    def amplitudes(self, phi: NDArray[Any], configurations: NDArray[np.int64]) -> NDArray[Any]:
        """Return the amplitudes ``psi[e, p]`` of some configurations e from the stored ones."""
        psi = np.empty((len(configurations), phi.shape[1]), np.result_type(phi, self.factor))
        row, element, factor = (a[configurations] for a in (self.row, self.element, self.factor))
        factor = factor / np.sqrt(self.sizes[row])
        for g in range(len(self.gather)):
            here = np.flatnonzero(element == g)
            moved = phi[row[here]][:, self.gather[g]]
            psi[here] = factor[here, None] * (moved * self.sign[g] if len(self.sign) else moved)
        return psi


def _tables(
    basis: ChargeBasis, moves: Sequence[Move]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.bool_]]:
    """Return moves as the kernels take them.

    Returns
    -------
    (elements, bytes, 256) uint64
        Image of each value of each byte of a configuration.
    (elements, 2 sites) uint64
        Bits with which each electron changes places.
    (elements,) bool
        Turns of the spins about x.
    """
    sites, levels = basis.sites, basis.levels
    one, value = np.uint64(1), np.arange(256, dtype=np.uint64)
    images = np.zeros((len(moves), -(-basis.bits // 8), 256), np.uint64)
    crossed = np.zeros((len(moves), 2 * sites), np.uint64)
    for g, move in enumerate(moves):
        spins = (sites, 0) if move.flips else (0, sites)
        to = [offset + i for offset in spins for i in move.sites]
        to += [2 * sites + levels * b + k for b in move.bosons for k in range(levels)]
        for bit, image in enumerate(to):
            images[g, bit // 8] |= ((value >> np.uint64(bit % 8)) & one) << np.uint64(image)
        for offset in (0, sites):
            for i, image in enumerate(move.sites):
                passed = (offset + j for j in range(i) if move.sites[j] > image)
                crossed[g, offset + i] = sum(1 << bit for bit in passed)
    return images, crossed, np.array([move.about_x for move in moves])


def _inverse(permutation: NDArray[np.int64]) -> NDArray[np.int64]:
    inverse = np.empty_like(permutation)
    inverse[permutation] = np.arange(len(permutation))
    return inverse


def _real_if_possible(values: NDArray[np.complex128]) -> NDArray[Any]:
    return values.real.copy() if np.max(np.abs(values.imag)) < SAME else values
