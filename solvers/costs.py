"""Estimates of a run before it starts: dimension, memory, time, engine."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .._core.arguments import taking, whole_number
from .._core.display import counted
from .._core.ranks import rank_count
from ..clusters import Card, InvalidValue, Shown
from ..hamiltonians import Model, Sector
from ..hamiltonians.arguments import a_model, a_sector
from ..hamiltonians.space.charges import is_electrons_alone
from ..hamiltonians.space.product import Space, dimensions
from .block_size import CONFIRMING, STEPS, BlockSize
from .block_size import DoesNotFit as DoesNotFit
from .blocks import finest_blocks, time_reversed
from .caps import capped
from .engines.table import ENGINES, engine_name

DENSE_UP_TO = 400
"""`auto` diagonalises smaller sectors densely."""
PROGRAM_BYTES = 270 << 20
"""What Python with its libraries takes."""


@dataclass(frozen=True, repr=False)
class Estimate(Shown):
    """The needs of a ground-state run.

    Attributes
    ----------
    engine : str
        Engine that will run.
    charges, phonons : int
        Electron-boson configurations and phonon states.
    dimension : int
        States of the (N, S_z) sector.
    stored : int
        Amplitudes kept after symmetry, about.
    memory : int
        Bytes.
    seconds : float
        Wall time, about.
    ranks : int
        Processes that share the run; memory is that of each.
    sent : int
        Bytes that a process sends to others for each product with H, about.
    """

    engine: str
    charges: int
    phonons: int
    dimension: int
    stored: int
    memory: int
    seconds: float
    ranks: int = 1
    sent: int = 0

    def card(self) -> Card:
        """Return size, engine, memory and time."""
        size = f"{counted(self.dimension, 'state')} ({self.charges:,} charge × {self.phonons:,} phonon)"
        what = (("engine", self.engine), ("stored", counted(self.stored, "amplitude")))
        needs = [("memory", format_bytes(self.memory)), ("time", format_seconds(self.seconds))]
        if self.ranks > 1:
            needs = [("ranks", f"{self.ranks}, each:"), *needs, ("sent by a product", format_bytes(self.sent))]
        return Card(f"estimate: {size}", [*what, *needs])


def choose_engine(model: Model, sector: Sector, wanted: str = "auto") -> str:
    """Return the engine that will run: `wanted`, or the faster one for the size.

    Raises
    ------
    ValueError
        If there is no engine of that name.
    """
    if engine_name("engine", wanted) == "auto":
        wanted = "dense" if math.prod(dimensions(capped(model), sector)) <= DENSE_UP_TO else "tensor"
    if rank_count() == 1 or wanted == "dense":
        return wanted
    if wanted == "quspin":
        allowed = "on several ranks take auto, dense or distributed"
        raise InvalidValue(f'engine = "quspin" runs in one process; {allowed}')
    return "tensor" if is_electrons_alone(model, sector) else "distributed"


@taking(model=a_model, sector=a_sector)
def estimate(model: Model, sector: Sector | int, engine: str = "auto", states: int | str = 1) -> Estimate:
    """Estimate a ground-state run without computing anything; ``cutoff = "auto"`` counts with its first cap."""
    assert isinstance(sector, Sector)
    model = capped(model)
    charges, phonons = dimensions(model, sector)
    dimension = charges * phonons
    engine = choose_engine(model, sector, engine)
    ranks = rank_count() if engine == "distributed" else 1
    size = BlockSize(model, sector, charges, phonons, dimension, 1, ranks)
    stored = dimension // size.operations + 1 if sector.has_symmetry else dimension
    states = dimension if states == "all" else whole_number("states", states, 1)
    memory, seconds = ENGINES[engine].needs(replace(size, stored=stored, states=min(states, stored)))
    sent = int(size.ghosts * size.bytes_per_amplitude * stored / ranks)
    memory, seconds = int(memory) + PROGRAM_BYTES, seconds + 0.01
    return Estimate(engine, charges, phonons, dimension, stored, memory, seconds, ranks, sent)


def estimate_run(model: Model, sector: Sector, engine: str = "auto", states: int = 1) -> Estimate:
    """Estimate a run over all symmetry blocks of a sector, as `levels_by_symmetry` does it, without computing anything.

    The first block is searched for its levels, the others are mostly left once they are sure to lie higher. Memory and
    stored amplitudes are those of the largest block.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector
    >>> model = Model(ring(4), Electrons(hopping=1.0), Bosons(exchange=0.8), Phonons(1.0, max_quanta=8))
    >>> estimate_run(model, Sector(8)).stored
    567527
    """
    model = capped(model)
    blocks: list[Sector] = []
    for block in finest_blocks(Space(model, sector)):
        if time_reversed(block, model) not in blocks:  # of two complex conjugate blocks one is solved
            blocks.append(block)
    needs = [estimate(model, block, engine, states) for block in blocks]
    largest = max(needs, key=lambda need: need.memory)
    share = CONFIRMING / (2 * STEPS + CONFIRMING)
    seconds = needs[0].seconds + sum(share * need.seconds for need in needs[1:])
    return replace(largest, seconds=seconds)


def check_memory(model: Model, sector: Sector, engine: str, states: int, limit: int) -> None:
    """Raise MemoryError, with the numbers and what would fit, if a run needs more than `limit` bytes."""
    if engine != "auto":
        ENGINES[engine].check(capped(model))
    refuse(model, sector, engine, states, limit, estimate(model, sector, engine, states))


def refuse(model: Model, sector: Sector, engine: str, states: int, limit: int, need: Estimate) -> None:
    """Raise MemoryError, with the numbers and what would fit, if an estimate exceeds `limit` bytes."""
    if need.memory <= limit:
        return
    fit = _what_fits(model, sector, engine, states, limit)
    raise DoesNotFit(
        f"{need.dimension:,} states ({need.charges:,} charge configurations x {need.phonons:,} phonon states) need "
        f"about {format_bytes(need.memory)} with the {need.engine} engine, and solver.memory_limit is "
        f"{format_bytes(limit)}; {fit}"
    )


def _what_fits(model: Model, sector: Sector, engine: str, states: int, limit: int) -> str:
    table = model.phonons
    if table is None:
        return "raise the limit, or take a smaller cluster"
    key = "total_quanta" if table.total_quanta is not None else "max_quanta"
    for cap in range((getattr(table, key) or 0) - 1, -1, -1):
        lower = replace(table, total_quanta=cap) if key == "total_quanta" else replace(table, max_quanta=cap)
        smaller = replace(model, phonons=lower)
        if estimate(smaller, sector, engine, states).memory <= limit:
            return f"phonons.{key} = {cap} would fit, or raise the limit"
    return "raise the limit, or take a smaller cluster"


def format_bytes(size: float) -> str:
    """Return a size with its unit, as in ``1.5 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.3g} PiB"


def format_seconds(seconds: float) -> str:
    """Return a time with its unit, as in ``12 s``."""
    if seconds < 1:
        return "under 1 s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
