"""Verification of a dataset: every sum, every table, and points computed again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..._core.arguments import of_kind, taking
from ...hamiltonians import TermFunction
from ...hamiltonians.terms import energy_unit
from ...solvers.work import Pool
from ..execution.folder import content_hash, fingerprint
from ..execution.job import Job
from ..execution.notebook import watching
from ..execution.point import has_failed
from ..execution.pools import pool_of
from ..file.reading import at_point
from ..sweep import AS_LISTS
from ..tasks.base import Reporter
from .comparison import Deviation, deviations
from .integrity import DATA, MODELS, TABLES, DatasetError, damage, read_manifest
from .plugins import Plugins, needed
from .published import NO_TERMS, PublishedStudy, published_studies
from .tables import csv_tables

POINTS = 3
"""How many points of each study are computed again by default."""


@dataclass(frozen=True)
class Recomputed:
    """A point that was computed again.

    Attributes
    ----------
    study : str
        Name of its study.
    point : mapping
        What stands at the swept keys.
    deviations : tuple of Deviation
        How far each variable is off.
    error : str
        Why it could not be computed again; empty if it was.
    """

    study: str
    point: Mapping[str, Any]
    deviations: tuple[Deviation, ...]
    error: str = ""

    @property
    def worst(self) -> Deviation | None:
        """The variable that is off most, in units of what is allowed."""
        return max(self.deviations, key=lambda each: each.ratio, default=None)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with it, in words."""
        where = ", ".join(f"{key} = {value:.6g}" for key, value in self.point.items())
        place = f"{self.study}{f' at {where}' if where else ''}"
        wrong = [str(each) for each in self.deviations if not each.ratio <= 1]
        return tuple(f"{place}: {text}" for text in ([self.error] if self.error else wrong))


@dataclass(frozen=True)
class Verification:
    """The outcome of a verification.

    Attributes
    ----------
    folder : Path
        The dataset.
    files : int
        Files whose checksums were compared.
    problems : tuple of str
        Everything that is wrong, in words; empty for a sound dataset.
    recomputed : tuple of Recomputed
        The points that were computed again.
    """

    folder: Path
    files: int
    problems: tuple[str, ...]
    recomputed: tuple[Recomputed, ...]

    @property
    def sound(self) -> bool:
        """True where nothing is wrong."""
        return not self.problems


@taking(folder=of_kind((str, os.PathLike), "write the path of a folder in quotes"))
def verify_dataset(
    folder: str | os.PathLike[str],
    points: int | None = POINTS,
    seed: int = 0,
    at: Mapping[str, float] | None = None,
    studies: tuple[str, ...] = (),
    workers: int = 1,
    scheduler: str | None = None,
    plugins: Plugins = (),
    terms: Mapping[str, Sequence[TermFunction]] = NO_TERMS,
) -> Verification:
    """Check all sums of a dataset, its tables against its data, and points of it by computing them again.

    Parameters
    ----------
    folder : path
        The dataset.
    points : int or None
        How many points of each study are drawn and computed again; None for all.
    seed : int
        Of the draw.
    at : mapping, optional
        Values of swept keys: the points that have them are computed again instead.
    studies : tuple of str
        Names of the studies whose points are computed again; all if left out.
    workers : int
        Processes that share the points.
    scheduler : str, optional
        Address or file of a dask scheduler whose workers share them.
    plugins : sequence of path
        The files with approximations of the authors' own that it was made with; their code is run.
    terms : mapping
        By the name of the study, the terms of the authors' own that its Hamiltonian has.

    Returns
    -------
    Verification
        With everything that is wrong in words. Numbers are compared within the sum of both error bars; nothing is
        computed where sums are wrong.

    Raises
    ------
    DatasetError
        If the folder is not a dataset, or was made with `plugins` that are not given, or no point is as asked.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    wrong = list(damage(path, manifest))
    unknown = [name for name in studies if name not in manifest["studies"]]
    if unknown:
        raise DatasetError(f"{unknown[0]!r} is not a study of {path}; allowed: {', '.join(manifest['studies'])}")
    files = len(manifest["files"])
    if wrong:
        return Verification(path, files, tuple(wrong), ())
    needed(path, manifest, plugins)
    try:
        published = published_studies(path, manifest, plugins, terms)
    except DatasetError as error:
        return Verification(path, files, (str(error),), ())
    wrong += [text for name, each in published.items() for text in _disagreements(path, name, each, manifest)]
    chosen = {name: each for name, each in published.items() if name in studies or not studies}
    wanted = list(_chosen(chosen, points, seed, at))
    with ExitStack() as stack:
        pool = stack.enter_context(pool_of(workers, scheduler))
        reporter = stack.enter_context(watching("computed again"))
        again = list(_computed_again(wanted, pool, reporter))
    wrong += [text for each in again for text in each.problems]
    return Verification(path, files, tuple(wrong), tuple(again))


def _disagreements(folder: Path, name: str, each: PublishedStudy, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield contradictions between model file, data and tables of a study."""
    if fingerprint(each.study) != manifest["studies"][name]["fingerprint"]:
        yield f"{MODELS}/{name}.toml says something else than the model file that the manifest knows"
    if (count := len(each.points)) != manifest["studies"][name]["points"]:
        yield f"{DATA}/{name}.nc has {count} points, and {manifest['studies'][name]['points']} in the manifest"
    for table, text in csv_tables(each.data, each.axes, name):
        try:
            found = (folder / TABLES / table).read_bytes().decode("utf-8", "replace")
        except OSError:
            continue  # missing: that is reported already
        if found != text:
            lines = zip(found.splitlines(), text.splitlines(), strict=False)
            first = next((i for i, (a, b) in enumerate(lines, 1) if a != b), "the last one")
            yield f"{TABLES}/{table} does not agree with {DATA}/{name}.nc, from line {first} on"


