"""Adaptive refinement: more values of an axis where a quantity changes fast, reproducible in every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...hamiltonians import InvalidModel
from ..definition import Axis, Study
from ..file.reading import at_point, sweep_points

SHARE = 0.5
"""Intervals are halved together if the quantity changes by this fraction of the largest change."""


def refined(study: Study, data: xr.Dataset) -> Study | None:
    """Return the study with more values on the refined axis; None if it is complete.

    An interval is halved if the quantity changes by more than half of its largest change between neighbours (maximum
    over its elements and over the other axes), the largest changes first. The values depend only on the results.

    Parameters
    ----------
    study : Study
        A study with a sweep.
    data : xarray.Dataset
        The result at all its points.

    Raises
    ------
    ValueError
        If the result has no such quantity.
    """
    place = next((i for i, axis in enumerate(study.sweep) if axis.refinement is not None), None)
    if place is None:
        return None
    axis = study.sweep[place]
    assert axis.refinement is not None
    left = axis.refinement.points
    change = _changes_along(axis, data)
    halves = {gap: half for gap in np.flatnonzero(change).tolist() if (half := _half(study, axis, gap)) is not None}
    largest = max((change[gap] for gap in halves), default=0.0)
    first = sorted((gap for gap in halves if change[gap] >= SHARE * largest), key=lambda gap: -change[gap])
    chosen = {gap: halves[gap] for gap in first[:left]}
    if not chosen:
        return None
    finer = replace(_with_halves(axis, chosen), refinement=replace(axis.refinement, points=left - len(chosen)))
    return replace(study, sweep=(*study.sweep[:place], finer, *study.sweep[place + 1 :]))


def _changes_along(axis: Axis, data: xr.Dataset) -> NDArray[np.float64]:
    """Return the change of the quantity in each interval of the axis."""
    assert axis.refinement is not None
    name = axis.refinement.quantity
    if name not in data or axis.key not in data[name].dims or data[name].dtype.kind not in "biufc":
        names = ", ".join(str(n) for n in data.data_vars if data[n].dtype.kind in "biufc")
        raise InvalidValue(f"sweep.refine.quantity: got {name!r}, which is not in the result; allowed: {names}")
    return changes(data[name].transpose(axis.key, ...).values)


def changes(values: NDArray[np.number]) -> NDArray[np.float64]:
    """Return the largest change of any element between neighbours along the first axis, ignoring NaN.

    Examples
    --------
    >>> changes(np.array([[0.0, 1.0], [0.1, 1.0], [0.1, 3.0]]))
    array([0.1, 2. ])
    """
    steps = np.nan_to_num(np.abs(np.diff(values, axis=0).reshape(len(values) - 1, -1)).astype(float))
    largest: NDArray[np.float64] = steps.max(axis=1, initial=0.0)
    return largest


def _half(study: Study, axis: Axis, gap: int) -> Mapping[str, float] | None:
    """Return the midpoint of an interval, rounded for keys that require integers."""
    assert axis.refinement is not None
    ends = [axis.steps[gap], axis.steps[gap + 1]]
    geometric = axis.refinement.geometric
    mean = {}
    for key, first in ends[0].items():
        second = float(ends[1][key])
        mean[key] = float(np.sqrt(first * second)) if geometric and first * second > 0 else (first + second) / 2
    for half in (mean, {key: round(value) for key, value in mean.items()}):
        if any(half[axis.key] == end[axis.key] for end in ends):
            continue
        try:
            at_point(study, {**sweep_points(study)[0], **half})
            return half
        except InvalidModel:
            continue
    return None


def _with_halves(axis: Axis, halves: Mapping[int, Mapping[str, float]]) -> Axis:
    steps: list[Mapping[str, float]] = []
    for i, step in enumerate(axis.steps):
        steps += [step, halves[i]] if i in halves else [step]
    linked = tuple(replace(each, values=tuple(step[each.key] for step in steps)) for each in axis.linked)
    return replace(axis, values=tuple(step[axis.key] for step in steps), linked=linked)
