"""One point of a study: results, status and cost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.errors import about_model_files
from ...analysis.labelled import labelled
from ...analysis.thermal.block_files import remove_blocks
from ...solvers import CheckpointError
from ...solvers.costs import choose_engine
from ...solvers.work import Pool
from ..definition import Study
from ..file.versions import versions
from ..tasks.base import Reporter
from ..tasks.cutoff_errors import with_cutoff_errors
from ..tasks.setting import Setting
from .tables import with_error

DONE, FAILED = "done", "failed"


def compute(
    study: Study,
    grid: NDArray[np.float64],
    reporter: Reporter,
    checkpoint: Path | None = None,
    *,
    swept: bool = False,
    pool: Pool | None = None,
    unfinished: Callable[[Study, xr.Dataset], None] | None = None,
) -> xr.Dataset:
    """Compute all tasks of a study without a sweep.

    Parameters
    ----------
    study : Study
        One point.
    grid : (n,) float
        Grid of X for lattice distributions.
    reporter : Reporter
        Receives the progress.
    checkpoint : Path, optional
        Checkpoint of long searches.
    swept : bool
        Whether this is a point of a sweep; then status, engine, largest residual and leak, and wall time are added.
    pool : Pool, optional
        Processes that compute the blocks of thermal sums.
    unfinished : function, optional
        Called if a task fails or is interrupted, with the study of the finished tasks and their variables.

    Returns
    -------
    xarray.Dataset
        All variables of all tasks.
    """
    start = time.perf_counter()
    solver = replace(study.solver, optimal=not swept and all(task.takes_optimal for task in study.tasks))
    kept = replace(solver, checkpoint=checkpoint, keep_blocks=True, pool=pool)
    setting = Setting(study.model, study.sector, solver, grid, reporter, study.tasks, swept, kept)
    parts: list[xr.Dataset] = []
    try:
        for task in study.tasks:
            parts.append(task.run(replace(setting, solver=kept) if task.resumes else setting))
        parts = with_cutoff_errors(parts, setting)
    except (Exception, KeyboardInterrupt) as error:
        if parts and unfinished:
            done = study.tasks[: len(parts)]
            if len(done) < len(study.tasks) and not isinstance(error, KeyboardInterrupt):
                with suppress(Exception):
                    parts = with_cutoff_errors(parts, replace(setting, tasks=done))
            unfinished(replace(study, tasks=done), _merged(parts))
        raise
    remove_blocks(checkpoint)
    data = _merged(parts)
    if not swept:
        return data
    engines = {choose_engine(model, sector, study.solver.engine) for model, sector, _ in study.solves()}
    return data.assign(_account(data, DONE, "", ", ".join(sorted(engines)), time.perf_counter() - start))


def _merged(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    return xr.merge(parts, join="outer", compat="override", combine_attrs="override")


def computed(*study: Any, solve: Callable[..., xr.Dataset] | None = None, **how: Any) -> xr.Dataset:
    """Compute a point, by `solve` if given."""
    return (solve or compute)(*study, **how)


@about_model_files
def compute_or_fail(
    study: Study,
    grid: NDArray[np.float64],
    reporter: Reporter,
    checkpoint: Path | None = None,
    **how: Any,
) -> xr.Dataset:
    """Compute a point of a sweep, see `computed`; for a failed point return its error instead of its numbers.

    Raises
    ------
    CheckpointError, OSError
        Errors of the disk, which do not concern the point.
    """
    start = time.perf_counter()
    try:
        return computed(study, grid, reporter, checkpoint, **how | {"swept": True})
    except (CheckpointError, OSError):
        raise
    except Exception as error:  # of any kind, so that the other points are computed
        return failure(f"{type(error).__name__}: {error}", time.perf_counter() - start)


def failure(error: str, seconds: float = math.nan) -> xr.Dataset:
    """Return the data of a point that failed."""
    return xr.Dataset(_account(xr.Dataset(), FAILED, error, "", seconds))


def has_failed(data: xr.Dataset) -> bool:
    """True for the result of `failure`."""
    return "status" in data and str(data["status"].values) == FAILED


def lowest_energy(data: xr.Dataset) -> str:
    """Return the lowest energy of a point with the digits of its error bar, or a dash."""
    return with_error(float(data["energies"][0]), float(data["energy_errors"][0])) if "energies" in data else "-"


def account(data: xr.Dataset) -> tuple[str, str, str]:
    """Return lowest energy, largest residual and seconds of a point as text; the error of a failed point."""
    energy = str(data["error"].values) if has_failed(data) else lowest_energy(data)
    residual = float(data["residual"])
    return energy, "-" if math.isnan(residual) else f"{residual:.1e}", f"{float(data['wall_time']):.3g}"


def _account(data: xr.Dataset, status: str, error: str, engine: str, seconds: float) -> dict[str, xr.DataArray]:
    return {
        "status": labelled("status", np.array(status), [], "done or failed"),
        "error": labelled("error", np.array(error), [], "why the point failed"),
        "engine": labelled("engine", np.array(engine), [], "what solved it"),
        "residual": labelled("residual", _largest(data, "residuals"), [], "largest residual", "energy"),
        "leak": labelled("leak", _largest(data, "leaks"), [], "largest leak", "energy"),
        "wall_time": labelled("wall_time", seconds, [], "time that the point took", "s"),
        "version": labelled("version", np.array(versions()["respair"]), [], "version of respair"),
    }


def _largest(data: xr.Dataset, name: str) -> float:
    """Return the largest number of all variables whose names end with `name`; NaN if there is none."""
    found: Iterable[float] = (float(np.max(data[n].values)) for n in data.data_vars if str(n).endswith(name))
    return max(found, default=math.nan)
