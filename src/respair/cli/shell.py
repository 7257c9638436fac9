"""What all commands share: reading model files, messages, exit statuses."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .completion import anything, model_files

if TYPE_CHECKING:
    from rich.console import Console

    from ..studies import Study

REFUSED = 2
FAILED = 1
INTERRUPTED = 130

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Model files (TOML).", show_default=False, autocompletion=model_files),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin", metavar="FILE", help="Python file with approximations of your own; its code is run.",
        show_default=False, autocompletion=anything,
    ),
]  # fmt: skip


def read_files(files: list[Path], plugins: list[Path] | None = None) -> list[Study]:
    """Read all files; report every problem of every file and stop if there is one."""
    from ..hamiltonians import InvalidModel
    from ..studies import read

    studies, wrong = [], False
    for file in files:
        try:
            studies.append(read(file, plugins or ()))
        except InvalidModel as error:
            wrong = True
            for problem in error.problems:
                say(f"{file}: {problem}")
    if wrong:
        raise typer.Exit(REFUSED)
    return studies


def check_all_fit(studies: list[Study], workers: int) -> None:
    """Stop if any point of any study does not fit its memory limit."""
    misfits = [tell_misfit(study, workers) for study in studies]
    if any(misfits):
        raise typer.Exit(REFUSED)


def tell_misfit(study: Study, workers: int = 1) -> bool:
    """Return whether any point of a study does not fit its memory limit, and say so."""
    from ..studies import at_point, check_fits, shared, sweep_points

    try:
        for point in sweep_points(study):
            check_fits(shared(at_point(study, point), workers if study.sweep else 1))
    except MemoryError as error:
        say(f"{study.file}: {error}")
        return True
    return False


def console(error: bool) -> Console:
    """Return the console of standard error or output; names are no markup."""
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
    from .._core.text import printable

    return "\n".join(map(printable, text.split("\n")))
