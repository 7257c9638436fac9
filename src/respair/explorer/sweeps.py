"""The sweep of a screen: its couplings and their ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._core.wording import dotted
from ..hamiltonians import Model
from ..hamiltonians.parameters import COUPLINGS
from ..studies import Study
from ..studies.sweep import SETTINGS, overridden
from .controls import Control, couplings, fields
from .screen import ASKED, Screen

POINTS = 9
"""Initial number of values of an axis."""
PREFERRED = ("phonons.boson_coupling", "phonons.electron_coupling", "electrons.hubbard_u", "bosons.exchange")
"""Couplings in order of preference: by default the first nonzero one is swept."""


def axes_of(screen: Screen) -> list[str]:
    """Return the swept keys of a screen."""
    sweep = screen.value("sweep")
    return [key for key in sweep if key not in SETTINGS] if isinstance(sweep, Mapping) else []


def choices(screen: Screen, model: Model) -> list[Control]:
    """Return the controls of a screen that can be swept."""
    every = [each for species in ("electrons", "bosons", "phonons") if species in screen.tables
             for each in couplings(screen, model, species)]  # fmt: skip
    every += [control for control in fields(model) if control.parts == 1]
    return [each for each in every if _number(screen, each) is not None and not _breaks_conservation(screen, each)]


def with_sweep(screen: Screen) -> Screen:
    """Return the screen with a valid sweep: its own, or one over an existing coupling."""
    axes = axes_of(screen)
    if axes and all(key.partition(".")[0] in screen.tables.keys() - ASKED.keys() for key in axes):
        return screen
    try:
        offered = {control.path: control for control in choices(screen, screen.study().model)}
    except ValueError:
        return screen
    there = [key for key in PREFERRED if key in offered and _number(screen, offered[key])]
    return along(screen, 0, offered[next(iter(there or offered))]) if offered else screen


def along(screen: Screen, number: int, control: Control | None) -> Screen:
    """Return the screen with another coupling as an axis of its sweep; None removes the axis.

    Parameters
    ----------
    screen : Screen
        Screen with or without a sweep.
    number : int
        Index of the axis, from 0.
    control : Control or None
        Coupling of the axis.
    """
    kept = [(key, screen.value("sweep")[key]) for key in axes_of(screen) if control is None or key != control.path]
    if control is not None:
        if screen.value(control.path) is None:
            screen = screen.changed(control.path, _number(screen, control))
        kept[number : number + 1] = [(control.path, _range(screen, control))]
    else:
        del kept[number:]
    return screen.changed("sweep", dict(kept))


def ends(screen: Screen) -> Iterator[Control]:
    """Yield the controls of the range of each axis, or of its list of values."""
    for key in axes_of(screen):
        path, values = dotted("sweep", key), screen.value("sweep")[key]
        if not isinstance(values, Mapping):
            yield Control(path, "values", f"values of {key}", 0.0, 0.0, 0.0, None)
            continue
        for name, symbol in (("start", "from"), ("stop", "to")):
            yield Control(f"{path}.{name}", symbol, f"{key}, {symbol}", 0.0, 0.0, 0.0)
        yield Control(f"{path}.count", "points", f"values of {key}", 2, 41, 1, POINTS)


def at(screen: Screen, study: Study, values: Sequence[float]) -> Screen:
    """Return the screen at a point of its sweep.

    Parameters
    ----------
    screen : Screen
        Screen with the sweep.
    study : Study
        Study of the screen.
    values : sequence of float
        Values of the axes, in their order; linked couplings are set as well.
    """
    point: dict[str, float] = {}
    for axis, value in zip(study.sweep, values, strict=True):
        near = int(np.argmin(np.abs(np.array(axis.values) - value)))
        point |= axis.steps[near] if axis.linked else {axis.key: value}
    found = Screen(overridden(screen.tables, point), screen.name, screen.base)
    return found.changed("sweep", screen.value("sweep"))


def _breaks_conservation(screen: Screen, control: Control) -> bool:
    """Return True for a coupling that breaks a conservation law, which holds at zero coupling."""
    entry = COUPLINGS.get(".".join(control.path.split(".")[:2]))
    return entry is not None and bool(entry.breaks) and not screen.value(control.path, 0.0)


def _number(screen: Screen, control: Control) -> float | None:
    value: Any = screen.value(control.path, control.default)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _range(screen: Screen, control: Control) -> dict[str, float]:
    """Return the initial range of an axis: from zero, or half the value if it must be positive, to twice the value."""
    value = _number(screen, control) or 0.5 * control.high
    start, stop = sorted((round(0.5 * value, 10) if control.low > 0.0 else 0.0, round(2.0 * value, 10)))
    return {"start": start, "stop": stop, "count": POINTS}
