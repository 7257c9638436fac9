"""States of one block that move: steps one after the other, with the bound on the error that they add up to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..._core.threads import one_blas_thread
from ...hamiltonians import Amplitudes, Block, Operator
from ...hamiltonians.pulse import Pulse, PulseTrain
from ..engines.base import Engine
from ..engines.table import engine_of
from ..krylov.chebyshev import MARGIN, chebyshev_nodes, chebyshev_step, spectral_interval
from ..krylov.exponential import krylov_step
from ..krylov.operator import Companion, HermitianOperator, Vector
from .needs import FEWEST, VECTORS
from .outflow import NONE, Outflow
from .series import Hops, series_step

Steps = Sequence[tuple[float, Operator]]
"""Hops along a pulse by their steps, from `hop_steps`."""
MOST_TERMS = 30
"""Order of the series in a pulse."""
MEMORY_SHARE = 4
"""The vectors of a step may take this part of the memory limit."""
RESOLVED = 0.5
"""The outflow is taken at distances of this over the energy uncertainty."""
WIDER = (1.0, 5.0, 15.0)
"""Margins of the interval of Chebyshev polynomials that are tried one after the other."""
FEW = 6
"""Vectors of the Krylov space in which a state of few levels moves as far as is wanted."""
GLANCE = 5
"""Lanczos steps that show whether a step by Chebyshev polynomials may be worth while."""
MOST_NODES = 64
TOGETHER = 8
"""States within a step that are made at a time."""
NEGLIGIBLE = 1e-3
"""An outflow below this share of the rate that is allowed need not be resolved in time."""
HOPPING = 0.5
"""Share of the allowed error that the steps may make; the rest is that of the outflow."""


class Step(Protocol):
    """A step of the motion."""

    @property
    def length(self) -> float:
        """How far it goes."""

    @property
    def spread(self) -> float:
        """The energy uncertainty."""

    @property
    def products(self) -> int:
        """Products with H."""

    def state(self, s: float) -> Vector:
        """Return the vector at a distance s from its start."""

    def states(self, distances: Sequence[float]) -> Vector:
        """Return the vectors at some distances from its start, as rows."""

    def bound(self, s: float) -> float:
        """Return the bound on the error that it has made at s."""


@dataclass(frozen=True)
class Moment:
    """The state at a time.

    Attributes
    ----------
    time : float
        When.
    vector : (n,) complex
        In the vectors of the engine.
    error : float
        Bound on the distance from the exact state since the start.
    square : float
        Integral of the square of the outflow.
    products : int
        Products with H so far.
    """

    time: float
    vector: Vector = field(repr=False)
    error: float
    square: float
    products: int


@dataclass(frozen=True)
class Motion:
    """What moves the states of a block: a Hermitian operator, and a pulse on its hops.

    Attributes
    ----------
    engine : Engine
        Holds the vectors.
    operator : HermitianOperator
        H without the pulse.
    outflow : Outflow
        What leaves the phonon space.
    most : int
        Vectors of a step at most.
    hops, pulse : tuple of Hops, Pulse, PulseTrain or None
        The pulse.
    """

    engine: Engine
    operator: HermitianOperator
    outflow: Outflow
    most: int
    hops: tuple[Hops, ...] = ()
    pulse: Pulse | PulseTrain | None = None

    @classmethod
    def of_hamiltonian(
        cls, block: Block, engine: str, memory_limit: int, pulse: Pulse | PulseTrain | None = None, steps: Steps = ()
    ) -> Motion:
        """Return the motion under the Hamiltonian of a block, which must have the symmetry of all hops."""
        own = engine_of(block, engine)
        parts, hops = {"": block.hamiltonian.operator}, []
        for k, (step, forward) in enumerate(steps if pulse else ()):
            even, odd = forward + forward.dag, 1j * (forward - forward.dag)
            hops.append(Hops(step, own.acting(even), own.acting(odd)))
            parts |= {f"even {k}": even, f"odd {k}": odd}
        most = _most(own.most_entries, memory_limit, len(hops))
        return cls(own, own, Outflow(block, parts), most, tuple(hops), pulse)

    @classmethod
    def of_operator(cls, block: Block, engine: str, memory_limit: int, operator: Operator) -> Motion:
        """Return the motion under any operator with the symmetry of a block, as that of a kick."""
        own = engine_of(block, engine)
        dtype = np.dtype(np.complex128)
        acting = Companion(own, own.acting(operator), dtype)
        return cls(own, acting, Outflow(block, {"": operator}), _most(own.most_entries, memory_limit, 0))

    def vector(self, phi: Amplitudes) -> Vector:
        """Return a state in the vectors of the engine."""
        return np.asarray(self.engine.vector(phi), np.complex128)

    def amplitudes(self, vector: Vector) -> Amplitudes:
        """Return the stored amplitudes of a vector."""
        found: Amplitudes = self.engine.amplitudes(vector[:, None])[0]
        return found

    def moments(self, vector: Vector, times: Sequence[float], rate: float) -> Iterator[Moment]:
        """Yield the state at each time, the first of which is when the motion begins.

        Parameters
        ----------
        vector : (n,) complex
            The state at the first time.
        times : sequence of float
            Ascending.
        rate : float
            Error for each unit of time that is allowed.
        """
        now, error, square, products = times[0], 0.0, 0.0, 0
        yield Moment(now, vector, error, square, products)
        ahead = list(times[1:])
        with one_blas_thread():
            leak = self.leak(now, vector)
        room = np.empty((min(self.most, self.operator.dimension), len(vector)), np.complex128) if ahead else None
        while ahead:
            with one_blas_thread():
                step = self._far(now, vector, ahead, HOPPING * rate)
                if step is None:
                    step = self._step(now, vector, self._horizon(now, ahead[-1]), HOPPING * rate, room)
            products += step.products
            reached = [t for t in ahead if t - now <= step.length * (1.0 + 1e-13)]
            stops = [min(t - now, step.length) for t in reached]
            stops += [step.length] if not stops or stops[-1] < step.length else []
            before, flowed, missed = 0.0, 0.0, 0.0
            for n, stop in enumerate(stops):
                with one_blas_thread():
                    vector = step.state(stop)
                    ends = leak, self.leak(now + stop, vector)
                    first, square_here, leak = self._flowed(step, now, (before, stop), ends, rate)
                    flowed, square, before = flowed + first, square + square_here, stop
                    missed = step.bound(stop)
                if n < len(reached):
                    yield Moment(reached[n], vector, error + flowed + missed, square, products)
            error += flowed + missed
            ahead = ahead[len(reached) :]
            now = reached[-1] if reached and stops[-1] == stops[len(reached) - 1] else now + step.length

    def _far(self, now: float, vector: Vector, ahead: Sequence[float], rate: float) -> Step | None:
        """Return a long step by Chebyshev polynomials; None where the outflow has to be followed, or a pulse."""
        if not self.outflow.is_closed or self.hops or self.operator is not self.engine:
            return None
        within = [t - now for t in ahead]
        glance = self._glance
        is_small = self.operator.dimension <= self.most
        if is_small or not len(chebyshev_nodes(within, glance[1] - glance[0], self.most)):
            return None
        few = krylov_step(self.operator, vector, within[-1], rate, FEW)
        if few.length >= within[-1]:  # a state of few levels
            return few
        low, high = self._interval
        for wide in WIDER:
            centre, radius = 0.5 * (low + high), (0.5 + wide * MARGIN) * (high - low)
            nodes = chebyshev_nodes(within, radius, self.most)
            if not len(nodes):
                return None
            if (step := chebyshev_step(self.operator, vector, nodes, rate, centre, radius)) is not None:
                return step
        return None

    @cached_property
    def _glance(self) -> tuple[float, float]:
        """The ends of the spectrum after a few Lanczos steps."""
        return spectral_interval(self.operator, GLANCE)

    @cached_property
    def _interval(self) -> tuple[float, float]:
        """The ends of the spectrum, about."""
        return spectral_interval(self.operator)

    def energy(self, time: float, vector: Vector) -> float:
        """Return ``<H(t)>``, that of a state of norm 1, pulse included."""
        image = np.empty_like(vector)
        self.operator.product(vector, image)
        total = self.operator.dot(vector, image).real
        numbers = self.numbers(time)
        for k, each in enumerate(self.hops):
            for name, act in ((f"even {k}", each.even), (f"odd {k}", each.odd)):
                if number := numbers[name]:
                    total += number * self.operator.dot(vector, act(vector, image)).real
        return total / (self.operator.norm(vector) ** 2 or 1.0)

    def current(self, time: float, vector: Vector) -> float:
        """Return ``-<dH/dA>`` along the pulse, that of a state of norm 1; zero without a pulse."""
        total, image = 0.0, np.empty_like(vector)
        potential = 0.0 if self.pulse is None else float(self.pulse.vector_potential(time))
        for each in self.hops:
            angle = each.step * potential
            for number, act in ((math.sin(angle), each.even), (-math.cos(angle), each.odd)):
                total += each.step * number * self.operator.dot(vector, act(vector, image)).real
        return total / (self.operator.norm(vector) ** 2 or 1.0)

    def numbers(self, time: float) -> Mapping[str, float]:
        """Return the numbers in front of the operators that belong to a pulse."""
        if self.pulse is None:
            return NONE
        potential = float(self.pulse.vector_potential(time))
        found: dict[str, float] = {}
        for k, each in enumerate(self.hops):
            found |= {f"even {k}": math.cos(each.step * potential) - 1.0, f"odd {k}": math.sin(each.step * potential)}
        return found

    def leak(self, time: float, vector: Vector) -> float:
        """Return the norm of what flows out of the phonon space."""
        return 0.0 if self.outflow.is_closed else self.outflow.norm(self.amplitudes(vector), self.numbers(time))

    def _horizon(self, now: float, end: float) -> float:
        """Return how far the pulse is on, or off."""
        if self.pulse is None or not self.hops:
            return end - now
        return next((edge for edge in self.pulse.span if edge > now and edge < end), end) - now

    def _step(self, now: float, vector: Vector, horizon: float, rate: float, room: Vector | None) -> Step:
        if self.pulse is not None and self.hops:
            begins, ends = self.pulse.span
            if begins <= now + 1e-12 * abs(now) and now < ends:
                most = max(FEWEST, min(MOST_TERMS, self.most))
                return series_step(self.operator, self.hops, self.pulse, now, vector, horizon, rate, most)
        return krylov_step(self.operator, vector, horizon, rate, self.most, room)

    def _flowed(
        self, step: Step, now: float, between: tuple[float, float], ends: tuple[float, float], rate: float
    ) -> tuple[float, float, float]:
        """Return the integrals of outflow and squared outflow over a part of a step, and the outflow at its end.

        Simpson's rule; its distance from the trapezoidal one is added.
        """
        low, high = between
        length = high - low
        if self.outflow.is_closed or length <= 0.0:
            return 0.0, 0.0, ends[1]
        values = np.array([ends[0], *self._leaks_in(step, now, [0.5 * (low + high)]), ends[1]])
        if np.max(values) > NEGLIGIBLE * rate:
            count = min(MOST_NODES, math.ceil(length * step.spread / RESOLVED))
            if count > 1:
                inner = np.linspace(low, high, 2 * count + 1)[1:-1].tolist()
                values = np.array([ends[0], *self._leaks_in(step, now, inner), ends[1]])
        return _integral(values, length), _integral(values**2, length), ends[1]

    def _leaks_in(self, step: Step, now: float, distances: Sequence[float]) -> Iterator[float]:
        """Yield what flows out at some distances within a step; a few states are made at a time."""
        for first in range(0, len(distances), TOGETHER):
            some = distances[first : first + TOGETHER]
            for s, vector in zip(some, step.states(some), strict=True):
                yield self.leak(now + s, vector)


def _integral(values: NDArray[np.float64], length: float) -> float:
    """Return Simpson's rule plus its distance from the trapezoidal one."""
    width = length / (len(values) - 1)
    pairs = width / 3.0 * (values[:-2:2] + 4.0 * values[1:-1:2] + values[2::2])
    coarse = width * (values[:-2:2] + values[2::2])
    return float(np.sum(pairs + np.abs(pairs - coarse)))


def _most(size: int, memory_limit: int, hops: int) -> int:
    """Return how many vectors a step may have."""
    wanted = next(count for limit, count in VECTORS if size <= limit)
    fitting = memory_limit // MEMORY_SHARE // (16 * max(1, size) * (1 + 2 * hops))
    return max(FEWEST, min(wanted, int(fitting)))
