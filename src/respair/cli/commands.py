"""The command line: run, estimate, check, draw and explore model files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import dataset as dataset_cli
from .completion import anything, model_files
from .interrupted import kept as saved
from .interrupts import not_lost
from .shell import FAILED, INTERRUPTED, REFUSED, Files, Plugins
from .shell import check_all_fit as _check_fits
from .shell import console as _console
from .shell import print_out as _print
from .shell import read_files as _read
from .shell import say as _say
from .shell import tell_misfit as _tell_misfit
from .streams import finished

if TYPE_CHECKING:
    from ..studies import Pool, Result, Study, StudyFolder, TerminalReporter

app = typer.Typer(
    help="Exact diagonalization of resonant pairing: electrons, local pairs and a dynamical lattice.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(dataset_cli.commands, name="dataset")


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


@app.command()
def run(
    files: Files,
    out: Annotated[Path, typer.Option(help="Folder for results.", autocompletion=anything)] = Path(),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line instead of tables.")] = False,
    plot: Annotated[bool, typer.Option("--plot", help="Draw figures beside the results.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Repeat the points of sweeps that failed before.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes for the points of sweeps, and the blocks of [thermal].")
    ] = 1,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address or file of a dask scheduler in their place.")
    ] = "",
    plugins: Plugins = None,
) -> None:
    """Compute what the model files ask for; write FILE's name with .nc for each.

    The points of a sweep are kept in FILE's name with .study as soon as they are finished; the same command goes on.
    """
    with ExitStack() as stack:
        try:
            studies = _read(files, plugins)
            targets = _targets(files, out)
            _check_fits(studies, workers)
            _make_folder(out)
            pool = _open_pool(stack, workers, scheduler)
            folders = [_open_folder(stack, *pair, retry_failed) for pair in zip(studies, targets, strict=True)]
        except KeyboardInterrupt:
            _say("interrupted before anything was computed")
            raise typer.Exit(INTERRUPTED) from None
        succeeded = True
        for study, target, folder in zip(studies, targets, folders, strict=True):
            with _reporting(study, len(studies) > 1) as reporter:
                result = _solve(study, target, reporter, folder, pool)
            try:
                succeeded &= result is not None and _hand_out(result, target, json, plot)
            except KeyboardInterrupt:
                _say(f"{study.file}: interrupted while the result was written")
                raise typer.Exit(INTERRUPTED) from None
    if not succeeded:
        raise typer.Exit(FAILED)


@app.command()
def estimate(files: Files, plugins: Plugins = None) -> None:
    """Tell dimension, memory, engine and time of each model file; compute nothing."""
    from ..studies import show_estimate

    for study in _read(files, plugins):
        show_estimate(study, _console(error=False))
        _tell_misfit(study)


@app.command()
def check(files: Files, plugins: Plugins = None) -> None:
    """Check model files without running them."""
    studies = _read(files, plugins)
    _check_fits(studies, 1)
    for study in studies:
        _print(f"{study.file}: correct")


@app.command()
def status(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of results, or of one study.", autocompletion=anything)
    ] = Path(),
) -> None:
    """Tell how far the sweeps in a folder are; other runs go on undisturbed."""
    from ..studies import show_statuses, statuses

    found = list(statuses(folder))
    if not found:
        _say(f"{folder}: no study is kept there; a sweep keeps one in NAME.study beside its result")
        raise typer.Exit(REFUSED)
    show_statuses(found, _console(error=False))


@app.command()
def draw(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Model file (TOML).", show_default=False, autocompletion=model_files)
    ],
    out: Annotated[Path, typer.Option(help="Folder for the picture.", autocompletion=anything)] = Path(),
) -> None:
    """Draw the cluster of a model file to FILE's name with -cluster.png."""
    (study,) = _read([file])
    _make_folder(out)
    import matplotlib as mpl

    mpl.use("Agg")
    from ..analysis.plots.states import draw_cluster, save

    ax = draw_cluster(study.model.cluster, title=study.name)
    _print(str(save(ax, out / f"{file.stem}-cluster.png")))


@app.command()
def explore(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Model file (TOML) to begin with.",
            show_default=False,
            autocompletion=model_files,
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the page, only tell where it is.")
    ] = False,
) -> None:
    """Explore a cluster in the browser: move its couplings and see its physics at once; Ctrl-C ends it."""
    from ..explorer import ExtraMissing, check_installed

    try:
        check_installed()
    except ExtraMissing as error:
        _say(str(error))
        raise typer.Exit(REFUSED) from None
    if file is not None:
        _read([file])
    from ..explorer.server import HOST, free_port, is_free, serve

    if port and not is_free(port):
        _say(f"--port: got {port}, where something else listens; give another one, or leave it out")
        raise typer.Exit(REFUSED)
    chosen = port or free_port()
    _say(f"respair explorer: http://{HOST}:{chosen}/ (Ctrl-C ends it)")
    serve(file, chosen, not no_browser)


