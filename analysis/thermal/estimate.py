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
from ...solvers.krylov.long_samples import FEWEST_TOGETHER, KEPT_BYTES
from .blocks import WHOLE_UP_TO, bytes_of, is_long
from .ensembles import Ensemble, Sampling

SECONDS_PER_BLOCK = 0.02
"""Seconds that even the smallest block takes."""
SECONDS_PER_LEVEL = 2e-9
"""Seconds of a dense diagonalization, per cube of the dimension."""
SECONDS_PER_STEP = 4e-7
"""Seconds for each amplitude, Lanczos step and random vector, averages included."""
SEARCHES = 4
"""Lanczos runs, in those of a random vector, that the lowest levels of a block take."""
SECONDS_PER_VECTOR = 2.6e-6
"""Seconds for each amplitude of a random vector, averages included, where Lanczos vectors are not all kept."""
LONG_SEARCHES = 2
"""The same as `SEARCHES` in these blocks."""
LIKELY_STEPS = 50
"""Lanczos steps of their random vectors."""


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


def estimate_thermal(model: Model, kind: Ensemble, sampling: Sampling, temperatures: int = 1) -> ThermalEstimate:
    """Estimate a thermal sum; block sizes are those of the sectors divided by the order of the symmetry group.

    Parameters
    ----------
    model, kind, sampling
        The sum.
    temperatures : int
        How many.

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
    long = [size for size in sampled if is_long(size, sampling)]
    steps = (sampling.samples + SEARCHES) * sampling.steps
    seconds = SECONDS_PER_BLOCK * len(sizes) + SECONDS_PER_STEP * steps * (sum(sampled) - sum(long))
    seconds += SECONDS_PER_VECTOR * (sampling.samples + LONG_SEARCHES) * sum(long)
    seconds += SECONDS_PER_LEVEL * sum(size**3 for size in sizes if size <= sampling.exact_up_to)
    memory = max(bytes_of(size, size // rank_count(), size <= sampling.exact_up_to, sampling) for size in sizes)
    if long:
        vector = 16 * (max(long) // rank_count())
        more = max(temperatures - FEWEST_TOGETHER, 0) * vector + min(KEPT_BYTES, LIKELY_STEPS * vector)
        memory = max(memory, bytes_of(max(long), max(long) // rank_count(), False, sampling) + more)
    return ThermalEstimate(len(sizes), len(sampled), max(sizes), memory, seconds)


def _size(model: Model, sector: Sector) -> int:
    whole = math.prod(dimensions(model, sector.plain))
    elements = len(momenta(model.cluster)) if sector.momentum is not None else 1
    elements *= (2 if sector.reflection is not None else 1) * (2 if sector.spin_flip is not None else 1)
    elements *= len(points_of(model, sector.momentum).irreps) if sector.irrep is not None else 1
    return max(1, math.ceil(whole / elements)) if whole else 0
