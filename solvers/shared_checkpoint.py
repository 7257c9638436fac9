"""Checkpoints of searches that several processes share: rank 0 has the file, which any number of ranks can read.

Vectors stand in it in the order of the rows of the block, as one process writes them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.ranks import Ranks
from ..hamiltonians.symmetry.share import Share
from .checkpoint import SHARE, Checkpoint, CheckpointError, Writer, packed, read

AT_A_TIME = 1 << 26
"""Bytes of a vector that rank 0 has at once."""
Shares = dict[str, Share | None]
"""By the name of a block, which rank has which rows of its vectors."""


@dataclass(frozen=True)
class Elsewhere:
    """An array that rank 0 has in its file."""

    shape: tuple[int, ...]
    dtype: str


def pieces(share: Share, width: int, itemsize: int) -> Iterator[tuple[slice, list[NDArray[np.int64]]]]:
    """Yield some rows of a block at a time, and which of them each rank has."""
    rows = len(share.owner)
    step = max(1, AT_A_TIME // max(1, width * itemsize))
    for first in range(0, rows, step):
        here = slice(first, min(rows, first + step))
        yield here, [np.flatnonzero(share.owner[here] == rank) for rank in range(share.ranks.size)]


class SharedWriter(Writer):
    """A checkpoint that all ranks write together; the file is that of rank 0.

    Parameters
    ----------
    path : Path
        Where it will be once it is complete.
    ranks : Ranks
        The processes.
    share : Share or None
        Of the vectors that are put; None where every rank has all of them.
    """

    def __init__(self, path: Path, ranks: Ranks, share: Share | None) -> None:
        self._ranks, self.share = ranks, share
        if ranks.rank == 0:
            super().__init__(path)
        else:
            self._arrays = []

    def takes(self, value: object) -> bool:
        """True for an array, here or on rank 0."""
        return isinstance(value, np.ndarray | Elsewhere)

    def put(self, array: Any) -> dict[str, int]:
        """Write an array now; return what stands for it in the state."""
        if isinstance(array, Elsewhere):
            self._arrays.append(("", [], 0))
        elif isinstance(array, np.memmap) or self.share is None:
            if self._ranks.rank == 0:
                return super().put(array)
            self._arrays.append(("", [], 0))
        else:
            self._gather(array, self.share)
        return {"array": len(self._arrays) - 1}

    def _gather(self, array: NDArray[Any], share: Share) -> None:
        width = array.shape[-1] // len(share.own)
        shape = [*array.shape[:-1], len(share.owner) * width]
        ranks, begin = self._ranks, self._file.tell() if self._ranks.rank == 0 else 0
        self._arrays.append((array.dtype.str, shape, begin))
        for v in array.reshape(-1, len(share.own), width):
            for here, owned in pieces(share, width, array.itemsize):
                mine = v[share.place[here][owned[ranks.rank]]]
                if ranks.rank:
                    if len(mine):
                        ranks.send(np.ascontiguousarray(mine), 0).wait()
                    continue
                whole = np.empty((here.stop - here.start, width), array.dtype)
                whole[owned[0]] = mine
                for rank, theirs in enumerate(owned[1:], start=1):
                    if len(theirs):
                        part = np.empty((len(theirs), width), array.dtype)
                        ranks.receive(part, rank).wait()
                        whole[theirs] = part
                self._append(whole.data.cast("B"))

    def finish_blocks(self, about: Mapping[str, str], blocks: Mapping[str, Mapping[str, Any]], shares: Shares) -> None:
        """Write the states of all blocks and put the file in its place."""
        states = {}
        for name, state in blocks.items():
            self.share = shares.get(name)
            states[name] = packed(state, self)
        if self._ranks.rank == 0:
            self.finish(about, states)

    def discard(self) -> None:
        """Delete the unfinished file."""
        if self._ranks.rank == 0:
            super().discard()


class SharedCheckpoint(Checkpoint):
    """The state of a search that several processes share.

    Parameters
    ----------
    ranks : Ranks
        The processes.
    path : Path
        The file, of rank 0.
    interval : float
        Seconds between two checkpoints, by the clock of rank 0.
    about : mapping
        What the calculation is.

    Raises
    ------
    CheckpointError
        If the file exists and cannot be used, on all ranks.
    """

    def __init__(self, ranks: Ranks, path: Path, interval: float, about: Mapping[str, str]) -> None:
        super().__init__(None, interval, about)
        self.path, self._ranks, self._shares = path, ranks, Shares()
        found, wrong = {}, ""
        if ranks.rank == 0 and path.exists():
            try:
                found = read(path, about, mapped=True)
            except CheckpointError as error:
                wrong = error.reason
        if wrong := ranks.given(wrong):
            raise CheckpointError(path, wrong)
        outline = ranks.given(_outline(found))
        self._blocks = found if ranks.rank == 0 else outline

    def share(self, share: Share | None) -> None:
        """Take the rows of this process of the vectors of the current block."""
        if self._block not in self._shares:
            self._shares[self._block] = share
            self._blocks[self._block] = _parts(self.state, self._ranks, share)

    @property
    def due(self) -> bool:
        """True when it is time to write, on all ranks alike."""
        now = time.monotonic()
        late = now - self._last > max(self._interval, SHARE * self._took)
        late, short = self._ranks.given((late, now - self._began < self._interval))
        if self._ranks.wanted and short:
            self._interrupt()
        return bool(late or self._ranks.wanted)

    def _interrupt(self) -> None:
        self._ranks.wanted = False
        raise KeyboardInterrupt

    def begin(self) -> Writer:
        """Begin to write."""
        assert self.path is not None
        self._last = time.monotonic()
        return SharedWriter(self.path, self._ranks, self._shares.get(self._block))

    def save(self, writer: Writer) -> None:
        """Write the state of all blocks; raise KeyboardInterrupt if that is what it was written for."""
        assert isinstance(writer, SharedWriter)
        writer.finish_blocks(self._about, self._blocks, self._shares)
        now = time.monotonic()
        self._took, self._last = now - self._last, now
        if self._ranks.wanted:
            self._interrupt()

    def remove(self) -> None:
        """Remove the file of a search that is complete."""
        if self._ranks.rank == 0:
            super().remove()

    @contextmanager
    def holding_interrupts(self) -> Iterator[None]:
        """Let interrupts wait for a checkpoint to be written."""
        self._ranks.holding = True
        try:
            yield
        finally:
            self._ranks.holding = False
        if self._ranks.wanted:
            self._interrupt()


def _outline(value: Any) -> Any:
    """Return a state with what stands for its arrays."""
    if isinstance(value, np.memmap):
        return Elsewhere(value.shape, value.dtype.str)
    return {key: _outline(item) for key, item in value.items()} if isinstance(value, dict) else value


def _parts(value: Any, ranks: Ranks, share: Share | None) -> Any:
    """Return a state with the parts of this process of the arrays that rank 0 has in its file."""
    if isinstance(value, dict):
        return {key: _parts(item, ranks, share) for key, item in value.items()}
    if not isinstance(value, np.memmap | Elsewhere):
        return value
    if share is None:
        return ranks.given(np.array(value) if isinstance(value, np.memmap) else value)
    return _scatter(value, share)


def _scatter(array: NDArray[Any] | Elsewhere, share: Share) -> NDArray[Any]:
    width, ranks = array.shape[-1] // len(share.owner), share.ranks
    dtype = np.dtype(array.dtype)
    found = np.empty((*array.shape[:-1], len(share.own) * width), dtype)
    flat = found.reshape(-1, len(share.own), width)
    for number, v in enumerate(flat):
        for here, owned in pieces(share, width, dtype.itemsize):
            mine = owned[ranks.rank]
            if isinstance(array, Elsewhere):
                if not len(mine):
                    continue
                part = np.empty((len(mine), width), dtype)
                ranks.receive(part, 0).wait()
            else:
                rows = np.asarray(array.reshape(len(flat), len(share.owner), width)[number, here])
                for rank, theirs in enumerate(owned[1:], start=1):
                    if len(theirs):
                        ranks.send(np.ascontiguousarray(rows[theirs]), rank).wait()
                part = rows[mine]
            v[share.place[here][mine]] = part
    return found
