"""``respair dataset``: build and verify datasets for publication."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import studies
from .._core.wording import counted
from .shell import (
    FAILED,
    INTERRUPTED,
    Files,
    Plugins,
    Scheduler,
    check_all_fit,
    check_scheduler,
    print_out,
    read_files,
    refuse,
    say,
)

if TYPE_CHECKING:
    from ..studies import Verification

commands = typer.Typer(
    help="Build a dataset for publication from model files, or verify one.", no_args_is_help=True, rich_markup_mode=None
)
Workers = Annotated[int, typer.Option(min=1, help="Processes that share the points.")]


@commands.command()
def build(
    files: Files,
    out: Annotated[Path, typer.Option(help="Folder of the dataset; it must not exist.")] = Path("dataset"),
    title: Annotated[str, typer.Option(help="Title; by default that of the first model file.")] = "",
    licence: Annotated[str, typer.Option(help='Licence of the data, such as "CC-BY-4.0".')] = "",
    author: Annotated[list[str], typer.Option(help="Author of the dataset; may be repeated.")] = [],  # noqa: B006
    kept: Annotated[
        Path | None,
        typer.Option("--studies", help="Folder of NAME.study for finished points.", show_default="OUT.studies"),
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Repeat the points that failed before.")] = False,
    workers: Workers = 1,
    scheduler: Scheduler = "",
    plugins: Plugins = None,
) -> None:
    """Compute the studies of model files and publish them in one folder.

    NetCDF files, CSV tables, the model files, a README and a manifest with SHA-256 sums are written together at the
    end. Finished points are saved before; repeat the command to continue an interrupted run.
    """
    check_all_fit(read_files(files, plugins), workers)
    check_scheduler(workers, scheduler)
    try:
        made = studies.build_dataset(
            files,
            out,
            title,
            licence,
            author,
            workers=workers,
            scheduler=scheduler,
            studies=kept,
            retry_failed=retry_failed,
            say=say,
            plugins=plugins or (),
        )
    except studies.FailedPointsError as error:
        say(str(error))
        raise typer.Exit(FAILED) from None
    except (studies.DatasetError, studies.StudyError, studies.SchedulerError) as error:
        refuse(str(error))
    except KeyboardInterrupt:
        say("interrupted; the finished points are saved, repeat the command to continue")
        raise typer.Exit(INTERRUPTED) from None
    if not licence:
        say("no licence was given, so that nobody else may use the data; a common one is --licence CC-BY-4.0")
    size = sum(file["bytes"] for file in made.about["files"].values())
    say(f"wrote {out}: {len(made.about['files'])} files, {size:,} bytes; `respair dataset verify {out}` checks it")


@commands.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The dataset.", show_default=False)],
    points: Annotated[int, typer.Option(min=0, help="Number of random points of each study to recompute.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random choice of points.")] = 0,
    everything: Annotated[bool, typer.Option("--all", help="Recompute all points.")] = False,
    at: Annotated[list[str], typer.Option(metavar="KEY=VALUE", help="Recompute the points with this value.")] = [],  # noqa: B006
    study: Annotated[list[str], typer.Option(metavar="NAME", help="Recompute only points of this study.")] = [],  # noqa: B006
    workers: Workers = 1,
    scheduler: Scheduler = "",
    plugins: Plugins = None,
) -> None:
    """Check all sums and tables of a dataset, and recompute points for comparison within their certificates.

    The exit status is 0 for a valid dataset, 1 for an invalid one, 2 for a folder that is not a dataset.
    """
    try:
        found = studies.verify_dataset(
            folder,
            None if everything else points,
            seed,
            at=dict(map(_value_at, at)),
            studies=tuple(study),
            workers=workers,
            scheduler=scheduler,
            plugins=plugins or (),
        )
    except (studies.DatasetError, studies.SchedulerError) as error:
        refuse(str(error))
    except KeyboardInterrupt:
        say("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    _show(found)
    if not found.sound:
        raise typer.Exit(FAILED)


def _value_at(text: str) -> tuple[str, float]:
    key, _, value = text.partition("=")
    try:
        return key.strip(), float(value)
    except ValueError:
        refuse(f'--at: got {text!r}; allowed: KEY=VALUE with a number, as "bosons.exchange=0.5"')


def _show(found: Verification) -> None:
    """Print what was checked, and all problems."""
    for problem in found.problems:
        say(problem)
    for name in dict.fromkeys(each.study for each in found.recomputed):
        again = [each for each in found.recomputed if each.study == name]
        worst = max((each.worst for each in again if each.worst), key=lambda each: each.ratio, default=None)
        most = f"; at most {worst.ratio:.2g} of what the certificates allow ({worst.variable})" if worst else ""
        print_out(f"{name}: {counted(len(again), 'point')} recomputed{most}")
    if found.sound:
        print_out(f"{found.folder} is sound: {found.files} files as in its manifest")
    else:
        print_out(f"{found.folder} is wrong: {len(found.problems)} problems")
