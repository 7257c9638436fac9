"""Comparison of two parameter sets: differences of the model and of the numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from rich.table import Table

from ..studies.execution.tables import columns, number, with_error
from .engine import Answer
from .screen import Screen, shown

MOST_PLACES = 8
"""Largest array compared in the table; larger arrays are compared in the figures only."""
ROUNDING = 1e-10
DIGITS = 8
ERRORS = ("_error", "_errors")
ABOUT = ("residuals", "leaks", "bounds", "multiplicity", "dimension", "stored", "quanta", "admixture", "order", "steps")
"""Endings of the names of variables with information on the computation."""


def changes(screen: Screen, pinned: Screen) -> list[str]:
    """Return the values of the model that differ, as text.

    Examples
    --------
    >>> now = Screen({"electrons": {"hopping": 1.0, "hubbard_u": 4.0}})
    >>> changes(now, now.changed("electrons.hubbard_u", 2.0))
    ['electrons.hubbard_u = 4.0 (pinned: 2.0)']
    """
    here, there = dict(_leaves(screen.tables)), dict(_leaves(pinned.tables))
    paths = [path for path in {**here, **there} if here.get(path) != there.get(path)]
    return [f"{p} = {shown(here.get(p)) or 'none'} (pinned: {shown(there.get(p)) or 'none'})" for p in paths]


def _leaves(tables: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(tables, dict):
        for key, value in tables.items():
            yield from _leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path, tables


def differences(answer: Answer, pinned: Answer) -> Table:
    """Return a table of the numbers of two answers and their differences, with error bars."""
    rows = []
    for name, array in answer.data.data_vars.items():
        other = pinned.data.get(name)
        if other is None or not _is_shown(str(name), array) or other.shape != array.shape:
            continue
        bars = [_bars(answer.data, str(name)), _bars(pinned.data, str(name))]
        for place in np.ndindex(*array.shape):
            pair = [complex(each.values[place]) for each in (array, other)]
            errors = [float(bar[place]) for bar in bars]
            words = f"{name}{list(place) if place else ''}"
            if not all(map(np.isfinite, pair)):
                continue
            cells = [_cell(*each) for each in (*zip(pair, errors, strict=True), (pair[0] - pair[1], sum(errors)))]
            rows.append((words, *cells))
    return columns("now and pinned", ("quantity", "now", "pinned", "difference"), rows)


def _is_shown(name: str, array: xr.DataArray) -> bool:
    plain = array.dtype.kind in "fc" and array.size <= MOST_PLACES and array.ndim <= 1
    return plain and not name.endswith((*ERRORS, *ABOUT))


def _bars(data: xr.Dataset, name: str) -> NDArray[np.float64]:
    """Return the error bars of a quantity; zero if there are none."""
    names = (*(f"{name}{end}" for end in ERRORS), "energy_errors" if name == "energies" else name)
    there = next((data[n].values for n in names if n != name and n in data), 0.0)
    return np.broadcast_to(np.abs(there), data[name].shape)


def _cell(value: complex, error: float) -> str:
    if value.imag or not error > ROUNDING:
        return number(value, DIGITS)
    return with_error(value.real, error)
