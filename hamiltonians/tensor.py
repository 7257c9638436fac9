"""The matrix-free Hamiltonian: H = sum_P A_P (x) P on representatives times phonon states."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from . import kernels
from .hamiltonian import Hamiltonian
from .orbits import Orbits
from .symmetry import Action

TILE_BYTES = 1 << 19
"""Columns of psi handled together in a hop without symmetry should fit into this much cache."""


@dataclass(frozen=True)
class Hop:
    """An off-diagonal charge matrix on the stored rows, with the group element of each entry.

    Attributes
    ----------
    matrix : csr_array
        Entries on the rows.
    element : (nnz,) int16
        Group element that moves the phonons of each entry.
    source, weight : (k, phonon states)
        Lattice operator that goes with it; None where it is the identity.
    """

    matrix: sp.csr_array
    element: NDArray[np.int16]
    source: NDArray[np.int32] | None = None
    weight: NDArray[Any] | None = None


class TensorHamiltonian:
    """H as an action on stored amplitudes ``phi[row, p]``, flattened; what Lanczos needs and nothing more.

    Parameters
    ----------
    hamiltonian : Hamiltonian
        Its factors are used.
    elements : tuple of Action
        Symmetry group with the characters of the block; empty for none.
    """

    def __init__(self, hamiltonian: Hamiltonian, elements: tuple[Action, ...] = ()) -> None:
        self.hamiltonian = hamiltonian
        space = hamiltonian.space
        self.orbits = Orbits.of(elements) if elements else None
        rows = len(self.orbits.representatives) if self.orbits else len(space.charges)
        self.shape = (rows, len(space.phonons))
        self.size = rows * len(space.phonons)
        is_complex = hamiltonian.dtype == np.complex128 or (
            self.orbits is not None and np.iscomplexobj(self.orbits.factor)
        )
        self.dtype = np.dtype(np.complex128 if is_complex else np.float64)
        self._take_apart()
        shares = 4 * numba.get_num_threads()
        self._work = np.zeros((shares, len(space.phonons)), self.dtype)

    def _take_apart(self) -> None:
        """Sort the factors into energies, ladders on a row, and hops between rows."""
        rows, columns = self.shape
        self._charge_energy = np.zeros(rows, self.dtype)
        self._lattice_energy = np.zeros(columns, self.dtype)
        ladders: list[tuple[NDArray[Any], sp.csr_array]] = []
        plain: list[sp.csr_array] = []
        self._hops: list[Hop] = []
        for factor in self.hamiltonian.factors:
            diagonal, moving = _split(factor.charges)
            lattice = self.hamiltonian.space.lattice_matrix(factor.lattice)
            on_rows = diagonal[self.orbits.representatives] if self.orbits else diagonal
            if factor.is_identity:
                self._charge_energy += on_rows
                plain.append(moving)
                continue
            if np.any(on_rows):
                ladders.append(self._ladder(on_rows, lattice))
            if moving.nnz:
                self._hops.append(self._hop(moving, lattice))
        bare = sum(plain, sp.csr_array((len(self.hamiltonian.space.charges),) * 2))
        self._hops.insert(0, self._hop(sp.csr_array(bare), None))
        ladders = [(strength, lattice) for strength, lattice in ladders if lattice.nnz]
        width = max((int(np.diff(lattice.indptr).max()) for _, lattice in ladders), default=0)
        gathers = [_gathers(lattice, width) for _, lattice in ladders]
        self._strength = np.array([s for s, _ in ladders], self.dtype).reshape(len(ladders), rows)
        self._source = np.array([s for s, _ in gathers], np.int32).reshape(len(ladders), width, columns)
        weight = np.array([w for _, w in gathers]).reshape(len(ladders), width, columns)
        self._weight = weight if np.any(weight.imag) else weight.real.copy()

    def _ladder(self, strength: NDArray[Any], lattice: sp.csr_array) -> tuple[NDArray[Any], sp.csr_array]:
        """Move what is diagonal on the phonons, and the same on all rows, into the lattice energy."""
        diagonal, moving = _split(lattice)
        if np.all(strength == strength[0]):
            self._lattice_energy += strength[0] * diagonal
            return strength, moving
        return strength, lattice

    def _hop(self, moving: sp.csr_array, lattice: sp.csr_array | None) -> Hop:
        if self.orbits is not None:
            matrix, element = self.orbits.reduced(moving)
        else:
            matrix, element = moving, np.zeros(moving.nnz, np.int16)
        matrix = sp.csr_array((matrix.data.astype(self.dtype), matrix.indices, matrix.indptr), shape=matrix.shape)
        if lattice is None:
            return Hop(matrix, element)
        source, weight = _gathers(lattice, int(np.diff(lattice.indptr).max(initial=0)))
        return Hop(matrix, element, source, weight if np.any(weight.imag) else weight.real.copy())

    def dot(self, v: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return ``H v``; `out` is overwritten."""
        result = np.empty(self.size, self.dtype) if out is None else out
        psi, image = v.reshape(self.shape), result.reshape(self.shape)
        kernels.diagonal_and_ladders(
            image, psi, self._charge_energy, self._lattice_energy, self._strength, self._source, self._weight
        )
        for hop in self._hops:
            self._add_hop(image, psi, hop)
        self.project(result)
        return result

    def _add_hop(self, image: NDArray[Any], psi: NDArray[Any], hop: Hop) -> None:
        start, column, value = hop.matrix.indptr, hop.matrix.indices, hop.matrix.data
        if not len(value):
            return
        if self.orbits is None:
            gather, sign = np.arange(self.shape[1], dtype=np.int32)[None], np.zeros((0, 0))
        else:
            gather, sign = self.orbits.gather, self.orbits.sign
        if hop.source is not None and hop.weight is not None:
            parts = (start, column, value, hop.element, gather, sign, hop.source, hop.weight, self._work)
            kernels.dressed_hops(image, psi, *parts)
        elif self.orbits is None:
            rows, columns = self.shape
            tile = max(16, TILE_BYTES // (rows * self.dtype.itemsize))
            for first in range(0, columns, tile):
                kernels.hops(image, psi, start, column, value, first, min(first + tile, columns))
        else:
            kernels.permuted_hops(image, psi, start, column, value, hop.element, gather, sign)

    def project(self, v: NDArray[Any]) -> None:
        """Project amplitudes, in place, onto those that the symmetry allows."""
        o = self.orbits
        if o is None or not len(o.special):
            return
        kernels.symmetrise(
            v.reshape(self.shape),
            o.special,
            o.stabiliser_start,
            o.stabiliser_element,
            o.stabiliser_value,
            o.gather,
            o.sign,
            self._work,
        )

    @cached_property
    def dimension(self) -> int:
        """Number of independent amplitudes: the trace of the projector."""
        o = self.orbits
        if o is None or not len(o.special):
            return self.size
        order = np.repeat(np.arange(len(o.special)), np.diff(o.stabiliser_start))
        fixed = o.gather[o.stabiliser_element] == np.arange(self.shape[1])
        sign = o.sign[o.stabiliser_element] if len(o.sign) else 1.0
        share = np.sum(np.bincount(order, (o.stabiliser_value * np.sum(fixed * sign, axis=1)).real))
        return self.size - len(o.special) * self.shape[1] + round(float(share))

    def expand(self, v: NDArray[Any]) -> NDArray[Any]:
        """Return the amplitudes ``psi[e, p]`` of the whole sector."""
        phi = v.reshape(self.shape)
        return phi if self.orbits is None else self.orbits.expand(phi)


def _split(matrix: sp.csr_array) -> tuple[NDArray[Any], sp.csr_array]:
    """Return the diagonal, and the rest."""
    diagonal = matrix.diagonal()
    rest = sp.csr_array(matrix - sp.diags_array(diagonal, format="csr")) if np.any(diagonal) else matrix.copy()
    rest.eliminate_zeros()
    return diagonal, rest


def _gathers(lattice: sp.csr_array, width: int) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Return ``(P y)[p] = sum_k weight[k, p] y[source[k, p]]``, padded with zero weights."""
    columns = lattice.shape[0]
    counts = np.diff(lattice.indptr)
    own = np.repeat(np.arange(columns), counts)
    slot = np.arange(lattice.nnz) - np.repeat(lattice.indptr[:-1], counts)
    source = np.tile(np.arange(columns, dtype=np.int32), (width, 1))
    weight = np.zeros((width, columns), lattice.dtype)
    source[slot, own] = lattice.indices
    weight[slot, own] = lattice.data
    return source, weight
