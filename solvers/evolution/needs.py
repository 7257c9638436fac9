"""What a motion needs: products with H, memory and time, before anything is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..._core.display import counted
from ..._core.ranks import rank_count
from ...hamiltonians import Model, Sector
from ...hamiltonians.space.product import dimensions
from ...hamiltonians.terms import hamiltonian_operator
from ..block_size import DoesNotFit
from ..caps import capped
from ..costs import format_bytes, format_seconds

VECTORS = ((1 << 13, 80), (1 << 19, 40), (math.inf, 32))
"""Lanczos vectors of a step for blocks of up to so many amplitudes."""
FEWEST = 8
SECONDS = 1.2e-8
"""Seconds for each amplitude and product, the vectors of the step included, on one core."""
VECTORS_BESIDE = 8
OVERHEAD = 1.6
"""Products for each radian that half the width of the spectrum turns."""


@dataclass(frozen=True)
class Needs:
    """The needs of a motion.

    Attributes
    ----------
    products : int
        Products with H, about.
    states : int
        Amplitudes of the sector.
    memory : int
        Bytes of the fewest vectors that a step takes.
    seconds : float
        Wall time, about.
    """

    products: int
    states: int
    memory: int
    seconds: float

    def __str__(self) -> str:
        vectors = f"vectors of {counted(self.states, 'complex amplitude')} at most, {format_bytes(self.memory)} or more"
        return f"about {self.products:,} products; {vectors}; {format_seconds(self.seconds)} on one core"

    def times(self, states: int) -> Needs:
        """Return the needs of a mixture of so many states, which move one after the other."""
        vectors = self.memory + 16 * states * self.states
        return Needs(states * self.products, self.states, vectors, states * self.seconds)

    def check(self, memory_limit: int) -> None:
        """Raise MemoryError if the vectors do not fit."""
        if self.memory > memory_limit:
            raise DoesNotFit(
                f"the evolution needs {format_bytes(self.memory)} for vectors of {self.states:,} amplitudes, and "
                f"solver.memory_limit is {format_bytes(memory_limit)}; lower the phonon caps"
            )


def motion_needs(model: Model, sector: Sector, duration: float, has_pulse: bool = False) -> Needs:
    """Estimate a motion in a whole sector; symmetries that it keeps make it cheaper.

    Parameters
    ----------
    model, sector
        Of the motion.
    duration : float
        From its beginning to its end.
    has_pulse : bool
        True where a pulse acts.
    """
    model = capped(model)
    states = math.prod(dimensions(model, sector))
    products = math.ceil(OVERHEAD * duration * half_width(model)) + FEWEST
    here = -(-states // rank_count())
    fewest = (FEWEST * (3 if has_pulse else 1) + VECTORS_BESIDE) * 16 * here
    count = next(count for limit, count in VECTORS if here <= limit)
    seconds = SECONDS * products * here * (3 if has_pulse else 1) * (1.0 + count / 100.0)
    return Needs(products, states, fewest, seconds + 0.01)


def half_width(model: Model) -> float:
    """Return half the width of the spectrum, about: hops, and the range of diagonal energies, as far as caps allow."""
    most = 0.0
    table = model.phonons
    caps = [cap for cap in (table.max_quanta, table.total_quanta) if cap is not None] if table else [0]
    quanta = min(caps)
    for (charge, lattice), value in hamiltonian_operator(model).terms.items():
        powers = math.prod((quanta + up) ** (0.5 * (up + low)) for _, up, low in lattice)
        most += abs(value) * powers * 0.25 ** (0.5 * len(charge))
    return 0.5 * most
