"""The blocks of an ensemble: which of them are summed over, how, and what they need."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from ..._core.ranks import rank_count
from ...hamiltonians import Block, Hamiltonian, Model, Sector, Space, hamiltonian_operator
from ...hamiltonians.conservation import sectors_of
from ...hamiltonians.space.product import dimensions
from ...hamiltonians.terms import energy_unit
from ...solvers import Eigenstates, Options, levels_by_symmetry, symmetry_sectors
from ...solvers.caps import capped
from ...solvers.checkpoint import Checkpoint
from ...solvers.costs import DoesNotFit, estimate, format_bytes
from ...solvers.ensemble_blocks import Member, ensemble_sectors, members
from ...solvers.ground_state import solved
from ...solvers.krylov.long_samples import FEWEST_TOGETHER, WORK
from ...solvers.krylov.sampling import MOST_STEPS
from ...solvers.work import silent
from .ensembles import Ensemble, Sampling, ThermalSum

PATIENCE = 2.0
"""Seconds of planning after which, and then every so often, progress is reported."""
WHOLE_UP_TO = 500
"""Sectors up to this size are diagonalised whole: splitting them into blocks would take longer."""
ROUGH = 1e-6
"""Residual of the levels that bound the weight of a charge, and of those that are not sampled in large blocks."""
LONG_FROM = 1 << 26
"""Bytes of Lanczos vectors above which averages take two passes over them."""

SECONDS_PER_CUBE, SECONDS_PER_STEP = 2e-9, 1e-8
"""Of LAPACK for a matrix, by the cube of its dimension, and of a Lanczos step, for each amplitude."""


@dataclass(frozen=True)
class Planned:
    """A block of an ensemble, and how it will be summed over.

    Attributes
    ----------
    member : Member
        Its quantum numbers and copies.
    model : Model
        The Hamiltonian.
    dimension, stored : int
        Its states, and the amplitudes that stand for one of them, of a process that shares the block with others.
    exact : bool
        Over all levels; otherwise with random vectors.
    number : int
        Its place in the ensemble, from which its random numbers come.
    entries : int
        The amplitudes of all processes.
    """

    member: Member
    model: Model = field(repr=False)
    dimension: int
    stored: int
    exact: bool
    number: int
    entries: int = 0

    @property
    def plain(self) -> Sector:
        """The (N, S_z) sector that it is a block of."""
        return replace(self.member.sector, momentum=None, reflection=None, irrep=None)

    def __str__(self) -> str:
        s = self.member.sector
        labels = "".join(f", {name} = {value}" for name, value in s.labels.items())
        how = "all levels" if self.exact else "random vectors"
        return f"{s.plain.title}{labels}: {how} of {self.dimension:,} states"

    def seconds(self, sampling: Sampling) -> float:
        """Return about how long one process takes for the sum over the block."""
        if self.exact:
            return SECONDS_PER_CUBE * self.dimension**3
        return SECONDS_PER_STEP * self.entries * sampling.steps * (sampling.samples + 1)

    def fits_one_process(self, asked: ThermalSum) -> bool:
        """True where the sum over the whole block is within the memory limit."""
        return bytes_of(self.dimension, self.entries, self.exact, asked.sampling) <= asked.memory_limit

    def check_memory(self, asked: ThermalSum) -> None:
        """Raise MemoryError, with the numbers, if the sum over the block takes more than the memory limit."""
        need, limit = bytes_of(self.dimension, self.stored, self.exact, asked.sampling), asked.memory_limit
        if need > limit:
            cutoff = ", a lower phonon cutoff" if self.model.modes else ""
            cure = 'take method = "ftlm"' if self.exact else f"take fewer steps{cutoff}, a smaller cluster"
            raise DoesNotFit(
                f"{self} need about {format_bytes(need)}, and solver.memory_limit is {format_bytes(limit)}; {cure}, "
                "or raise the limit"
            )


def bytes_of(dimension: int, stored: int, exact: bool, sampling: Sampling) -> int:
    """Return about how many bytes the sum over a block takes."""
    if exact:
        return 64 * dimension**2
    vectors = FEWEST_TOGETHER + WORK + sampling.exact_levels if is_long(stored, sampling) else sampling.steps + 6
    return 16 * stored * min(vectors, dimension + 6)


def plan(
    asked: ThermalSum, what: str = "", symmetric: Model | None = None, twins: bool = False
) -> tuple[list[Planned], float]:
    """Return the blocks to sum over, and a bound on the share of those that are left out.

    Parameters
    ----------
    asked : ThermalSum
        The sum.
    what : str
        The quantity, for the progress.
    symmetric : Model, optional
        Blocks are those of the symmetries of this model.
    twins : bool
        Blocks with the same levels are all listed, for operators that differ in them.

    Raises
    ------
    MemoryError
        Before anything is counted, if the largest sector is sure not to fit.
    """
    symmetric = symmetric or asked.model
    check_largest(symmetric, asked.ensemble, asked.sampling, asked.options)
    report = _patient(partial(asked.progress, what))
    every = [each for each in _all(asked, symmetric, twins, report) if each.dimension]
    if all(planned.exact for planned in every) or not _may_skip(asked.ensemble):
        return every, 0.0
    return _without_negligible(asked, every, report)


Report = Callable[[str, int, int], None]
"""Called with what is planned, its number, and the number of all."""


def _patient(progress: Callable[[int, int, str], None]) -> Report:
    """Return what reports the progress of planning, but only where that takes long."""
    last = time.monotonic()

    def report(what: str, number: int, count: int) -> None:
        nonlocal last
        if time.monotonic() - last > PATIENCE:
            last = time.monotonic()
            progress(0, count, f"{what}, {number + 1} of {count}")

    return report


def _may_skip(kind: Ensemble) -> bool:
    """True where charges may be left out whose weight is sure to be small."""
    return kind.is_grand and kind.density is None


def check_largest(model: Model, kind: Ensemble, sampling: Sampling, options: Options) -> None:
    """Raise MemoryError if the largest block of an ensemble is sure to take more than the memory limit.

    The largest of the blocks of a sector has at least the average of their dimensions. A charge that might be left out
    is refused only if its lowest level, which decides that, is out of reach as well.
    """
    model = capped(model)
    asked = ThermalSum(model, np.zeros(0), kind, sampling, options)
    sizes = {each: math.prod(dimensions(model, each)) for each, _ in ensemble_sectors(model, kind.kind, kind.sector)}
    sector = max(sizes, key=sizes.__getitem__)
    here = sizes[sector] // rank_count()  # several processes share what is sampled
    if bytes_of(sizes[sector], here, sizes[sector] <= sampling.exact_up_to, sampling) <= asked.memory_limit:
        return
    blocks = symmetry_sectors(model, sector)
    size = -(-sizes[sector] // len(blocks))
    exact = size <= sampling.exact_up_to
    if not exact and _may_skip(kind) and estimate(model, blocks[0]).memory <= asked.memory_limit:
        return
    Planned(Member(sector, 1, 1), model, size, size // rank_count(), exact, 0).check_memory(asked)


class Blocks:
    """Builds blocks one after the other; those of one (N, S_z) sector share its Hamiltonian."""

    def __init__(self) -> None:
        self._hamiltonian: Hamiltonian | None = None

    def of(self, planned: Planned, model: Model | None = None) -> Block:
        """Return a block of the Hamiltonian of its model, or always of that of another one with the same symmetries."""
        if self._hamiltonian is None or self._hamiltonian.space.sector != planned.plain:
            self._hamiltonian = Hamiltonian.of(model or planned.model, planned.plain)
        return Block.of(self._hamiltonian, planned.member.sector)


def lowest_levels(planned: Planned, block: Block, asked: ThermalSum) -> Eigenstates:
    """Return the lowest levels of a block of which the rest is sampled."""
    count, options = asked.sampling.exact_levels, asked.options
    if is_long(block.most_entries, asked.sampling):
        options = replace(options, tolerance=max(options.tolerance, ROUGH))
    while True:
        lowest = solved(block, count, "tensor", options, silent, Checkpoint())
        if len(lowest.energies) == len(lowest.amplitudes):
            return lowest
        count = len(lowest.amplitudes)  # the ground multiplet is larger than asked for


def is_long(stored: int, sampling: Sampling) -> bool:
    """True for blocks whose Lanczos vectors are not all kept."""
    return 16 * stored * sampling.steps > LONG_FROM


def most_steps(block: Block, asked: ThermalSum) -> int:
    """Return the largest Krylov space that a random vector may have: its vectors, images and their own must fit."""
    fitting = asked.options.memory_limit // (3 * block.energy.dtype.itemsize * block.most_entries)
    return max(asked.sampling.steps, min(MOST_STEPS, fitting))


def seed_of(planned: Planned, asked: ThermalSum) -> np.random.SeedSequence:
    """Return the seed of a block, which is the same wherever and in whatever order blocks are summed over."""
    return numbered_seed(planned.number, asked)


def numbered_seed(number: int, asked: ThermalSum) -> np.random.SeedSequence:
    """Return the seed of the block with a number in an ensemble."""
    return np.random.SeedSequence([asked.options.seed, number])


def ensemble_members(asked: ThermalSum, symmetric: Model, twins: bool) -> tuple[Member, ...]:
    """Return the blocks of the ensemble of a sum, with the symmetries and caps of a model."""
    whole_up_to = WHOLE_UP_TO if asked.sampling.method != "ftlm" else 0
    return members(symmetric, asked.ensemble.kind, asked.ensemble.sector, whole_up_to, twins)


def _all(asked: ThermalSum, symmetric: Model, twins: bool, report: Report) -> Iterator[Planned]:
    sampling, operator, space = asked.sampling, hamiltonian_operator(asked.model), None
    every = ensemble_members(asked, symmetric, twins)
    for number, member in enumerate(every):
        planned = Planned(member, asked.model, 0, 0, True, number)
        report(f"counting the states of {member.sector.title}", number, len(every))
        if space is None or space.sector != planned.plain:
            space = Space(asked.model, planned.plain)
        block = Block.of(Hamiltonian(space, operator, ()), member.sector)  # to be counted only
        size, stored, entries = block.dimension, block.most_entries, block.entries
        exact = size <= sampling.exact_up_to
        yield replace(planned, dimension=size, stored=stored, entries=entries, exact=exact)


def _lowest_in(model: Model, charge: int) -> list[Sector]:
    """Return sectors of which one has the lowest level of a charge: where the spins are free, the smallest S_z has."""
    every = sectors_of(model, charge)
    has_multiplets = model.reverses_spins and not model.terms
    return [min(every, key=lambda sector: abs(sector.spin_excess))] if has_multiplets else every


def _without_negligible(asked: ThermalSum, every: list[Planned], report: Report) -> tuple[list[Planned], float]:
    """Leave out charges whose share is sure to be small: Z_N <= dimension exp(-E_0(N) / T), Z >= exp(-E_0 / T)."""
    charges = sorted({planned.member.sector.charge for planned in every})
    rough = replace(asked.options, tolerance=ROUGH)
    lowest = {}
    for number, charge in enumerate(charges):
        report(f"lowest level of N = {charge}, which bounds its weight", number, len(charges))
        found = [levels_by_symmetry(asked.model, sector, 1, rough) for sector in _lowest_in(asked.model, charge)]
        lowest[charge] = min(float(levels.energies[0] - levels.certificate.residuals[0]) for levels in found)
    states = dict.fromkeys(charges, 0)
    for planned in every:
        states[planned.member.sector.charge] += planned.member.copies * planned.dimension
    floor, hottest = min(lowest.values()) + 2 * ROUGH * energy_unit(asked.model), float(asked.temperatures.max())
    share = {n: states[n] * float(np.exp(-(lowest[n] - floor) / hottest)) for n in charges}
    dropped, bound = set(), 0.0
    for charge in sorted(charges, key=share.__getitem__):
        if bound + share[charge] > asked.sampling.skip_below:
            break
        bound += share[charge]
        dropped.add(charge)
    return [planned for planned in every if planned.member.sector.charge not in dropped], bound
