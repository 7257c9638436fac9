"""Rows that operators need of other processes: they arrive in pieces, while what is there already is worked on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.ranks import Transfer
from ..space.product import Amplitudes
from ..symmetry.share import Share

PIECE, SMALL_PIECE = 1 << 26, 1 << 22
"""Most and least bytes of complex amplitudes in a piece; a rank has two that arrive and two that leave."""
PIECES = 64
"""A piece is no larger than this share of the rows of a rank."""


@dataclass(frozen=True)
class Round:
    """What a rank sends to one and receives of another at the same time.

    Attributes
    ----------
    to, source : int
        The other ranks.
    leaving : (n,) int
        Places of the rows that are sent.
    arriving : int
        Number of rows that are received.
    """

    to: int
    leaving: NDArray[np.int64]
    source: int
    arriving: int

    def begin(self, share: Share, phi: Amplitudes) -> tuple[list[Transfer], Amplitudes]:
        """Send and receive; the rows are there once all transfers have ended."""
        rows = np.empty((self.arriving, phi.shape[1]), phi.dtype)
        transfers = [share.ranks.receive(rows, self.source)] if self.arriving else []
        if len(self.leaving):
            transfers.append(share.ranks.send(phi[self.leaving], self.to))
        return transfers, rows


def piece_of(vector: float) -> int:
    """Return the bytes of a piece where a rank has so many of a vector."""
    return int(min(PIECE, max(SMALL_PIECE, vector // PIECES)))


class Ghosts:
    """The rows that a rank needs, its own first, then those of others in pieces of bounded size.

    Each rank sends to the next and receives from the one before, then with two ranks in between, and so on: the pieces
    come in an order that depends on the number of ranks only.

    Parameters
    ----------
    share : Share
        Which rank has which rows.
    needed : (n,) int
        Rows that this rank needs, each once.
    columns : int
        Amplitudes of a row.

    Attributes
    ----------
    pieces : list of (n,) int
        The rows in the order in which `arriving` yields them.
    """

    def __init__(self, share: Share, needed: NDArray[np.int64], columns: int) -> None:
        self._share, ranks = share, share.ranks
        owner = share.owner[needed]
        wanted = [needed[owner == r] if r != ranks.rank else needed[:0] for r in range(ranks.size)]
        leaving = [share.place[rows] for rows in ranks.swapped(wanted)]
        step = max(1, piece_of(16 * share.most * columns) // (16 * max(1, columns)))
        self.pieces: list[NDArray[np.int64]] = [share.own]
        self._rounds: list[Round] = []
        for distance in range(1, ranks.size):
            to, source = (ranks.rank + distance) % ranks.size, (ranks.rank - distance) % ranks.size
            for first in range(0, max(len(leaving[to]), len(wanted[source])), step):
                here = slice(first, first + step)
                rows = wanted[source][here]
                self._rounds.append(Round(to, leaving[to][here], source, len(rows)))
                if len(rows):
                    self.pieces.append(rows)

    @property
    def sent(self) -> int:
        """Rows that this rank sends in each exchange."""
        return sum(len(each.leaving) for each in self._rounds)

    def arriving(self, phi: Amplitudes) -> Iterator[Amplitudes]:
        """Yield the rows of each piece: first those that are here, while the next ones are on their way."""
        ahead = self._rounds[0].begin(self._share, phi) if self._rounds else None
        yield phi
        for following in [*self._rounds[1:], None][: len(self._rounds)]:
            assert ahead is not None
            transfers, rows = ahead
            ahead = following.begin(self._share, phi) if following else None
            for transfer in transfers:
                transfer.wait()
            if len(rows):
                yield rows

    def together(self, phi: Amplitudes) -> Amplitudes:
        """Return the rows of all pieces in one array, own ones first."""
        return np.concatenate(list(self.arriving(phi)))

    def places(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the piece in which each row of the block is, -1 for rows that are not needed, and its place there."""
        piece, place = np.full((2, len(self._share.owner)), -1, np.int32)
        for number, rows in enumerate(self.pieces):
            piece[rows], place[rows] = number, np.arange(len(rows))
        return piece, place


def split(indices: NDArray[np.integer[Any]], piece: NDArray[np.int32], count: int) -> Sequence[NDArray[np.int64]]:
    """Return which entries of a sparse matrix act on each piece, ascending, from the rows on which they act."""
    of = piece[indices]
    order = np.argsort(of, kind="stable")
    return np.split(order, np.cumsum(np.bincount(of, minlength=count))[:-1])
