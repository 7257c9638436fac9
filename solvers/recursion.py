"""QuSpin's Lanczos recursion with the guards it needs: a lowest Ritz pair, from stored vectors or in two passes.

The recursion tests no convergence, loses orthogonality, and divides by zero in an invariant subspace.

- Small spaces: all vectors of a cycle are kept, and each is mended in QuSpin's own buffer before it is used: made
  orthogonal to the earlier ones, and random where the Krylov space was exhausted.
- Large spaces: a first pass keeps three vectors and only reads off the tridiagonal matrix, until the residual that it
  implies is small; a second one repeats the same recursion and adds the vectors up to the Ritz vector.

Levels found before are lifted to the top of the spectrum, where no search for a lowest level looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray
from quspin.tools.lanczos import lanczos_full, lanczos_iter

from ..hamiltonians.kernels import add_rows, row_products
from ..hamiltonians.threads import PARALLEL_FROM

Vector = NDArray[Any]
"""A real or complex array of amplitudes."""
Matvec = Callable[[Vector, Vector], Vector]
"""``(v, out) -> H v``, written to `out`."""
Projection = Callable[[Vector], None]
"""Projects a vector, in place, onto the part of the space that counts."""

FIRST_CYCLE = 60
"""Steps of a first cycle with stored vectors; each further one is twice as long, while memory allows."""
FEWEST_STEPS = 20
FEW = 4
PIECE = 1 << 14
"""Entries of long vectors that are summed together."""
MOST_STEPS = 20_000
"""Steps of a search before it starts again from its Ritz vector."""
LOOKS = 4, 32
"""The first pass looks at its tridiagonal matrix every fourth step, and later when it has grown by a part in 32."""


class Progress(Protocol):
    """What is called as a solver goes on."""

    def __call__(self, matvecs: int, energy: float, residual: float) -> None:
        """Tell how many products were formed, and how far the current level is."""


def silent(matvecs: int, energy: float, residual: float) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Ritz:
    """A normalised approximate eigenvector.

    Attributes
    ----------
    energy, residual : float
        ``<psi|H|psi>`` and ``||H psi - E psi||``.
    scale : float
        Norm of H in the Krylov space.
    vector : (n,)
        Amplitudes.
    """

    energy: float
    residual: float
    scale: float
    vector: Vector


@dataclass(frozen=True)
class Stop:
    """When a search ends.

    Attributes
    ----------
    enough : function
        From energy, residual and scale of the current Ritz pair to whether the recursion may end.
    useless : function
        From energy and residual to whether the Ritz vector is not wanted.
    attempt : int
        Number of searches before this one, from whose Ritz vector it starts.
    """

    enough: Callable[[float, float, float], bool]
    useless: Callable[[float, float], bool]
    attempt: int


def overlaps(rows: Vector, v: Vector) -> Vector:
    """Return ``<row|v>`` for each row of a (k, n) array."""
    if _suits_blas(rows):
        return np.asarray(rows.conj() @ v)
    partial: Vector = np.zeros((max(1, len(v) // PIECE), len(rows)), v.dtype)
    row_products(partial, rows, v)
    return np.asarray(partial.sum(axis=0))


def _suits_blas(rows: Vector) -> bool:
    """True for small or many rows; a few long ones need all cores and no copy."""
    return len(rows) > FEW or rows.size < PARALLEL_FROM


def add(coefficients: Vector, rows: Vector, v: Vector) -> None:
    """Add ``sum_k coefficients[k] rows[k]`` to `v`, in place and without an array of its size."""
    if _suits_blas(rows):
        v += coefficients @ rows
    else:
        add_rows(v, coefficients.astype(v.dtype), rows)


class Deflated:
    """The operator that QuSpin's recursion sees: H with the levels already found lifted to a ceiling.

    Parameters
    ----------
    matvec, project : functions
        H and the projector onto the space that counts, which commutes with it.
    size, dtype
        Of the vectors.
    random : numpy.random.Generator
        Source of start vectors.
    stored_bytes : int
        Memory for the vectors of a cycle.
    """

    def __init__(
        self,
        matvec: Matvec,
        project: Projection,
        size: int,
        dtype: np.dtype[Any],
        random: np.random.Generator,
        stored_bytes: int,
    ) -> None:
        self.matvec, self.project, self.size, self.dtype = matvec, project, size, dtype
        self.stored_bytes = stored_bytes
        self.locked: Vector = np.zeros((0, size), dtype)
        self.ceiling = 0.0
        self.products = 0
        self._random = random

    def act(self, v: Vector, out: Vector) -> Vector:
        """Write ``H v`` to `out`, with locked levels at the ceiling."""
        self.matvec(v, out)
        self.products += 1
        if len(self.locked):
            add(self.ceiling * overlaps(self.locked, v) - overlaps(self.locked, out), self.locked, out)
        return out

    def lock(self, vector: Vector) -> None:
        """Lift one more level out of the way."""
        self.locked = np.concatenate([self.locked, vector[None]])

    def random_vector(self) -> Vector:
        """Return a random unit vector beside the locked ones, complex where the operator is."""
        vector: Vector = np.asarray(self._random.standard_normal(self.size), self.dtype)
        if self.dtype.kind == "c":
            vector += 1j * self._random.standard_normal(self.size)
        self.project(vector)
        return self.tidy(vector)

    def tidy(self, vector: Vector) -> Vector:
        """Take locked vectors out (twice is enough) and normalise, in place."""
        for _ in range(2 if len(self.locked) else 0):
            add(-overlaps(self.locked, vector), self.locked, vector)
        vector /= np.linalg.norm(vector)
        return vector

    def ritz(self, vector: Vector, scale: float) -> Ritz:
        """Return the Ritz pair of a vector, with its true residual."""
        self.project(vector)
        self.tidy(vector)
        image = self.act(vector, np.empty_like(vector))
        energy = float(np.vdot(vector, image).real)
        add(np.array([-energy]), vector[None], image)
        return Ritz(energy, float(np.linalg.norm(image)), scale, vector)


def searched(operator: Deflated, start: Vector, stop: Stop) -> Ritz:
    """Run one Lanczos search from `start`, which may be overwritten; return the lowest Ritz pair."""
    stored = operator.stored_bytes // (operator.dtype.itemsize * operator.size)
    if stored < FIRST_CYCLE:
        return _two_passes(operator, start, stop)
    free = operator.size - max(1, len(operator.locked))
    steps = min(FIRST_CYCLE << min(stop.attempt, 8), stored, MOST_STEPS, free)
    return _stored_cycle(operator, start, max(1, steps))


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


def _stored_cycle(operator: Deflated, start: Vector, steps: int) -> Ritz:
    basis = np.zeros((steps, operator.size), operator.dtype)
    with np.errstate(invalid="ignore", divide="ignore"):
        values, vectors, _ = lanczos_full(_Mended(operator, basis), start, steps, out=basis, eps=0.0)
    operator.ceiling = max(operator.ceiling, float(values[-1]))
    return operator.ritz(vectors[:, 0] @ basis, float(np.max(np.abs(values))))


class _Enough(Exception):  # noqa: N818
    """Ends QuSpin's recursion from within a product."""


