"""Defaults of the panels: a sweep, and the approximations that apply to the model."""

from __future__ import annotations

from ..analysis.approximations import STANDARD
from .screen import Screen
from .sweeps import with_sweep


def completed(screen: Screen) -> Screen:
    """Return the screen with a valid sweep, and with all approximations that apply to its model.

    Examples
    --------
    >>> tables = {"cluster": {"kind": "dimer"}, "electrons": {"hopping": 1.0}, "sector": {"charge": 2}}
    >>> completed(Screen(tables)).value("compare.approximations")
    ['atomic-limit']
    """
    screen = with_sweep(screen)
    try:
        study = screen.study()
    except ValueError:  # shown next to its control
        return screen
    temperature = screen.value("compare.temperature")
    where = study.sector if temperature is None else temperature
    names = [] if where is None else [n for n, each in STANDARD.items() if each.reason(study.model, where) is None]
    return screen.changed("compare.approximations", names)
