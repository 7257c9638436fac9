"""What all commands share: reading model files, messages, exit statuses."""

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
        help="Python file with approximations of your own; its code is run.",
        show_default=False,
    ),
]
Scheduler = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Address or file of a dask scheduler that takes the place of --workers.")
]


def refuse(text: str) -> NoReturn:
    """Say why a command is refused, and end it."""
    say(text)
    raise typer.Exit(REFUSED)


def check_scheduler(workers: int, scheduler: str) -> None:
    """Refuse a scheduler together with workers."""
    if scheduler and workers > 1:
        refuse("--scheduler has workers of its own; leave --workers out")


def check_alone(ranks: MPIRanks | None, workers: int, scheduler: str) -> None:
    """Refuse workers beside the ranks of a run."""
    if ranks is not None and (workers > 1 or scheduler):
        refuse(
            f"--{'scheduler' if scheduler else 'workers'} was given, and {ranks.size} ranks share the work already; "
            "leave it out, or start one task"
        )


def read_files(files: list[Path], plugins: list[Path] | None = None) -> list[Study]:
    """Read all files; report every problem of every file and stop if there is one."""
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
    """Stop if any point of any study does not fit its memory limit."""
    misfits = [tell_misfit(study, workers) for study in asked]
    if any(misfits):
        raise typer.Exit(REFUSED)


def tell_misfit(study: Study, workers: int = 1) -> bool:
    """Return whether any point of a study does not fit its memory limit, and say so."""
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
    typer.echo(_harmless(text))


def say(text: str) -> None:
    """Print to standard error; that nobody can hear it stops nothing."""
    with suppress(OSError):
        typer.echo(_harmless(text), err=True)


def _harmless(text: str) -> str:
    """Return lines without control characters, as the names of files may have."""
    return "\n".join(map(printable, text.split("\n")))
