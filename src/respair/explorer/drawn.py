"""Selection of the figures to redraw, at a limited rate."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from .engine import Answer
from .figures import Drawing
from .markup import figure
from .panels import PANELS

SEEN = 5
"""Significant decimals in the comparison of figures."""
PAUSE = 0.4
"""Minimum time between two updates of an incomplete figure, in seconds."""


@dataclass
class Drawn:
    """Figures of one answer that were drawn already.

    Attributes
    ----------
    panel : str
        Name of the panel.
    pinned : Answer or None
        Answer drawn in grey behind it.
    """

    panel: str
    pinned: Answer | None = None
    _of: dict[int, bytes] = field(default_factory=dict)
    _when: dict[int, float] = field(default_factory=dict)

    def of(self, answer: Answer) -> Iterator[tuple[int, str]]:
        """Yield index and picture of each new or changed figure; an empty picture removes the figure."""
        for number, drawing in enumerate(PANELS[self.panel].drawings):
            if not drawing.suits(answer.data):
                if answer.complete and number not in self._of:
                    yield number, ""
                continue
            seen, now = _seen(drawing, answer), time.monotonic()
            waits = not answer.complete and now - self._when.get(number, -PAUSE) < PAUSE
            if seen != self._of.get(number) and not waits:
                self._of[number], self._when[number] = seen, now
                below = (self.pinned.data, self.pinned.study.model) if self.pinned is not None else None
                svg = drawing.svg(answer.data, answer.study.model, below)
                yield number, figure(drawing.title, svg, drawing.below(answer.data))


def _seen(drawing: Drawing, answer: Answer) -> bytes:
    """Return a key of the contents of a figure, to visible digits."""
    names = [each for name in drawing.needs for each in (name, f"{name}_error", f"{name}_errors")]
    there = [answer.data[name].values for name in names if name in answer.data]
    return b"|".join((np.round(each, SEEN) + 0.0 if each.dtype.kind in "fc" else each).tobytes() for each in there)
