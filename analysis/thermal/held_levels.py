"""Exact spectra in little memory: levels of few blocks at a time, and lines in pieces."""

from __future__ import annotations

from collections.abc import Iterator

from ...hamiltonians import Block
from ...solvers.all_levels import AllLevels
from .block_terms import Lines

PIECE = 1 << 21
"""Weights of lines, at all temperatures, that are held together."""
ROOM = 1 << 29
"""Bytes for all levels of other blocks than the one in use and the last one."""


class Levels:
    """All levels of the blocks in use; where they have no more room, those not used for longest are forgotten."""

    def __init__(self, room: int = ROOM) -> None:
        self._room, self._known = room, dict[object, AllLevels]()

    def of(self, block: Block) -> AllLevels:
        """Return all levels of a block, computed again if they have been forgotten."""
        sector, frame = block.space.sector, block.space.frame[:1].tobytes()
        key = (sector.plain, block.symmetries, frame)
        if key not in self._known:
            self._make_room(bytes_of_levels(block.dimension))
            self._known[key] = AllLevels.of(block)
        self._known[key] = self._known.pop(key)  # the last one used
        return self._known[key]

    def _make_room(self, new: int) -> None:
        held = {key: bytes_of_levels(len(levels.energies)) for key, levels in self._known.items()}
        for key in [*held][:-1]:
            if sum(held.values()) + new > self._room:
                del held[key], self._known[key]


def bytes_of_levels(dimension: int) -> int:
    """Return about how many bytes all levels of a block take: complex vectors, and their amplitudes."""
    return 32 * dimension**2


def in_pieces(lines: Iterator[Lines]) -> Iterator[list[Lines]]:
    """Yield lists of lines one after the other, each with about `PIECE` weights or fewer; at least one."""
    piece, count = list[Lines](), 0
    for at, weights in lines:
        if piece and count + weights.size > PIECE:
            yield piece
            piece, count = [], 0
        piece.append((at, weights))
        count += weights.size
    yield piece
