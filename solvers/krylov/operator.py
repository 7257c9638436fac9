"""Hermitian operators with the operations on their vectors that Krylov methods need.

Everything in this folder is written on `HermitianOperator`, so that it runs on every engine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import threads
from ...hamiltonians import kernels

Vector = NDArray[Any]
"""A real or complex array of amplitudes."""
Matvec = Callable[[Vector, Vector], Vector]
"""``(v, out) -> H v``, written to `out`."""
Projection = Callable[[Vector], None]
"""Projects a vector, in place, onto a subspace."""

FEW = 4
PIECE = 1 << 14
"""Entries of long vectors that are summed together."""
TINY = float(np.finfo(float).tiny)


class HermitianOperator(ABC):
    """A Hermitian operator H and its vectors.

    A vector is an array of `size` entries. Where vectors are distributed, each process holds its share of the entries,
    and the operator overrides what runs over all of them: `entries`, `most_entries`, `overlaps`, `norm`, `three_terms`
    and `random`. What all processes must decide alike may depend on these, on `dimension` and `dtype`, but not on
    `size` or on the entries that are here.

    Attributes
    ----------
    size : int
        Entries of a vector.
    dtype : numpy.dtype
        float64 or complex128.
    """

    size: int
    dtype: np.dtype[Any]

    @property
    def dimension(self) -> int:
        """Dimension of the space onto which `project` projects."""
        return self.size

    @property
    def entries(self) -> int:
        """Entries of a vector, those of all processes together."""
        return self.size

    @property
    def most_entries(self) -> int:
        """Entries of a vector of one process, the largest number of all: for decisions about memory."""
        return self.size

    @abstractmethod
    def product(self, v: Vector, out: Vector) -> Vector:
        """Write ``H v`` to `out` and return it; rounding errors may lead out of the space of `project`."""

    def project(self, v: Vector) -> None:
        """Project a vector, in place, onto an invariant subspace of H; by default the whole space."""
        return

    def overlaps(self, rows: Vector, v: Vector) -> Vector:
        """Return ``<row|v>`` for each row of a (k, n) array."""
        return overlaps(rows, v)

    def dot(self, u: Vector, v: Vector) -> complex:
        """Return ``<u|v>``."""
        return complex(self.overlaps(u[None], v)[0])

    def norm(self, v: Vector) -> float:
        """Return ``||v||``."""
        return float(np.linalg.norm(v))

    def add(self, coefficients: Vector, rows: Vector, v: Vector) -> None:
        """Add ``sum_k coefficients[k] rows[k]`` to `v`, in place."""
        add(coefficients, rows, v)

    def random(self, generator: np.random.Generator) -> Vector:
        """Return a vector of independent standard normal numbers, real and imaginary parts of complex ones."""
        return self.drawn(generator)

    def drawn(self, generator: np.random.Generator) -> Vector:
        """Return one whose numbers are drawn one after the other."""
        vector: Vector = np.asarray(generator.standard_normal(self.size), self.dtype)
        if self.dtype.kind == "c":
            vector += 1j * generator.standard_normal(self.size)
        return vector

    def three_terms(self, before: Vector, now: Vector, image: Vector, a: float, b: float, c: float) -> float:
        """Overwrite `before` by ``c (image - a now - b before)`` and return its norm."""
        partial = np.zeros(max(1, len(now) // threads.PARALLEL_FROM * 8))
        kernels.loops.three_terms(partial, before, now, image, a, b, c)
        return float(np.sqrt(partial.sum()))

    def step(
        self,
        product: Matvec,
        before: Vector,
        now: Vector,
        back: float,
        image: Vector,
        known: tuple[float, float] | None = None,
    ) -> tuple[float, float]:
        """Take one step of the recursion of `lanczos_vectors`.

        Parameters
        ----------
        product : function
            H, perhaps with levels shifted.
        before, now : (n,)
            q_{k-1}, which is overwritten by q_{k+1}, and q_k.
        back : float
            b_{k-1}.
        image : (n,)
            Overwritten by ``H q_k``.
        known : (float, float), optional
            a_k and b_k, where they are known from an earlier pass.

        Returns
        -------
        a, b : float
            a_k and b_k; where b_k vanishes, q_{k+1} is zero.
        """
        with threads.kernel_threads_for(self.size):
            product(now, image)
            if known is not None:
                self.three_terms(before, now, image, known[0], back, 1.0 / known[1])
                return known
            a = self.dot(now, image).real
            b = self.three_terms(before, now, image, a, back, 1.0)
            kernels.loops.scale(before, 1.0 / b if b >= TINY else 0.0)
        return a, b


@dataclass(frozen=True)
class FunctionOperator(HermitianOperator):
    """A Hermitian operator given by functions.

    Attributes
    ----------
    matvec : function
        ``(v, out) -> H v``.
    size, dtype
        Of the vectors.
    projection : function, optional
        Projection onto an invariant subspace; none by default.
    rank : int, optional
        Dimension of that subspace.
    """

    matvec: Matvec
    size: int
    dtype: np.dtype[Any]
    projection: Projection | None = None
    rank: int | None = None

    @property
    def dimension(self) -> int:
        """Dimension of the space onto which `project` projects."""
        return self.size if self.rank is None else self.rank

    def product(self, v: Vector, out: Vector) -> Vector:
        """Write ``H v`` to `out` and return it."""
        return self.matvec(v, out)

    def project(self, v: Vector) -> None:
        """Project a vector, in place."""
        if self.projection is not None:
            self.projection(v)


@dataclass(frozen=True)
class Companion(HermitianOperator):
    """Another Hermitian operator on the vectors of an operator, with its projection, and its sums over them.

    Attributes
    ----------
    of : HermitianOperator
        Whose vectors they are.
    matvec : function
        ``(v, out) -> A v``.
    dtype
        Of the vectors.
    """

    of: HermitianOperator
    matvec: Matvec
    dtype: np.dtype[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", self.of.size)

    @property
    def dimension(self) -> int:
        """Dimension of the space onto which `project` projects."""
        return self.of.dimension

    @property
    def entries(self) -> int:
        """Entries of a vector, those of all processes together."""
        return self.of.entries

    @property
    def most_entries(self) -> int:
        """Entries of a vector of one process, the largest number of all."""
        return self.of.most_entries

    def product(self, v: Vector, out: Vector) -> Vector:
        """Write ``A v`` to `out` and return it."""
        return self.matvec(v, out)

    def project(self, v: Vector) -> None:
        """Project a vector, in place."""
        self.of.project(v)

    def overlaps(self, rows: Vector, v: Vector) -> Vector:
        """Return ``<row|v>`` for each row of a (k, n) array."""
        return self.of.overlaps(rows, v)

    def norm(self, v: Vector) -> float:
        """Return ``||v||``."""
        return self.of.norm(v)

    def three_terms(self, before: Vector, now: Vector, image: Vector, a: float, b: float, c: float) -> float:
        """Overwrite `before` by ``c (image - a now - b before)`` and return its norm."""
        return self.of.three_terms(before, now, image, a, b, c)


def overlaps(rows: Vector, v: Vector) -> Vector:
    """Return ``<row|v>`` for each row of a (k, n) array."""
    if len(rows) == 1 and rows.size < threads.PARALLEL_FROM:
        return np.array([np.vdot(rows[0], v)])
    if _suits_blas(rows):
        return np.asarray((rows @ v.conj()).conj())  # conjugates no row
    partial: Vector = np.zeros((max(1, len(v) // PIECE), len(rows)), np.result_type(rows, v))
    kernels.loops.row_products(partial, rows, v)
    return np.asarray(partial.sum(axis=0))


def add(coefficients: Vector, rows: Vector, v: Vector) -> None:
    """Add ``sum_k coefficients[k] rows[k]`` to `v`, in place and without an array of its size."""
    if _suits_blas(rows) and len(rows) > 1:
        v += coefficients @ rows
    else:
        kernels.loops.add_rows(v, coefficients.astype(v.dtype), rows)


def _suits_blas(rows: Vector) -> bool:
    """True for small or many rows; a few long ones are faster on all cores and without a copy."""
    return len(rows) > FEW or rows.size < threads.PARALLEL_FROM
