"""Checkpoints of long searches: written as a whole, and refused if truncated, damaged or of another calculation.

A file holds the arrays one after the other, a header in JSON, its length, and the SHA-256 of everything before. It is
written under another name, synced and renamed, so that an interrupted writer leaves the file before it alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clusters import Told

MAGIC = b"respair checkpoint\n"
END = b"end of checkpoint\n"
VERSION = 1
SHARE = 10
"""Writing takes at most one part in `SHARE` of the time, for any interval."""
PIECE = 1 << 24
"""Bytes that are read at a time."""
FORMAT = struct.Struct("<QQ")
"""Version, bytes of the header."""
TAIL = struct.Struct(f"<QQ32s{len(END)}s")
"""Version, bytes of the header, digest of all before, end mark."""


class CheckpointError(Told, RuntimeError):
    """A checkpoint that cannot be used, with the reason; the file is not changed."""

    def __init__(self, path: Path, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"{path} {reason}; it was left alone: move or delete it to start anew, or choose another folder for results"
        )


class Writer:
    """A checkpoint that is being written; arrays may come one by one, so that none has to be copied.

    Parameters
    ----------
    path : Path
        Where it will be once it is complete.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._partial = path, path.with_name(path.name + ".partial")
        self._file = self._partial.open("wb")
        self._digest = hashlib.sha256()
        self._arrays: list[tuple[str, list[int], int]] = []
        self._append(MAGIC)

    def _append(self, part: bytes | memoryview) -> None:
        self._digest.update(part)
        with self._discarded_if_it_fails():
            self._file.write(part)

    @contextmanager
    def _discarded_if_it_fails(self) -> Iterator[None]:
        """Delete the unfinished file where the disk is full, and name it in the error."""
        try:
            yield
        except OSError as error:
            self.discard()
            raise OSError(error.errno, error.strerror, str(self._path)) from None

    def put(self, array: NDArray[Any]) -> dict[str, int]:
        """Write an array now; return what stands for it in the state."""
        whole = np.ascontiguousarray(array)
        self._arrays.append((whole.dtype.str, list(whole.shape), self._file.tell()))
        if whole.size:
            self._append(whole.data.cast("B"))
        return {"array": len(self._arrays) - 1}

    def takes(self, value: object) -> bool:
        """True for an array."""
        return isinstance(value, np.ndarray)

    def finish(self, about: Mapping[str, str], state: Mapping[str, Any]) -> None:
        """Write the rest and put the file in its place."""
        whole = packed(state, self)
        header = json.dumps({"about": dict(about), "arrays": self._arrays, "state": whole}).encode()
        self._append(header)
        self._digest.update(FORMAT.pack(VERSION, len(header)))
        with self._discarded_if_it_fails():
            self._file.write(TAIL.pack(VERSION, len(header), self._digest.digest(), END))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._partial, self._path)

    def discard(self) -> None:
        """Delete the unfinished file."""
        with suppress(OSError):  # on a full disk, what is still buffered cannot be written either
            self._file.close()
        self._partial.unlink(missing_ok=True)


def packed(value: Any, writer: Writer) -> Any:
    """Return a state with its arrays written, and what stands for them in their place."""
    if writer.takes(value):
        return writer.put(value)
    if isinstance(value, Mapping):
        return {key: packed(item, writer) for key, item in value.items()}
    return value


