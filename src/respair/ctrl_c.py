"""Ctrl-C that comes while an object is destroyed: Python ignores what is raised there, so it is sent once more."""

from __future__ import annotations

import os
import signal
import sys
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

PAUSE = 0.02
"""Seconds until it is sent again; by then the object is gone."""


def not_lost() -> None:
    """Have every Ctrl-C heard from now on, those in destructors and callbacks of libraries as well."""
    sys.unraisablehook = _again


def _again(ignored: UnraisableHookArgs) -> None:
    if not issubclass(ignored.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
        return
    timer = Timer(PAUSE, os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    timer.start()