def _chosen(
    published: Mapping[str, PublishedStudy], points: int | None, seed: int, at: Mapping[str, float] | None
) -> Iterator[tuple[str, PublishedStudy, int]]:
    """Yield the points to be computed again, by their numbers."""
    if at:
        yield from _points_at(published, at)
        return
    draw = np.random.default_rng(seed)
    for name, each in published.items():
        count = len(each.points)
        some = count if points is None else min(points, count)
        yield from ((name, each, int(number)) for number in np.sort(draw.permutation(count)[:some]))


def _points_at(
    published: Mapping[str, PublishedStudy], at: Mapping[str, float]
) -> Iterator[tuple[str, PublishedStudy, int]]:
    able = {name: each for name, each in published.items() if all(key in each.data.coords for key in at)}
    if not able:
        known = sorted({key for each in published.values() for point in each.points[:1] for key in point})
        raise DatasetError(f"no study sweeps {' and '.join(at)}; allowed: {', '.join(known) or 'nothing'}")
    found = [
        (name, each, number)
        for name, each in able.items()
        for number, point in enumerate(each.points)
        if all(np.isclose(point[key], value, rtol=1e-9, atol=0.0) for key, value in at.items())
    ]
    if not found:
        known = [f"{key}: {', '.join(f'{v:.12g}' for v in next(iter(able.values())).data[key].values)}" for key in at]
        raise DatasetError("no point has these values; allowed: " + "; ".join(known))
    yield from found


def _computed_again(
    wanted: list[tuple[str, PublishedStudy, int]], pool: Pool | None, reporter: Reporter
) -> Iterator[Recomputed]:
    """Yield the points in the order in which they were asked for."""
    jobs = []
    for _, each, number in wanted:
        point, coords = each.points[number], each.data.coords
        grid = np.asarray(coords["X"].values if "X" in coords else [0.0], dtype=float)
        key = content_hash(each.study, point, grid)
        jobs.append(Job(key, at_point(each.study, point), grid, None, pool.sharing if pool else 1))
    pairs = pool.compute(jobs) if pool else ((job, job.compute()) for job in jobs)
    reporter.point(0, len(jobs), "")
    found: dict[str, xr.Dataset] = {}
    for job, data in pairs:
        found[job.key] = data
        reporter.point(len(found), len(jobs), "")
    for job, (name, each, number) in zip(jobs, wanted, strict=True):
        point, data = each.points[number], found[job.key]
        if has_failed(data):
            yield Recomputed(name, point, (), f"cannot be computed again: {data['error'].values}")
            continue
        single = {AS_LISTS[key]: 0 for key in point if key in AS_LISTS}
        fresh = data.isel(single, drop=True, missing_dims="ignore")
        unit = energy_unit(at_point(each.study, point).model)
        yield Recomputed(name, point, tuple(deviations(each.at(number), fresh, unit)))
