"""Averages over axes of a sweep, such as realizations of disorder: means and standard errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ...clusters import InvalidValue
from ..definition import Study
from ..file.json_values import plain

MEAN, ERROR, NUMBER = "_mean", "_mean_error", "realisations"
"""Suffixes of means and standard errors, and the name of the number of realizations."""
SOLVER = ("residual", "residuals", "leak", "leaks", "bounds", "wall_time", "kept_amplitudes")
"""Suffixes of solver-related variables, which are not averaged."""


def averages(data: xr.Dataset, over: Sequence[str]) -> xr.Dataset:
    r"""Return means over axes of a sweep.

    For n realizations, every real or complex variable A has the mean and standard error

    .. math:: \bar A = \frac1n \sum_r A_r, \qquad \sigma_{\bar A}^2 = \frac{\sum_r |A_r - \bar A|^2}{n (n - 1)}.

    The mean of an error bar bounds the error of the mean due to cutoffs and solver. Failed points are omitted.

    Parameters
    ----------
    data : xarray.Dataset
        Result of a sweep.
    over : sequence of str
        Axes of the average, taken together.

    Returns
    -------
    xarray.Dataset
        ``NAME_mean`` and ``NAME_mean_error`` over the other dimensions, and the number of ``realisations``. The error
        is NaN for a single realization.

    Raises
    ------
    ValueError
        If an axis is not a dimension of the data.

    Examples
    --------
    >>> data = xr.Dataset({"energies": (("seed", "level"), [[1.0], [2.0], [3.0]])}, {"seed": [0, 1, 2]})
    >>> found = averages(data, ["seed"])
    >>> found["energies_mean"].item(), round(found["energies_mean_error"].item(), 6), int(found["realisations"])
    (2.0, 0.57735, 3)
    """
    if missing := [axis for axis in over if axis not in data.dims]:
        raise InvalidValue(f"{missing[0]!r} is not an axis of these data; they have {', '.join(map(str, data.dims))}")
    axes = list(over)
    every = xr.DataArray(np.ones([data.sizes[axis] for axis in axes], bool), dims=axes)
    done = data["status"] == "done" if "status" in data else every
    number = done.sum(axes)
    found: dict[str, xr.DataArray] = {}
    for name, array in data.data_vars.items():
        if array.dtype.kind not in "fc" or not set(axes) <= set(array.dims) or str(name).endswith(SOLVER):
            continue
        kept = array.where(done)
        spoilt = (array.isnull() & done).any(axes)
        mean = kept.mean(axes, skipna=True).where(~spoilt)
        squares = (abs(kept - mean) ** 2).sum(axes, skipna=True)
        error = ((squares / (number * (number - 1)).where(number > 1)) ** 0.5).where(~spoilt)
        about = str(array.attrs.get("long_name", name))
        found[f"{name}{MEAN}"] = mean.assign_attrs(array.attrs | {"long_name": f"mean of {about}"})
        found[f"{name}{ERROR}"] = error.assign_attrs(
            array.attrs | {"long_name": f"standard error of the mean of {about}"}
        )
    number.attrs = {"long_name": f"realisations, by {', '.join(axes)}", "units": "1"}
    return xr.Dataset({**found, NUMBER: number})


def means(found: xr.Dataset) -> xr.Dataset:
    """Return averages with the means renamed to their variables; standard errors keep their names."""
    return found.rename({name: str(name).removesuffix(MEAN) for name in found.data_vars if str(name).endswith(MEAN)})


def averaged_axes(study: Study) -> list[str]:
    """Return the axes over which a study is averaged."""
    return [axis.key for axis in study.sweep if axis.averaged]


def average_records(data: xr.Dataset, study: Study) -> Iterator[dict[str, Any]]:
    """Yield for each point of the remaining axes its values and averages, for JSON."""
    over = averaged_axes(study)
    left = [axis for axis in study.sweep if not axis.averaged]
    found = averages(data, over)
    for place in np.ndindex(*(data.sizes[axis.key] for axis in left)):
        here = found.isel(dict(zip((axis.key for axis in left), place, strict=True)))
        point = {each.key: data[each.key].values[i].item() for axis, i in zip(left, place, strict=True)
                 for each in (axis, *axis.linked)}  # fmt: skip
        yield {"point": point, "average": {"over": over, NUMBER: int(here[NUMBER]), **_numbers(here)}}


def _numbers(here: xr.Dataset) -> Mapping[str, Any]:
    names = [str(name).removesuffix(MEAN) for name in here.data_vars if str(name).endswith(MEAN)]
    return {
        name: {"mean": plain(here[f"{name}{MEAN}"]), "standard_error": plain(here[f"{name}{ERROR}"])} for name in names
    }
