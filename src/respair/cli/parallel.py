"""Runs started by an MPI launcher: rank 0 executes the command, the other ranks work for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .._core.launch import counted_as
from .._core.mpi import LauncherError, MPIRanks
from ..studies.execution.together import dismiss, serve
from .shell import FAILED, REFUSED, say
from .streams import finished

if TYPE_CHECKING:
    import typer

SHARED = "run"
"""The command shared by all ranks; the others are executed by rank 0 alone."""


def status_of(app: typer.Typer, count: int, number: int) -> int | str | None:
    """Return the exit status of the command on one of several processes.

    Parameters
    ----------
    app : Typer
        The commands.
    count, number : int
        Number of processes and rank of this one, from the launcher.
    """
    if SHARED not in sys.argv[1:2]:
        return finished(app) if number == 0 else 0
    try:
        ranks = MPIRanks(count)
    except LauncherError as error:
        if number == 0:
            say(str(error))
        return REFUSED
    ranks.listen()
    return _command(app, ranks) if ranks.rank == 0 else _worker(ranks)


def _command(app: Callable[..., None], ranks: MPIRanks) -> int | str | None:
    try:
        with counted_as(ranks.size):
            return finished(partial(app, obj=ranks))
    finally:
        dismiss(ranks)


def _worker(ranks: MPIRanks) -> int:
    """Work for rank 0 without printing."""
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    try:
        with counted_as(ranks.size):
            serve(ranks)
    except KeyboardInterrupt:
        return 0
    except Exception as error:
        ranks.end(f"{type(error).__name__}: {error}")
        return FAILED
    return 0
