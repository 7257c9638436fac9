"""Sums over the blocks of an ensemble: in this process or in several, finished blocks kept on disk."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

from ...clusters import InvalidValue
from ...hamiltonians import Model
from ...solvers import Options, silent
from ...solvers.work import Pool, Tell
from .block_files import KeptBlocks, identity
from .block_terms import Contribution, Workshop
from .ensembles import Ensemble, Planned, Progress, Sampling


class BlockSum(Protocol):
    """What is summed over blocks; it can be pickled."""

    @property
    def about(self) -> object:
        """What the sums depend on beside model and sampling, as something whose text says everything."""

    def workshop(self, model: Model, sampling: Sampling, options: Options) -> Workshop:
        """Return what sums over the blocks of a model, one after the other."""


def block_sums(
    asked: BlockSum,
    model: Model,
    kind: Ensemble,
    planned: Sequence[Planned],
    sampling: Sampling,
    options: Options,
    progress: Progress,
) -> tuple[list[Contribution], KeptBlocks]:
    """Sum over every block of an ensemble.

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
    about = identity(asked.about, model, kind, sampling, options)
    kept = KeptBlocks.of(about, options)
    found = {each.number: part for each in planned if (part := kept.find(each)) is not None}
    missing = [each for each in planned if each.number not in found]
    limit = options.memory_limit // (options.pool.sharing if options.pool else 1)
    for each in missing:
        each.check_memory(sampling, limit)
    alone = replace(options, pool=None, checkpoint=None, memory_limit=limit)
    shop = Shop(about, asked, model, sampling, alone)
    progress(len(found), len(planned), str(missing[0]) if missing else "all kept")
    for each, part, seconds in _elsewhere(shop, missing, options.pool) if options.pool else _here(shop, missing):
        kept.keep(each, part, seconds)
        found[each.number] = part
        following = missing[min(len(found) - len(planned) + len(missing), len(missing) - 1)]
        progress(len(found), len(planned), str(following))
    return [found[each.number] for each in planned], kept


@dataclass(frozen=True)
class Shop:
    """A workshop that can be opened in any process; those of one calculation are equal."""

    about: str
    asked: BlockSum = field(compare=False, repr=False)
    model: Model = field(compare=False, repr=False)
    sampling: Sampling = field(compare=False)
    options: Options = field(compare=False)

    def open(self) -> Workshop:
        """Return the workshop."""
        return self.asked.workshop(self.model, self.sampling, self.options)


@lru_cache(maxsize=1)
def _opened(shop: Shop) -> Workshop:
    """Return the workshop of a worker process, which stays open for the next block."""
    return shop.open()


@dataclass(frozen=True)
class BlockWork:
    """One block for another process."""

    shop: Shop
    planned: Planned

    @property
    def key(self) -> str:
        """Calculation and number."""
        return f"{self.shop.about[:16]}-{self.planned.number}"

    def compute(self, progress: Tell = silent) -> tuple[Contribution, float] | Exception:
        """Return the sums with the seconds that they took, or what went wrong."""
        began = time.monotonic()
        try:
            return _opened(self.shop)(self.planned), time.monotonic() - began
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


def _here(shop: Shop, missing: Sequence[Planned]) -> Iterator[tuple[Planned, Contribution, float]]:
    if not missing:
        return
    work = shop.open()
    for each in missing:
        began = time.monotonic()
        part = work(each)
        yield each, part, time.monotonic() - began


def _elsewhere(shop: Shop, missing: Sequence[Planned], pool: Pool) -> Iterator[tuple[Planned, Contribution, float]]:
    pieces = [BlockWork(shop, each) for each in missing]
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
