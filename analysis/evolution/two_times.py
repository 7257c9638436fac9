r"""Correlations between two times of an evolution: ``<psi(t)| B+ U(t, t') B |psi(t')>``.

The vectors ``B psi(t')`` are stored; each is evolved under the Hamiltonian of its sector, pulse included, and its
overlaps with the vectors of later times are computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians import Block, Operator
from ...hamiltonians.pulse import hop_steps
from ...hamiltonians.transitions import Transition, transitions
from ...solvers.block_size import DoesNotFit
from ...solvers.costs import choose_engine, format_bytes
from ...solvers.evolution.course import Course, Snapshot
from ...solvers.evolution.motion import Motion
from ...solvers.krylov.operator import Vector
from ..observables.averages import expectation

Range = tuple[float, float]
Look = Callable[[Motion, Vector], Range | None]
"""From a `Motion` and a state to the lowest and the highest of its energies."""
SHARE = 2
"""The vectors may use one part in this number of the memory limit."""


@dataclass(frozen=True)
class TwoTimes:
    """Correlations of an operator between the times of a grid.

    Attributes
    ----------
    values : (n, n) complex
        ``<B+(t_i) B(t_j)>``, Hermitian; 0 for times too far apart.
    errors : (n, n) float
        Bounds on their errors.
    """

    values: NDArray[np.complex128]
    errors: NDArray[np.float64]


@dataclass(frozen=True)
class _Channel:
    """The images under B of one state of a mixture in one block: a vector for each time."""

    weight: float
    motion: Motion
    vectors: list[Vector] = field(default_factory=list)


class Correlations:
    """Collects the states of a time evolution and computes the correlations between them.

    Parameters
    ----------
    operator : Operator
        B.
    size : float
        An upper bound of its norm.
    course : Course
        Pulse and options of the evolution.
    count : int
        Number of times.
    """

    def __init__(self, operator: Operator, size: float, course: Course, count: int) -> None:
        self.operator, self.size, self.course, self.count = operator, size, course, count
        self._transitions: dict[object, tuple[Transition, ...]] = {}
        self._motions: dict[object, Motion] = {}
        self._channels: dict[tuple[int, ...], _Channel] = {}
        self._lost: list[float] = []
        self._has_lattice = any(lattice for _, lattice in operator.terms)

    def add(self, snapshot: Snapshot) -> None:
        """Store ``B psi`` of the next time."""
        kept = 0.0
        for p, part in enumerate(snapshot.state.parts):
            mixed = list(part.mixture)
            for k, transition in enumerate(self._reached(part.block)):
                for n, (weight, phi) in enumerate(mixed):
                    motion = self.motion(transition.target)
                    channel = self._channels.get((p, k, n))
                    if channel is None:
                        self._check_memory(motion, len(mixed))
                        channel = self._channels[p, k, n] = _Channel(weight, motion)
                    vector = motion.vector(transition.apply(phi))
                    kept += weight * motion.operator.norm(vector) ** 2
                    channel.vectors.append(vector)
        beyond = 0.0
        if self._has_lattice:  # the component of B psi beyond the phonon cutoff
            whole = expectation(snapshot.state, self.operator.dag * self.operator).real
            beyond = math.sqrt(max(0.0, whole - kept))
        self._lost.append(self.size * snapshot.error + beyond)

    def between(self, times: Sequence[float], reach: float, rate: float) -> TwoTimes:
        """Return the correlations between times no farther apart than `reach`.

        Parameters
        ----------
        times : sequence of float
            Times of the stored states.
        reach : float
            Largest distance in time.
        rate : float
            Allowed error per unit of time of the evolution.
        """
        count = len(times)
        values, errors = np.zeros((count, count), complex), np.zeros((count, count))
        for channel in self._channels.values():
            operator, vectors = channel.motion.operator, channel.vectors
            for j, start in enumerate(vectors):
                ahead = [n for n in range(j, count) if times[n] - times[j] <= reach]
                if not operator.norm(start):
                    continue
                moments = channel.motion.moments(start, [times[n] for n in ahead], rate)
                for n, moment in zip(ahead, moments, strict=True):
                    values[n, j] += channel.weight * operator.dot(vectors[n], moment.vector)
                    errors[n, j] += channel.weight * operator.norm(vectors[n]) * moment.error
        lost = np.array(self._lost)
        sizes = np.sqrt(np.maximum(np.diagonal(values).real, 0.0)) + lost
        below = np.tril_indices(count, -1)
        values[below[::-1]] = values[below].conj()
        errors[below[::-1]] = errors[below]
        return TwoTimes(values, errors + lost[:, None] * sizes + lost * sizes[:, None])

    def energies(self, snapshot: Snapshot, look: Look) -> tuple[list[Range], list[Range]]:
        """Return the ranges of energies of the states, and of their images under B."""
        before, after = [], []
        for part in snapshot.state.parts:
            for _, phi in part.mixture:
                own = self.motion(part.block)
                before.append(look(own, own.vector(phi)))
                for transition in self._reached(part.block):
                    other = self.motion(transition.target)
                    after.append(look(other, other.vector(transition.apply(phi))))
        return [found for found in before if found], [found for found in after if found]

    def _reached(self, block: Block) -> tuple[Transition, ...]:
        if block.symmetries not in self._transitions:
            self._transitions[block.symmetries] = transitions(block, self.operator)
        return self._transitions[block.symmetries]

    def motion(self, block: Block) -> Motion:
        """Return the `Motion` of the states of a block."""
        key = (block.sector.plain, block.symmetries)
        if key not in self._motions:
            options, pulse = self.course.options, self.course.pulse
            engine = choose_engine(block.space.model, block.sector, options.engine)
            steps = hop_steps(block.space.model, pulse.direction) if pulse else ()
            self._motions[key] = Motion.of_hamiltonian(block, engine, options.memory_limit, pulse, steps)
        return self._motions[key]

    def _check_memory(self, motion: Motion, mixed: int) -> None:
        needed = 16 * self.count * motion.operator.most_entries * mixed
        if needed * SHARE > self.course.options.memory_limit:
            raise DoesNotFit(
                f"the states at {self.count:,} times need {format_bytes(needed)}, but at most 1/{SHARE} of "
                f"solver.memory_limit = {format_bytes(self.course.options.memory_limit)} is available for them; take a "
                "shorter probe, fewer times, or lower phonon caps"
            )
