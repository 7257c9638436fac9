"""One Lanczos search for the lowest level, from stored vectors or in two passes.

- Small spaces: all vectors of a cycle are stored, and each new one is made orthogonal to the earlier ones before it is
  used; where the Krylov space is exhausted, a random vector takes its place.
- Large spaces: a first pass only computes the tridiagonal matrix, until the residual that follows from it is small. A
  second pass repeats the same recursion and adds its vectors up to the Ritz vector. The first vectors are kept as long
  as they fit in memory, and the second pass begins after them.

A pass can begin in the middle, where a checkpoint was written or the kept vectors end, with q_{k-1} and q_k: it is the
same recursion, and nothing of its convergence is lost as it would be by a restart from a Ritz vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..._core.lazy import la
from ..._core.ranks import agreed
from ..checkpoint import Checkpoint, Writer
from ..work import Progress, silent
from .deflation import Deflated, Ritz, hidden
from .memory import FIRST_CYCLE
from .operator import TINY, Vector
from .recursion import Tridiagonal, lanczos_vectors

FEWEST_STEPS, FEWEST_NEAR = 20, 5
"""Steps before a first pass is looked at, from a random vector, or from one that is known to be near."""
WEAK, FAINT, LOOKED_BACK = 0.05, 1e-6, 20
"""Couplings after which a vector is projected, and looked at as rounding: relative to those of so many steps before."""
CLEANED = 4
"""Steps from one pair of projections to the next: what rounding adds outside the space grows little meanwhile.

