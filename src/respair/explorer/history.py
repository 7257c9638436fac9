"""Undo and redo: the screens that were there."""

from __future__ import annotations

from dataclasses import dataclass, field

from .screen import Screen

MOST = 200
"""Screens that are kept."""


@dataclass
class History:
    """The screens before and after the one that is shown.

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
        """Take a screen that is about to change; what was undone is forgotten."""
        self._before = [*self._before, screen][-MOST:]
        self._after.clear()

    def undone(self, screen: Screen) -> Screen | None:
        """Return the screen before this one; None if there is none."""
        return self._turned(self._before, self._after, screen)

    def redone(self, screen: Screen) -> Screen | None:
        """Return the screen that was undone last; None if there is none."""
        return self._turned(self._after, self._before, screen)

    @staticmethod
    def _turned(taken: list[Screen], given: list[Screen], screen: Screen) -> Screen | None:
        if not taken:
            return None
        given.append(screen)
        return taken.pop()

    @property
    def can(self) -> tuple[bool, bool]:
        """Whether there is something to undo, and to redo."""
        return bool(self._before), bool(self._after)
