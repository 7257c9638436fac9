"""Error bars of the results of tasks with respect to the model without a phonon cutoff.

A task is repeated in another phonon space. The differences of its numbers, times `COVERING`, are their error bars.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import xr
from ...analysis.labelled import labelled
from ...analysis.observables.error_bars import COVERING, unseen_leak
from ...hamiltonians import InvalidModel
from ...solvers import ConvergenceError, CutoffError
from ...solvers.caps import is_automatic
from ...solvers.larger_space import compared
from .base import Task
from .setting import Setting, neighbours

SUFFIX = "_error"
QUANTA = "phonons"
"""Dimension over phonon numbers."""


def with_cutoff_errors(parts: Sequence[xr.Dataset], setting: Setting) -> list[xr.Dataset]:
    """Return the results of all tasks with error bars for the variables listed by `judged`.

    Parameters
    ----------
    parts : sequence of xarray.Dataset
        Results of the tasks of the setting, in their order.
    setting : Setting
        Setting of the calculation.
    """
    others: dict[int, Setting | None] = {}
    return [_judged(data, task, setting, others) for data, task in zip(parts, setting.tasks, strict=True)]


def _judged(data: xr.Dataset, task: Task, setting: Setting, others: dict[int, Setting | None]) -> xr.Dataset:
    names = {name: error for name, error in task.judged(data).items() if name in data}
    if not names or setting.sector is None:
        return data
    if task.changes_charge not in others:
        others[task.changes_charge] = _other(setting, task.changes_charge)
    other = others[task.changes_charge]
    again, unseen = xr.Dataset(), 0.0
    if other is not None:
        setting.reporter.step(f"{task.name}: error bars")
        try:
            again = task.run(other)
            unseen = unseen_leak(setting.model, setting.ground, other.ground)
        except (ConvergenceError, CutoffError, MemoryError, InvalidModel):
            return data
    found = data.assign(dict(_errors(data, again, names, unseen)))
    if "spectrum_pole_errors" not in again:
        return found
    return found.assign(_lines(found, again, float(setting.ground.certificate.energy_errors[0])))


def _other(setting: Setting, changes: int) -> Setting | None:
    """Return the setting with another phonon space; None without truncation."""
    if setting.model.phonons is None or not setting.model.modes:
        return None
    sectors = [setting.block, *neighbours(setting.model, setting.block, changes)]
    chosen = changes or is_automatic(setting.model)
    model = setting.ground.hamiltonian.space.model if chosen else setting.model
    solver = replace(setting.solver, checkpoint=None)
    return replace(setting, model=compared(model, sectors), known=None, solver=solver)


def _errors(
    data: xr.Dataset, again: xr.Dataset, names: Mapping[str, str], unseen: float
) -> Iterator[tuple[str, xr.DataArray]]:
    for name, error in names.items():
        values, known = data[name], data[error] if error in data else None  # noqa: SIM401 - get looks for similar names
        other = again[name] if name in again else None  # noqa: SIM401
        if other is None and known is not None:
            continue  # nothing is truncated
        if other is None:
            found = np.zeros(values.shape)
        elif other.dims != values.dims:
            found = np.full(values.shape, np.nan)
        else:
            with np.errstate(invalid="ignore"):  # a response that diverges has no error bar
                found = COVERING * np.abs(np.asarray(values.values - _lined_up(other, values)))
                found = found + 2.0 * COVERING * unseen * np.maximum(1.0, np.abs(values.values))
        formula, units = f"error bar of {name}", str(values.attrs.get("units", "1"))
        if known is not None and not known.ndim:
            yield error, labelled(error, np.max(found, initial=0.0), [], formula, units)
            continue
        coords = {str(key): axis.values for key, axis in values.coords.items() if axis.dims == (key,)}
        yield error, labelled(error, found, list(map(str, values.dims)), formula, units, coords)


def _lined_up(other: xr.DataArray, values: xr.DataArray) -> NDArray[Any]:
    """Return an array of another phonon space reshaped to an array of this space.

    Probabilities beyond either cutoff are zero; other missing elements, such as those of shorter spectra, are NaN.
    """
    found = other.values
    for axis, dim in enumerate(values.dims):
        kept = np.moveaxis(found, axis, 0)[: values.shape[axis]]
        lacking = values.shape[axis] - len(kept)
        if lacking:
            blank = np.full((lacking, *kept.shape[1:]), 0.0 if dim == QUANTA else np.nan)
            kept = np.concatenate([kept, blank])
        found = np.moveaxis(kept, 0, axis)
    return found


def _lines(data: xr.Dataset, again: xr.Dataset, ground: float) -> dict[str, xr.DataArray]:
    """Return the errors of spectral lines, at least that of the ground-state energy."""
    if data["spectrum_pole_frequencies"].ndim > 1:
        return {}
    here, there = (
        {key: each[f"spectrum_pole_{key}"].values for key in ("frequencies", "weights")} for each in (data, again)
    )
    shift, change = pole_errors(here["frequencies"], here["weights"], there)
    known = data["spectrum_pole_errors"].values
    at = {"pole": data["pole"].values}
    shift = np.fmax(shift, ground)
    formula = "distance from the line in another phonon space; at least the error of the ground energy"
    return {
        "spectrum_pole_errors": labelled("pole_errors", np.fmax(known, shift), ["pole"], formula, "energy", at),
        "spectrum_pole_weight_errors": labelled("pole_weight_errors", change, ["pole"], "error bar of w_n", "1", at),
    }


def pole_errors(
    frequencies: NDArray[np.float64], weights: NDArray[np.float64], others: Mapping[str, NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distance of each line from its partner in another list, and the difference of their weights.

    The partner is the nearest line with at least a third of the weight, or else the nearest line.
    """
    shift, change = np.full(len(frequencies), np.nan), np.full(len(frequencies), np.nan)
    for n, (frequency, weight) in enumerate(zip(frequencies, weights, strict=True)):
        alike = np.flatnonzero(np.abs(others["weights"]) >= abs(weight) / 3)
        alike = alike if len(alike) else np.arange(len(others["weights"]))
        if len(alike):
            partner = alike[np.argmin(np.abs(others["frequencies"][alike] - frequency))]
            shift[n] = COVERING * abs(others["frequencies"][partner] - frequency)
            change[n] = COVERING * abs(others["weights"][partner] - weight)
    return shift, change
