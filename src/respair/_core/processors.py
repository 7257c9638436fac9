"""Number of cores available to this process, from environment, affinity and control-group quota."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path("/")
QUOTAS: Mapping[str, tuple[str, ...]] = {
    "": ("sys/fs/cgroup", "cpu.max"),
    "cpu": ("sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us"),
}
"""Controllers of cgroups, versions 2 and 1: root folders, and files with quota and period in microseconds."""


def cores(root: Path = ROOT) -> int:
    """Return the smallest of OMP_NUM_THREADS, the cores of this process's affinity, and the quota of its control group.

    Fractions of a core are dropped; the result is at least one.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    given = [int(wanted)] if wanted.isdecimal() else []
    return max(1, min([affinity, *given, *map(int, _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Yield the quotas in cores of the control group and its parents, if there are any."""
    try:
        groups = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux
        return
    for group in groups:
        _, controllers, path = group.split(":", 2)
        for name in controllers.split(","):
            if name in QUOTAS:
                top, *files = QUOTAS[name]
                folder = root / top / path.lstrip("/")
                while folder != root:
                    yield from _quota(folder, files)
                    folder = folder.parent


def _quota(folder: Path, files: list[str]) -> Iterator[float]:
    try:
        words = " ".join((folder / file).read_text(encoding="utf-8") for file in files).split()
    except OSError:
        return
    if len(words) == 2 and words[0].isdecimal():  # "max" or -1 for none
        yield int(words[0]) / int(words[1])