class Checkpoint:
    """The state of a search on disk, from which it can continue after it was stopped.

    Parameters
    ----------
    path : Path, optional
        The file; without it nothing is stored.
    interval : float
        Seconds between two checkpoints; shorter searches write nothing.
    about : mapping
        What the calculation is, part by part; a file of another one is refused.

    Raises
    ------
    CheckpointError
        If the file exists and cannot be used, with the reason.
    """

    def __init__(
        self, path: Path | None = None, interval: float = np.inf, about: Mapping[str, str] | None = None
    ) -> None:
        self.path, self._interval, self._about = path, interval, about or {}
        self._blocks: dict[str, dict[str, Any]] = {}
        self._block = ""
        self._began = self._last = time.monotonic()
        self._took = 0.0
        self.interrupted = False
        if path is not None and path.exists():
            self._blocks = read(path, self._about)

    def enter(self, block: str) -> None:
        """Continue with another block of the same sector; the states of the others are kept."""
        self._block = block

    @property
    def state(self) -> dict[str, Any]:
        """The state of the current block: numbers, strings, lists and arrays; it may be changed."""
        return self._blocks.setdefault(self._block, {})

    @property
    def due(self) -> bool:
        """True when it is time to write."""
        since = time.monotonic() - self._last
        return self.path is not None and (self.interrupted or since > max(self._interval, SHARE * self._took))

    def begin(self) -> Writer:
        """Begin to write."""
        assert self.path is not None
        self._last = time.monotonic()
        return Writer(self.path)

    def save(self, writer: Writer) -> None:
        """Write the state of all blocks; raise KeyboardInterrupt if that is what it was written for."""
        writer.finish(self._about, self._blocks)
        now = time.monotonic()
        self._took, self._last = now - self._last, now
        if self.interrupted:
            raise KeyboardInterrupt

    def remove(self) -> None:
        """Remove the file of a search that is complete."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path.with_name(self.path.name + ".partial").unlink(missing_ok=True)

    @contextmanager
    def holding_interrupts(self) -> Iterator[None]:
        """Let the first Ctrl-C wait for a checkpoint to be written, but not the second one, nor one in a short run."""
        if self.path is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, self._hold)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _hold(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted or time.monotonic() - self._began < self._interval:
            raise KeyboardInterrupt
        self.interrupted = True


def read(path: Path, about: Mapping[str, str], mapped: bool = False) -> dict[str, dict[str, Any]]:
    """Return the states of all blocks, after everything was checked; `mapped` leaves their arrays in the file.

    Raises
    ------
    CheckpointError
        If the file is truncated, damaged, not a checkpoint, or of another calculation.
    """
    header, end, expected = _header(path)
    with path.open("rb") as file:
        digest, left = hashlib.sha256(), end
        while left:
            part = file.read(min(PIECE, left))
            digest.update(part)
            left -= len(part)
        digest.update(FORMAT.pack(VERSION, len(header)))
        if digest.digest() != expected:
            raise CheckpointError(path, "is damaged: its bytes do not have the checksum that it was written with")
        content = json.loads(header)
        if different := [name for name in about if content["about"].get(name) != about[name]]:
            raise CheckpointError(path, f"belongs to another calculation (another {', another '.join(different)})")
        arrays: list[NDArray[Any]] = []
        for kind, shape, offset in content["arrays"]:
            if mapped and np.prod(shape):
                arrays.append(np.memmap(path, np.dtype(kind), "r", offset, tuple(shape)))
                continue
            file.seek(offset)
            arrays.append(np.fromfile(file, np.dtype(kind), int(np.prod(shape))).reshape(shape))
    found = _unpacked(content["state"], arrays)
    assert isinstance(found, dict)
    return found


def _header(path: Path) -> tuple[bytes, int, bytes]:
    """Return the header, where it ends, and the digest of all before that; neither is checked yet."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise CheckpointError(path, "is not a checkpoint of respair")
        version, length, digest, end = 0, 0, b"", b""
        if size >= len(MAGIC) + TAIL.size:
            file.seek(-TAIL.size, os.SEEK_END)
            version, length, digest, end = TAIL.unpack(file.read())
        if end != END:
            raise CheckpointError(path, f"is torn: its end is missing ({size:,} bytes are there)")
        if version != VERSION:
            raise CheckpointError(path, f"has format {version}, and this version of respair reads format {VERSION}")
        stop = size - TAIL.size
        if length > stop - len(MAGIC):
            raise CheckpointError(path, "is damaged: its header would be longer than the file")
        file.seek(stop - length)
        return file.read(length), stop, digest


def _unpacked(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if not isinstance(value, dict):
        return value
    if value.keys() == {"array"}:
        return arrays[value["array"]]
    return {key: _unpacked(item, arrays) for key, item in value.items()}


def how_far(path: Path) -> str | None:
    """Describe the progress stored in a checkpoint; None where there is no checkpoint."""
    try:
        state = json.loads(_header(path)[0])["state"]
    except (OSError, CheckpointError, ValueError, KeyError):
        return None
    return "; ".join(f"{name}: {block.get('reached', '')}".removeprefix(": ") for name, block in state.items() if block)


def fingerprint(value: object) -> str:
    """Return the SHA-256 of a value, to the last digit of every number in it."""
    return hashlib.sha256(repr(_exact(value)).encode()).hexdigest()


def _exact(value: Any) -> object:
    """Return a value whose text contains everything: dataclasses field by field, arrays number by number.

    Fields and couplings that came later count where they differ from their defaults: older files do not have them.
    """
    if is_dataclass(value):
        named = [(field, getattr(value, field.name)) for field in fields(value)]
        kept = [(field.metadata.get("older", field.name), item) for field, item in named if not _unused(field, item)]
        return type(value).__name__, [(name, _exact(item)) for name, item in kept]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return [(key, _exact(item)) for key, item in value.items()]
    return [_exact(item) for item in value] if isinstance(value, list | tuple) else value


def _unused(field: Field[Any], value: object) -> bool:
    if "added" in field.metadata:
        return bool(value == field.default)
    return field.kw_only and "coupling" in field.metadata and isinstance(value, int | float) and value == 0


def beside(path: str | os.PathLike[str] | None, name: object) -> Path | None:
    """Return the checkpoint of one of several calculations that share a name.

    Examples
    --------
    >>> beside("ring.checkpoint", 3).name
    'ring.3.checkpoint'
    """
    return None if path is None else Path(path).with_suffix(f".{name}{Path(path).suffix}")
