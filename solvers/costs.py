"""What a run will need, before it starts: dimension, memory, time, engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from .._core.arguments import taking, whole_number
from .._core.display import counted
from ..clusters import Card, InvalidValue, Shown, Told, order, point_group
from ..hamiltonians import Model, Sector, hamiltonian_operator
from ..hamiltonians.arguments import a_model, a_sector
from ..hamiltonians.space.charges import is_electrons_alone
from ..hamiltonians.space.frame import frame_parts
from ..hamiltonians.space.phonons import phonon_dimension
from ..hamiltonians.space.product import Space, dimensions
from ..hamiltonians.space.quspin_maps import MAX_BITS
from .blocks import finest_blocks, time_reversed
from .caps import capped
from .krylov.memory import FIRST_CYCLE, KEPT_BYTES, STORED_BYTES

ENGINE_NAMES = ("auto", "dense", "quspin", "tensor")
DENSE_UP_TO = 400
"""`auto` diagonalises smaller sectors densely."""
PROGRAM_BYTES = 270 << 20
"""What Python with its libraries takes."""
BYTES_PER_ENTRY = {False: 12, True: 20}
"""CSR bytes per matrix element, real and complex."""
BUILDING = 2.2
"""A CSR matrix takes this many times its size while it is built."""
SECONDS_PER_CSR_ENTRY = 2e-7
"""Seconds to build one matrix element with QuSpin."""
SECONDS_PER_CSR_PRODUCT = 1e-9
"""Seconds per matrix element and product."""
SECONDS_PER_AMPLITUDE = {"quspin": 2.5e-9, "tensor": 1.2e-9}
"""Seconds that the recursion of each engine spends on its own vectors, per amplitude and step."""
SECONDS_PER_HOP = 5.5e-10
"""Seconds per amplitude, product and matrix element of a row that the tensor engine gathers."""
SECONDS_PER_CONFIGURATION = 7e-6
"""Seconds to build the factors of H, per charge configuration."""
STEPS = 120
"""Steps of a search for a level."""
SURE = 60
"""Steps of a search that makes sure that nothing is left below a bar."""
SETTING_UP, HELD = 900, 700
"""Bytes for each charge configuration while the factors of H are built, and afterwards."""
ELECTRONS_HELD = 300
"""The same for electrons alone: nothing is built, and observables take some."""


@dataclass(frozen=True, repr=False)
class Estimate(Shown):
    """What a ground-state run will need.

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
    """

    engine: str
    charges: int
    phonons: int
    dimension: int
    stored: int
    memory: int
    seconds: float

    def card(self) -> Card:
        """Return size, engine, memory and time."""
        size = f"{counted(self.dimension, 'state')} ({self.charges:,} charge × {self.phonons:,} phonon)"
        what = (("engine", self.engine), ("stored", counted(self.stored, "amplitude")))
        needs = (("memory", format_bytes(self.memory)), ("time", format_seconds(self.seconds)))
        return Card(f"estimate: {size}", [*what, *needs])


class DoesNotFit(Told, MemoryError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """A run that would not fit its memory limit; nothing was computed."""


def choose_engine(model: Model, sector: Sector, wanted: str = "auto") -> str:
    """Return the engine that will run: `wanted`, or the faster one for the size.

    Raises
    ------
    ValueError
        If there is no engine of that name.
    """
    if wanted not in ENGINE_NAMES:
        raise InvalidValue(f"engine = {wanted!r} is not available; allowed: {', '.join(ENGINE_NAMES)}")
    if wanted != "auto":
        return wanted
    return "dense" if int(np.prod(dimensions(capped(model), sector))) <= DENSE_UP_TO else "tensor"


@taking(model=a_model, sector=a_sector)
def estimate(model: Model, sector: Sector | int, engine: str = "auto", states: int | str = 1) -> Estimate:
    """Estimate a ground-state run without computing anything; ``cutoff = "auto"`` counts with its first cap.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector
    >>> model = Model(ring(4), Electrons(hopping=1.0), Bosons(exchange=0.8), Phonons(1.0, max_quanta=8))
    >>> estimate(model, Sector(8)).dimension
    2270106
    """
    assert isinstance(sector, Sector)
    model = capped(model)
    charges, phonons = dimensions(model, sector)
    dimension = charges * phonons
    engine = choose_engine(model, sector, engine)
    stored = dimension // _group_order(model, sector) + 1 if sector.has_symmetry else dimension
    states = dimension if states == "all" else whole_number("states", states, 1)
    size = _Size(charges, phonons, stored, min(states, stored), _is_complex(model, sector))
    memory, seconds = NEEDS[engine](model, sector, size)
    return Estimate(engine, charges, phonons, dimension, stored, int(memory) + PROGRAM_BYTES, seconds + 0.01)


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
    blocks = [b for b in finest_blocks(Space(model, sector)) if _comes_first(time_reversed(b, model), b)]
    needs = [estimate(model, block, engine, states) for block in blocks]
    largest = max(needs, key=lambda need: need.memory)
    share = SURE / (2 * STEPS + SURE)
    seconds = needs[0].seconds + sum(share * need.seconds for need in needs[1:])
    return replace(largest, seconds=seconds)


def _comes_first(partner: Sector | None, block: Sector) -> bool:
    """True where a block, and not its complex conjugate, is solved."""
    return partner is None or (block.momentum or 0, block.irrep or "") <= (partner.momentum or 0, partner.irrep or "")


def _is_complex(model: Model, sector: Sector) -> bool:
    """True where the amplitudes of a block are complex."""
    turned = 2 * (sector.momentum or 0) % order(model.cluster.translation or (0,))
    return model.flux != 0 or turned != 0 or (sector.irrep or "").endswith(("+", "-"))


@dataclass(frozen=True)
class _Size:
    charges: int
    phonons: int
    stored: int
    states: int
    is_complex: bool

    @property
    def products(self) -> int:
        """Products for the levels, in two passes each, and for making sure that there is no other one."""
        return 2 * STEPS * self.states + SURE

    @property
    def width(self) -> int:
        """Bytes of an amplitude."""
        return 16 if self.is_complex else 8


def _dense_needs(model: Model, sector: Sector, size: _Size) -> tuple[float, float]:
    dimension = size.charges * size.phonons
    return 4.0 * size.width * dimension**2, 2e-10 * dimension**3 * (4 if size.is_complex else 1)


def _quspin_needs(model: Model, sector: Sector, size: _Size) -> tuple[float, float]:
    moving, ladders = _entries_of_a_row(model)
    entries = size.stored * (1 + moving + ladders)
    matrix = BUILDING * BYTES_PER_ENTRY[size.is_complex] * entries
    vectors = (6 + 2 * size.states) * size.width * size.stored + 80 * size.charges * size.phonons
    step = SECONDS_PER_CSR_PRODUCT * entries + SECONDS_PER_AMPLITUDE["quspin"] * size.stored
    return matrix + vectors, SECONDS_PER_CSR_ENTRY * entries + size.products * step


def _tensor_needs(model: Model, sector: Sector, size: _Size) -> tuple[float, float]:
    moving, ladders = _entries_of_a_row(model)
    spread, jumps = _spread_of_a_row(model, sector)
    vector = size.width * size.stored
    alone = is_electrons_alone(model)
    kept = min(0 if alone else KEPT_BYTES, STEPS * vector) if FIRST_CYCLE * vector > STORED_BYTES else STORED_BYTES
    vectors = max(4 + size.states, 2 * size.states + 1) * vector + kept
    tables = size.phonons * (4 * _group_order(model, sector) + 24 * ladders + (4 + size.width) * jumps)
    entries = moving + ladders + spread
    each = SECONDS_PER_AMPLITUDE["tensor"] + SECONDS_PER_HOP * entries
    step = size.stored * each * (2 if size.is_complex else 1)
    if alone:
        return ELECTRONS_HELD * size.charges + vectors, size.products * step
    memory = max(SETTING_UP * size.charges, HELD * size.charges + vectors + tables)
    return memory, SECONDS_PER_CONFIGURATION * size.charges + size.products * step


NEEDS: Mapping[str, Callable[[Model, Sector, _Size], tuple[float, float]]] = MappingProxyType(
    {"dense": _dense_needs, "quspin": _quspin_needs, "tensor": _tensor_needs}
)
"""Bytes and seconds of each engine."""


def _group_order(model: Model, sector: Sector) -> int:
    if sector.irrep is not None:
        points = point_group(model.cluster)
        mirrored = points.mirror is not None and points.irreps[sector.irrep][1] is not None
        return order(points.rotation) * (order(points.mirror) if points.mirror and mirrored else 1)
    translations = model.cluster.sites if sector.momentum is not None else 1
    return translations * (2 if sector.reflection is not None else 1)


def _entries_of_a_row(model: Model) -> tuple[float, float]:
    """Return expected matrix elements in a row, of charges that move and of the lattice on its own.

    Each product of ladder letters fires on a share of the states.
    """
    moving, ladders = 0.0, 0.0
    for charge, lattice in hamiltonian_operator(model).terms:
        steps = sum(symbol not in ("nup", "ndn", "nb") for symbol, _ in charge)
        if steps:
            moving += 0.25 ** (steps / 2) * 0.5 ** (len(charge) - steps)
        elif any(up != low for _, up, low in lattice):
            ladders += 0.5 ** len(charge)
    return moving, ladders


def _spread_of_a_row(model: Model, sector: Sector) -> tuple[float, float]:
    """Return expected matrix elements of a row from lattice displacements that follow the charges, and their tables.

    A charge that moves shifts the modes on its way, and each of them to any number of phonons.
    """
    shares: defaultdict[tuple[tuple[int, float], ...], float] = defaultdict(float)
    _, electron, boson = frame_parts(model, sector.charge)
    if model.phonons is None or not (np.any(electron) or np.any(boson)):
        return 0.0, 0.0
    follows = {"c": electron, "b": boson}
    mode_of = {mode.index: m for m, mode in enumerate(model.modes) if mode.host == "site"}
    for charge, _ in hamiltonian_operator(model).terms:
        jump: defaultdict[int, float] = defaultdict(float)
        for symbol, index in charge:
            if symbol not in ("nup", "ndn", "nb") and index in mode_of:
                jump[mode_of[index]] += (1 if "+" in symbol else -1) * follows[symbol[0]][mode_of[index]]
        steps = sum(symbol not in ("nup", "ndn", "nb") for symbol, _ in charge)
        if moved := tuple(sorted((m, round(beta, 12)) for m, beta in jump.items() if abs(beta) > 1e-12)):
            shares[moved] += 0.25 ** (steps / 2) * 0.5 ** (len(charge) - steps)
    caps = model.phonons.max_quanta, model.phonons.total_quanta
    widths = {jump: phonon_dimension(len(jump), *caps) for jump in shares}
    return sum(min(1.0, share) * widths[jump] for jump, share in shares.items()), float(sum(widths.values()))


def check_memory(model: Model, sector: Sector, engine: str, states: int, limit: int) -> None:
    """Raise MemoryError, with the numbers and what would fit, if a run needs more than `limit` bytes."""
    if engine == "quspin":
        check_bits(model)
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


def check_bits(model: Model) -> None:
    """Raise MemoryError if a state does not fit into one 64-bit integer of QuSpin."""
    table = capped(model).phonons
    caps = [cap for cap in (table.max_quanta, table.total_quanta) if cap is not None] if table else [0]
    width = int(min(caps)).bit_length()
    bits = 2 * model.cluster.sites + len(model.boson_sites) + len(model.modes) * width
    if bits > MAX_BITS:
        raise DoesNotFit(
            f"a state needs {bits} bits ({len(model.modes)} modes of {width} bits each), and the quspin engine has "
            f"{MAX_BITS}; lower phonons.max_quanta or phonons.total_quanta"
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
    """Return a size in words, as in ``1.5 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.3g} PiB"


def format_seconds(seconds: float) -> str:
    """Return a time in words, as in ``12 s``."""
    if seconds < 1:
        return "under 1 s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
