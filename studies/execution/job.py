"""A point of a sweep as a unit of work for another process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...solvers import Progress, silent
from ..definition import Study
from ..fits import shared
from ..tasks.base import Quiet
from .point import compute_or_fail, failure


@dataclass(frozen=True)
class Job:
    """One point.

    Attributes
    ----------
    key : str
        Content hash of the point.
    study : Study
        The study at this point.
    grid : (n,) float
        Grid of X for lattice distributions.
    checkpoint : Path or None
        Checkpoint of long searches.
    sharing : int
        Number of points that share the memory limit.
    """

    key: str
    study: Study
    grid: NDArray[np.float64]
    checkpoint: Path | None
    sharing: int

    def compute(self, progress: Progress = silent) -> xr.Dataset:
        """Compute the point; errors are recorded in the data."""
        reporter = Quiet()
        reporter.lanczos = progress  # type: ignore[method-assign]
        try:
            return compute_or_fail(shared(self.study, self.sharing), self.grid, reporter, self.checkpoint)
        except Exception as error:  # for example of the disk or software of another machine
            return failure(f"{type(error).__name__}: {error}")

    def lost(self, why: str) -> xr.Dataset:
        """Return the data of a point whose worker was lost."""
        return failure(why)

    def moved(self) -> Job:
        """Return the job without its checkpoint, for a machine with another disk."""
        return replace(self, checkpoint=None)
