"""The command line: run, estimate, check, draw and explore model files."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from .. import studies
from .._core.errors import about_model_files
from .._core.launch import counted_as, launched
from . import dataset
from .interrupts import not_lost
from .options import Columns, Plot, PlotsAsAsked
from .shell import (
    FAILED,
    INTERRUPTED,
    Files,
    Plugins,
    Scheduler,
    check_all_fit,
    check_alone,
    check_scheduler,
    console,
    print_out,
    read_files,
    refuse,
    say,
    tell_misfit,
)
from .solving import solve
from .streams import finished

if TYPE_CHECKING:
    from .._core.mpi import MPIRanks
    from ..hamiltonians import Sector
    from ..studies import Result, Study, StudyFolder

app = typer.Typer(
    help="Exact diagonalization of resonant pairing: electrons, local pairs and a dynamical lattice.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(dataset.commands, name="dataset")

ModelFile = typer.Argument(metavar="FILE", help="Model file (TOML).", show_default=False)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"respair {version('respair')}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command(cls=PlotsAsAsked)
def run(
    context: typer.Context,
    files: Files,
    out: Annotated[Path, typer.Option(help="Folder for results.")] = Path(),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of tables.")] = False,
    plot: Plot = None,
    columns: Columns = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Repeat the points of a sweep that failed before.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes for the points of sweeps, and the blocks of [thermal].")
    ] = 1,
    scheduler: Scheduler = "",
    plugins: Plugins = None,
) -> None:
    """Run the model files and write the results to NAME.nc.

    Finished points of a sweep are saved in NAME.study; repeat the command to continue an interrupted run.
    """
    if columns and not plot:
        refuse("--columns: the width of figures; give --plot or --plot pdf as well")
    with ExitStack() as stack:
        try:
            asked = read_files(files, plugins)
            ranks: MPIRanks | None = context.obj
            check_alone(ranks, workers, scheduler)
            targets = _targets(files, out)
            check_all_fit(asked, workers)
            _make_folder(out)
            check_scheduler(workers, scheduler)
            try:
                pool = stack.enter_context(studies.pool_of(workers, scheduler))
            except studies.SchedulerError as error:
                refuse(f"--scheduler: {error}")
            folders = [_open_folder(stack, *pair, retry_failed) for pair in zip(asked, targets, strict=True)]
        except KeyboardInterrupt:
            say("interrupted before anything was computed")
            raise typer.Exit(INTERRUPTED) from None
        succeeded = True
        for study, target, folder in zip(asked, targets, folders, strict=True):
            result = solve(study, target, folder, (pool, ranks), named=len(asked) > 1, shown=not json)
            try:
                succeeded &= result is not None and _report(result, target, json, plot, columns)
            except KeyboardInterrupt:
                say(f"{study.file}: interrupted while the result was written")
                raise typer.Exit(INTERRUPTED) from None
    if not succeeded:
        raise typer.Exit(FAILED)


@app.command()
def estimate(
    files: Files,
    ranks: Annotated[int, typer.Option(min=1, help="Number of MPI processes that share each point.")] = 1,
    plugins: Plugins = None,
) -> None:
    """Show dimension, memory, engine and estimated time of each model file without running it."""
    with counted_as(ranks):
        for study in read_files(files, plugins):
            studies.show_estimate(study, console(error=False))
            tell_misfit(study)


@app.command()
def check(files: Files, plugins: Plugins = None) -> None:
    """Check model files without running them."""
    asked = read_files(files, plugins)
    check_all_fit(asked, 1)
    for study in asked:
        print_out(f"{study.file}: correct")


@app.command()
def status(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of results, or of one study.")] = Path(),
) -> None:
    """Show the progress of the sweeps in a folder; running jobs are not disturbed."""
    found = list(studies.statuses(folder))
    if not found:
        refuse(f"{folder}: no study is saved there; a sweep saves one in NAME.study next to its result")
    studies.show_statuses(found, console(error=False))


@app.command()
def draw(
    file: Annotated[Path, ModelFile],
    out: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path(),
    zone: Annotated[bool, typer.Option("--zone", help="Also draw the momenta in the first Brillouin zone.")] = False,
) -> None:
    """Draw the cluster of a model file to NAME-cluster.png and, with --zone, its momenta to NAME-zone.png."""
    (study,) = read_files([file])
    _make_folder(out)
    from ..analysis import plots

    cluster, drawn = study.model.cluster, {"cluster": plots.draw_cluster(study.model.cluster, title=study.name)}
    if zone and not cluster.cell:
        refuse(f"{file}: cluster: a {cluster.kind} has no zone; leave --zone out, or take a closed lattice")
    for name, ax in (drawn | ({"zone": plots.draw_zone(cluster)} if zone else {})).items():
        print_out(str(plots.save(ax, out / f"{file.stem}-{name}.png")))


@app.command()
def crosscheck(
    file: Annotated[Path, ModelFile],
    codes: Annotated[
        list[str] | None, typer.Option("--code", metavar="NAME", help="Use only this code; may be repeated.")
    ] = None,
    limit: Annotated[float, typer.Option(min=0.001, help="Seconds after which a code is stopped.")] = 600.0,
    out: Annotated[Path | None, typer.Option(help="NetCDF file for the table.", show_default=False)] = None,
) -> None:
    """Compare the ground-state energy of a model file with all other installed codes."""
    study, sector = _study_and_sector(file)
    data = _or_exit(
        study, lambda: studies.crosscheck(study.model, sector, codes, options=study.solver, limit=limit, progress=say)
    )
    for part in studies.crosscheck_tables(data):
        console(error=False).print(part)
    if out is not None:
        data.to_netcdf(out, engine="h5netcdf")
        say(f"wrote {out}")
    if (data["agrees"].values == 0).any():
        raise typer.Exit(FAILED)


@app.command()
def export(
    file: Annotated[Path, ModelFile],
    to: Annotated[str, typer.Option(help="fcidump, openfermion, qutip, quspin or tenpy.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path(),
) -> None:
    """Write the Hamiltonian of a model file for another code."""
    study, sector = _study_and_sector(file)
    for path in _or_exit(study, lambda: studies.export(study.model, sector, to, out, file.stem)):
        print_out(str(path))


Found = TypeVar("Found")


def _or_exit(study: Study, compute: Callable[[], Found]) -> Found:
    """Return the result of a computation; exit with the message of an error."""
    try:
        return compute()
    except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
        refuse(f"{study.file}: {error}")


def _study_and_sector(file: Path) -> tuple[Study, Sector]:
    """Return the study of a file, without its sweep, and its sector, which is required."""
    (study,) = read_files([file])
    if study.sector is None:
        refuse(f"{study.file}: sector: got nothing; add a [sector] table with its charge")
    if study.sweep:
        say(f"{study.file}: the sweep is ignored; the values of the tables are used")
    if study.sector.has_symmetry:
        say(f"{study.file}: {study.sector.label} ignored: the lowest level of N and S_z is used")
    return study, study.sector


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE.nc", help="Result file (NetCDF).", show_default=False)],
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV with a header line.")] = False,
    gnuplot: Annotated[
        bool, typer.Option("--gnuplot", help="Write columns for gnuplot, with a blank line after each curve.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the tables.")] = Path(),
) -> None:
    """Convert a result file to text tables, one for each set of dimensions."""
    kinds = [kind for kind, wanted in (("csv", csv), ("gnuplot", gnuplot)) if wanted]
    if not kinds:
        refuse("convert: no format was given; add --csv, --gnuplot, or both")
    if not file.is_file():
        refuse(f"{file}: there is no such file; respair run writes NAME.nc")
    _make_folder(out)
    try:
        data = studies.read_data(file)
    except (OSError, ValueError):
        refuse(f"{file}: is not a result file (NetCDF); respair run writes NAME.nc")
    for kind in kinds:
        for written in studies.write_text(data, out / file.stem, kind):
            print_out(str(written))


@app.command()
def explore(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Initial model file (TOML).", show_default=False)
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the page, only show its address.")
    ] = False,
) -> None:
    """Explore a cluster interactively in the browser; Ctrl-C stops the server."""
    from ..explorer import ExtraMissing, check_installed

    try:
        check_installed()
    except ExtraMissing as error:
        refuse(str(error))
    if file is not None:
        read_files([file])
    from ..explorer.server import HOST, free_port, is_free, serve

    if port and not is_free(port):
        refuse(f"--port: got {port}, which is in use; give another one, or leave it out")
    chosen = port or free_port()
    token = secrets.token_urlsafe(16)
    say(f"respair explorer: http://{HOST}:{chosen}/?token={token} (Ctrl-C ends it)")
    serve(file, chosen, not no_browser, token)


def _targets(files: list[Path], out: Path) -> list[Path]:
    """Return the result file of each model file; exit if two coincide or the folder is a file."""
    targets = [out / f"{file.stem}.nc" for file in files]
    for i, target in enumerate(targets):
        if target in targets[:i]:
            other = files[targets.index(target)]
            refuse(f"{other} and {files[i]} would both write {target}; run them with different --out folders")
    if out.exists() and not out.is_dir():
        refuse(f"--out: got {out}, which is a file; give a folder")
    return targets


def _make_folder(out: Path) -> None:
    """Create the folder for results before anything is computed; exit if it is not writable."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(out, os.W_OK | os.X_OK) else "Permission denied"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        refuse(f"--out: got {out}, which cannot be written to ({reason}); give another folder")


