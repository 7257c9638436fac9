"""Estimate of a thermal sum: blocks, memory, time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..._core.ranks import rank_count
from ...clusters import momenta
from ...hamiltonians import Model, Sector
from ...hamiltonians.space.product import dimensions
from ...hamiltonians.symmetry.points import points_of
from ...solvers.ensemble_blocks import members
from .blocks import WHOLE_UP_TO, bytes_of
from .ensembles import Ensemble, Sampling

SECONDS_PER_BLOCK = 0.02
"""Seconds that even the smallest block takes."""
SECONDS_PER_LEVEL = 2e-9
"""Seconds of a dense diagonalization, per cube of the dimension."""
SECONDS_PER_STEP = 4e-7
"""Seconds for each amplitude, Lanczos step and random vector, averages included."""
SEARCHES = 4
"""Lanczos runs, in those of a random vector, that the lowest levels of a block take."""


@dataclass(frozen=True)
class ThermalEstimate:
    """Estimated cost of a sum over an ensemble.

    Attributes
    ----------
    blocks, sampled : int
        Blocks, and how many of them take random vectors.
    largest : int
        States of the largest, about.
    memory : int
        Bytes for it.
    seconds : float
        Time on one core, about.
    """

    blocks: int
    sampled: int
    largest: int
    memory: int
    seconds: float


def estimate_thermal(model: Model, kind: Ensemble, sampling: Sampling) -> ThermalEstimate:
    """Estimate a thermal sum; block sizes are those of the sectors divided by the order of the symmetry group.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Bosons, Electrons
    >>> need = estimate_thermal(Model(ring(6), Electrons(1.0), Bosons(exchange=0.8)), Ensemble(), Sampling())
    >>> need.blocks, need.sampled, need.largest
    (225, 10, 2531)
    """
    whole_up_to = WHOLE_UP_TO if sampling.method != "ftlm" else 0
    sizes = [_size(model, each.sector) for each in members(model, kind.kind, kind.sector, whole_up_to)]
    sampled = [size for size in sizes if size > sampling.exact_up_to]
    steps = (sampling.samples + SEARCHES) * sampling.steps
    seconds = SECONDS_PER_BLOCK * len(sizes) + SECONDS_PER_STEP * steps * sum(sampled)
    seconds += SECONDS_PER_LEVEL * sum(size**3 for size in sizes if size <= sampling.exact_up_to)
    memory = max(bytes_of(size, size // rank_count(), size <= sampling.exact_up_to, sampling) for size in sizes)
    return ThermalEstimate(len(sizes), len(sampled), max(sizes), memory, seconds)


def _size(model: Model, sector: Sector) -> int:
    whole = math.prod(dimensions(model, sector.plain))
    elements = len(momenta(model.cluster)) if sector.momentum is not None else 1
    elements *= (2 if sector.reflection is not None else 1) * (2 if sector.spin_flip is not None else 1)
    elements *= len(points_of(model, sector.momentum).irreps) if sector.irrep is not None else 1
    return max(1, math.ceil(whole / elements)) if whole else 0
