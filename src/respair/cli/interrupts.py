"""Ctrl-C in places where Python would lose it, or would interrupt a compiler: the signal is sent again."""

from __future__ import annotations

import os
import signal
import sys
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from types import FrameType

PAUSE = 0.02
"""Seconds until the signal is sent again."""
COMPILERS = ("numba.", "llvmlite.")
"""Modules that crash the process if they are interrupted during compilation."""


def not_lost() -> None:
    """Handle every Ctrl-C from now on, also in destructors and callbacks of libraries.

    A signal during the compilation or loading of a kernel is deferred.
    """
    sys.unraisablehook = _on_unraisable
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _handle)


def _handle(number: int, frame: FrameType | None) -> None:
    if _is_compiling(frame):
        _resend()
        return
    signal.default_int_handler(number, frame)


def _is_compiling(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(COMPILERS):
            return True
        frame = frame.f_back
    return False


def _on_unraisable(ignored: UnraisableHookArgs) -> None:
    if not issubclass(ignored.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
        return
    _resend()


def _resend() -> None:
    timer = Timer(PAUSE, os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    timer.start()
