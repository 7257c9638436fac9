"""Standard output and error as a shell may leave them: closed, full, a pipe that nobody reads, an old code page."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import TextIO

from .shell import FAILED, say

CLOSED = "standard output is closed; send it to a file, or to /dev/null"


def finished(command: Callable[[], None]) -> int | str | None:
    """Run a command, write out what it printed, and return its exit status; 1 where that could not be written.

    Characters that the terminal does not have are written as escapes. A pipe that nobody reads any more ends it
    silently.
    """
    closed = sys.stdout is None
    _occupy_standard_descriptors()
    if closed:
        say(CLOSED)
        return FAILED
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    status = _status(command)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            _empty(stream)
    return status


def _status(command: Callable[[], None]) -> int | str | None:
    status: int | str | None = 0
    try:
        try:
            command()
        except SystemExit as ended:
            status = ended.code
        sys.stdout.flush()
    except BrokenPipeError:
        return FAILED
    except OSError as error:
        place = error.filename or "standard output"
        say(f"stopped: {error.strerror or error}: {place}")
        return FAILED
    return status


def _occupy_standard_descriptors() -> None:
    """Let closed ones lead nowhere: files that are opened later would take their numbers, and what is printed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def _empty(stream: TextIO) -> None:
    """Write out what is left, or throw it away: Python would complain of it at the end."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
