"""Sums over the blocks of an ensemble: in this process, in several, or by ranks; finished blocks kept on disk."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

from ..._core.ranks import Ranks, current_ranks, shared_by
from ...clusters import InvalidValue
from ...solvers import Options, silent
from ...solvers.work import Pool
from .block_files import KeptBlocks
from .block_terms import Contribution, SumOverBlock
from .blocks import Planned
from .ensembles import ThermalSum, no_progress


class BlockSum(Protocol):
    """What is summed over blocks; it can be pickled."""

    @property
    def about(self) -> object:
        """What the sums depend on, apart from model and sampling, as a value whose text is complete."""

    def on_blocks(self, asked: ThermalSum) -> SumOverBlock:
        """Return the function that sums over one block after the other."""


def block_sums(
    asked: ThermalSum, summed: BlockSum, planned: Sequence[Planned], what: str = ""
) -> tuple[list[Contribution], KeptBlocks]:
    """Sum over every block of an ensemble.

    Parameters
    ----------
    asked : ThermalSum
        Model, sampling and options.
    summed : BlockSum
        What is summed.
    planned : sequence of Planned
        The blocks.
    what : str
        The quantity, for the progress.

    Returns
    -------
    parts : list of Contribution
        In the order of the blocks; the same whichever process computed which of them.
    kept : KeptBlocks
        Those on disk, to be removed when they are not needed any more.

    Raises
    ------
    MemoryError
        Before anything is computed, if a block fits neither way.
    """
    kept, pool = KeptBlocks.of(summed.about, asked), asked.options.pool
    found = {each.number: part for each in planned if (part := kept.find(each)) is not None}
    missing = [each for each in planned if each.number not in found]
    for each in missing:
        each.check_memory(asked)
    alone = replace(asked.options, pool=None, checkpoint=None, memory_limit=asked.memory_limit)
    one = Calculation(kept.about, alone, summed, replace(asked, options=alone, progress=no_progress))
    asked.progress(what, len(found), len(planned), str(missing[0]) if missing else "all kept")
    ranks = current_ranks()
    parts = _elsewhere(one, missing, pool) if pool else _among(one, missing, ranks) if ranks else _here(one, missing)
    for each, part, seconds in parts:
        kept.keep(each, part, seconds)
        found[each.number] = part
        following = missing[min(len(found) - len(planned) + len(missing), len(missing) - 1)]
        asked.progress(what, len(found), len(planned), str(following))
    return [found[each.number] for each in planned], kept


@dataclass(frozen=True)
class Calculation:
    """A sum over blocks as any process can go on with it; equal ones compute the same."""

    about: str
    options: Options
    summed: BlockSum = field(compare=False, repr=False)
    asked: ThermalSum = field(compare=False, repr=False)


@lru_cache(maxsize=1)
def _on_blocks(one: Calculation) -> SumOverBlock:
    """Return the function of a worker process that sums over blocks; it keeps what they share for the next block."""
    return one.summed.on_blocks(one.asked)


@dataclass(frozen=True)
class BlockWork:
    """One block for another process."""

    calculation: Calculation
    planned: Planned

    @property
    def key(self) -> str:
        """Calculation and number."""
        return f"{self.calculation.about[:16]}-{self.planned.number}"

    def compute(self, progress: Callable[[int, float, float], None] = silent) -> tuple[Contribution, float] | Exception:
        """Return the sums with the seconds that they took, or what went wrong."""
        began = time.monotonic()
        try:
            return _on_blocks(self.calculation)(self.planned), time.monotonic() - began
        except Exception as error:  # it is raised where the sum goes on
            return _portable(error)

    def lost(self, why: str) -> Exception:
        """Return the error of a block that nobody could sum over."""
        return MemoryError(f"{self.planned}: {why}")

    def moved(self) -> BlockWork:
        """Return it as it is: nothing of it is on a disk."""
        return self


def _portable(error: Exception) -> Exception:
    """Return an error as another process can read it."""
    try:
        pickle.loads(pickle.dumps(error))
    except (pickle.PicklingError, AttributeError, TypeError):
        return ArithmeticError(f"{type(error).__name__}: {error}")
    return error


Found = Iterator[tuple[Planned, Contribution, float]]
"""Blocks with their sums, and the seconds that these took."""


def _here(one: Calculation, missing: Sequence[Planned]) -> Found:
    if not missing:
        return
    over_block = one.summed.on_blocks(one.asked)
    for each in missing:
        began = time.monotonic()
        part = over_block(each)
        yield each, part, time.monotonic() - began


def _among(one: Calculation, missing: Sequence[Planned], ranks: Ranks) -> Found:
    """Let all ranks share each of the large blocks, then each rank sum over some of the others alone."""
    together, own = apart(missing, one.asked, ranks.size)
    yield from _here(one, together)
    found: list[tuple[Planned, Contribution, float]] = []
    wrong: Exception | None = None
    with shared_by(None):  # no rank waits for another one
        try:
            for answer in _here(one, own[ranks.rank]):
                found.append(answer)
                if ranks.asked:
                    break
        except Exception as error:  # all ranks raise it
            wrong = _portable(error)
    answers = ranks.every((found, wrong))
    for _, raised in answers:
        if raised is not None:
            raise raised
    for some, _ in answers:
        yield from some


def apart(planned: Sequence[Planned], asked: ThermalSum, ranks: int) -> tuple[list[Planned], list[list[Planned]]]:
    """Return the blocks that all ranks share, and those of each rank.

    Shared are blocks that would take one rank longer than all of them together take for everything, or that do not fit
    there. Each of the others, longest first, goes to the rank that has the least to do.
    """
    time_of = {each.number: each.seconds(asked.sampling) for each in planned}
    limit = sum(time_of.values()) / ranks
    together: list[Planned] = []
    own: list[list[Planned]] = [[] for _ in range(ranks)]
    busy = [0.0] * ranks
    for each in sorted(planned, key=lambda each: -time_of[each.number]):
        is_large = time_of[each.number] > limit or not each.fits_one_process(asked)
        if is_large and each.stored < each.entries and not each.exact:
            together.append(each)
            continue
        rank = busy.index(min(busy))
        own[rank].append(each)
        busy[rank] += time_of[each.number]
    return together, own


def _elsewhere(one: Calculation, missing: Sequence[Planned], pool: Pool) -> Found:
    pieces = [BlockWork(one, each) for each in missing]
    try:
        pickle.dumps(pieces[:1])
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InvalidValue(
            f"the model cannot be sent to other processes ({error}); define its terms in a module that can be "
            "imported, or leave the pool out"
        ) from None
    with closing(pool.compute(pieces)) as answers:
        for piece, answer in answers:
            if isinstance(answer, Exception):
                raise answer
            yield piece.planned, *answer