def _targets(files: list[Path], out: Path) -> list[Path]:
    """Return the result file of each model file; refuse two of the same name, and a folder that is none."""
    targets = [out / f"{file.stem}.nc" for file in files]
    for i, target in enumerate(targets):
        if target in targets[:i]:
            other = files[targets.index(target)]
            _say(f"{other} and {files[i]} would both write {target}; run them with different --out folders")
            raise typer.Exit(REFUSED)
    if out.exists() and not out.is_dir():
        _say(f"--out: got {out}, which is a file; give a folder")
        raise typer.Exit(REFUSED)
    return targets


def _make_folder(out: Path) -> None:
    """Make the folder for results before anything is computed; refuse one that cannot be written to."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(out, os.W_OK | os.X_OK) else "Permission denied"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        _say(f"--out: got {out}, which cannot be written to ({reason}); give another folder")
        raise typer.Exit(REFUSED)


def _figures(result: Result, target: Path) -> Iterator[Path]:
    from ..studies.execution.figures import save_figures

    return save_figures(result, target.with_suffix(""))


def _open_folder(stack: ExitStack, study: Study, target: Path, retry_failed: bool) -> StudyFolder | None:
    """Open the folder of a sweep until the end of the run; refuse one in use and one of another model file."""
    from ..studies import StudyError, opened

    if not study.sweep:
        return None
    try:
        return stack.enter_context(opened(target.with_suffix(".study"), study, retry_failed, _say))
    except StudyError as error:
        _say(f"{study.file}: {error}")
        raise typer.Exit(REFUSED) from None


def _open_pool(stack: ExitStack, workers: int, scheduler: str) -> Pool | None:
    """Start what computes points elsewhere, until the end of the run; None to compute them here."""
    from ..studies import SchedulerError, Workers, connected

    if scheduler and workers > 1:
        _say("--scheduler has workers of its own; leave --workers out")
        raise typer.Exit(REFUSED)
    try:
        if scheduler:
            return stack.enter_context(connected(scheduler))
    except SchedulerError as error:
        _say(f"--scheduler: {error}")
        raise typer.Exit(REFUSED) from None
    return stack.enter_context(Workers(workers)) if workers > 1 else None


def _hand_out(result: Result, target: Path, json: bool, plot: bool) -> bool:
    """Print and write a result; return whether it is complete and could be written."""
    from ..studies import failures, records, show_result, to_json, write

    written = _wrote(result, target, lambda: [write(result, target)])
    if json:
        for record in records(result):
            _print(to_json(record))
    else:
        show_result(result, _console(error=False))
    for failure in failures(result):
        _say(f"{result.study.file}: {failure}")
    if plot and written:
        written = _wrote(result, target, lambda: _figures(result, target))
    return written and not result.failed


def _wrote(result: Result, target: Path, files: Callable[[], Iterable[Path]]) -> bool:
    """Write files and tell of each; return whether all could be written."""
    try:
        for file in files():
            _say(f"wrote {file}")
    except OSError as error:
        _say(f"{result.study.file}: {error.filename or target} could not be written: {error.strerror or error}")
        return False
    return True


def _solve(
    study: Study, target: Path, reporter: TerminalReporter, folder: StudyFolder | None, pool: Pool | None
) -> Result | None:
    """Run one study; report what stopped it, keep the finished points of an interrupted sweep."""
    from .._core.display import counted
    from ..hamiltonians import InvalidModel
    from ..solvers import CheckpointError, ConvergenceError, CutoffError
    from ..studies import run

    kept: list[Result] = []
    try:
        keep = kept.append
        return run(study, reporter, lambda _, result: keep(result), target.with_suffix(".checkpoint"), folder, pool)
    except CheckpointError as error:
        _say(f"{study.file}: {error}")
        raise typer.Exit(REFUSED) from None
    except (InvalidModel, ConvergenceError, CutoffError, ArithmeticError, MemoryError, ValueError) as error:
        _say(f"{study.file}: {error}")
        return None
    except OSError as error:
        if folder is None:
            raise
        _say(f"{study.file}: a point could not be kept in {folder.path}: {error.strerror or error}")
        known = counted(len(kept[-1].points) if kept else 0, "finished point")
        _say(f"{known} are kept; make room, and the same command goes on from there")
        return None
    except KeyboardInterrupt:
        told = list(saved(target, kept[-1] if kept else None))
        _say(f"{study.file}: interrupted" + ("" if told else "; nothing is kept, the same command starts anew"))
        for line in told:
            _say(line)
        raise typer.Exit(INTERRUPTED) from None


def _reporting(study: Study, named: bool) -> TerminalReporter:
    from ..studies import TerminalReporter

    return TerminalReporter(_console(error=True), study.name if named else "")


def main() -> None:
    """Run the command line."""
    not_lost()
    sys.exit(finished(app))
