"""Hermitian operators as a search for the lowest level sees them: levels already found are lifted out of the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.threads import PARALLEL_FROM
from ...hamiltonians.kernels.loops import add_rows, row_products
from .recursion import Recursion, fused

Vector = NDArray[Any]
"""A real or complex array of amplitudes."""
Matvec = Callable[[Vector, Vector], Vector]
"""``(v, out) -> H v``, written to `out`."""
Projection = Callable[[Vector], None]
"""Projects a vector, in place, onto the part of the space that counts."""

FEW = 4
PIECE = 1 << 14
"""Entries of long vectors that are summed together."""
CLEAN = 1e-11
"""Overlaps with locked vectors up to this are left alone."""


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
    doubt : float
        Probability that the search has missed a level as low as the bar of its `Stop`.
    """

    energy: float
    residual: float
    scale: float
    vector: Vector
    doubt: float = 1.0


def overlaps(rows: Vector, v: Vector) -> Vector:
    """Return ``<row|v>`` for each row of a (k, n) array."""
    if _suits_blas(rows):
        return np.asarray((rows @ v.conj()).conj())  # conjugates no row
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
    """H with the levels already found lifted to a ceiling, at the top of the spectrum.

    Parameters
    ----------
    matvec, project : functions
        H and the projector onto the space that counts, which commutes with it.
    size, dtype
        Of the vectors.
    seed : int
        Of the start vectors; each has its own stream of random numbers, so that it can be drawn again.
    recursion : function
        The three-term recursion of long searches.
    """

    def __init__(
        self,
        matvec: Matvec,
        project: Projection,
        size: int,
        dtype: np.dtype[Any],
        seed: int,
        recursion: Recursion = fused,
    ) -> None:
        self.matvec, self.project, self.size, self.dtype = matvec, project, size, dtype
        self.recursion = recursion
        self.energies: list[float] = []
        self.locked: Vector = np.zeros((0, size), dtype)
        self.ceiling = 0.0
        self.products = 0
        self.reached = "no level yet"
        self._seed, self._draws = seed, 0

    def act(self, v: Vector, out: Vector) -> Vector:
        """Write ``H v`` to `out`, with locked levels at the ceiling and all coupling to them taken out."""
        self.matvec(v, out)
        self.products += 1
        if len(self.locked):
            add(self.ceiling * overlaps(self.locked, v) - overlaps(self.locked, out), self.locked, out)
        return out

    def lifted(self, v: Vector, out: Vector) -> Vector:
        """Write ``H v + sum_l (ceiling - E_l) |l> <l|v>`` to `out`: one look at the locked vectors while v is clean."""
        self.matvec(v, out)
        self.products += 1
        if len(self.locked):
            shares = overlaps(self.locked, v)
            if np.max(np.abs(shares)) > CLEAN:
                add((self.ceiling - np.array(self.energies)) * shares, self.locked, out)
        return out

    def lock(self, found: Ritz) -> None:
        """Lift one more level out of the way."""
        self.energies.append(found.energy)
        first = found.vector[None]  # no copy of what may be very long
        self.locked = np.concatenate([self.locked, first]) if len(self.locked) else first

    def random_vector(self, again: bool = False) -> Vector:
        """Return a random unit vector beside the locked ones, complex where the operator is; or the last one again."""
        self._draws += not again
        random = np.random.default_rng([self._seed, self._draws])
        vector: Vector = np.asarray(random.standard_normal(self.size), self.dtype)
        if self.dtype.kind == "c":
            vector += 1j * random.standard_normal(self.size)
        self.project(vector)
        return self.tidy(vector)

    def tidy(self, vector: Vector) -> Vector:
        """Take locked vectors out (twice is enough) and normalise, in place."""
        for _ in range(2 if len(self.locked) else 0):
            add(-overlaps(self.locked, vector), self.locked, vector)
        vector /= np.linalg.norm(vector)
        return vector

    def ritz(self, vector: Vector, scale: float, doubt: float = 1.0) -> Ritz:
        """Return the Ritz pair of a vector, with its true residual."""
        self.project(vector)
        self.tidy(vector)
        image = self.act(vector, np.empty_like(vector))
        energy = float(np.vdot(vector, image).real)
        add(np.array([-energy]), vector[None], image)
        return Ritz(energy, float(np.linalg.norm(image)), scale, vector, doubt)

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint needs: levels found, and which random vector the current search began with."""
        return {
            "energies": self.energies,
            "locked": self.locked,
            "ceiling": self.ceiling,
            "products": self.products,
            "draws": self._draws,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to the state of a checkpoint."""
        self.energies, self.locked = list(state["energies"]), state["locked"]
        self.ceiling, self.products = state["ceiling"], state["products"]
        self._draws = state["draws"]


def hidden(diagonal: list[float], coupling: list[float], energy: float, size: int, is_complex: bool) -> float:
    r"""Return the probability that a random start vector hides an eigenvalue at or below an energy from Lanczos.

    An eigenvector u of eigenvalue E has :math:`\langle u|q_k\rangle = p_k(E) \langle u|q_0\rangle` with the Lanczos
    polynomials p_k, and these squares add up to one at most, so that
    :math:`|\langle u|q_0\rangle|^2 \le 1/\sum_k p_k(E)^2`. The sum only grows as E falls below the Ritz values. In a
    random vector of n entries such a share is rarer than :math:`\sqrt{2n/(\pi\sum p_k^2)}` (real) or
    :math:`n/\sum p_k^2` (complex); compare J. Kuczynski and H. Wozniakowski, SIAM J. Matrix Anal. Appl. 13, 1094
    (1992).

    Parameters
    ----------
    diagonal, coupling : sequences of float
        Of the tridiagonal matrix; each coupling leads to the next vector.
    energy : float
        Below the lowest Ritz value.
    size : int
        Number of amplitudes.
    is_complex : bool
        Whether these are complex.

    Examples
    --------
    >>> hidden([0.0, 0.0], [1.0, 1.0], -3.0, 8, True)  # p = 1, -3, 8
    0.10810810810810811
    """
    before, now, total = 0.0, 1.0, 1.0
    back = 0.0
    for a, b in zip(diagonal, coupling, strict=False):
        if b <= 0.0 or total > 1e60:
            break
        before, now = now, ((energy - a) * now - back * before) / b
        back = b
        total += now * now
    share = size / total
    return min(1.0, share if is_complex else float(np.sqrt(2 * share / np.pi)))
