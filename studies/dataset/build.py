"""Datasets for publication: the studies of model files in one folder, with all that it takes to trust and cite them."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from ..._core.arguments import of_kind, taking
from ..._core.text import ALLOWED, has_controls, printable
from ...hamiltonians import TermFunction
from ..execution.folder import fingerprint, opened, plugins_of, write_bytes
from ..execution.notebook import watching
from ..execution.plan import Plan
from ..execution.pools import pool_of
from ..execution.report import failures
from ..execution.runner import Result, run
from ..file.reading import read
from ..file.record import write
from ..file.tables import unsaid
from ..file.versions import versions
from .crate import CRATE, DICTIONARY, crate_metadata, data_dictionary
from .hardware import hardware
from .integrity import DATA, MODELS, README, TABLES, DatasetError, write_manifest
from .plugins import Plugins
from .published import PublishedDataset, published_studies, read_dataset
from .readme import readme
from .tables import csv_tables


class FailedPointsError(DatasetError):
    """Points of a study that failed: nothing is published before they are mended."""


@taking(
    files=of_kind((list, tuple), "write a list of model files"),
    out=of_kind((str, os.PathLike), "write the path of a folder in quotes"),
)
def build_dataset(
    files: Sequence[str | os.PathLike[str] | Plan],
    out: str | os.PathLike[str],
    title: str = "",
    licence: str = "",
    authors: Sequence[str] = (),
    workers: int = 1,
    scheduler: str | None = None,
    studies: str | os.PathLike[str] | None = None,
    retry_failed: bool = False,
    say: Callable[[str], None] = lambda text: None,
    plugins: Plugins = (),
) -> PublishedDataset:
    r"""Compute the studies of model files and publish them in one folder.

    The folder appears whole at the end, or not at all; finished points are kept beside it, so that the same call goes
    on after an interrupt.

    Parameters
    ----------
    files : sequence of paths and Plans
        Model files, each with a name of its own, and studies that `respair.study` has made, by the names of their
        models.
    out : path
        The folder to be made; it must not be there yet, or be empty.
    title : str
        Of the dataset; that of the first model file if left out.
    licence : str
        Under which others may use it, as "CC-BY-4.0".
    authors : sequence of str
        Who answers for it.
    workers : int
        Processes of this machine that share the points of sweeps.
    scheduler : str, optional
        Address or file of a dask scheduler whose workers share them.
    studies : path, optional
        Where the finished points are kept, in NAME.study for each model file; those of an earlier `respair run` are
        taken. Left out, this is the folder `out` with ``.studies`` at its end.
    retry_failed : bool
        Repeat the points that failed before.
    say : function
        Receives messages about damaged records.
    plugins : sequence of path
        Python files with approximations of the user's own; their code is run, and published beside the model files.

    Returns
    -------
    PublishedDataset
        As `read_dataset` gives it.

    Raises
    ------
    DatasetError
        If `out` is there, or two model files have one name, or two different `plugins`.
    FailedPointsError
        If points failed; what is finished is kept.
    InvalidModel, StudyError, SchedulerError, MemoryError, OSError
        As `respair.study` and its `run`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> text = 'schema = 1\ncluster.kind = "dimer"\nelectrons.hopping = 1.0\nsector.charge = 1'
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "dimer.toml"
    ...     _ = file.write_text(text)
    ...     dataset = build_dataset([file], Path(folder) / "dataset", licence="CC0-1.0")
    ...     sorted(path.name for path in dataset.folder.iterdir())
    ['README.md', 'data', 'data-dictionary.csv', 'manifest.json', 'models', 'ro-crate-metadata.json', 'tables']
    >>> round(float(dataset["dimer"].data["energies"][0]), 12)
    -1.0
    """
    target = Path(out)
    names = [re.sub(r"[^\w.-]+", "-", file.study.name) if isinstance(file, Plan) else Path(file).stem for file in files]
    check_target(target, files, names)
    for text in (title, licence, *authors, *names):
        if has_controls(text):
            raise DatasetError(f"{text!r} cannot be part of a dataset; {ALLOWED}")
    asked = {
        name: file.study if isinstance(file, Plan) else read(file, plugins)
        for name, file in zip(names, files, strict=True)
    }
    if lost := [name for name, study in asked.items() if study.is_own and "cluster" in unsaid(study.model)]:
        raise DatasetError(
            f"{lost[0]} has a cluster that no model file describes, so that nobody could compute it again"
        )
    known: dict[str, tuple[str, str]] = {}
    for path, digest in (pair for study in asked.values() for pair in plugins_of(study).items()):
        other, its_digest = known.setdefault(Path(path).name, (path, digest))
        if its_digest != digest:
            raise DatasetError(f"--plugin: {other} and {path} have one name; rename one, they are published together")
    keeping = Path(studies) if studies is not None else target.with_name(f"{target.name}.studies")
    with ExitStack() as stack:
        pool = stack.enter_context(pool_of(workers, scheduler))
        folders = {
            name: stack.enter_context(opened(keeping / f"{name}.study", study, retry_failed, say))
            for name, study in asked.items()
        }
        results = {}
        for name, study in asked.items():
            with watching(study.name) as reporter:
                results[name] = run(study, reporter, None, keeping / f"{name}.checkpoint", folders[name], pool)
        if failed := [f"{name}: {text}" for name, result in results.items() for text in failures(result)]:
            raise FailedPointsError("\n".join(["nothing is published while points have failed:", *failed]))
        about = {"title": title or next(iter(asked.values())).name, "licence": licence, "authors": list(authors)}
        terms = {name: study.model.terms for name, study in asked.items()}
        _publish(target, results, about, plugins, terms)
    return read_dataset(target, plugins, terms=terms)


def check_target(target: Path, files: Sequence[object], names: Sequence[str]) -> None:
    """Raise DatasetError if a dataset of these studies cannot be built there."""
    if not files:
        raise DatasetError("no model file was given; a dataset is made of one or more")
    for i, name in enumerate(names):
        if name in names[:i]:
            twice = (
                f"{files[names.index(name)]} and {files[i]}" if isinstance(files[i], str | Path) else f"two of {name}"
            )
            raise DatasetError(f"{twice} have one name; studies of a dataset are told apart by theirs")
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise DatasetError(
            f"{target} is there already; choose another folder, or remove it (points that are kept stay)"
        )


def _publish(
    target: Path,
    results: Mapping[str, Result],
    about: Mapping[str, Any],
    plugins: Plugins,
    terms: Mapping[str, Sequence[TermFunction]],
) -> None:
    """Write everything beside the target, then give it its name."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for place in (MODELS, DATA, TABLES):
            (partial / place).mkdir(parents=True)
        for name, result in results.items():
            (partial / MODELS / f"{name}.toml").write_bytes(result.study.text.encode())
            write(result, partial / DATA / f"{name}.nc", means=False)
            for path in plugins_of(result.study):
                shutil.copyfile(path, partial / MODELS / Path(path).name)
        facts = {
            **about,
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "command": [Path(sys.argv[0]).name.replace("__main__.py", "respair"), *map(printable, sys.argv[1:])],
            "versions": versions(),
            "hardware": hardware(),
            "studies": {name: _account(result) for name, result in results.items()},
        }
        published = published_studies(partial, facts, plugins, terms)
        for name, each in published.items():
            for table, text in csv_tables(each.data, each.axes, name):
                write_bytes(partial / TABLES / table, text.encode())
        write_bytes(partial / README, readme(facts, published).encode())
        write_bytes(partial / DICTIONARY, data_dictionary(published).encode())
        write_bytes(partial / CRATE, crate_metadata(partial, facts).encode())
        write_manifest(partial, facts)
        _sync(partial)
        os.replace(partial, target)
        _sync_folder(target.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _account(result: Result) -> dict[str, Any]:
    """Return the entry of a study in the manifest."""
    study, data = result.study, result.data
    return {
        "title": study.name,
        "fingerprint": fingerprint(study),
        "plugins": {Path(path).name: digest for path, digest in plugins_of(study).items()},
        **({"terms": len(study.model.terms)} if study.model.terms else {}),
        "seed": study.solver.seed,
        "axes": [axis.key for axis in study.sweep],
        "points": len(result.points),
        "versions": sorted(set(data["version"].values.ravel().tolist())),
        "engines": sorted(set(data["engine"].values.ravel().tolist())),
        "wall_time": round(float(data["wall_time"].sum()), 3),
        "certificates": dict(_certificates(result)),
    }


def _certificates(result: Result) -> Iterator[tuple[str, float]]:
    """Yield the largest residual, leak and error bar of all points."""
    for key, ending in (("residual", "residual"), ("leak", "leak"), ("energy_error", "energy_errors")):
        found = [array.values for name, array in result.data.data_vars.items() if str(name).endswith(ending)]
        finite = [float(np.max(values[np.isfinite(values)])) for values in found if np.isfinite(values).any()]
        if finite:
            yield key, max(finite)


def _sync(folder: Path) -> None:
    """Have every file below a folder, and the folders, on the disk."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            _sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
