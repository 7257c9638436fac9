"""Running one study on the terminal; finished parts are saved if it fails or is interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .. import studies
from .._core.wording import counted
from .interrupted import kept, kept_tables
from .shell import INTERRUPTED, console, refuse, say

if TYPE_CHECKING:
    from .._core.mpi import MPIRanks
    from ..studies import Pool, Result, Study, StudyFolder


def solve(
    study: Study,
    target: Path,
    folder: StudyFolder | None,
    others: tuple[Pool | None, MPIRanks | None],
    *,
    named: bool,
    shown: bool,
) -> Result | None:
    """Run one study; on failure or interruption, report the cause and save the finished points or tables."""
    from .. import hamiltonians, solvers

    found: list[Result] = []
    try:
        with studies.TerminalReporter(console(error=True), study.name if named else "") as reporter:
            return studies.run(
                study,
                reporter,
                finished=lambda _, result: found.append(result),
                checkpoint=target.with_suffix(".checkpoint"),
                folder=folder,
                pool=others[0],
                ranks=others[1],
            )
    except solvers.CheckpointError as error:
        refuse(f"{study.file}: {error}")
    except OSError as error:
        if folder is None:
            raise
        say(f"{study.file}: a point could not be saved in {folder.path}: {error.strerror or error}")
        known = counted(len(found[-1].points) if found else 0, "finished point")
        say(f"saved: {known}; free disk space and repeat the command to continue")
    except KeyboardInterrupt:
        lines = list(kept(target, found[-1] if found else None))
        say(f"{study.file}: interrupted" + ("" if lines else "; nothing is kept, the same command starts anew"))
        for line in lines:
            say(line)
        raise typer.Exit(INTERRUPTED) from None
    except (
        hamiltonians.InvalidModel,
        solvers.ConvergenceError,
        solvers.CutoffError,
        ArithmeticError,
        MemoryError,
        ValueError,
    ) as error:
        if found and shown and not study.sweep:
            studies.show_result(found[-1], console(error=False))
        say(f"{study.file}: {error}")
        for line in kept_tables(target, found[-1] if found else None):
            say(line)
    return None
