"""Figures of a panel on the page."""

from __future__ import annotations

import ipywidgets as widgets


class Canvas:
    """Box with the figures of one panel; widgets are reused when a figure is updated.

    Attributes
    ----------
    box : ipywidgets.Box
        Box of the figures.
    """

    def __init__(self) -> None:
        self.box = widgets.Box()
        self.box.add_class("respair-figures")
        self._places: dict[tuple[str, int], widgets.HTML] = {}

    def put(self, panel: str, number: int, picture: str) -> None:
        """Show a figure of a panel; remove it if the picture is empty."""
        key = (panel, number)
        if key not in self._places:
            self._places[key] = widgets.HTML()
            self._places[key].add_class(f"respair-figure-{panel}-{number}")
        self._places[key].value = picture
        wanted = [place for (own, _), place in sorted(self._places.items()) if own == panel and place.value]
        if list(self.box.children) != wanted:
            self.box.children = wanted

    def clear(self) -> None:
        """Remove all figures."""
        self.box.children = []
