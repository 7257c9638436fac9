"""Execution of a study: from a `Study` to one labelled dataset."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import of_kind, taking
from ..._core.display import counted
from ..._core.errors import about_model_files
from ...analysis import default_grid
from ...analysis.coordinates import with_coordinates, with_newer_names
from ...clusters import Card, Shown
from ...hamiltonians import Model
from ...solvers.checkpoint import beside
from ...solvers.work import HowFar, Pool
from ..definition import Study
from ..file.reading import at_point, sweep_points
from ..fits import check_fits, shared
from ..sweep import AS_LISTS
from ..tasks.base import Quiet, Reporter, Watcher
from .averages import averaged_axes, averages
from .folder import StudyFolder, content_hash
from .job import Job
from .point import compute_or_fail, computed, has_failed, lowest_energy
from .refinement import refined
from .together import on_all
from .workers import Workers, check_terms

if TYPE_CHECKING:
    from ..._core.mpi import MPIRanks

FILLED: Mapping[str, str] = MappingProxyType({"labels": "", "compare_claim": "", "kept_levels": ""})
"""Fill values of shorter points of a sweep, if not NaN."""
MOST_LETTERS = 200
"""Largest length of the list of variables shown for a result."""


@dataclass(frozen=True, repr=False)
class Result(Shown):
    """Results of a study.

    Attributes
    ----------
    study : Study
        The study.
    points : tuple of (mapping, xarray.Dataset)
        For each point of the sweep (one empty point without a sweep) its parameters and its data.
    """

    study: Study
    points: tuple[tuple[Mapping[str, object], xr.Dataset], ...]

    def card(self) -> Card:
        """Return a summary: number of points, lowest energies, and variables of `data`."""
        failed = f", {self.failed} failed" if self.failed else ""
        rows = [(escape(_words(point)), _lowest(data)) for point, data in self.points]
        names = ", ".join(map(str, self.points[0][1].data_vars)) if self.points else ""
        note = f"data: {names if len(names) < MOST_LETTERS else names[:MOST_LETTERS] + '&hellip;'}"
        return Card(f"{escape(self.study.name)}: {counted(len(rows), 'point')}{failed}", rows, note=note)

    @property
    def failed(self) -> int:
        """Number of failed points."""
        return sum(has_failed(data) for _, data in self.points)

    @property
    def averages(self) -> xr.Dataset:
        """Means over averaged axes, and their standard errors; empty without such axes.

        Also empty for incomplete sweeps.
        """
        over, data = averaged_axes(self.study), self.data
        return averages(data, over) if over and set(over) <= set(data.dims) else xr.Dataset()

    @property
    def data(self) -> xr.Dataset:
        """All results in one dataset, with the axes of the sweep as leading dimensions.

        If points differ in size, as in a sweep of ``cluster.sites``, the shorter ones are padded with NaN. An
        incomplete sweep over several axes has the single dimension "point" instead.
        """
        return with_newer_names(with_coordinates(self._together))

    @property
    def _together(self) -> xr.Dataset:
        if not self.study.sweep:
            return self.points[0][1]
        axes, keys = self.study.sweep, list(self.points[0][0])
        single = {AS_LISTS[key]: 0 for key in keys if key in AS_LISTS}
        found = [data.isel(single, drop=True, missing_dims="ignore") for data in _filled_up(self.points)]
        lined_up = [with_coordinates(data) for data in _with_places(found)]
        if len(found) == math.prod(len(axis.values) for axis in axes):
            coords = {each.key: (axis.key, np.asarray(each.values)) for axis in axes for each in (axis, *axis.linked)}
            return _combined(_nest(lined_up, [len(axis.values) for axis in axes]), [axis.key for axis in axes], coords)
        coords = {key: ("point", np.asarray([point[key] for point, _ in self.points])) for key in keys}
        partial = _combined(lined_up, ["point"], coords)
        return partial.swap_dims(point=axes[0].key) if len(axes) == 1 else partial


def _filled_up(points: Sequence[tuple[Mapping[str, object], xr.Dataset]]) -> list[xr.Dataset]:
    """Give failed points the variables of the others, filled with NaN."""
    found = [data for _, data in points]

    def blank(array: xr.DataArray) -> xr.DataArray:
        kind = array.dtype if array.dtype.kind == "U" else np.result_type(array.dtype, float)
        filled: xr.DataArray = xr.full_like(array, "" if kind.kind == "U" else np.nan, dtype=kind)
        return filled

    whole = next((data for data in found if not has_failed(data)), None)
    empty = xr.Dataset() if whole is None else whole.map(blank, keep_attrs=True)
    return [empty.assign(data.data_vars) if has_failed(data) else data for data in found]


def _with_places(found: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Add index coordinates to dimensions of different length, so that the points can be aligned."""
    lengths: defaultdict[str, set[int]] = defaultdict(set)
    for data in found:
        for dim in data.sizes.keys() - data.coords.keys():
            lengths[str(dim)].add(data.sizes[dim])
    uneven = [dim for dim, sizes in lengths.items() if len(sizes) > 1]
    return [data.assign_coords({d: np.arange(data.sizes[d]) for d in uneven if d in data.sizes}) for data in found]


