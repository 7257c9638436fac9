"""Messages about the saved parts of an interrupted run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .. import solvers, studies
from .._core.wording import counted

if TYPE_CHECKING:
    from ..studies import Result

GOES_ON = "repeat the command to continue"


def kept_tables(target: Path, result: Result | None) -> Iterator[str]:
    """Save the results of the tables that finished before another one failed; yield a message for each file.

    Parameters
    ----------
    target : Path
        Path of the complete result.
    result : Result or None
        Results of the finished tables, if any.
    """
    if result is not None and not result.study.sweep:
        partial = studies.write(result, target.with_suffix(".partial.nc"))
        names = ", ".join(f"[{task.name}]" for task in result.study.tasks)
        yield f"kept the results of {names} in {partial}"


def kept(target: Path, result: Result | None) -> Iterator[str]:
    """Save the finished points of a sweep in a separate file; yield a message for everything that is saved.

    Parameters
    ----------
    target : Path
        Path of the complete result.
    result : Result or None
        The finished points, if any.
    """
    if result is not None and result.study.sweep:
        partial = studies.write(result, target.with_suffix(".partial.nc"))
        yield f"kept {counted(len(result.points), 'finished point')} in {partial}; {GOES_ON}"
    yield from kept_tables(target, result)
    for path in _beside(target, "checkpoint"):
        if reached := solvers.how_far(path):
            yield f"{path} keeps the search ({reached}); the same command continues it"
    for folder in _beside(target, "blocks"):
        if count := len(list(folder.glob("*.block"))):
            yield f"{folder} keeps {counted(count, 'finished block')} of the thermal sum; {GOES_ON}"


def _beside(target: Path, kind: str) -> list[Path]:
    """Return the files next to a result that belong to it, including those of the points of a sweep."""
    return [target.with_suffix(f".{kind}"), *sorted(target.parent.glob(f"{target.stem}.*.{kind}"))]