def _open_folder(stack: ExitStack, study: Study, target: Path, retry_failed: bool) -> StudyFolder | None:
    """Open the folder of a sweep until the end of the run; exit if it is in use or belongs to another model file."""
    if not study.sweep:
        return None
    try:
        return stack.enter_context(studies.opened(target.with_suffix(".study"), study, retry_failed, say))
    except studies.StudyError as error:
        refuse(f"{study.file}: {error}")


def _report(result: Result, target: Path, json: bool, plot: str | None, columns: int | None) -> bool:
    """Print and write a result; return True if it is complete and was written."""

    def wrote(files: Callable[[], Iterable[Path]]) -> bool:
        try:
            for file in files():
                say(f"wrote {file}")
        except OSError as error:
            say(f"{result.study.file}: {error.filename or target} could not be written: {error.strerror or error}")
            return False
        return True

    written = wrote(lambda: [studies.write(result, target)])
    if written:
        target.with_suffix(".partial.nc").unlink(missing_ok=True)
    if json:
        for record in studies.records(result):
            print_out(studies.to_json(record))
    else:
        studies.show_result(result, console(error=False))
    for failure in studies.failures(result):
        say(f"{result.study.file}: {failure}")
    if plot and written:
        written = wrote(lambda: studies.save_figures(result, target.with_suffix(""), plot, columns))
    return written and not result.failed


@about_model_files
def main() -> None:
    """Run the command line."""
    not_lost()
    count, number = launched()
    if count == 1:
        sys.exit(finished(app))
    from .parallel import status_of

    sys.exit(status_of(app, count, number))
