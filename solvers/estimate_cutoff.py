"""Estimates of a run before it starts, also where the solver chooses frame and cutoff."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from .._core.arguments import taking
from ..hamiltonians import Model, Sector
from ..hamiltonians.arguments import a_model, a_sector
from ..hamiltonians.space.product import Space
from . import costs
from .blocks import finest_blocks
from .by_symmetry import over_blocks
from .caps import capped, is_automatic, is_optimal
from .costs import Estimate
from .cutoff import CutoffSearch
from .optimal_choice import SET_COST, likely_cap
from .optimal_states import followed
from .options import Options

REHEARSAL = Options(tolerance=1e-8)


def forecast(model: Model, sector: Sector, states: int = 1) -> Model:
    """Return the model with the frame and the cap that a run is expected to choose; others as they are.

    Small phonon spaces are solved, where there are any, and what is left is extrapolated to the accuracy.

    Parameters
    ----------
    model : Model
        The Hamiltonian.
    sector : Sector
        Quantum numbers.
    states : int
        Levels wanted.
    """
    return _forecast(model, sector, states).model


@dataclass(frozen=True)
class Forecast:
    """What a search for frame and cutoff is expected to come to.

    Attributes
    ----------
    model : Model
        With frame and cap.
    seconds : float
        Time for the small spaces.
    solves : float
        How many times as long as its solve at this cap the rest takes.
    """

    model: Model
    seconds: float
    solves: float


def _forecast(model: Model, sector: Sector, states: int) -> Forecast:
    if not is_automatic(model):
        return Forecast(model, 0.0, 1.0)
    if is_optimal(model) and model.phonons is not None:
        cap = None if model.phonons.cutoff is None else likely_cap(model)
        return Forecast(capped(model) if cap is None else capped(model, cap), 0.0, OPTIMAL_SEARCH)
    start = time.process_time()
    search = CutoffSearch(model, sector, states, lambda m, count: over_blocks(m, sector, count, REHEARSAL))
    best = search.rehearsed
    seconds = time.process_time() - start
    if not best.solved or model.phonons is None or model.phonons.cutoff is None:
        return Forecast(search.with_caps(best.table, best.cap), seconds, CLIMB)
    last = len(best.solved) > 1  # else one more raise confirms it
    return Forecast(search.with_caps(best.table, best.cap if last else best.cap + 2), seconds, 0.0 if last else 1.0)


@taking(model=a_model, sector=a_sector)
def estimate(model: Model, sector: Sector | int, engine: str = "auto", states: int = 1) -> Estimate:
    """Estimate a ground-state run; of an automatic cutoff, with the cap that it is expected to choose.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector
    >>> model = Model(ring(4), Electrons(hopping=1.0), Bosons(exchange=0.8), Phonons(1.0, max_quanta=8))
    >>> estimate(model, Sector(8)).dimension
    2270106
    """
    assert isinstance(sector, Sector)
    found = _forecast(model, sector, states)
    need = costs.estimate(found.model, sector, engine, states)
    return replace(need, seconds=_seconds(model, found, need, 1))


def estimate_run(model: Model, sector: Sector, engine: str = "auto", states: int = 1) -> Estimate:
    """Estimate a run over all symmetry blocks of a sector, as `levels_by_symmetry` does it; see `estimate`.

    The first block is searched for its levels, the others are mostly left once they are sure to lie higher. Memory and
    stored amplitudes are those of the largest block.
    """
    found = _forecast(model, sector, states)
    need = costs.estimate_run(found.model, sector, engine, states)
    return replace(need, seconds=_seconds(model, found, need, len(finest_blocks(Space(found.model, sector)))))


def _seconds(model: Model, found: Forecast, need: Estimate, blocks: int) -> float:
    """Return the time of a run with its error bars: wells, certificates, and levels in larger spaces."""
    table = found.model.phonons
    if table is None or not model.modes:
        return need.seconds
    small = min(1.0, ALIKE / need.dimension)
    solve = need.seconds * _cost(model) * (1.0 + DRESSED * small * (table.displacement == "lang-firsov"))
    bars = WELLS + A_BLOCK * blocks + COMPARED * need.seconds * small
    return found.seconds + found.solves * solve + bars


def _cost(model: Model) -> float:
    """Return the cost of a product relative to one in number states."""
    return SET_COST[followed(model)] if is_optimal(model) else 1.0


CLIMB, OPTIMAL_SEARCH = 2.0, 2.0
"""The search for an automatic cutoff takes about as long as the last solve, beside what small spaces take."""
WELLS, A_BLOCK = 0.05, 0.01
"""Seconds for the minima of the adiabatic energy, and for each block."""
COMPARED, ALIKE = 3.0, 20_000
"""Levels in larger spaces, for those that are not close to convergence: in units of the solve, up to this dimension."""
DRESSED = 3.0
"""The same for certificates where displacements follow the charges."""
