"""The course of a motion: kicked states of a sector through a list of times, in a phonon space that may grow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.threads import one_blas_thread
from ...hamiltonians import Block, Hamiltonian, Operator
from ...hamiltonians.pulse import Pulse, PulseTrain, hop_steps
from ..costs import choose_engine
from ..options import Options
from ..results import State
from ..work import Progress, silent
from .motion import Moment, Motion
from .start import Start, moved

Grow = Callable[[Hamiltonian], "Hamiltonian | None"]
"""From a Hamiltonian to the same in a larger phonon space; None where there is none."""
NUMBERS = ("error", "square", "products", "initial")
EVEN = 1e-12
"""Weights that differ by less are those of a degenerate level."""
AT_ONCE = 0.2
"""Share of the tolerance that the kick may take, and as much the initial state; the rest comes with the time."""


def never(hamiltonian: Hamiltonian) -> Hamiltonian | None:
    """Keep the phonon space."""
    return None


@dataclass(frozen=True)
class Course:
    """What happens to a state.

    Attributes
    ----------
    pulse : Pulse, PulseTrain or None
        On all hops.
    kick : Operator or None
        Hermitian O of ``exp(-i O)``, which acts before the motion begins.
    tolerance : float
        Wanted bound on the norm of the error at the last time.
    options : Options
        Engine and memory.
    grow : function
        What the phonon space grows by where the error would become too large.
    """

    pulse: Pulse | PulseTrain | None = None
    kick: Operator | None = None
    tolerance: float = 1e-8
    options: Options = field(default_factory=Options)
    grow: Grow = never


@dataclass(frozen=True)
class Snapshot:
    """The state at a time.

    Attributes
    ----------
    time : float
        When.
    state : State
        Pure or mixed, not brought back to norm 1.
    energy, norm, current : float
        <H(t)>, the norm of the state, and -<dH/dA> along a pulse.
    energies, currents : (states,) float
        The same of each state of a mixture.
    error, estimate : float
        Bound on the distance from the exact state, and an estimate of it; of thermal mixtures the root of the mean
        square.
    return_probability : float
        Probability to be found in the first state.
    products : int
        Products with H so far.
    kept : function
        What is needed to go on from here.
    """

    time: float
    state: State = field(repr=False)
    energy: float
    norm: float
    current: float
    energies: NDArray[np.float64] = field(repr=False)
    currents: NDArray[np.float64] = field(repr=False)
    error: float
    estimate: float
    return_probability: float
    products: int
    kept: Callable[[], dict[str, Any]] = field(repr=False)


@dataclass(frozen=True)
class _Here:
    """Where a motion has come to: states and first states by block, and what has added up."""

    time: float
    state: State
    first: State
    error: float
    square: float
    products: int
    initial: float


def course_of(
    start: Start,
    hamiltonian: Hamiltonian,
    times: Sequence[float],
    course: Course,
    progress: Progress = silent,
    resumed: Mapping[str, Any] | None = None,
) -> Iterator[Snapshot]:
    """Yield the state at each of some times.

    Parameters
    ----------
    start : Start
        The state before the kick.
    hamiltonian : Hamiltonian
        Of the motion, without the pulse.
    times : sequence of float
        Ascending. The motion begins at 0, or at the first of them where that is earlier.
    course : Course
        Kick, pulse and accuracy.
    progress : function
        Called with the products so far, the time and the error.
    resumed : mapping, optional
        What a snapshot has kept: the times after it follow.
    """
    route = _Route(hamiltonian, times, course, progress)
    here = route.begun(start) if resumed is None else route.found(start, resumed)
    ahead = [t for t in times if t > here.time or (resumed is None and t == here.time)]
    while ahead:
        for snapshot, reached in route.through(here, ahead):
            if snapshot is None:
                here = route.grown(here)
                break
            yield snapshot
            here, ahead = reached, ahead[1:]


class _Route:
    """The Hamiltonian of a motion, and its blocks."""

    def __init__(self, hamiltonian: Hamiltonian, times: Sequence[float], course: Course, progress: Progress) -> None:
        self.course, self.progress = course, progress
        self.begin, self.end = min(0.0, times[0]), times[-1]
        self.rate = course.tolerance / ((self.end - self.begin) or 1.0)
        self.may_grow = course.grow is not never
        self._settle(hamiltonian)

    def _settle(self, hamiltonian: Hamiltonian) -> None:
        """Take up a Hamiltonian."""
        self.hamiltonian, pulse = hamiltonian, self.course.pulse
        self.steps = hop_steps(hamiltonian.space.model, pulse.direction) if pulse else ()
        self._motions: dict[object, Motion] = {}
        self.slowest = hamiltonian.space.model.lowest_frequency

    def _operators(self) -> list[Operator]:
        """Return all that may break a symmetry."""
        found = [part for _, forward in self.steps for part in (forward + forward.dag, 1j * (forward - forward.dag))]
        return found if self.course.kick is None else [*found, self.course.kick]

    def motion(self, block: Block) -> Motion:
        """Return the motion in a block."""
        if block.symmetries not in self._motions:
            options = self.course.options
            engine = choose_engine(block.space.model, block.sector, options.engine)
            self._motions[block.symmetries] = Motion.of_hamiltonian(
                block, engine, options.memory_limit, self.course.pulse, self.steps
            )
        return self._motions[block.symmetries]

    def begun(self, start: Start) -> _Here:
        """Return the state after the kick; the phonon space grows until it holds it."""
        while True:
            here = self._kicked(moved(start, self.hamiltonian, self._operators()))
            held = here.error - start.error <= AT_ONCE * self.course.tolerance
            if held or not self.may_grow or not self._larger():
                return here

    def found(self, start: Start, kept: Mapping[str, Any]) -> _Here:
        """Return the state that a snapshot has kept."""
        while self.may_grow and self.hamiltonian.space.phonons.size < kept["phonons"] and self._larger():
            pass
        shape = moved(start, self.hamiltonian, self._operators()).state
        state, first = (_filled(shape, kept[name]) for name in ("state", "first"))
        return _Here(kept["time"], state, first, *(kept[key] for key in NUMBERS))

    def _larger(self) -> bool:
        larger = self.course.grow(self.hamiltonian)
        if larger is None:
            self.may_grow = False
            return False
        self._settle(larger)
        return True

    def grown(self, here: _Here) -> _Here:
        """Return the state in a larger phonon space."""
        if not self._larger():
            return here
        both, operators = (here.state, here.first), self._operators()
        state, first = (moved(Start(each), self.hamiltonian, operators).state for each in both)
        return replace(here, state=state, first=first)

    def _kicked(self, start: Start) -> _Here:
        """Act with the kick: a motion under its operator for a time of one."""
        state, error, square, products = start.state, start.error, 0.0, 0
        if self.course.kick is not None:
            parts, errors = [], list[float]()
            for part in state.parts:
                engine = choose_engine(part.block.space.model, part.block.sector, self.course.options.engine)
                motion = Motion.of_operator(part.block, engine, self.course.options.memory_limit, self.course.kick)
                phis = []
                for phi in part.amplitudes:
                    *_, last = motion.moments(motion.vector(phi), [0.0, 1.0], 0.1 * self.course.tolerance)
                    phis.append(motion.amplitudes(last.vector))
                    errors.append(last.error)
                    products += last.products
                parts.append(replace(part, amplitudes=np.array(phis)))
            state, error = replace(parts[0], others=tuple(parts[1:])), error + _mean(start.state, errors)
        return _Here(self.begin, state, state, error, square, products, error)

    def through(self, here: _Here, ahead: Sequence[float]) -> Iterator[tuple[Snapshot | None, _Here]]:
        """Yield the state at the times ahead; None where the phonon space should grow first."""
        times = [here.time, *(t for t in ahead if t > here.time)]
        runs = [[self.motion(part.block).moments(self.motion(part.block).vector(phi), times, self.rate)
                 for phi in part.amplitudes] for part in here.state.parts]  # fmt: skip
        for time in times:
            moments = [[next(run) for run in own] for own in runs]
            reached = self._joined(here, moments, time)
            if self.may_grow and reached.error - reached.initial > self._allowed(time) and time > here.time:
                yield None, reached
                return
            if time > here.time or time in ahead[:1]:
                self.progress(reached.products, time, reached.error)
                yield self._snapshot(reached, moments), reached

    def _allowed(self, time: float) -> float:
        share = (time - self.begin) / ((self.end - self.begin) or 1.0)
        return self.course.tolerance * (1.0 - 2.0 * AT_ONCE) * share

    def _joined(self, here: _Here, moments: Sequence[Sequence[Moment]], time: float) -> _Here:
        parts = []
        for part, own in zip(here.state.parts, moments, strict=True):
            motion = self.motion(part.block)
            parts.append(replace(part, amplitudes=np.array([motion.amplitudes(each.vector) for each in own])))
        every = [each for own in moments for each in own]
        return replace(
            here,
            time=time,
            state=replace(parts[0], others=tuple(parts[1:])),
            error=min(2.0, here.error + _mean(here.state, [each.error for each in every])),
            square=here.square + _mean(here.state, [math.sqrt(each.square) for each in every]) ** 2,
            products=here.products + sum(each.products for each in every),
        )

    def _snapshot(self, here: _Here, moments: Sequence[Sequence[Moment]]) -> Snapshot:
        square, weights, energies, currents = 0.0, list[float](), list[float](), list[float]()
        with one_blas_thread():
            returned = _returned(here.first, here.state)
            for part, own in zip(here.state.parts, moments, strict=True):
                motion = self.motion(part.block)
                for weight, each in zip(part.weights.tolist(), own, strict=True):
                    weights.append(weight)
                    energies.append(motion.energy(here.time, each.vector) + self.hamiltonian.constant)
                    currents.append(motion.current(here.time, each.vector))
                    square += weight * motion.operator.norm(each.vector) ** 2
        together = min(here.time - self.begin, math.pi / self.slowest)
        estimate = min(here.error, here.initial + math.sqrt(here.square * max(0.0, together)))
        return Snapshot(
            here.time,
            here.state,
            float(np.dot(weights, energies)),
            math.sqrt(square),
            float(np.dot(weights, currents)),
            np.array(energies),
            np.array(currents),
            here.error,
            estimate,
            returned,
            here.products,
            lambda: self._kept(here),
        )

    def _kept(self, here: _Here) -> dict[str, Any]:
        vectors = {
            name: {str(n): part.amplitudes for n, part in enumerate(state.parts)}
            for name, state in (("state", here.state), ("first", here.first))
        }
        numbers = {name: getattr(here, name) for name in ("time", *NUMBERS)}
        return {**numbers, **vectors, "phonons": self.hamiltonian.space.phonons.size}


def _filled(shape: State, kept: Mapping[str, NDArray[Any]]) -> State:
    parts = [replace(part, amplitudes=kept[str(n)]) for n, part in enumerate(shape.parts)]
    return replace(parts[0], others=tuple(parts[1:]))


def _mean(state: State, errors: Sequence[float]) -> float:
    """Return the largest error of a pure state or an even mixture; of others that of their purification.

    That is the root of the mean square.
    """
    weights = np.concatenate([part.weights for part in state.parts])
    if np.ptp(weights) <= EVEN:
        return max(errors)
    return float(np.sqrt(weights @ np.square(errors) / weights.sum()))


def _returned(first: State, state: State) -> float:
    """Return ``Tr rho(0) rho(t) / Tr rho(0)^2``: ``|<psi(0)|psi(t)>|^2`` of a pure state."""
    found = purity = 0.0
    for one, other in zip(first.parts, state.parts, strict=True):
        purity += float(np.sum(one.weights**2))
        overlaps = np.abs(one.block.overlaps(one.amplitudes, other.amplitudes)) ** 2
        found += float(one.weights @ overlaps @ other.weights)
    return found / purity
