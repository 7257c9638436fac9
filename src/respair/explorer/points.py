"""Cache of the points of sweeps, which outlives an interrupted sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import xarray as xr

from ..studies import Result
from ..studies.execution.folder import StudyFolder
from ..studies.execution.point import failure
from ..studies.file.reading import sweep_points


class KeptPoints(StudyFolder):
    """Records of points in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, xr.Dataset] = {}

    def __repr__(self) -> str:
        return f"KeptPoints({len(self._kept)} points)"

    def find(self, key: str) -> xr.Dataset | None:
        """Return the record of a point by its hash; None if there is none."""
        return self._kept.get(key)

    def keep(self, key: str, point: Mapping[str, object], data: xr.Dataset) -> None:
        """Keep the record of a point."""
        self._kept[key] = data


def with_blanks(result: Result) -> Result:
    """Return a result with empty points in place of those not computed yet."""
    known = {tuple(point.items()): data for point, data in result.points}
    every = [MappingProxyType(point) for point in sweep_points(result.study)]
    blank = failure("not computed yet")
    return replace(result, points=tuple((point, known.get(tuple(point.items()), blank)) for point in every))
