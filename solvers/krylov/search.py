"""The Lanczos recursion with the guards it needs: a lowest Ritz pair, from stored vectors or in two passes.

QuSpin's recursion tests no convergence, loses orthogonality, and divides by zero in an invariant subspace.

- Small spaces: all vectors of a cycle are kept, and each is mended in QuSpin's own buffer before it is used: made
  orthogonal to the earlier ones, and random where the Krylov space was exhausted.
- Large spaces: a first pass only reads off the tridiagonal matrix, until the residual that it implies is small; a
  second one repeats the same recursion and adds the vectors up to the Ritz vector. The first vectors are kept as long
  as they fit, and the second pass begins after them.

A recursion can begin in the middle, where a checkpoint was written or the kept vectors end: it starts from q_k, and the
first product brings along the term ``- b_{k-1} q_{k-1}`` that would have been subtracted. Nothing is lost so: it is the
same recursion, where a restart from a Ritz vector would lose its pace.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from ..checkpoint import Checkpoint, Writer
from ..work import Progress as Progress
from ..work import silent as silent
from .deflation import Deflated, Ritz, Vector, add, hidden, overlaps
from .memory import FIRST_CYCLE
from .recursion import Ended, Steps

FEWEST_STEPS = 20
CLEANED = 4
"""Steps from one pair of projections to the next: what rounding adds outside the space grows little meanwhile.

A step hands on two vectors, and what lies outside grows from either: two in a row are projected."""
MOST_STEPS = 20_000
"""Steps of a search before it starts again from its Ritz vector."""
LOOKS = 4, 32
"""The first pass looks at its tridiagonal matrix every fourth step, and later when it has grown by a part in 32."""


def announce(progress: Progress, what: str) -> None:
    """Name what is computed next, where progress is the method of a reporter that has a ``step``."""
    step = getattr(getattr(progress, "__self__", None), "step", None)
    if callable(step):
        step(what)


@dataclass(frozen=True)
class Stop:
    """When a search ends.

    Attributes
    ----------
    enough : function
        From energy, residual, scale and doubt of the current Ritz pair to whether the recursion may end.
    useless : function
        From energy, residual and doubt to whether the Ritz vector is not wanted.
    bar : float
        Levels above this energy are not wanted.
    attempt : int
        Number of searches before this one, from whose Ritz vector it starts; the first start is random.
    most : int
        Products after which nothing is begun.
    """

    enough: Callable[[float, float, float, float], bool]
    useless: Callable[[float, float, float], bool]
    bar: float
    attempt: int
    most: int

    def doubt(self, operator: Deflated, diagonal: list[float], coupling: list[float], ritz: Ritz) -> float:
        """Return the probability that the search has missed a level at or below the bar.

        From the Lanczos polynomials where the start is random, or else from the residual r: as much of the state as
        r over the distance to the bar may lie at the bar.
        """
        if ritz.energy <= self.bar:
            return 1.0
        near = ritz.residual / (ritz.energy - self.bar)
        if self.attempt:
            return near
        return min(near, hidden(diagonal, coupling, self.bar, operator.size, operator.dtype.kind == "c"))


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
        The file from which a stopped search can go on.
    """

    cycle: int
    kept: int
    checkpoint: Checkpoint = field(default_factory=Checkpoint)


def searched(operator: Deflated, start: Vector | None, stop: Stop, memory: Memory) -> Ritz:
    """Run one Lanczos search and return the lowest Ritz pair.

    It starts from `start`, which may be overwritten, from a random vector where there is none, or goes on from the
    checkpoint.
    """
    search: dict[str, Any] = memory.checkpoint.state.pop("search", {})
    start = search.pop("start", start)
    stored = memory.cycle // (operator.dtype.itemsize * operator.size)
    if stored < FIRST_CYCLE:
        return _two_passes(operator, start, stop, memory, search)
    free = operator.size - max(1, len(operator.locked))
    left = stop.most - operator.products - 1  # the last product gives the residual
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


class _Mended:
    """H as the stored cycle sees it: every new Lanczos vector is mended before H acts on it."""

    def __init__(self, operator: Deflated, basis: Vector) -> None:
        self._operator, self._basis, self._step = operator, basis, 0
        self.dtype = operator.dtype

    def dot(self, v: Vector, out: Vector) -> Vector:
        if self._step:
            self._mend(v)
        self._step += 1
        return self._operator.act(v, out)

    def _mend(self, v: Vector) -> None:
        """Make a row of QuSpin's buffer orthogonal to those before it; replace what a zero coupling left behind."""
        if not np.all(np.isfinite(v)):
            v[:] = self._operator.random_vector()
        rows = self._basis[: self._step]
        for _ in range(3):
            self._operator.project(v)  # where the Krylov space is exhausted, v is rounding errors, in any direction
            self._operator.tidy(v)
            add(-overlaps(rows, v), rows, v)
            left = np.linalg.norm(v)
            v /= left
            if left > 0.5:
                break


