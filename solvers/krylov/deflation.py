"""Deflation: levels that are found already are shifted to the top of the spectrum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .operator import HermitianOperator, Vector

CLEAN = 1e-11
"""Overlaps with locked vectors up to this are ignored."""


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


class Deflated:
    """H with the levels already found shifted to a ceiling, at the top of the spectrum.

    Parameters
    ----------
    operator : HermitianOperator
        H.
    seed : int
        Of the start vectors; each has its own stream of random numbers, so that it can be drawn again.
    """

    def __init__(self, operator: HermitianOperator, seed: int) -> None:
        self.h, self._seed, self._draws = operator, seed, 0
        self._random = operator.random
        self.energies: list[float] = []
        self.locked: Vector = np.zeros((0, operator.size), operator.dtype)
        self.ceiling = 0.0
        self.products = 0
        self.reached = "no level yet"

    def deflated(self, v: Vector, out: Vector) -> Vector:
        """Write ``H v`` to `out`, with locked levels at the ceiling and all coupling to them removed."""
        self.h.product(v, out)
        self.products += 1
        if len(self.locked):
            h, locked = self.h, self.locked
            h.add(self.ceiling * h.overlaps(locked, v) - h.overlaps(locked, out), locked, out)
        return out

    def shifted(self, v: Vector, out: Vector) -> Vector:
        """Write ``H v + sum_l (ceiling - E_l) |l> <l|v>`` to `out`; the sum is skipped where all overlaps are small."""
        self.h.product(v, out)
        self.products += 1
        if len(self.locked):
            shares = self.h.overlaps(self.locked, v)
            if np.max(np.abs(shares)) > CLEAN:
                self.h.add((self.ceiling - np.array(self.energies)) * shares, self.locked, out)
        return out

    def lock(self, found: Ritz) -> None:
        """Shift one more level to the ceiling."""
        self.energies.append(found.energy)
        first = found.vector[None]  # not copied: it may be very long
        self.locked = np.concatenate([self.locked, first]) if len(self.locked) else first

    def random_vector(self, again: bool = False) -> Vector:
        """Return a random unit vector orthogonal to the locked ones; with `again` the last one once more."""
        self._draws += not again
        vector = self._random(np.random.default_rng([self._seed, self._draws]))
        self.h.project(vector)
        return self.orthonormal(vector)

    def orthonormal(self, vector: Vector) -> Vector:
        """Subtract the locked vectors (twice is enough) and normalise, in place."""
        for _ in range(2 if len(self.locked) else 0):
            self.h.add(-self.h.overlaps(self.locked, vector), self.locked, vector)
        vector /= self.h.norm(vector)
        return vector

    def ritz(self, vector: Vector, scale: float) -> Ritz:
        """Return the Ritz pair of a vector, with its true residual."""
        self.h.project(vector)
        self.orthonormal(vector)
        image = self.deflated(vector, np.empty_like(vector))
        energy = self.h.dot(vector, image).real
        self.h.add(np.array([-energy]), vector[None], image)
        return Ritz(energy, self.h.norm(image), scale, vector)

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint stores: the levels found, and the number and kind of the random vectors."""
        return {
            "energies": self.energies,
            "locked": self.locked,
            "ceiling": self.ceiling,
            "products": self.products,
            "draws": self._draws,
            "drawn": self._random == self.h.drawn,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the state of a checkpoint."""
        self.energies, self.locked = list(state["energies"]), state["locked"]
        self.ceiling, self.products = state["ceiling"], state["products"]
        self._draws = state["draws"]
        if state.get("drawn", True):  # as in files of earlier versions
            self._random = self.h.drawn


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