class _FirstPass:
    """H as the first pass sees it: it reads the tridiagonal matrix off the vectors and ends the recursion."""

    def __init__(self, operator: Deflated, stop: Stop) -> None:
        self._operator, self._stop = operator, stop
        self.dtype = operator.dtype
        self.diagonal: list[float] = []
        self.coupling: list[float] = []
        self.weights: NDArray[np.float64] = np.ones(1)
        self.energy = self.residual = self.top = self.scale = 0.0
        self._next_look = FEWEST_STEPS

    def dot(self, q: Vector, out: Vector) -> Vector:
        if self.diagonal:
            self.coupling.append(_ratio(out, q))
            if self._look():
                raise _Enough
        self._operator.project(q)
        self._operator.act(q, out)
        self.diagonal.append(float(np.vdot(q, out).real))
        self.scale = max(self.scale, abs(self.diagonal[-1]) + 2 * max(self.coupling[-1:], default=0.0))
        return out

    def _look(self) -> bool:
        """Solve the tridiagonal problem now and then; True where the search may end."""
        steps, coupling = len(self.diagonal), self.coupling[-1]
        exhausted = coupling <= 1e-14 * self.scale
        if not exhausted and steps < self._next_look:
            return False
        self._next_look = steps + max(LOOKS[0], steps // LOOKS[1])
        diagonal, off = np.array(self.diagonal), np.array(self.coupling[:-1])
        values, vectors = la.eigh_tridiagonal(diagonal, off, select="i", select_range=(0, 0))
        self.weights, self.energy = vectors[:, 0], float(values[0])
        self.residual = coupling * abs(float(self.weights[-1]))
        self.top = float(la.eigvalsh_tridiagonal(diagonal, off, select="i", select_range=(steps - 1, steps - 1))[0])
        self.scale = max(abs(self.energy), abs(self.top))
        return self._stop.enough(self.energy, self.residual, self.scale) or exhausted or steps == MOST_STEPS - 1


def _ratio(r: Vector, q: Vector) -> float:
    """Return ||r|| where ``q = r / ||r||``, from one large entry; 0 where r vanishes."""
    sample = slice(0, 4096)
    at = int(np.argmax(np.abs(q[sample])))
    if not np.isfinite(q[at]):
        return 0.0
    return float((r[at] / q[at]).real) if q[at] else float(np.linalg.norm(r))


class _SecondPass:
    """H as the second pass sees it: it adds the Lanczos vectors up, in the place of the start vector."""

    def __init__(self, operator: Deflated, weights: NDArray[np.float64], total: Vector) -> None:
        self._operator, self._weights, self._total, self._step = operator, weights, total, 0
        self.dtype = operator.dtype

    def dot(self, q: Vector, out: Vector) -> Vector:
        self._operator.project(q)
        if not self._step:
            self._total[:] = 0.0
        add(self._weights[self._step : self._step + 1], q[None], self._total)
        self._step += 1
        if self._step < len(self._weights):
            self._operator.act(q, out)
        return out


def _two_passes(operator: Deflated, start: Vector, stop: Stop) -> Ritz:
    first = _FirstPass(operator, stop)
    try:
        with np.errstate(invalid="ignore", divide="ignore"):
            lanczos_iter(first, start, min(MOST_STEPS, operator.size - 1), return_vec_iter=False, eps=0.0)
    except _Enough:
        pass
    if stop.useless(first.energy, first.residual):
        return Ritz(first.energy, first.residual, first.scale, start)
    second = _SecondPass(operator, first.weights, start)
    lanczos_iter(second, start, len(first.weights), return_vec_iter=False, eps=0.0)
    operator.ceiling = max(operator.ceiling, first.top)
    return operator.ritz(start, first.scale)