def _combined(nested: list[Any], dims: list[str], coords: Mapping[str, Any]) -> xr.Dataset:
    combined: xr.Dataset = xr.combine_nested(
        nested,
        dims,
        join="outer",
        fill_value=dict(FILLED),
        combine_attrs="override",
        compat="equals",
        data_vars="all",
        coords="minimal",
    )
    return combined.assign_coords(coords).transpose(*dims, ...)


def _nest(flat: list[xr.Dataset], shape: Sequence[int]) -> list[Any]:
    """Fold a flat list in C order into nested lists of the given shape."""
    if len(shape) == 1:
        return flat
    inner = len(flat) // shape[0]
    return [_nest(flat[i * inner : (i + 1) * inner], shape[1:]) for i in range(shape[0])]


@about_model_files
@taking(study=of_kind(Study, "write read(path) for a model file, or study(model, ...).run()"))
def run(
    study: Study,
    reporter: Reporter | None = None,
    finished: Callable[[int, Result], None] | None = None,
    checkpoint: Path | None = None,
    folder: StudyFolder | None = None,
    pool: Pool | None = None,
    ranks: MPIRanks | None = None,
) -> Result:
    r"""Compute all points of a study.

    Parameters
    ----------
    study : Study
        A checked model file.
    reporter : Reporter, optional
        Receives the progress.
    finished : function, optional
        Called after each point with its number, from 0 in the order in which they are known, and the result so far;
        without a sweep, called if a task fails or is interrupted, with the results of the tasks before it.
    checkpoint : Path, optional
        File in which long searches are saved regularly and from which they continue; one for each point of a sweep.
    folder : StudyFolder, optional
        Folder in which finished points are saved, and from which they are read; the error of a failed point is recorded
        and does not stop the others.
    pool : Pool, optional
        Processes that compute the points of a sweep, or the blocks of thermal sums, in parallel; errors of failed
        points are recorded.
    ranks : MPIRanks, optional
        Processes that share each point, this one being rank 0; no checkpoint is written then.

    Returns
    -------
    Result
        One dataset for each point.

    Raises
    ------
    MemoryError
        Before anything is computed, if a point does not fit the memory limit.
    ConvergenceError
        If a level did not converge, without a folder.
    OSError
        If a point cannot be saved; the earlier ones are.
    CheckpointError
        If an existing checkpoint cannot be used.

    Examples
    --------
    >>> from respair.studies import parse
    >>> text = 'schema = 1\ncluster.kind = "dimer"\nelectrons.hopping = 1.0\nsector.charge = 1'
    >>> round(float(run(parse(text, "dimer.toml")).data.energies[0]), 12)
    -1.0
    """
    told = finished or (lambda number, result: None)
    book = _Points(study, reporter or Quiet(), checkpoint, folder, pool, ranks, told)
    finer: Study | None = study
    try:
        while finer is not None:
            book.turn_to(finer)
            for known in book.solve():
                told(known - 1, book.result)
            adaptive = any(axis.refinement for axis in finer.sweep)
            finer = refined(finer, book.result.data) if adaptive else None
    except KeyboardInterrupt:
        book.recall()
        if known := len(book.result.points):
            told(known - 1, book.result)
        raise
    return book.result


