"""How to solve: engine, tolerance, limits, and what is kept or computed elsewhere."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np

from ..clusters import Brief
from .pool import Pool


@dataclass(frozen=True, repr=False)
class Options(Brief):
    """How to solve.

    Attributes
    ----------
    engine : str
        "auto", "dense", "quspin" or "tensor".
    tolerance : float
        Largest residual of a level [energy]; relative to the largest coupling where that is below 1 (`energy_unit`).
    seed : int
        Seed of the random start vectors.
    memory_limit : int
        Bytes that the run may take; 16 GiB unless given.
    max_matvecs : int
        Products with H after which a search is given up.
    confirm : bool
        Make sure, by one more search, that no state of the ground level is missing and nothing lower. Without it a
        degenerate level may come back incomplete, as from most Lanczos solvers, and averages with it.
    wanted_below : float
        Levels that are sure to lie above this energy are not computed.
    checkpoint : path, optional
        File in which a long Lanczos search is kept: the same call goes on from there. It is removed at the end.
    checkpoint_interval : float
        Seconds between two checkpoints; shorter searches write nothing.
    keep_blocks : bool
        Blocks of thermal sums that are finished stay on disk after the sum, for the caller to remove.
    pool : Pool, optional
        Processes that compute the blocks of thermal sums.
    """

    engine: str = "auto"
    tolerance: float = 1e-10
    seed: int = 0
    memory_limit: int = 16 << 30
    max_matvecs: int = 20_000
    confirm: bool = True
    wanted_below: float = np.inf
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_interval: float = 60.0
    keep_blocks: bool = False
    pool: Pool | None = field(default=None, repr=False, compare=False)
