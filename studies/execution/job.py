"""A point of a sweep as another process takes it, and what does the work there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...solvers import Progress, silent
from ..definition import Study
from ..file.reading import evaluated
from ..tasks.base import Telling
from .point import compute_or_fail, failure


@dataclass(frozen=True)
class Job:
    """One point.

    Attributes
    ----------
    key : str
        Its content hash.
    file, text : str
        Name and text of the model file.
    tables : mapping
        What the file says at this point.
    grid : (n,) float
        X at which distributions of the lattice are given.
    checkpoint : Path or None
        Where long searches are kept.
    sharing : int
        How many points share the memory limit.
    """

    key: str
    file: str
    text: str
    tables: Mapping[str, Any]
    grid: NDArray[np.float64]
    checkpoint: Path | None
    sharing: int

    def compute(self, progress: Progress = silent) -> xr.Dataset:
        """Compute the point; whatever happens is in the data."""
        try:
            study = shared(evaluated(self.tables, self.file, self.text), self.sharing)
            return compute_or_fail(study, self.grid, Telling(progress), self.checkpoint)
        except Exception as error:  # the disk of another machine, or its version of the program
            return failure(f"{type(error).__name__}: {error}")

    def lost(self, why: str) -> xr.Dataset:
        """Return the data of a point that nobody could compute."""
        return failure(why)

    def moved(self) -> Job:
        """Return it without its checkpoint: another machine has another disk."""
        return replace(self, checkpoint=None)


def shared(study: Study, sharing: int) -> Study:
    """Return a study with its share of the memory limit."""
    return replace(study, solver=replace(study.solver, memory_limit=study.solver.memory_limit // sharing))