A step hands on two vectors, and what lies outside grows from either: two in a row are projected."""
RESTARTS = 4
"""Cycles of stored vectors before a search goes on in two passes: restarts part two close levels slowly."""
MOST_STEPS = 20_000
"""Steps of a search before it starts again from its Ritz vector."""
DOUBT = 1e-6
"""A search ends once the probability that it has missed a level at or below the bar is smaller."""
EPSILON = float(np.finfo(float).eps)
LOOKS = 4, 32
"""The first pass solves its tridiagonal matrix every fourth step, and later when it has grown by a part in 32."""


def announce(progress: Progress, what: str) -> None:
    """Name what is computed next, where progress is the method of a reporter that has a ``step``."""
    step = getattr(getattr(progress, "__self__", None), "step", None)
    if callable(step):
        step(what)


@dataclass(frozen=True)
class Limits:
    """Arguments of `lowest_levels` that say what is wanted."""

    count: int
    tolerance: float
    seed: int
    max_matvecs: int
    degenerate: Callable[[float, float], bool]
    progress: Progress = silent
    wanted_below: float = np.inf
    confirm: bool = True
    starts: tuple[Vector, ...] = ()
    """Vectors close to the levels from the lowest one on, from which their searches begin; overwritten."""


@dataclass(frozen=True)
class Stop:
    """When a search ends.

    Attributes
    ----------
    limits : Limits
        What is wanted of all searches.
    bar : float
        Levels above this energy are not wanted; infinity for none.
    attempt : int
        Number of searches before this one, from whose Ritz vector it starts; the first start is random.
    """

    limits: Limits
    bar: float
    attempt: int

    def is_beyond(self, pair: Ritz) -> bool:
        """True where the lowest level is sure to lie above the bar."""
        return pair.energy > self.bar and pair.doubt < DOUBT and not self.limits.degenerate(pair.energy, self.bar)

    def is_enough(self, pair: Ritz, products: int) -> bool:
        """True where a first pass may end."""
        self.limits.progress(products, pair.energy, pair.residual)
        converged = pair.residual <= max(0.3 * self.limits.tolerance, 8 * EPSILON * pair.scale)
        return converged or self.is_beyond(pair) or products >= self.limits.max_matvecs

    def doubt(self, operator: Deflated, matrix: Tridiagonal, ritz: Ritz) -> float:
        """Return the probability that the search has missed a level at or below the bar.

        From the Lanczos polynomials where the start is random, and from the residual r: as much of the state as r over
        the distance to the bar may lie at the bar.
        """
        if ritz.energy <= self.bar:
            return 1.0
        near = ritz.residual / (ritz.energy - self.bar)
        if self.attempt:
            return near
        is_complex = operator.h.dtype.kind == "c"
        return min(near, hidden(matrix.diagonal, matrix.coupling, self.bar, operator.h.entries, is_complex))


@dataclass(frozen=True)
class Memory:
    """Where a search may keep vectors.

    Attributes
    ----------
    cycle : int
        Bytes for the vectors of a cycle, all of which are kept where a first cycle fits.
    kept : int
        Bytes for the first vectors of a first pass.
    checkpoint : Checkpoint
        The file from which a stopped search can continue.
    """

    cycle: int
    kept: int
    checkpoint: Checkpoint = field(default_factory=Checkpoint)


def searched(operator: Deflated, start: Vector | None, stop: Stop, memory: Memory) -> Ritz:
    """Run one Lanczos search and return the lowest Ritz pair.

    It begins with `start`, which may be overwritten, with a random vector where there is none, or continues from the
    checkpoint.
    """
    search: dict[str, Any] = memory.checkpoint.state.pop("search", {})
    start = search.pop("start", start)
    size = operator.h.most_entries
    stored = memory.cycle // (operator.h.dtype.itemsize * size)
    if stored < FIRST_CYCLE or stop.attempt >= RESTARTS:
        return _two_passes(operator, start, stop, memory, search)
    free = operator.h.dimension - max(1, len(operator.locked))
    left = stop.limits.max_matvecs - operator.products - 1  # the last product gives the residual
    steps = min(FIRST_CYCLE << min(stop.attempt, 8), stored, MOST_STEPS, free, left)
    ritz = _stored_cycle(operator, operator.random_vector() if start is None else start, max(1, steps), stop)
    if memory.checkpoint.due:
        _save(memory.checkpoint, memory.checkpoint.begin(), operator, stop.attempt + 1, {"start": ritz.vector})
    return ritz


def _save(checkpoint: Checkpoint, writer: Writer, operator: Deflated, attempt: int, search: dict[str, Any]) -> None:
    state = checkpoint.state
    state.update(operator.state, attempt=attempt, search=search)
    state["reached"] = f"{operator.products} products, {operator.reached}"
    try:
        checkpoint.save(writer)
    finally:
        del state["attempt"], state["search"]


def _stored_cycle(operator: Deflated, start: Vector, steps: int, stop: Stop) -> Ritz:
    basis = np.empty((steps, len(start)), start.dtype)
    matrix = Tridiagonal()
    vectors = lanczos_vectors(operator.h, start, matrix, product=operator.deflated)
    basis[0] = next(vectors)
    for k, q in zip(range(1, steps), vectors, strict=False):
        _reorthogonalise(operator, q, basis[:k], matrix.coupling[-1] < TINY)
        basis[k] = q
    next(vectors)
    off = matrix.coupling[: steps - 1]
    values, weights = agreed(la.eigh_tridiagonal(matrix.diagonal, off))
    operator.ceiling = max(operator.ceiling, float(values[-1]))
    ritz = operator.ritz(weights[:, 0] @ basis, float(np.max(np.abs(values))))
    return replace(ritz, doubt=stop.doubt(operator, Tridiagonal(matrix.diagonal, off), ritz))


def _reorthogonalise(operator: Deflated, q: Vector, rows: Vector, is_exhausted: bool) -> None:
    """Make a Lanczos vector orthogonal to those before it; where the Krylov space is exhausted, take a random one."""
    if is_exhausted:
        q[:] = operator.random_vector()
    h = operator.h
    for _ in range(3):
        h.project(q)  # a vector of nothing but rounding errors has any direction
        operator.orthonormal(q)
        h.add(-h.overlaps(rows, q), rows, q)
        left = h.norm(q)
        q /= left
        if left > 0.5:
            break


Keep = Callable[[Vector, dict[str, Any]], None]
"""Called with each Lanczos vector, and with what else a pass needs to continue from there."""


@contextmanager
def _keeping(operator: Deflated, checkpoint: Checkpoint, attempt: int) -> Iterator[Keep]:
    """Write a checkpoint whenever it is due: q_k when it is there, the rest with q_{k+1}, so that nothing is copied."""
    writing: tuple[Writer, dict[str, int]] | None = None

    def keep(q: Vector, search: dict[str, Any]) -> None:
        nonlocal writing
        if writing is not None:
            (writer, previous), writing = writing, None
            _save(checkpoint, writer, operator, attempt, search | {"previous": previous, "q": q})
        elif checkpoint.due:
            writer = checkpoint.begin()
            writing = writer, writer.put(q)

    try:
        yield keep
    finally:
        if writing is not None:
            writing[0].discard()


def _two_passes(operator: Deflated, start: Vector | None, stop: Stop, memory: Memory, search: dict[str, Any]) -> Ritz:
    h = operator.h
    matrix = Tridiagonal(search.get("diagonal", []), search.get("coupling", []))
    previous: Vector | None = search.get("previous")
    keeping = (operator, memory.checkpoint, stop.attempt)
    if "step" in search:
        pair, top = _lowest_pair(operator, matrix, stop)
        q, total, step = search["q"], search["total"], search["step"]
    else:
        wanted = not search and stop.bar == np.inf  # other searches seldom need their vector
        room = min(MOST_STEPS, memory.kept // (h.dtype.itemsize * h.most_entries)) if wanted else 0
        kept = np.empty((room, h.size), h.dtype)
        q = search["q"] if "q" in search else operator.random_vector() if start is None else start.copy()
        also = {"start": start} if stop.attempt else {}  # a random one can be drawn again
        with _keeping(*keeping) as keep:
            fewest = FEWEST_STEPS if start is None or stop.attempt else FEWEST_NEAR
            pair, top = _first_pass(operator, q, previous, matrix, stop, kept, fewest, lambda v, s: keep(v, also | s))
        given_up = operator.products >= stop.limits.max_matvecs and pair.residual > stop.limits.tolerance
        if given_up or stop.is_beyond(pair):
            return pair  # its vector is not wanted
        total = operator.random_vector(again=True) if start is None else start
        kept = kept[: len(pair.vector)]
        step = len(kept) - 1 if len(kept) > 1 else 0
        q, previous = (kept[step], kept[step - 1]) if step else (total.copy(), None)
        total[:] = pair.vector[:step] @ kept[:step]
    operator.ceiling = max(operator.ceiling, top)
    with _keeping(*keeping) as keep:
        _second_pass(operator, q, previous, matrix, pair.vector, total, step, keep)
    return replace(operator.ritz(total, pair.scale), doubt=pair.doubt)


def _first_pass(
    operator: Deflated,
    q: Vector,
    previous: Vector | None,
    matrix: Tridiagonal,
    stop: Stop,
    kept: Vector,
    fewest: int,
    keep: Keep,
) -> tuple[Ritz, float]:
    """Extend the tridiagonal matrix until its lowest Ritz pair is good enough; see `_lowest_pair`.

    As many of the first Lanczos vectors as there is room for are written to `kept`; it is looked at after the `fewest`
    steps for the first time.
    """
    begin = len(matrix.diagonal)
    scale, next_look = 0.0, fewest
    vectors = lanczos_vectors(operator.h, q, matrix, product=operator.shifted, begin=begin, previous=previous)
    for step, v in enumerate(vectors, begin):
        if step > begin:
            coupling = matrix.coupling[-1]
            scale = max(scale, abs(matrix.diagonal[-1]) + 2 * coupling)
            is_exhausted = coupling <= 1e-14 * scale or _is_rounding(operator, v, coupling, scale)
            if is_exhausted or step >= next_look or operator.products >= stop.limits.max_matvecs:
                next_look = step + max(LOOKS[0], step // LOOKS[1])
                pair, top = _lowest_pair(operator, matrix, stop)
                scale = pair.scale
                if stop.is_enough(pair, operator.products) or is_exhausted or step == MOST_STEPS - 1:
                    break
        if step % CLEANED < 2 or _is_weak(matrix, step):
            operator.h.project(v)
        keep(v, {"diagonal": matrix.diagonal, "coupling": matrix.coupling})
        if step < len(kept):
            kept[step] = v
    return pair, top


def _is_weak(matrix: Tridiagonal, step: int) -> bool:
    """True where the last coupling is so small that what the symmetry does not allow grows fast."""
    recent = matrix.coupling[max(0, step - LOOKED_BACK) : step]
    return step > 0 and recent[-1] < WEAK * (abs(matrix.diagonal[step - 1]) + 2 * max(recent))


def _is_rounding(operator: Deflated, v: Vector, coupling: float, scale: float) -> bool:
    """True where a Lanczos vector is mostly what the symmetry does not allow: the Krylov space is exhausted."""
    if coupling > FAINT * scale:
        return False
    operator.h.project(v)
    return operator.h.norm(v) < 0.5


def _lowest_pair(operator: Deflated, matrix: Tridiagonal, stop: Stop) -> tuple[Ritz, float]:
    """Return the lowest Ritz pair, its vector in the Lanczos vectors, and the highest Ritz value."""
    last = len(matrix.diagonal) - 1
    bands = np.array(matrix.diagonal), np.array(matrix.coupling[:last])
    values, vectors = agreed(la.eigh_tridiagonal(*bands, select="i", select_range=(0, 0)))
    energy, weights = float(values[0]), vectors[:, 0]
    top = agreed(float(la.eigvalsh_tridiagonal(*bands, select="i", select_range=(last, last))[0]))
    pair = Ritz(energy, matrix.coupling[last] * abs(float(weights[-1])), max(abs(energy), abs(top)), weights)
    operator.reached = f"E = {energy:.10g}, residual {pair.residual:.1e}"
    return replace(pair, doubt=stop.doubt(operator, matrix, pair)), top


def _second_pass(
    operator: Deflated,
    q: Vector,
    previous: Vector | None,
    matrix: Tridiagonal,
    weights: Vector,
    total: Vector,
    begin: int,
    keep: Keep,
) -> None:
    """Add the Lanczos vectors from number `begin` on to `total`, each with its weight."""
    vectors = lanczos_vectors(operator.h, q, matrix, product=operator.shifted, begin=begin, previous=previous)
    for step, v in zip(range(begin, len(weights)), vectors, strict=False):
        if step % CLEANED < 2 or _is_weak(matrix, step):
            operator.h.project(v)
        keep(v, {"diagonal": matrix.diagonal, "coupling": matrix.coupling, "total": total, "step": step})
        operator.h.add(weights[step : step + 1], v[None], total)