class _Points:
    """The points of a study, including refinements, and their results by hash."""

    def __init__(
        self,
        study: Study,
        reporter: Reporter,
        checkpoint: Path | None,
        folder: StudyFolder | None,
        pool: Pool | None,
        ranks: MPIRanks | None,
        told: Callable[[int, Result], None],
    ) -> None:
        self._reporter, self._checkpoint, self._folder = reporter, checkpoint, folder
        self._pool = pool if study.sweep else None  # a single point uses the pool for its blocks
        self._sharing = self._pool.sharing if self._pool else 1
        first = [at_point(study, point) for point in sweep_points(study)]
        for each in first:
            check_fits(shared(each, self._sharing))
        self._grid = common_grid(study, [each.model for each in first])
        how: dict[str, Any] = {} if study.sweep else {"pool": pool, "unfinished": _unfinished(told)}
        if ranks:
            how["solve"] = on_all(ranks)
        self._solve = partial(compute_or_fail if folder else computed, **how)
        self._known: dict[str, xr.Dataset] = {}
        self._numbers: dict[str, int] = {}
        self._points: list[tuple[str, dict[str, float]]] = []
        self.study = study

    def turn_to(self, study: Study) -> None:
        """Continue with the points of a refined study."""
        self.study = study
        self._points = [(content_hash(study, point, self._grid), point) for point in sweep_points(study)]
        for key, _ in self._points:
            self._numbers.setdefault(key, len(self._numbers))

    @property
    def result(self) -> Result:
        """The results so far, in the order of the sweep."""
        known = self._known
        return Result(self.study, tuple((MappingProxyType(p), known[key]) for key, p in self._points if key in known))

    def solve(self) -> Iterator[int]:
        """Read the saved points and compute the others; yield the number of known points after each."""
        waiting = {key: point for key, point in self._points if key not in self._known}
        for key in list(waiting):
            if self._folder and (kept := self._folder.find(key)) is not None:
                self._known[key] = kept
                del waiting[key]
                yield len(self._known)
        self._announce(len(self._known), "")
        for key, data in (self._in_pool if self._pool else self._in_this_process)(waiting):
            if self._folder:
                self._folder.keep(key, waiting[key], data)
            self._known[key] = data
            if self.study.sweep:
                self._reporter.done(_words(waiting[key]), data)
            yield len(self._known)

    def recall(self) -> None:
        """Read points that were saved but not recorded because of an interrupt."""
        for key, _ in self._points:
            if self._folder and key not in self._known and (kept := self._folder.find(key)) is not None:
                self._known[key] = kept

    def _in_this_process(self, waiting: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, xr.Dataset]]:
        for key, point in waiting.items():
            self._announce(len(self._known), _words(point))
            each = at_point(self.study, point)
            yield key, self._solve(each, self._grid, self._reporter, self._place(key), swept=bool(self.study.sweep))

    def _in_pool(self, waiting: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, xr.Dataset]]:
        assert self._pool is not None
        if isinstance(self._pool, Workers):
            check_terms(self.study.model)
        jobs = [
            Job(key, at_point(self.study, point), self._grid, self._place(key), self._sharing)
            for key, point in waiting.items()
        ]

        def watch(running: Mapping[str, HowFar | None]) -> None:
            if isinstance(self._reporter, Watcher):
                self._reporter.running({_words(waiting[key]): how_far for key, how_far in running.items()})

        for job, found in self._pool.compute(jobs, watch):
            yield job.key, found
            self._announce(len(self._known), "")

    def _place(self, key: str) -> Path | None:
        return beside(self._checkpoint, self._numbers[key]) if self.study.sweep else self._checkpoint

    def _announce(self, number: int, label: str) -> None:
        self._reporter.point(number, len(self._points), label)


def _unfinished(told: Callable[[int, Result], None]) -> Callable[[Study, xr.Dataset], None]:
    """Return a function that reports the results of the finished tasks of a study that failed."""

    def tell(study: Study, data: xr.Dataset) -> None:
        told(0, Result(study, ((MappingProxyType({}), data),)))

    return tell


def _lowest(data: xr.Dataset) -> str:
    """Return the lowest energy of a point, or its error, as markup."""
    if has_failed(data):
        return escape(str(data["error"].values))
    return f"E = {lowest_energy(data)}" if "energies" in data else ""


def _words(point: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value:.6g}" for name, value in point.items())


def common_grid(study: Study, models: Sequence[Model]) -> NDArray[np.float64]:
    """Return one grid of X for all points of a sweep."""
    task = study.ground_state
    if task is not None and task.displacement_grid is not None:
        return np.array(task.displacement_grid)
    grids = [default_grid(model) for model in models]
    return np.linspace(min(g[0] for g in grids), max(g[-1] for g in grids), 201)
