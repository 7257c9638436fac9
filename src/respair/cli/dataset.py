"""``respair dataset``: build datasets for publication, and verify them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import studies
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
    out: Annotated[Path, typer.Option(help="Folder of the dataset; it must not be there yet.")] = Path("dataset"),
    title: Annotated[str, typer.Option(help="Title; that of the first model file if left out.")] = "",
    licence: Annotated[str, typer.Option(help='Under which others may use the data, as "CC-BY-4.0".')] = "",
    author: Annotated[list[str], typer.Option(help="Who answers for it; as often as there are authors.")] = [],  # noqa: B006
    kept: Annotated[
        Path | None,
        typer.Option(
            "--studies", help="Folder of NAME.study, where finished points are kept.", show_default="OUT.studies"
        ),
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Repeat the points that failed before.")] = False,
    workers: Workers = 1,
    scheduler: Scheduler = "",
    plugins: Plugins = None,
) -> None:
    """Compute the studies of model files and publish them in one folder.

    NetCDF files, CSV tables, the model files, a README and a manifest with SHA-256 sums appear together at the end;
    finished points are kept before that, and the same command goes on.
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
        say("interrupted; the finished points are kept, and the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None
    if not licence:
        say("no licence was given, so that nobody else may use the data; --licence CC-BY-4.0 is a usual one")
    size = sum(file["bytes"] for file in made.about["files"].values())
    say(f"wrote {out}: {len(made.about['files'])} files, {size:,} bytes; `respair dataset verify {out}` checks it")


@commands.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The dataset.", show_default=False)],
    points: Annotated[int, typer.Option(min=0, help="Points of each study that are drawn and computed again.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    everything: Annotated[bool, typer.Option("--all", help="Compute all points again.")] = False,
    at: Annotated[list[str], typer.Option(metavar="KEY=VALUE", help="Compute the points with this value again.")] = [],  # noqa: B006
    study: Annotated[list[str], typer.Option(metavar="NAME", help="Compute only points of this study again.")] = [],  # noqa: B006
    workers: Workers = 1,
    scheduler: Scheduler = "",
    plugins: Plugins = None,
) -> None:
    """Check all sums and tables of a dataset; compute points again and compare them within their certificates.

    The exit status is 0 for a sound dataset, 1 for a wrong one, 2 for a folder that is not a dataset.
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
    """Print what was checked, and everything that is wrong."""
    for problem in found.problems:
        say(problem)
    for name in dict.fromkeys(each.study for each in found.recomputed):
        again = [each for each in found.recomputed if each.study == name]
        worst = max((each.worst for each in again if each.worst), key=lambda each: each.ratio, default=None)
        most = f"; at most {worst.ratio:.2g} of what the certificates allow ({worst.variable})" if worst else ""
        print_out(f"{name}: {len(again)} points computed again{most}")
    if found.sound:
        print_out(f"{found.folder} is sound: {found.files} files as in its manifest")
    else:
        print_out(f"{found.folder} is wrong: {len(found.problems)} problems")
