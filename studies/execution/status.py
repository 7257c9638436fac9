"""The progress of the studies in a folder, read without changing anything."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import xarray as xr
from rich.console import Console

from ..._core.text import printable
from ...hamiltonians import InvalidModel
from ...solvers import CheckpointError
from ..file.reading import parse
from .folder import MANIFEST, POINTS, SUFFIX, holder, read_manifest, read_record
from .point import account, has_failed
from .report import print_wide
from .tables import columns


@dataclass(frozen=True)
class StudyStatus:
    """The progress of one study.

    Attributes
    ----------
    path : Path
        Folder of the study.
    done, failed, damaged : int
        Number of records of each kind.
    total : int or None
        Total number of points, including a complete refinement; None if the manifest cannot be read.
    running : str
        Process and host of the current run; empty if there is none.
    seconds_left : float
        Estimated remaining seconds; NaN if there is no run or estimate.
    last : tuple of str
        Lowest energy, largest residual and seconds of the last finished point.
    """

    path: Path
    done: int
    failed: int
    damaged: int
    total: int | None
    running: str
    seconds_left: float
    last: tuple[str, str, str]


def statuses(path: Path) -> Iterator[StudyStatus]:
    """Yield the progress of the study in a folder, or of all studies in its subfolders."""
    folders = [path] if (path / MANIFEST).exists() else sorted(found.parent for found in path.glob(f"*/{MANIFEST}"))
    yield from map(_status, folders)


def _status(path: Path) -> StudyStatus:
    files = sorted((path / POINTS).glob(f"*{SUFFIX}"), key=lambda file: file.stat().st_mtime)
    found = [(file.stat().st_mtime, _record(file)) for file in files]
    whole = [(when, data) for when, data in found if data is not None]
    failed = sum(has_failed(data) for _, data in whole)
    owner, total = holder(path), _total(path)
    fresh = sum(when >= owner["begun"] for when, _ in whole) if owner else 0
    left = math.nan
    if owner and fresh and total is not None:
        left = (time.time() - owner["begun"]) / fresh * max(0, total - len(whole))
    running = f"{owner['pid']} on {owner['host']}" if owner else ""
    last = account(whole[-1][1]) if whole else ("", "", "")
    return StudyStatus(path, len(whole) - failed, failed, len(found) - len(whole), total, running, left, last)


def _record(file: Path) -> xr.Dataset | None:
    try:
        return read_record(file)
    except (OSError, CheckpointError):
        return None


def _total(path: Path) -> int | None:
    manifest = read_manifest(path)
    if manifest is None:
        return None
    try:
        axes = parse(manifest["model_file"], manifest["source"]).sweep
    except InvalidModel:  # of a version with other keys
        return None
    return math.prod(len(axis.values) + (axis.refinement.points if axis.refinement else 0) for axis in axes)


def show_statuses(found: Iterable[StudyStatus], console: Console) -> None:
    """Print a table with a row for each study."""
    headings = ("study", "done", "failed", "damaged", "of", "running", "time left", "energy", "residual", "seconds")
    rows = []
    for each in found:
        left = f"{each.seconds_left:.0f} s" if math.isfinite(each.seconds_left) else ""
        counts = (str(count) for count in (each.done, each.failed, each.damaged))
        total = "?" if each.total is None else str(each.total)
        rows.append([printable(each.path.name), *counts, total, printable(each.running) or "no", left, *each.last])
    print_wide(console, columns("", headings, rows))
