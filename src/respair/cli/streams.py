"""Standard output and error that may be closed, full, a broken pipe, or use a legacy encoding."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import TextIO

from .shell import FAILED, say

CLOSED = "standard output is closed; send it to a file, or to /dev/null"


def finished(command: Callable[[], None]) -> int | str | None:
    """Run a command, flush its output, and return its exit status; 1 if the output could not be written.

    Characters that the terminal cannot encode are written as escapes. A broken pipe ends the command silently.
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
            _flush(stream)
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
    """Redirect closed streams to the null device, so that files opened later do not take their descriptors."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def _flush(stream: TextIO) -> None:
    """Flush the stream, or discard its buffer, which would cause an error at exit."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
