"""Undo and redo of changes of the screen."""

from __future__ import annotations

from dataclasses import dataclass, field

from .screen import Screen

MOST = 200
"""Largest number of stored screens."""


@dataclass
class History:
    """Screens before and after the current one.

    Examples
    --------
    >>> history, first, second = History(), Screen({}, "first"), Screen({}, "second")
    >>> history.note(first)
    >>> history.undone(second).name, history.redone(first).name, history.redone(second)
    ('first', 'second', None)
    """

    _before: list[Screen] = field(default_factory=list)
    _after: list[Screen] = field(default_factory=list)

    def note(self, screen: Screen) -> None:
        """Store a screen before a change, and clear the undone screens."""
        self._before = [*self._before, screen][-MOST:]
        self._after.clear()

    def undone(self, screen: Screen) -> Screen | None:
        """Return the previous screen; None if there is none."""
        return self._turned(self._before, self._after, screen)

    def redone(self, screen: Screen) -> Screen | None:
        """Return the last undone screen; None if there is none."""
        return self._turned(self._after, self._before, screen)

    @staticmethod
    def _turned(taken: list[Screen], given: list[Screen], screen: Screen) -> Screen | None:
        if not taken:
            return None
        given.append(screen)
        return taken.pop()

    @property
    def can(self) -> tuple[bool, bool]:
        """Return whether undo and redo are possible."""
        return bool(self._before), bool(self._after)
