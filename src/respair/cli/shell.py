"""Common parts of the commands: reading of model files, messages, exit statuses."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from .. import studies
from .._core.text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from .._core.mpi import MPIRanks
    from ..studies import Study

REFUSED = 2
FAILED = 1
INTERRUPTED = 130

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Model files (TOML).", show_default=False)]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        help="Python file with user-defined approximations; its code is run.",
        show_default=False,
    ),
]
Scheduler = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Address or file of a dask scheduler that takes the place of --workers.")
]


def refuse(text: str) -> NoReturn:
    """Print an error message and exit."""
    say(text)
    raise typer.Exit(REFUSED)


def check_scheduler(workers: int, scheduler: str) -> None:
    """Exit if both a scheduler and workers are given."""
    if scheduler and workers > 1:
        refuse("--scheduler has workers of its own; leave --workers out")


def check_alone(ranks: MPIRanks | None, workers: int, scheduler: str) -> None:
    """Exit if workers or a scheduler are given for a run on several ranks."""
    if ranks is not None and (workers > 1 or scheduler):
        refuse(
            f"--{'scheduler' if scheduler else 'workers'} was given, and {ranks.size} ranks share the work already; "
            "leave it out, or start one task"
        )


def read_files(files: list[Path], plugins: list[Path] | None = None) -> list[Study]:
    """Read all files; report every problem of every file and exit if there is one."""
    from ..hamiltonians import InvalidModel

    found, wrong = [], False
    for file in files:
        try:
            found.append(studies.read(file, plugins or ()))
        except InvalidModel as error:
            wrong = True
            for problem in error.problems:
                say(f"{file}: {problem}")
    if wrong:
        raise typer.Exit(REFUSED)
    return found


def check_all_fit(asked: list[Study], workers: int) -> None:
    """Exit if any point of any study does not fit its memory limit."""
    misfits = [tell_misfit(study, workers) for study in asked]
    if any(misfits):
        raise typer.Exit(REFUSED)


def tell_misfit(study: Study, workers: int = 1) -> bool:
    """Return True, with a message, if any point of a study does not fit its memory limit."""
    try:
        for point in studies.sweep_points(study):
            each = studies.at_point(study, point)
            studies.check_fits(studies.shared(each, workers if study.sweep else 1))
    except MemoryError as error:
        say(f"{study.file}: {error}")
        return True
    return False


def console(error: bool) -> Console:
    """Return the console of standard error or output; names are not markup."""
    from rich.console import Console

    return Console(stderr=error, highlight=False, markup=False, emoji=False, soft_wrap=not error)


def print_out(text: str) -> None:
    """Print to standard output."""
    typer.echo(_printable_lines(text))


def say(text: str) -> None:
    """Print to standard error; a closed stream is ignored."""
    with suppress(OSError):
        typer.echo(_printable_lines(text), err=True)


def _printable_lines(text: str) -> str:
    """Return lines without control characters, which file names may contain."""
    return "\n".join(map(printable, text.split("\n")))
