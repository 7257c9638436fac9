"""Points that several processes compute together: rank 0 asks, all of them compute, and rank 0 has the answer."""

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
    """A point that all ranks compute.

    Attributes
    ----------
    study : Study
        The study at this point.
    grid : (n,) float
        X at which distributions of the lattice are given.
    checkpoint : Path or None
        Where rank 0 keeps long searches.
    swept : bool
        It belongs to a sweep.
    """

    study: Study
    grid: NDArray[np.float64]
    checkpoint: Path | None
    swept: bool

    def compute(self, reporter: Reporter) -> xr.Dataset:
        """Compute it."""
        return compute(self.study, self.grid, reporter, self.checkpoint, swept=self.swept)


def on_all(ranks: MPIRanks) -> Callable[..., xr.Dataset]:
    """Return the function that computes a point as `compute` does, on all ranks; rank 0 calls it."""

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
    """Compute the points for which rank 0 asks, until it asks no more."""
    quiet = Quiet()
    while (point := ranks.given(None)) is not None:
        try:
            ranks.together(lambda point=point: point.compute(quiet))  # type: ignore[misc]
        except (Exception, KeyboardInterrupt):
            continue  # rank 0 has it as well, and says so


def dismiss(ranks: MPIRanks) -> None:
    """Let the other ranks end."""
    ranks.given(None)
