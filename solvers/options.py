"""How to solve: engine, tolerance, seed and limits."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from ..clusters import Brief


@dataclass(frozen=True, repr=False)
class Options(Brief):
    """How to solve.

    Attributes
    ----------
    engine : str
        "auto", "dense", "quspin" or "tensor".
    tolerance : float
        Largest residual of a level.
    seed : int
        Seed of the random start vectors.
    memory_limit : int
        Bytes that the run may take.
    max_matvecs : int
        Products with H after which a search is given up.
    wanted_below : float
        Levels that are sure to lie above this energy are not computed; dense diagonalisation finds them anyway.
    checkpoint : path, optional
        File in which a long Lanczos search is kept: the same call goes on from there. It is removed at the end.
    checkpoint_interval : float
        Seconds between two checkpoints; shorter searches write nothing.
    """

    engine: str = "auto"
    tolerance: float = 1e-10
    seed: int = 0
    memory_limit: int = 16 << 30
    max_matvecs: int = 20_000
    wanted_below: float = np.inf
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_interval: float = 60.0
