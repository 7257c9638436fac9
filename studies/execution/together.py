"""Points computed jointly by several processes, directed by rank 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..tasks.base import Quiet, Reporter
from .point import compute

if TYPE_CHECKING:
    from ..._core.mpi import MPIRanks
    from ..definition import Study


@dataclass(frozen=True)
class Shared:
    """A point computed by all ranks.

    Attributes
    ----------
    study : Study
        The study at this point.
    grid : (n,) float
        Grid of X for lattice distributions.
    checkpoint : Path or None
        Checkpoint of long searches, written by rank 0.
    swept : bool
        Whether the point belongs to a sweep.
    """

    study: Study
    grid: NDArray[np.float64]
    checkpoint: Path | None
    swept: bool

    def compute(self, reporter: Reporter) -> xr.Dataset:
        """Compute the point."""
        return compute(self.study, self.grid, reporter, self.checkpoint, swept=self.swept)


def on_all(ranks: MPIRanks) -> Callable[..., xr.Dataset]:
    """Return a function, called by rank 0, that computes a point on all ranks; see `compute`."""

    def solve(
        study: Study,
        grid: NDArray[np.float64],
        reporter: Reporter,
        checkpoint: Path | None = None,
        *,
        swept: bool = False,
        **how: Any,
    ) -> xr.Dataset:
        point = Shared(study, grid, checkpoint, swept)
        ranks.given(point)
        return ranks.together(lambda: point.compute(reporter))

    return solve


def serve(ranks: MPIRanks) -> None:
    """Compute the points requested by rank 0 until it is done."""
    quiet = Quiet()
    while (point := ranks.given(None)) is not None:
        try:
            ranks.together(lambda point=point: point.compute(quiet))  # type: ignore[misc]
        except (Exception, KeyboardInterrupt):
            continue  # rank 0 has the same error and reports it


def dismiss(ranks: MPIRanks) -> None:
    """End the other ranks."""
    ranks.given(None)
