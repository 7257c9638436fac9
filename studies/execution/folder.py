"""The folder of a study: a manifest and one durable record for each finished point."""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...clusters import Told
from ...hamiltonians.parameters import OLDER_NAMES
from ...solvers import CheckpointError
from ...solvers.checkpoint import Writer, read
from ..definition import Study
from ..file.arrays import packed, unpacked
from ..file.reading import at_point
from ..file.tables import unsaid
from ..file.versions import versions
from ..sweep import overridden

SCHEMA = 1
ATTEMPTS = 5
"""Attempts to take the lock, which reading the status of a study holds for a moment."""
FIRST_NAMES = {new: old for old, new in OLDER_NAMES.items()}
"""Names under which renamed keys of ``[phonons]`` are stored in points."""
MANIFEST, LOCK, POINTS, SUFFIX = "manifest.json", "lock", "points", ".point"


class StudyError(Told, RuntimeError):
    """A folder that cannot be used for this study; it has not been changed."""


def content_hash(study: Study, point: Mapping[str, object], grid: NDArray[np.float64]) -> str:
    """Return the SHA-256 of everything that determines the numbers of a point: its tables and the grid."""
    tables: dict[str, Any] = {k: value for k, value in overridden(study.tables, point).items() if k != "name"}
    return _digest(tables, at_point(study, point) if study.is_own else study, np.ascontiguousarray(grid).tobytes())


def fingerprint(study: Study) -> str:
    """Return the SHA-256 of the contents of a study, independent of comments and spaces in its model file."""
    return _digest(study.tables, study)


def plugins_of(study: Study) -> dict[str, str]:
    """Return the SHA-256 of each file with user-defined approximations by its path."""
    found: dict[str, str] = study.tables.get("compare", {}).get("plugins", {})
    return found


def _digest(tables: Mapping[str, Any], study: Study, more: bytes = b"") -> str:
    """Return the SHA-256 of tables, of the contents of plugin files, and of user-defined terms and clusters."""
    compare = dict(tables.get("compare", {}))
    if "plugins" in compare:
        tables = {**tables, "compare": compare | {"plugins": sorted(compare["plugins"].values())}}
    if "phonons" in tables:
        tables = {**tables, "phonons": {FIRST_NAMES.get(key, key): value for key, value in tables["phonons"].items()}}
    own = {"own": unsaid(study.model)} if study.is_own else {}
    return hashlib.sha256(json.dumps({**tables, **own}, sort_keys=True).encode() + more).hexdigest()


class StudyFolder:
    """The records of a study; created by `opened`, which holds the lock.

    Parameters
    ----------
    path : Path
        The folder.
    retry_failed : bool
        Whether to repeat failed points.
    say : function
        Receives messages about unusable records.
    """

    def __init__(self, path: Path, retry_failed: bool = False, say: Callable[[str], None] = lambda text: None) -> None:
        self.path, self._retry, self._say = path, retry_failed, say

    def __repr__(self) -> str:
        return f"StudyFolder({str(self.path)!r})"

    def find(self, key: str) -> xr.Dataset | None:
        """Return the record of a point by its hash; None if there is no usable record."""
        file = self._file(key)
        try:
            data = read_record(file, key)
        except FileNotFoundError:
            return None
        except CheckpointError as error:
            self._say(f"{file} {error.reason}; the point is computed again")
            return None
        return None if self._retry and str(data["status"].values) != "done" else data

    def keep(self, key: str, point: Mapping[str, object], data: xr.Dataset) -> None:
        """Write the record of a point atomically: after a crash it is complete or absent.

        Raises
        ------
        OSError
            If it cannot be written; earlier records are unchanged.
        """
        about = {"point": dict(point), "versions": versions()}
        writer = Writer(self._file(key))
        try:
            writer.finish({"point": key}, {"data": packed(data), "about": about})
        except BaseException:
            writer.discard()
            raise

    def _file(self, key: str) -> Path:
        return self.path / POINTS / f"{key[:32]}{SUFFIX}"


