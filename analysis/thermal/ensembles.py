"""Thermal ensembles: which blocks, summed over how, and which of them count."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.arguments import instance, is_whole
from ...clusters import Brief
from ...hamiltonians import Block, Hamiltonian, Model, Problem, Sector, Space, hamiltonian_operator
from ...hamiltonians.arguments import a_sector
from ...hamiltonians.parameters import is_number, show
from ...hamiltonians.sector import sector_problems
from ...hamiltonians.space.product import dimensions
from ...hamiltonians.terms import energy_unit
from ...solvers import Eigenstates, Options, levels_by_symmetry, symmetry_sectors
from ...solvers.checkpoint import Checkpoint
from ...solvers.costs import DoesNotFit, estimate, format_bytes
from ...solvers.cutoff import capped
from ...solvers.ensemble_blocks import ENSEMBLES, Member, ensemble_sectors, members
from ...solvers.ground_state import solved
from ...solvers.krylov.sampling import MOST_STEPS, Sample, samples
from ...solvers.krylov.search import silent
from ..observables.table import available

Progress = Callable[[int, int, str], None]
"""Called with the number of blocks done, of all blocks, and what comes next."""
Tell = Callable[[str, int, int], None]
"""Told what is planned, its number, and of how many."""
PATIENCE = 2.0
"""Seconds of planning after which, and then every so often, it is told."""
METHODS = ("auto", "exact", "ftlm")
EXACT_UP_TO = 1500
"""With ``method = "auto"`` larger blocks are sampled."""
TINY = 32
"""Blocks up to this size are never sampled."""
WHOLE_UP_TO = 500
"""Sectors up to this size are diagonalised whole: splitting them into blocks would take longer."""
ROUGH = 1e-6
"""Residual of the levels that bound the weight of a charge."""


@dataclass(frozen=True, repr=False)
class Ensemble(Brief):
    """Which states a thermal average runs over.

    Attributes
    ----------
    kind : str
        "grand-canonical", "canonical" (all S_z of the sector's charge) or "sector".
    sector : Sector or None
        The charge, or the sector; not used in the grand-canonical ensemble.
    density : float or None
        Wanted <N> per site in the grand-canonical ensemble; mu is found for it at each temperature.
    """

    kind: str = "grand-canonical"
    sector: Sector | None = None
    density: float | None = None

    def __post_init__(self) -> None:
        if self.sector is not None:
            object.__setattr__(self, "sector", a_sector("sector", self.sector))

    @property
    def is_grand(self) -> bool:
        """True where the charge is free."""
        return self.kind == "grand-canonical"


@dataclass(frozen=True, repr=False)
class Sampling(Brief):
    """How blocks are summed over.

    Attributes
    ----------
    method : str
        "exact", "ftlm" (finite-temperature Lanczos), or "auto": exact up to `EXACT_UP_TO` states in a block.
    samples : int
        Random vectors of each sampled block, at least 2.
    steps : int
        Lanczos steps that each begins with; more are taken until its thermal states, or a curve, have settled.
    exact_levels : int
        Lowest levels of each sampled block that are summed exactly, so that low temperatures carry no noise.
    target_error : float or None
        Largest error bar of <H> at any temperature; random vectors are added until it is reached.
    skip_below : float
        Sampled charges are left out while their shares of Z, by a bound, add up to less than this.
    """

    method: str = "auto"
    samples: int = 20
    steps: int = 80
    exact_levels: int = 2
    target_error: float | None = None
    skip_below: float = 1e-12

    @property
    def exact_up_to(self) -> float:
        """Largest block of which all levels are computed."""
        return {"exact": np.inf, "ftlm": TINY, "auto": EXACT_UP_TO}[self.method]


def an_ensemble(name: str, value: Any) -> Ensemble:
    """Return an ensemble, that of a kind where a name is given; anything else is refused."""
    if isinstance(value, str):
        return Ensemble(value)
    return instance(name, value, Ensemble, 'write "grand-canonical", or Ensemble("canonical", Sector(4))')


def a_sampling(name: str, value: Any) -> Sampling:
    """Return how to sum over blocks, by a method where a name is given; anything else is refused."""
    if isinstance(value, str):
        return Sampling(value)
    return instance(name, value, Sampling, 'write Sampling("ftlm", samples=20)')


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
        Its states, and the amplitudes that stand for one of them.
    exact : bool
        Over all levels; otherwise with random vectors.
    number : int
        Its place in the ensemble, from which its random numbers come.
    """

    member: Member
    model: Model = field(repr=False)
    dimension: int
    stored: int
    exact: bool
    number: int

    @property
    def plain(self) -> Sector:
        """The (N, S_z) sector that it is a block of."""
        return replace(self.member.sector, momentum=None, reflection=None, irrep=None)

    def __str__(self) -> str:
        s = self.member.sector
        labels = "".join(f", {name} = {value}" for name, value in s.labels.items())
        how = "all levels" if self.exact else "random vectors"
        return f"N = {s.charge}, 2 S_z = {s.two_sz}{labels}: {how} of {self.dimension:,} states"

    def check_memory(self, sampling: Sampling, limit: int) -> None:
        """Raise MemoryError, with the numbers, if the sum over the block takes more than `limit` bytes."""
        need = bytes_of(self.dimension, self.stored, self.exact, sampling)
        if need > limit:
            cutoff = ", a lower phonon cutoff" if self.model.modes else ""
            cure = 'take method = "ftlm"' if self.exact else f"take fewer steps{cutoff}, a smaller cluster"
            raise DoesNotFit(
                f"{self} need about {format_bytes(need)}, and solver.memory_limit is {format_bytes(limit)}; {cure}, "
                "or raise the limit"
            )


def plan(
    model: Model,
    kind: Ensemble,
    sampling: Sampling,
    temperatures: NDArray[np.float64],
    options: Options,
    symmetric: Model | None = None,
    twins: bool = False,
    progress: Progress = lambda done, count, what: None,
) -> tuple[list[Planned], float]:
    """Return the blocks to sum over, and a bound on the share of those that are left out.

    Blocks are those of the symmetries of another model, where it is given; with `twins` those with the same levels are
    all there, as operators need that tell them apart.

    Raises
    ------
    MemoryError
        Before anything is counted, if the largest sector is sure not to fit.
    """
    check_largest(symmetric or model, kind, sampling, options)
    tell = _patient(progress)
    every = [each for each in _all(model, kind, sampling, symmetric or model, twins, tell) if each.dimension]
    if all(planned.exact for planned in every) or not _may_skip(kind):
        return every, 0.0
    return _without_negligible(model, every, sampling, float(temperatures.max()), options, tell)


def _patient(progress: Progress) -> Tell:
    """Return what tells, before any block is done, how far planning is; only where that takes its time."""
    last = time.monotonic()

    def tell(what: str, number: int, count: int) -> None:
        nonlocal last
        if time.monotonic() - last > PATIENCE:
            last = time.monotonic()
            progress(0, count, f"{what}, {number + 1} of {count}")

    return tell


def _may_skip(kind: Ensemble) -> bool:
    """True where charges may be left out whose weight is sure to be small."""
    return kind.is_grand and kind.density is None


def check_largest(model: Model, kind: Ensemble, sampling: Sampling, options: Options) -> None:
    """Raise MemoryError if the largest block of an ensemble is sure to take more than `options.memory_limit`.

    The largest of the blocks of a sector has at least the average of their dimensions. A charge that might be left out
    is refused only if its lowest level, which tells, is out of reach as well.
    """
    model = capped(model)
    sizes = {each: math.prod(dimensions(model, each)) for each, _ in ensemble_sectors(model, kind.kind, kind.sector)}
    sector = max(sizes, key=sizes.__getitem__)
    limit = options.memory_limit // (options.pool.sharing if options.pool else 1)
    if bytes_of(sizes[sector], sizes[sector], sizes[sector] <= sampling.exact_up_to, sampling) <= limit:
        return
    blocks = symmetry_sectors(model, sector)
    size = -(-sizes[sector] // len(blocks))
    exact = size <= sampling.exact_up_to
    planned = Planned(Member(sector, 1, 1), model, size, size, exact, 0)
    if not exact and _may_skip(kind) and estimate(model, blocks[0]).memory <= limit:
        return
    planned.check_memory(sampling, limit)


def bytes_of(dimension: int, stored: int, exact: bool, sampling: Sampling) -> int:
    """Return about how many bytes the sum over a block takes."""
    return 64 * dimension**2 if exact else 16 * stored * (min(sampling.steps, dimension) + 6)


class Blocks:
    """Builds blocks one after the other; those of one (N, S_z) sector share its Hamiltonian."""

    def __init__(self) -> None:
        self._hamiltonian: Hamiltonian | None = None

    def of(self, planned: Planned, model: Model | None = None) -> Block:
        """Return a block of the Hamiltonian of its model, or always of that of another one with the same symmetries."""
        if self._hamiltonian is None or self._hamiltonian.space.sector != planned.plain:
            self._hamiltonian = Hamiltonian.of(model or planned.model, planned.plain)
        return Block.of(self._hamiltonian, planned.member.sector)


def sampled_states(
    planned: Planned, block: Block, sampling: Sampling, options: Options
) -> tuple[Eigenstates, Iterator[Sample]]:
    """Return the lowest levels of a block, and the random vectors that stand for the rest of it."""
    lowest = _lowest(block, sampling.exact_levels, options)
    return lowest, samples(block, sampling.samples, sampling.steps, seed_of(planned, options), lowest.amplitudes)


def most_steps(block: Block, sampling: Sampling, options: Options) -> int:
    """Return the largest Krylov space that a random vector may have: its vectors, images and their own must fit."""
    fitting = options.memory_limit // (3 * block.energy.dtype.itemsize * block.energy.size)
    return max(sampling.steps, min(MOST_STEPS, fitting))


def seed_of(planned: Planned, options: Options) -> np.random.SeedSequence:
    """Return the seed of a block, which is the same wherever and in whatever order blocks are summed over."""
    return np.random.SeedSequence([options.seed, planned.number])


def _lowest(block: Block, count: int, options: Options) -> Eigenstates:
    """Return at least `count` of the lowest levels of a block, with their energies for every state that is kept."""
    while True:
        levels = solved(block, count, "tensor", options, silent, Checkpoint())
        if len(levels.energies) == len(levels.amplitudes):
            return levels
        count = len(levels.amplitudes)  # the ground multiplet is larger than asked for


def _all(
    model: Model, kind: Ensemble, sampling: Sampling, symmetric: Model, twins: bool, tell: Tell
) -> Iterator[Planned]:
    whole_up_to = WHOLE_UP_TO if sampling.method != "ftlm" else 0
    operator, space = hamiltonian_operator(model), None
    every = members(symmetric, kind.kind, kind.sector, whole_up_to, twins)
    for number, member in enumerate(every):
        planned = Planned(member, model, 0, 0, True, number)
        tell(f"counting the states of {member.sector.title}", number, len(every))
        if space is None or space.sector != planned.plain:
            space = Space(model, planned.plain)
        block = Block.of(Hamiltonian(space, operator, ()), member.sector)  # to be counted only
        size, stored = block.dimension, int(np.prod(block.shape))
        yield replace(planned, dimension=size, stored=stored, exact=size <= sampling.exact_up_to)


def _without_negligible(
    model: Model, every: list[Planned], sampling: Sampling, hottest: float, options: Options, tell: Tell
) -> tuple[list[Planned], float]:
    """Leave out charges whose share is sure to be small: Z_N <= dimension exp(-E_0(N) / T), Z >= exp(-E_0 / T)."""
    charges = sorted({planned.member.sector.charge for planned in every})
    rough = replace(options, tolerance=ROUGH)
    lowest = {}
    for number, charge in enumerate(charges):
        tell(f"lowest level of N = {charge}, which bounds its weight", number, len(charges))
        levels = levels_by_symmetry(model, Sector(charge), 1, rough)
        lowest[charge] = float(levels.energies[0] - levels.certificate.residuals[0])
    states = dict.fromkeys(charges, 0)
    for planned in every:
        states[planned.member.sector.charge] += planned.member.copies * planned.dimension
    floor = min(lowest.values()) + 2 * ROUGH * energy_unit(model)
    share = {n: states[n] * float(np.exp(-(lowest[n] - floor) / hottest)) for n in charges}
    dropped, bound = set(), 0.0
    for charge in sorted(charges, key=share.__getitem__):
        if bound + share[charge] > sampling.skip_below:
            break
        bound += share[charge]
        dropped.add(charge)
    return [planned for planned in every if planned.member.sector.charge not in dropped], bound


def thermal_problems(
    model: Model, temperatures: Sequence[float], kind: Ensemble, sampling: Sampling, names: Sequence[str]
) -> Iterator[Problem]:
    """Yield everything wrong with what is asked for."""
    if not len(temperatures) or not all(is_number(t) and t > 0 for t in temperatures):
        yield Problem("thermal.temperatures", show(list(temperatures)), "allowed: a list of numbers above 0")
    if kind.kind not in ENSEMBLES:
        yield Problem("thermal.ensemble", show(kind.kind), "allowed: " + ", ".join(f'"{e}"' for e in ENSEMBLES))
    elif not kind.is_grand and kind.sector is None:
        yield Problem("sector", "nothing", f'add a [sector] table with its charge; ensemble = "{kind.kind}" needs it')
    elif not kind.is_grand and kind.sector is not None:
        yield from sector_problems(model, kind.sector)
    yield from _density_problems(model, kind)
    if sampling.method not in METHODS:
        yield Problem("thermal.method", show(sampling.method), "allowed: " + ", ".join(f'"{m}"' for m in METHODS))
    if not is_whole(sampling.samples) or sampling.samples < 2:
        yield Problem("thermal.samples", show(sampling.samples), "allowed: 2 or more, so that errors can be told")
    if not is_whole(sampling.steps) or sampling.steps < 2:
        yield Problem("thermal.steps", show(sampling.steps), "allowed: 2 or more")
    if model.phonons is not None and model.phonons.dressing == "optimal":
        allowed = "thermal states need a number: that of the ground state, or any other from 0 to 1"
        yield Problem("phonons.dressing", show(model.phonons.dressing), allowed)
    for i, name in enumerate(names):
        if name not in available(model):
            yield Problem(f"thermal.observables[{i}]", show(name), f"allowed: {', '.join(available(model))}")


def _density_problems(model: Model, kind: Ensemble) -> Iterator[Problem]:
    if kind.density is None:
        return
    most = model.max_charge / model.cluster.sites
    if not kind.is_grand:
        yield Problem("thermal.density", show(kind.density), 'allowed: only with ensemble = "grand-canonical"')
    elif not (is_number(kind.density) and 0 < kind.density < most):
        yield Problem("thermal.density", show(kind.density), f"allowed: between 0 and {most:g}, both excluded")