def _stored_cycle(operator: Deflated, start: Vector, steps: int, stop: Stop) -> Ritz:
    from quspin.tools.lanczos import lanczos_full

    basis = np.zeros((steps, operator.size), operator.dtype)
    with np.errstate(invalid="ignore", divide="ignore"):
        values, vectors, _ = lanczos_full(_Mended(operator, basis), start, steps, out=basis, eps=0.0)
    operator.ceiling = max(operator.ceiling, float(values[-1]))
    ritz = operator.ritz(vectors[:, 0] @ basis, float(np.max(np.abs(values))))
    doubt = stop.doubt(operator, *_tridiagonal(values, vectors), ritz)
    return Ritz(ritz.energy, ritz.residual, ritz.scale, ritz.vector, doubt)


def _tridiagonal(values: NDArray[np.float64], vectors: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Return diagonal and couplings of a tridiagonal matrix from its eigenvalues and eigenvectors."""
    weighted = vectors * values
    return np.sum(weighted * vectors, axis=1).tolist(), np.abs(np.sum(weighted[1:] * vectors[:-1], axis=1)).tolist()


class _Pass(Steps):
    """What one pass of a recursion does at its steps; a pass can begin in the middle.

    Parameters
    ----------
    operator : Deflated
        H.
    attempt : int
        Number of the search, for its checkpoint.
    checkpoint : Checkpoint
        Where the pass is kept now and then.
    before : (vector, coupling), optional
        ``q_{k-1}`` and ``b_{k-1}`` of a pass that begins with ``q_k``.
    """

    def __init__(
        self,
        operator: Deflated,
        attempt: int,
        checkpoint: Checkpoint,
        before: tuple[Vector, float] | None = None,
    ) -> None:
        self.operator, self.attempt, self._checkpoint, self._before = operator, attempt, checkpoint, before
        self._writing: tuple[Writer, dict[str, int]] | None = None
        self.dtype = operator.dtype

    def _lifted(self, q: Vector, out: Vector) -> None:
        self.operator.lifted(q, out)
        if self._before is not None:
            vector, coupling = self._before
            add(np.array([-coupling]), vector[None], out)
            self._before = None

    def _keep(self, q: Vector, search: dict[str, Any]) -> None:
        """Write a checkpoint if it is time: one vector now, the rest with the next one, so that nothing is copied."""
        if self._writing is not None:
            writer, previous = self._writing
            self._writing = None
            _save(self._checkpoint, writer, self.operator, self.attempt, search | {"previous": previous, "q": q})
        elif self._checkpoint.due and self._before is None:
            writer = self._checkpoint.begin()
            self._writing = writer, writer.put(q)

    def run(self, start: Vector) -> None:
        """Run the recursion until it has had enough; the start vector is overwritten."""
        try:
            with suppress(Ended):
                self.operator.recursion(self, start, MOST_STEPS)
        finally:
            if self._writing is not None:
                self._writing[0].discard()


class _FirstPass(_Pass):
    """The first pass reads the tridiagonal matrix off the vectors and ends the recursion."""

    def __init__(self, operator: Deflated, stop: Stop, memory: Memory, start: Vector | None, search: dict[str, Any]):
        self.diagonal: list[float] = search.get("diagonal", [])
        self.coupling: list[float] = search.get("coupling", [])
        begun = "diagonal" in search and "step" not in search
        before = (search.pop("previous"), self.coupling[-1]) if begun else None
        super().__init__(operator, stop.attempt, memory.checkpoint, before)
        self._stop = stop
        self._start = {"start": start} if stop.attempt else {}  # a random one can be drawn again
        wanted = not search and stop.bar == np.inf  # others seldom need their vector
        room = min(MOST_STEPS, memory.kept // (operator.dtype.itemsize * operator.size)) if wanted else 0
        self.kept: Vector = np.empty((room, operator.size), operator.dtype)
        self.weights: NDArray[np.float64] = np.ones(1)
        self.energy = self.residual = self.top = self.scale = 0.0
        self.doubt = 1.0
        self._next_look = FEWEST_STEPS

    def product(self, q: Vector, out: Vector) -> float:
        if len(self.diagonal) % CLEANED < 2:
            self.operator.project(q)
        self._keep(q, self._start | {"diagonal": self.diagonal, "coupling": self.coupling})
        if len(self.diagonal) < len(self.kept):
            self.kept[len(self.diagonal)] = q
        self._lifted(q, out)
        self.diagonal.append(float(overlaps(q[None], out)[0].real))
        self.scale = max(self.scale, abs(self.diagonal[-1]) + 2 * max(self.coupling[-1:], default=0.0))
        return self.diagonal[-1]

    def coupled(self, b: float) -> None:
        self.coupling.append(b)
        if self._look():
            raise Ended

    def _look(self) -> bool:
        """Solve the tridiagonal problem now and then; True where the search may end."""
        steps, coupling = len(self.diagonal), self.coupling[-1]
        exhausted = coupling <= 1e-14 * self.scale
        if not exhausted and steps < self._next_look and self.operator.products < self._stop.most:
            return False
        self._next_look = steps + max(LOOKS[0], steps // LOOKS[1])
        self.solve()
        enough = self._stop.enough(self.energy, self.residual, self.scale, self.doubt)
        return enough or exhausted or steps == MOST_STEPS - 1

    def solve(self) -> None:
        """Find the lowest Ritz pair of the tridiagonal matrix."""
        steps, coupling = len(self.diagonal), self.coupling[-1]
        diagonal, off = np.array(self.diagonal), np.array(self.coupling[: steps - 1])
        values, vectors = la.eigh_tridiagonal(diagonal, off, select="i", select_range=(0, 0))
        self.weights, self.energy = vectors[:, 0], float(values[0])
        self.residual = coupling * abs(float(self.weights[-1]))
        self.top = float(la.eigvalsh_tridiagonal(diagonal, off, select="i", select_range=(steps - 1, steps - 1))[0])
        self.scale = max(abs(self.energy), abs(self.top))
        self.operator.reached = f"E = {self.energy:.10g}, residual {self.residual:.1e}"
        pair = Ritz(self.energy, self.residual, self.scale, self.weights)
        self.doubt = self._stop.doubt(self.operator, self.diagonal, self.coupling, pair)


class _SecondPass(_Pass):
    """The second pass adds the Lanczos vectors up, from the one with number `step` on."""

    def __init__(
        self, first: _FirstPass, memory: Memory, total: Vector, step: int = 0, before: Vector | None = None
    ) -> None:
        told = None if before is None else (before, first.coupling[step - 1])
        super().__init__(first.operator, first.attempt, memory.checkpoint, told)
        self._first, self._total, self._step = first, total, step

    def product(self, q: Vector, out: Vector) -> float:
        first, step = self._first, self._step
        if step % CLEANED < 2:
            self.operator.project(q)
        so_far = {"diagonal": first.diagonal, "coupling": first.coupling, "total": self._total, "step": step}
        self._keep(q, so_far)
        add(first.weights[step : step + 1], q[None], self._total)
        self._step += 1
        if self._step == len(first.weights):
            raise Ended
        self._lifted(q, out)
        return first.diagonal[step]

    def known(self) -> float | None:
        return self._first.coupling[self._step - 1]


def _two_passes(operator: Deflated, start: Vector | None, stop: Stop, memory: Memory, search: dict[str, Any]) -> Ritz:
    begun, halfway = "diagonal" in search, "step" in search
    first = _FirstPass(operator, stop, memory, start, search)
    if halfway:
        first.solve()
    elif begun:
        first.run(search.pop("q"))
    else:
        first.run(operator.random_vector() if start is None else start.copy())
    if stop.useless(first.energy, first.residual, first.doubt):
        return Ritz(first.energy, first.residual, first.scale, first.weights, first.doubt)
    operator.ceiling = max(operator.ceiling, first.top)
    if halfway:
        total = search.pop("total")
        _SecondPass(first, memory, total, search["step"], search.pop("previous")).run(search.pop("q"))
    else:
        total = _added_up(first, memory, operator.random_vector(again=True) if start is None else start)
    return operator.ritz(total, first.scale, first.doubt)


def _added_up(first: _FirstPass, memory: Memory, total: Vector) -> Vector:
    """Return the Ritz vector, in the place of the start vector: kept vectors first, then a second pass for the rest."""
    kept = first.kept[: len(first.weights)]
    last = len(kept) - 1
    if last == len(first.weights) - 1:
        total[:] = first.weights @ kept
    elif last < 1:
        start = total.copy()
        total[:] = 0.0
        _SecondPass(first, memory, total).run(start)
    else:
        total[:] = first.weights[:last] @ kept[:last]
        _SecondPass(first, memory, total, last, kept[last - 1]).run(kept[last])
    return total
