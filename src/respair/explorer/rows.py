"""Controls as widgets: a slider and a field for each number, a list for each choice, and a line for messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import ipywidgets as widgets

from ..hamiltonians import Problem
from .controls import Control
from .markup import problem
from .screen import Screen, shown, value_of
from .sections import Choice, Section

Change = Callable[[Callable[[Screen], Screen]], None]
"""Function that applies a change to the screen."""
WIDEST = {"description_width": "74px"}


ROUNDING = 1e-9
"""Tolerance for equal values of a slider."""


class Row(Protocol):
    """A control as a widget."""

    box: widgets.Box

    def show(self, screen: Screen) -> None:
        """Show the value of a screen without triggering a change."""

    def concerns(self, found: Problem) -> bool:
        """Return True if a problem refers to this control."""

    def tell(self, found: Problem | None) -> None:
        """Show the problem with the value of the control; None clears it."""


def row(entry: Control | Choice, change: Change) -> Row:
    """Return the widget of a control."""
    return Number(entry, change) if isinstance(entry, Control) else Pick(entry, change)


def slug(path: str) -> str:
    """Return the CSS class of a control."""
    return path.replace('"', "").replace(".", "-").replace("_", "-")


class _Answered:
    """A control with a line for messages below it."""

    def __init__(self, path: str, *parts: widgets.Widget) -> None:
        self._answer = widgets.HTML()
        self._answer.add_class("respair-problem")
        self._answer.layout.display = "none"
        line = widgets.HBox(list(parts))
        line.add_class("respair-row")
        if len(parts) == 1:
            line.add_class("respair-alone")
        self.box = widgets.VBox([line, self._answer])
        self.box.add_class(f"respair-at-{slug(path)}")

    def tell(self, found: Problem | None) -> None:
        """Show the problem with the value; None clears it."""
        text = problem(found) if found else ""
        if text != self._answer.value:
            self._answer.value = text
            self._answer.layout.display = "" if text else "none"


class Number(_Answered):
    """A slider for typical values, and a field that accepts everything a model file accepts."""

    def __init__(self, control: Control, change: Change) -> None:
        self._control, self._change, self._quiet = control, change, False
        self._value: Any = None
        name = f"{control.symbol.replace('_', '')}: {control.name}"
        label = {"description": control.symbol, "style": WIDEST, "tooltip": name}
        self._slider: Any = None
        if control.step:
            kind = widgets.IntSlider if control.is_whole else widgets.FloatSlider
            ends = {"min": control.low, "max": control.high, "step": control.step}
            self._slider = kind(readout=False, **ends, **label)
            self._slider.observe(self._moved, "value")
            label = {"tooltip": name, "placeholder": "none"}
        self._field = widgets.Text(continuous_update=False, **label)
        self._field.add_class("respair-field")
        self._field.observe(self._written, "value")
        super().__init__(control.path, *(part for part in (self._slider, self._field) if part is not None))

    def show(self, screen: Screen) -> None:
        """Show the value of a screen without triggering a change."""
        value = self._value = self._control.read(screen)
        self._quiet = True
        try:
            self._field.value = shown(value)
            self._slide(0 if value is None else value)
        finally:
            self._quiet = False

    def _slide(self, value: Any) -> None:
        slider = self._slider
        if slider is None:
            return
        right = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6
        right = right and (isinstance(value, int) or not self._control.is_whole)
        slider.disabled = not right
        if right:
            slider.max, slider.min = max(self._control.high, value), min(self._control.low, value)
            if abs(slider.value - value) > ROUNDING:  # otherwise a late answer would undo a later step
                slider.value = value

    def concerns(self, found: Problem) -> bool:
        """Return True if a problem refers to this number."""
        path = self._control.path
        return (
            found.path == path or found.path.startswith((f"{path}.", f"{path}[")) or path.startswith(f"{found.path}.")
        )

    def _moved(self, event: Any) -> None:
        if not self._quiet:
            value = int(event["new"]) if self._control.is_whole else float(round(event["new"], 10))
            if not self._is_rounded(value):
                self._set(value)

    def _is_rounded(self, value: float) -> bool:
        """Return True if a value is the current one, rounded to the steps of the slider."""
        now = self._value
        return isinstance(now, float) and not self._control.is_whole and abs(value - now) <= 0.5 * self._control.step

    def _written(self, event: Any) -> None:
        if not self._quiet:
            self._set(value_of(event["new"]) if event["new"].strip() else None)

    def _set(self, value: Any) -> None:
        """Change the screen, unless the browser only rounded the current value."""
        numbers = all(isinstance(each, int | float) for each in (value, self._value))
        if abs(value - self._value) <= ROUNDING if numbers else value == self._value:
            return
        self._change(lambda screen: self._control.write(screen, value))


class Pick(_Answered):
    """A list to choose from."""

    def __init__(self, choice: Choice, change: Change) -> None:
        self._choice, self._change, self._quiet = choice, change, False
        self._list = widgets.Dropdown(options=list(choice.options), description=choice.name, style=WIDEST)
        self._list.add_class("respair-field")
        self._list.observe(self._chosen, "value")
        super().__init__(choice.paths[0], self._list)

    def show(self, screen: Screen) -> None:
        """Show the value of a screen; add it to the list if it is missing."""
        value = self._choice.read(screen)
        self._quiet = True
        try:
            if value not in [item for _, item in self._list.options]:
                self._list.options = [*self._choice.options, (shown(value) or str(value), value)]
            self._list.value = value
        finally:
            self._quiet = False

    def concerns(self, found: Problem) -> bool:
        """Return True if a problem refers to this choice."""
        return found.path in self._choice.paths

    def _chosen(self, event: Any) -> None:
        if not self._quiet:
            self._change(lambda screen: self._choice.write(screen, event["new"]))


class Heading:
    """Title of a section, with a check box for a species."""

    def __init__(self, section: Section, switch: Callable[[str, bool], None]) -> None:
        self._species, self._quiet = section.species, False
        if section.species:
            self._tick = widgets.Checkbox(description=section.title, indent=False)
            self._tick.add_class(f"respair-switch-{section.species}")
            self._tick.observe(lambda event: None if self._quiet else switch(self._species, event["new"]), "value")
            self.box = widgets.HBox([self._tick])
        else:
            self.box = widgets.HBox([widgets.HTML(f"<h2>{section.title}</h2>")])

    def show(self, screen: Screen) -> None:
        """Check the box if the species is present."""
        if self._species:
            self._quiet = True
            self._tick.value = self._species in screen.tables
            self._quiet = False

    def concerns(self, found: Problem) -> bool:
        """Return False: no problem refers to a title."""
        return False

    def tell(self, found: Problem | None) -> None:
        """Do nothing."""
