"""A point of a sweep as another process takes it, and what does the work there."""

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
        Its content hash.
    study : Study
        The study at this point.
    grid : (n,) float
        X at which distributions of the lattice are given.
    checkpoint : Path or None
        Where long searches are kept.
    sharing : int
        How many points share the memory limit.
    """

    key: str
    study: Study
    grid: NDArray[np.float64]
    checkpoint: Path | None
    sharing: int

    def compute(self, progress: Progress = silent) -> xr.Dataset:
        """Compute the point; whatever happens is in the data."""
        reporter = Quiet()
        reporter.lanczos = progress  # type: ignore[method-assign]
        try:
            return compute_or_fail(shared(self.study, self.sharing), self.grid, reporter, self.checkpoint)
        except Exception as error:  # the disk of another machine, or its version of the program
            return failure(f"{type(error).__name__}: {error}")

    def lost(self, why: str) -> xr.Dataset:
        """Return the data of a point that no process could compute."""
        return failure(why)

    def moved(self) -> Job:
        """Return it without its checkpoint: another machine has another disk."""
        return replace(self, checkpoint=None)
