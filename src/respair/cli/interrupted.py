"""Messages about what an interrupted run has kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .. import solvers, studies
from .._core.wording import counted

if TYPE_CHECKING:
    from ..studies import Result

GOES_ON = "the same command goes on from there"


def kept_tables(target: Path, result: Result | None) -> Iterator[str]:
    """Keep the tables of a model file that came to their end before another one failed; yield what is kept.

    Parameters
    ----------
    target : Path
        Where the whole result would be.
    result : Result or None
        Of the tables before, if there are any.
    """
    if result is not None and not result.study.sweep:
        partial = studies.write(result, target.with_suffix(".partial.nc"))
        names = ", ".join(f"[{task.name}]" for task in result.study.tasks)
        yield f"kept the results of {names} in {partial}"


def kept(target: Path, result: Result | None) -> Iterator[str]:
    """Keep the finished points of a sweep in a file of their own; yield what is kept, a line each.

    Parameters
    ----------
    target : Path
        Where the whole result would be.
    result : Result or None
        The finished points, if there are any.
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
    """Return what lies beside a result under its name, that of the points of a sweep included."""
    return [target.with_suffix(f".{kind}"), *sorted(target.parent.glob(f"{target.stem}.*.{kind}"))]
