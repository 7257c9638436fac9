r"""The classical potential of a lattice: H = p^T T p + V(x) with V on the charges, where it can be written so.

The Weyl symbol of a normal-ordered word is

.. math:: a^{+k} a^l \to \sum_j (-1/2)^j j! \binom{k}{j} \binom{l}{j}\, \alpha^{*\,k-j} \alpha^{l-j},\quad
          \alpha = (x + i p)/2,

and a Hamiltonian whose symbol has no p but in ``p^T T p`` is that sum: powers of x have themselves as symbols. With
positive T, the lowest eigenvalue of V(x), over all x, is a lower bound of the ground energy, and about a minimum the
frequencies of small oscillations are four times the roots of the eigenvalues of ``T K``, K half the curvature.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import comb, factorial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .._core.lazy import la
from ..hamiltonians.operators import ChargeWord, LatticeWord, Operator

ROUNDING = 1e-12
"""Coefficients below this times what was added up in them are zero."""
Powers = tuple[tuple[int, int, int], ...]
"""Mode, power of x and power of p, modes ascending."""


@dataclass(frozen=True)
class Potential:
    """The parts of ``H = p^T T p + V(x)``.

    Attributes
    ----------
    kinetic : (modes, modes) float
        T, positive.
    operator : Operator
        V, its words (m, n, 0) standing for ``x_m^n``.
    """

    kinetic: NDArray[np.float64]
    operator: Operator

    def frequencies(self, curvature: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return those of small oscillations, zero where V bends down.

        Parameters
        ----------
        curvature : (modes, modes) float
            Second derivatives of V with respect to x.
        """
        root = np.real(la.sqrtm(self.kinetic))
        return np.asarray(4.0 * np.sqrt(np.maximum(la.eigvalsh(root @ (0.5 * curvature) @ root), 0.0)))


def potential_of(operator: Operator, modes: int) -> Potential | None:
    """Return the potential of a Hamiltonian; None where charges or displacements change the masses.

    Examples
    --------
    >>> from respair.hamiltonians import displacement, quanta
    >>> x = displacement(0)
    >>> found = potential_of(2.0 * quanta(0) + 0.1 * (x * x * x), 1)
    >>> found.kinetic, found.operator
    (array([[0.5]]), -1 +0.5 a+_0^2 +0.1 a+_0^3)
    """
    symbol: defaultdict[tuple[ChargeWord, Powers], complex] = defaultdict(complex)
    sizes: defaultdict[tuple[ChargeWord, Powers], float] = defaultdict(float)
    for (charge, lattice), value in operator.terms.items():
        for powers, weight in _symbol(lattice).items():
            symbol[charge, powers] += weight * value
            sizes[charge, powers] += abs(weight * value)
    kinetic, kept = np.zeros((modes, modes)), {}
    for (charge, powers), value in symbol.items():
        if abs(value) <= ROUNDING * sizes[charge, powers]:
            continue
        moving = [mode for mode, _, p in powers for _ in range(p)]
        if not moving:
            kept[charge, tuple((mode, x, 0) for mode, x, _ in powers)] = value
        elif charge or len(moving) != 2 or any(x for _, x, _ in powers):
            return None
        else:
            kinetic[moving, moving[::-1]] += 0.5 * value.real if moving[0] != moving[1] else value.real
    return Potential(kinetic, Operator(kept)) if la.eigvalsh(kinetic)[0] > 0 else None


def _symbol(lattice: LatticeWord) -> Mapping[Powers, complex]:
    """Return the Weyl symbol of a word by the powers of x and p."""
    found: dict[Powers, complex] = {(): 1.0}
    for mode, up, low in lattice:
        found = {
            (*powers, *(((mode, x, p),) if x or p else ())): value * weight
            for powers, value in found.items()
            for (x, p), weight in _one_mode(up, low).items()
        }
    return found


@cache
def _one_mode(up: int, low: int) -> Mapping[tuple[int, int], complex]:
    """Return the symbol of ``a+^up a^low`` by the powers of x and p."""
    found: defaultdict[tuple[int, int], complex] = defaultdict(complex)
    for j in range(min(up, low) + 1):
        k, n = up - j, low - j
        left, right = ([comb(m, s) * unit**s for s in range(m + 1)] for m, unit in ((k, -1j), (n, 1j)))
        scale = (-0.5) ** j * factorial(j) * comb(up, j) * comb(low, j) / 2.0 ** (k + n)
        for p, weight in enumerate(np.convolve(left, right).tolist()):
            found[k + n - p, p] += scale * weight
    return MappingProxyType({powers: value for powers, value in found.items() if value})
