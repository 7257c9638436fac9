"""The rows of a block that each of several processes has, and what is known of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import sp
from ..._core.ranks import Ranks

SHARED_FROM = 2000
"""Stored amplitudes of a block from which on its rows are distributed; every rank has all of a smaller one."""
SEED = 1


@dataclass(frozen=True)
class Share:
    """Which rank has which rows of a block.

    Attributes
    ----------
    ranks : Ranks
        The processes.
    owner : (rows,) int32
        Rank of each row.
    """

    ranks: Ranks = field(repr=False)
    owner: NDArray[np.int32]

    @classmethod
    def of(cls, ranks: Ranks, graph: Callable[[], sp.csr_array]) -> Share:
        """Distribute rows, so that few of them are needed by others; rank 0 finds out how.

        Parameters
        ----------
        ranks : Ranks
            The processes.
        graph : function
            Returns a matrix with an entry where a row needs another one; it has as many rows as there are ranks, or
            more.
        """
        return cls(ranks, ranks.given(owners(graph(), ranks.size) if ranks.rank == 0 else np.zeros(0, np.int32)))

    @cached_property
    def own(self) -> NDArray[np.int64]:
        """The rows of this rank, ascending."""
        return np.flatnonzero(self.owner == self.ranks.rank)

    @cached_property
    def place(self) -> NDArray[np.int64]:
        """The place of each row among those of its rank."""
        place = np.empty(len(self.owner), np.int64)
        place[self._order] = np.arange(len(place)) - np.repeat(np.cumsum(self._counts) - self._counts, self._counts)
        return place

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        return np.bincount(self.owner, minlength=self.ranks.size)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """The rows of rank 0, then those of rank 1, and so on."""
        return np.argsort(self.owner, kind="stable")

    @property
    def most(self) -> int:
        """The largest number of rows of a rank."""
        return int(self._counts.max())

    def whole(self, part: NDArray[Any]) -> NDArray[Any]:
        """Return an array over all rows from those of the ranks."""
        found = np.empty((len(self.owner), *part.shape[1:]), part.dtype)
        found[self._order] = self.ranks.joined(part)
        return found


def owners(graph: sp.csr_array, ranks: int) -> NDArray[np.int32]:
    """Return a rank for each row.

    METIS keeps the number of rows that ranks need of each other small (G. Karypis and V. Kumar, SIAM J. Sci. Comput.
    20, 359 (1998)), each with the same share of the entries; without it, or where it leaves a rank without work, the
    rows are split in their order.

    Parameters
    ----------
    graph : csr_array, shape (rows, rows)
        Entries where a row needs another.
    ranks : int
        How many.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> ring = csr_array(np.roll(np.eye(8), 1, axis=1))
    >>> sorted(np.bincount(owners(ring, 2)).tolist())
    [4, 4]
    """
    rows = graph.shape[0]
    work = 1 + np.diff(graph.indptr)
    found = _by_metis(graph, ranks, work) if find_spec("pymetis") else None
    if found is None or len(np.unique(found)) < ranks:
        middle = (np.cumsum(work) - 0.5 * work) / work.sum()
        found = np.minimum((middle * ranks).astype(np.int32), ranks - 1)
        if len(np.unique(found)) < ranks:
            found = (np.arange(rows) * ranks // rows).astype(np.int32)
    return found


def _by_metis(graph: sp.csr_array, ranks: int, work: NDArray[np.int64]) -> NDArray[np.int32]:
    import pymetis

    pattern = sp.csr_array((np.ones(graph.nnz), graph.indices, graph.indptr), shape=graph.shape)
    pattern = sp.coo_array(pattern + pattern.T)
    between = pattern.row != pattern.col
    entries = np.ones(int(between.sum()), np.int8), (pattern.row[between], pattern.col[between])
    both = sp.csr_array(entries, shape=graph.shape)
    options = pymetis.Options(seed=SEED, objtype=int(pymetis.ObjType.VOL))
    adjacency = pymetis.CSRAdjacency(both.indptr.astype(np.int32), both.indices.astype(np.int32))
    _, found = pymetis.part_graph(ranks, adjacency, vweights=work.tolist(), options=options, recursive=False)
    return np.asarray(found, np.int32)
