r"""A step through a pulse as a power series in time.

With H(t + tau) = sum_k tau^k H_k, the terms of ``psi(tau) = sum_n tau^n psi_n`` are

.. math:: (n + 1)\,\psi_{n+1} = -i \sum_{k \le n} H_k\,\psi_{n-k}.

Cut after n = N it misses the Schroedinger equation by a polynomial whose terms are known, so that the error of the step
is bounded by the integral of its norm. Of high order and with a bound, it takes fewer products at a given error than
commutator-free Magnus steps, for which no such bound is known.

References
----------
A. Alvermann and H. Fehske, J. Comput. Phys. 230, 5930 (2011), for Magnus steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians.pulse import Pulse, PulseTrain
from ..krylov.exponential import EPSILON, HALVINGS, ROUNDING
from ..krylov.operator import HermitianOperator, Matvec, Vector

GROWN = 300.0
"""Terms may be so many times larger than the state, which costs as many roundings."""
FURTHER = 3
"""The coefficients of the pulse are taken to so many times the order of the series."""
FIRST_LOOK = 8


@dataclass(frozen=True)
class Hops:
    """The hops by one step along a pulse: ``C = K + K+`` and ``S = i (K - K+)``.

    Attributes
    ----------
    step : float
        s of the phase ``exp(i s A)``.
    even, odd : function
        Products with C and S.
    """

    step: float
    even: Matvec
    odd: Matvec


@dataclass(frozen=True)
class SeriesStep:
    """A step through a pulse.

    Attributes
    ----------
    terms : (N + 1, n) complex
        psi_n, of the Hamiltonian less `energy`.
    energy : float
        Mean energy at the start, whose phase is put in at the end.
    sizes : (N + 1,) float
        Norms of the terms.
    left : (k,) float
        Norms of the coefficients of the residual from tau^N on.
    length : float
        How far the step may go.
    spread : float
        Energy uncertainty at the start.
    products : int
        Products with H.
    """

    terms: Vector = field(repr=False)
    energy: float
    sizes: NDArray[np.float64] = field(repr=False)
    left: NDArray[np.float64] = field(repr=False)
    length: float
    spread: float
    products: int

    def state(self, s: float) -> Vector:
        """Return the vector at a time s from the start of the step."""
        return np.asarray(self.states([s])[0])

    def states(self, distances: Sequence[float]) -> Vector:
        """Return the vectors at some times from the start of the step, as rows."""
        s = np.asarray(distances, float)[:, None]
        return np.asarray((np.exp(-1j * self.energy * s) * s ** np.arange(len(self.terms))) @ self.terms)

    def bound(self, s: float) -> float:
        """Return the bound on the error that the step has made at s, rounding included."""
        grown = self.sizes[0] + float(np.sum(self.sizes * s ** np.arange(len(self.sizes))))
        return _missed(self.left, len(self.terms) - 1, s) + float(ROUNDING * EPSILON * grown * len(self.terms) ** 0.5)


def _missed(left: NDArray[np.float64], order: int, s: float) -> float:
    powers = order + 1 + np.arange(len(left))
    with np.errstate(over="ignore"):
        return float(np.sum(left * s**powers / powers))


def series_step(
    operator: HermitianOperator,
    hops: Sequence[Hops],
    pulse: Pulse | PulseTrain,
    time: float,
    start: Vector,
    horizon: float,
    rate: float,
    most: int,
) -> SeriesStep:
    """Take the longest step through a pulse whose error stays below `rate` times its length.

    Parameters
    ----------
    operator : HermitianOperator
        H without the pulse.
    hops : sequence of Hops
        What depends on the pulse.
    pulse, time
        The pulse, and when the step begins.
    start : (n,) complex
        The state; it is left unchanged.
    horizon, rate
        See `krylov_step`.
    most : int
        Order of the series at most.
    """
    waves = pulse.series(time, [each.step for each in hops], FURTHER * most)
    waves[:, 0] -= 1.0
    known = _Terms(operator, hops, waves, start, most)
    order, left = 0, np.zeros(0)
    while order < most:
        known.extend()
        order += 1
        if order == most or (order >= FIRST_LOOK and order % 2 == 0):
            left = known.left
            if _missed(left, order, horizon) <= rate * horizon and known.grown(horizon) <= GROWN:
                break
    length = _longest(known, left, horizon, rate)
    sizes = np.array(known.sizes)
    return SeriesStep(known.terms[: order + 1], known.energy, sizes, left, length, known.spread, known.products)


def _longest(known: _Terms, left: NDArray[np.float64], horizon: float, rate: float) -> float:
    floor = max(rate, 4.0 * EPSILON * known.scale)

    def fits(s: float) -> bool:
        return _missed(left, known.order, s) <= floor * s and known.grown(s) <= GROWN

    if fits(horizon):
        return horizon
    low, high = 0.0, horizon
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


class _Terms:
    """The terms of the series one after the other, with their images."""

    def __init__(
        self,
        operator: HermitianOperator,
        hops: Sequence[Hops],
        waves: NDArray[np.complex128],
        start: Vector,
        most: int,
    ) -> None:
        self._operator, self._hops, self._waves = operator, hops, waves
        self.terms = np.zeros((most + 1, len(start)), np.complex128)
        self.terms[0] = start
        self._images = np.zeros((most + 1, 2 * len(hops), len(start)), np.complex128)
        self._weights = np.stack([waves.real, waves.imag], axis=1).reshape(-1, waves.shape[1])
        self.sizes = [operator.norm(start)]
        self._image_sizes: list[list[float]] = []
        self.order, self.products, self.energy = -1, 0, 0.0
        self._next = np.zeros_like(start)
        self._advance()
        self.energy = operator.dot(start, self._next).real / (self.sizes[0] ** 2 or 1.0)
        self._next -= self.energy * start
        self.spread = operator.norm(self._next) / (self.sizes[0] or 1.0)
        self.scale = max(abs(self.energy), self.spread)

    def _advance(self) -> None:
        """Act on the newest term, and collect the derivative ``i (n + 1) psi_{n+1}``."""
        self.order += 1
        n, newest = self.order, self.terms[self.order]
        self._operator.product(newest, self._next)
        self._next -= self.energy * newest
        for h, each in enumerate(self._hops):
            each.even(newest, self._images[n, 2 * h])
            each.odd(newest, self._images[n, 2 * h + 1])
        self.products += 1
        self._image_sizes.append([self._operator.norm(image) for image in self._images[n]])
        weights = self._weights[:, n::-1][:, : n + 1]
        self._operator.project(self._next)
        for h in range(2 * len(self._hops)):
            self._next += weights[h] @ self._images[: n + 1, h]

    def extend(self) -> None:
        """Add a term."""
        self.terms[self.order + 1] = self._next * (-1j / (self.order + 1))
        self.sizes.append(self._operator.norm(self.terms[self.order + 1]))
        self._advance()

    @property
    def left(self) -> NDArray[np.float64]:
        """Norms of the coefficients of the residual, the first exactly and the others by the triangle inequality."""
        sizes, weights = np.array(self._image_sizes), np.abs(self._weights)
        first, stop = self.order + 1, weights.shape[1]
        further = np.zeros(stop - first)
        for weight, size in zip(weights, sizes.T, strict=True):
            further += np.convolve(weight, size)[first:stop]
        return np.array([self._operator.norm(self._next), *further])

    def grown(self, s: float) -> float:
        """Return the sum of the norms of all terms at s, for a state of norm 1."""
        sizes = np.array(self.sizes)
        with np.errstate(over="ignore"):
            return float(np.sum(sizes * s ** np.arange(len(sizes)))) / (sizes[0] or 1.0)