def read_record(file: Path, key: str | None = None) -> xr.Dataset:
    """Read one record.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    CheckpointError
        If the file is incomplete, damaged, not a record, or belongs to another point than `key`.
    """
    state = read(file, {} if key is None else {"point": key})
    if "data" not in state:
        raise CheckpointError(file, "is not a record of a point")
    return unpacked(state["data"])


@contextmanager
def opened(
    path: Path, study: Study, retry_failed: bool = False, say: Callable[[str], None] = lambda text: None
) -> Iterator[StudyFolder]:
    """Open the folder of a study for one run; create it if necessary.

    Parameters
    ----------
    path : Path
        The folder.
    study : Study
        The study.
    retry_failed : bool
        Whether to repeat failed points.
    say : function
        Receives messages about damaged files.

    Yields
    ------
    StudyFolder
        The folder, with a lock that is released when this process ends.

    Raises
    ------
    StudyError
        If another run uses the folder, or it belongs to another model file.
    """
    (path / POINTS).mkdir(parents=True, exist_ok=True)
    with (path / LOCK).open("a+") as lock:
        _take(lock.fileno(), path)
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid(), "host": platform.node(), "begun": time.time()}))
        lock.flush()
        _check_manifest(path, study, say)
        for torn in (path / POINTS).glob(f"*{SUFFIX}.partial"):
            torn.unlink()
        yield StudyFolder(path, retry_failed, say)
        lock.truncate(0)


def _take(lock: int, path: Path) -> None:
    for _ in range(ATTEMPTS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.02)
    owner = holder(path)
    who = f"process {owner['pid']} on {owner['host']}" if owner else "another process"
    raise StudyError(f"{path} is in use: {who} is running this study; wait for it, or name another folder (--out)")


def holder(path: Path) -> dict[str, Any] | None:
    """Return ``pid``, ``host`` and ``begun`` [s] of the run that uses a folder; None if there is none."""
    try:
        with (path / LOCK).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found: dict[str, Any] = json.loads(lock.read())
                return found
    except (OSError, ValueError):
        return None
    return None


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Return the manifest of the folder of a study; None if there is no readable one."""
    try:
        found = json.loads((path / MANIFEST).read_text())
        right = found["sha256"] == checksum(found)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return found if right else None


def checksum(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest without its checksum field."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _check_manifest(path: Path, study: Study, say: Callable[[str], None]) -> None:
    """Write the manifest of a new folder; raise an error with the difference for a folder of another model file."""
    manifest = read_manifest(path)
    if manifest is None:
        if (path / MANIFEST).exists():
            say(f"{path / MANIFEST} is damaged and is rewritten; the points are identified by their own checksums")
        _write_manifest(path, study)
    elif manifest["schema"] != SCHEMA:
        raise StudyError(f"{path} has format {manifest['schema']}, and this version of respair writes format {SCHEMA}")
    elif manifest["fingerprint"] != fingerprint(study):
        before = [*manifest["model_file"].splitlines(), *manifest.get("plugins", ())]
        after = [*study.text.splitlines(), *_named_plugins(study)]
        lines = difflib.unified_diff(before, after, f"{path} (begun earlier)", study.file, lineterm="", n=0)
        raise StudyError(
            "\n".join([f"{path} is of another model file:", *lines])
            + f"\nname another folder (--out), or remove {path} and its finished points"
        )


def _named_plugins(study: Study) -> list[str]:
    return [f"--plugin {Path(path).name} (SHA-256 {digest[:16]}...)" for path, digest in plugins_of(study).items()]


def _write_manifest(path: Path, study: Study) -> None:
    manifest = {
        "schema": SCHEMA,
        "name": study.name,
        "source": study.file,
        "model_file": study.text,
        "plugins": _named_plugins(study),
        "fingerprint": fingerprint(study),
        "seed": study.solver.seed,
        "versions": versions(),
        "command": sys.argv,
        "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    text = json.dumps(manifest | {"sha256": checksum(manifest)}, indent=1)
    write_bytes(path / MANIFEST, text.encode())


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file atomically: write, sync, rename."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
