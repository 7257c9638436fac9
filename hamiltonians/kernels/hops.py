"""Charge matrices that move amplitudes from row to row, and their parts that act on rows of other processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..._core.threads import kernel_threads_for
from ..space.fibres import Fibres
from ..space.phonons import Polynomial
from ..space.product import Amplitudes
from ..symmetry.share import Share
from . import loops as kernels
from .configurations import by_element
from .fibres import hops_on_fibres
from .ghosts import Ghosts, split
from .ladders import lattice_gathers


@dataclass(frozen=True)
class Hop:
    """An off-diagonal charge matrix on the stored rows, with the group element of each entry.

    Attributes
    ----------
    matrix : csr_array
        Entries on the rows; in each row by group element, those that leave the phonons where they are first.
    moving : (rows,) int
        The first entry of each row that moves the phonons.
    element : (nnz,) int16
        Group element that moves the phonons of each entry.
    source, weight : (k, phonon states)
        Lattice operator that goes with it; None where it is the identity.
    """

    matrix: sp.csr_array
    moving: NDArray[np.int32]
    element: NDArray[np.int16]
    source: NDArray[np.int32] | None = None
    weight: NDArray[Any] | None = None

    @classmethod
    def of(
        cls,
        matrix: sp.csr_array,
        element: NDArray[np.int16],
        lattice: sp.csr_array | None = None,
    ) -> Hop:
        """Bring the entries of each row into order.

        Parameters
        ----------
        matrix, element
            Entries, and the group element of each.
        lattice : csr_array, optional
            Lattice operator that goes with them.
        """
        column, value, element = matrix.indices.copy(), matrix.data.copy(), element.copy()
        moving = np.empty(matrix.shape[0], matrix.indptr.dtype)
        with kernel_threads_for(matrix.nnz):
            by_element(column, value, element, moving, matrix.indptr)
        matrix = sp.csr_array((value, column, matrix.indptr), shape=matrix.shape)
        width = 0 if lattice is None else int(np.diff(lattice.indptr).max(initial=0))
        source, weight = (None, None) if lattice is None else lattice_gathers(lattice, width)
        return cls(matrix, moving, element, source, weight)

    def of_type(self, dtype: np.dtype[Any]) -> Hop:
        """Return the same with numbers of another type; ``csr_array.astype`` would add up entries of one place."""
        weight = None if self.weight is None else self.weight.astype(dtype, copy=False)
        entries = self.matrix.data.astype(dtype, copy=False), self.matrix.indices, self.matrix.indptr
        return replace(self, matrix=sp.csr_array(entries, shape=self.matrix.shape), weight=weight)

    def acting_on(self, chosen: NDArray[np.int64], place: NDArray[np.int32], columns: int) -> Hop:
        """Return some entries, ascending, as they act on other rows: `place` has the new number of each old one."""
        rows = self.matrix.shape[0]
        row = np.repeat(np.arange(rows), np.diff(self.matrix.indptr))[chosen]
        element, matrix = self.element[chosen], part_of(self.matrix, chosen, place, columns)
        moving = matrix.indptr[1:] - np.bincount(row, element != 0, rows).astype(matrix.indptr.dtype)
        return replace(self, matrix=matrix, moving=moving, element=element)

    def add(
        self, out: Amplitudes, phi: Amplitudes, gather: NDArray[Any], sign: NDArray[Any], work: NDArray[Any]
    ) -> None:
        """Add the image of amplitudes to `out`; `work` has a row for each share of a core."""
        start, moves = self.matrix.indptr, (self.matrix.indices, self.matrix.data, self.element, gather, sign)
        if self.source is None or self.weight is None:
            kernels.hops(out, phi, start, self.moving, *moves, work)
        else:
            kernels.dressed_hops(out, phi, start, *moves, self.source, self.weight, work)


Part = tuple[sp.csr_array, NDArray[np.int16], Polynomial]
"""A charge matrix on the stored rows, the group element of each entry, and the lattice operator that goes with it."""


@dataclass(frozen=True)
class FibreHop:
    """Charge matrices with small matrices on the fibres of the same modes.

    Attributes
    ----------
    matrix : csr_array
        All their entries on the rows; in each row by kind.
    element : (nnz,) int16
        Group element that moves the phonons of each entry.
    kind : (nnz,) int16
        Number of the small matrix of each entry.
    fibres : Fibres
        The fibres.
    small : (kinds, n, n)
        The small matrices.
    lattice : tuple of Polynomial
        The lattice operators that they are.
    """

    matrix: sp.csr_array
    element: NDArray[np.int16]
    kind: NDArray[np.int16]
    fibres: Fibres
    small: NDArray[Any]
    lattice: tuple[Polynomial, ...]

    @classmethod
    def of(cls, parts: Sequence[Part], fibres: Fibres) -> FibreHop:
        """Collect charge matrices whose lattice operators act on the same modes."""
        shape = parts[0][0].shape
        row = np.concatenate([np.repeat(np.arange(shape[0]), np.diff(matrix.indptr)) for matrix, *_ in parts])
        kind = np.repeat(np.arange(len(parts), dtype=np.int16), [matrix.nnz for matrix, *_ in parts])
        element = np.concatenate([element for _, element, _ in parts])
        order = np.lexsort((element, kind, row))
        data, indices = (
            np.concatenate([getattr(matrix, name) for matrix, *_ in parts])[order] for name in ("data", "indices")
        )
        start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))]).astype(indices.dtype)
        lattice = tuple(each for *_, each in parts)
        small = np.array([fibres.matrix(each) for each in lattice])
        return cls(
            sp.csr_array((data, indices, start), shape=shape), element[order], kind[order], fibres, small, lattice
        )

    def of_type(self, dtype: np.dtype[Any]) -> FibreHop:
        """Return the same with numbers of another type; see `Hop.of_type`."""
        entries = self.matrix.data.astype(dtype, copy=False), self.matrix.indices, self.matrix.indptr
        matrix = sp.csr_array(entries, shape=self.matrix.shape)
        return replace(self, matrix=matrix, small=self.small.astype(dtype, copy=False))

    def acting_on(self, chosen: NDArray[np.int64], place: NDArray[np.int32], columns: int) -> FibreHop:
        """Return some entries, ascending, as they act on other rows; see `Hop.acting_on`."""
        matrix = part_of(self.matrix, chosen, place, columns)
        return replace(self, matrix=matrix, element=self.element[chosen], kind=self.kind[chosen])

    def add(
        self, out: Amplitudes, phi: Amplitudes, gather: NDArray[Any], sign: NDArray[Any], work: NDArray[Any]
    ) -> None:
        """Add the image of amplitudes to `out`; `work` has a row for each share of a core."""
        moves = self.matrix.indptr, self.matrix.indices, self.matrix.data, self.element, self.kind, gather, sign
        own = self.fibres
        rooms = np.zeros((len(work), 2, work.shape[1]), work.dtype)
        hops_on_fibres(out, phi, *moves, self.small, own.lengths, own.counts, own.by_state, rooms)


def part_of(matrix: sp.csr_array, chosen: NDArray[np.int64], place: NDArray[np.int32], columns: int) -> sp.csr_array:
    """Return some entries of a matrix, ascending, in other columns."""
    rows = matrix.shape[0]
    row = np.repeat(np.arange(rows), np.diff(matrix.indptr))[chosen]
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))]).astype(matrix.indptr.dtype)
    return sp.csr_array((matrix.data[chosen], place[matrix.indices[chosen]], start), shape=(rows, columns))


def distributed(
    hops: Sequence[Hop | FibreHop], share: Share | None, columns: int
) -> tuple[Ghosts | None, list[list[Hop | FibreHop]]]:
    """Return the rows that hops need, and the parts of the hops that act on each piece of them.

    Parameters
    ----------
    hops : sequence of Hop or FibreHop
        On the rows of this process; their columns are those of the whole block.
    share : Share or None
        Of the block on which they act; None where all of it is here.
    columns : int
        Amplitudes of a row.
    """
    if share is None:
        return None, [list(hops)]
    needed = np.unique(np.concatenate([np.zeros(0, np.int64), *(hop.matrix.indices for hop in hops)]))
    ghosts = Ghosts(share, needed.astype(np.int64), columns)
    piece, place = ghosts.places()
    parts: list[list[Hop | FibreHop]] = [[] for _ in ghosts.pieces]
    for hop in hops:
        for number, chosen in enumerate(split(hop.matrix.indices, piece, len(parts))):
            if len(chosen):
                parts[number].append(hop.acting_on(chosen, place, len(ghosts.pieces[number])))
    return ghosts, parts
