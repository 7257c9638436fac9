"""Excitation spectra: the lines of a probe in all sectors and symmetry blocks reached from a ground level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.arguments import real_number
from ...clusters import InvalidValue
from ...hamiltonians import Amplitudes, Block, Hamiltonian, Operator
from ...hamiltonians.parameters import LARGEST
from ...hamiltonians.transitions import Transition, charge_change, target_hamiltonian, transitions
from ...solvers import Eigenstates, LabelledLevels, Options, State
from ...solvers.costs import check_memory
from ...solvers.krylov.resolvents import TOLERANCE, Accuracy, Lines, added, spectral_lines

SAME = 1e-9
"""Lines closer than this, relative to their frequency, or than the width of a level, are merged."""
NEGLIGIBLE = 1e-24
"""An image with a squared norm below this times the size of the operator is a rounding error."""
ROUNDING = 1e-13
DROPPED = 1e-12
"""Lines with less than this fraction of the total weight are omitted."""
MOMENTS = 4
FAR = 6
"""Further quanta that a displacement in a dressed frame can add."""
Shape = Callable[[NDArray[np.float64], float], NDArray[np.float64]]


def lorentzian(distance: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """``(eta / pi) / (omega^2 + eta^2)`` with eta the half width at half maximum."""
    return np.asarray(width / np.pi / (distance**2 + width**2))


def gaussian(distance: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """``exp(-omega^2 / (2 s^2)) / (s sqrt(2 pi))`` with the half width at half maximum ``eta = s sqrt(2 ln 2)``."""
    s = width / np.sqrt(2 * np.log(2.0))
    return np.asarray(np.exp(-0.5 * (distance / s) ** 2) / (s * np.sqrt(2 * np.pi)))


LINESHAPES: dict[str, tuple[Shape, float]] = {"lorentzian": (lorentzian, 1.0), "gaussian": (gaussian, 1.0 / 3.0)}
"""Line shapes by name, with the fraction of the width at which the resolvent must be accurate."""
CHUNK = 1 << 22
"""Largest number of elements of temporary arrays of a curve."""


@dataclass(frozen=True)
class Resolution:
    """Frequencies, line shape and accuracy of a spectrum.

    Attributes
    ----------
    frequencies : (n,) float
        omega.
    broadening : float
        Half width at half maximum of each line.
    lineshape : str
        "lorentzian" or "gaussian".
    options : Options
        Engine and limits.
    tolerance : float
        Largest error of the resolvent, in units of the weight over the width.
    """

    frequencies: NDArray[np.float64]
    broadening: float
    lineshape: str = "lorentzian"
    options: Options = field(default_factory=Options)
    tolerance: float = TOLERANCE

    @classmethod
    def of(
        cls,
        frequencies: Sequence[float] | NDArray[np.float64],
        broadening: float,
        lineshape: str = "lorentzian",
        options: Options | None = None,
        tolerance: float = TOLERANCE,
    ) -> Resolution:
        """Return the resolution from the arguments of a public function.

        Raises
        ------
        ValueError
            If there are no frequencies, the line shape is unknown, or broadening or tolerance are not positive.
        """
        tolerance = real_number("tolerance", tolerance, "a number above 0", np.finfo(float).tiny)
        omega = np.array(frequencies, dtype=float)
        if omega.ndim != 1 or not len(omega) or not np.all(np.abs(omega) <= LARGEST):
            raise InvalidValue(f"frequencies must be a list of one or more finite numbers, at most {LARGEST:g} in size")
        broadening = real_number("broadening", broadening, "a number above 0")
        if not 1 / LARGEST <= broadening <= LARGEST:
            raise InvalidValue(
                f"broadening = {broadening} gives no curve; allowed: above 0, from {1 / LARGEST:g} to {LARGEST:g} "
                "(exact lines are in the poles)"
            )
        if lineshape not in LINESHAPES:
            raise InvalidValue(f"lineshape = {lineshape!r} is unknown; allowed: {', '.join(LINESHAPES)}")
        return cls(omega, broadening, lineshape, options or Options(), tolerance)

    @property
    def width(self) -> float:
        """Distance from the real axis at which the resolvent must be accurate."""
        return self.broadening * LINESHAPES[self.lineshape][1]

    def broadened(self, lines: Lines) -> NDArray[Any]:
        """Return ``sum_j w_j f(omega - omega_j)`` with the normalised line shape f."""
        shape, _ = LINESHAPES[self.lineshape]
        curve = np.zeros(len(self.frequencies), lines.weights.dtype)
        step = max(1, CHUNK // max(1, len(self.frequencies)))
        for start in range(0, len(lines.energies), step):
            here = slice(start, start + step)
            distance = self.frequencies[:, None] - lines.energies[None, here]
            curve += shape(distance, self.broadening) @ lines.weights[here]
        return curve


@dataclass(frozen=True)
class Excitations:
    """Lines ``sum_j w_j delta(omega - omega_j)``.

    Attributes
    ----------
    lines : Lines
        The lines; their energies are omega_j.
    weight : float
        Exact ``sum_j |w_j|``, from the norms of the images.
    near_cutoff : (4,) float
        Weight of the level and its images on phonon states near the cutoff, which affects the n-th moment.
    blocks : int
        Number of blocks searched for lines.
    scale, level_width : float
        The largest coupling, and the distance below which levels are degenerate.
    """

    lines: Lines
    weight: float
    near_cutoff: NDArray[np.float64]
    blocks: int
    scale: float = 1.0
    level_width: float = 1e-9

    def moments(self, count: int = MOMENTS) -> NDArray[Any]:
        """Return ``M_n = sum_j w_j omega_j^n``."""
        powers = self.lines.energies[None] ** np.arange(count)[:, None]
        return np.asarray(powers @ self.lines.weights)


def excitations(
    levels: Eigenstates | LabelledLevels,
    operator: Operator,
    resolution: Resolution,
    left: Operator | None = None,
    sign: int = 1,
    off: bool = False,
) -> Excitations:
    r"""Find the lines ``sum_n <0|A^\dagger|n><n|B|0>`` at ``omega = sign (E_n - E_0)``, averaged over the ground level.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Levels whose ground level is used.
    operator : Operator
        B.
    resolution : Resolution
        Frequencies and accuracy.
    left : Operator, optional
        A; B by default.
    sign : int
        1 if charge is added or conserved, -1 if it is removed.
    off : bool
        Whether to exclude the ground level from the states n.

    Returns
    -------
    Excitations
        The lines in all blocks reached by B.
    """
    parts, options = [], resolution.options
    for energy, state in by_energy(levels.ground, float(levels.relative[0])):
        for target, images, others in images_of(state, operator, left):
            offset = offset_of(target, levels)
            at = energy - offset + sign * resolution.frequencies
            z = np.asarray(at + 1j * resolution.width, np.complex128)
            images = [off_ground(v, target, levels.ground) for v in images] if off else images
            check_memory(target.space.model, target.sector, options.engine, 1, options.memory_limit)
            partners, how = None if others is None else np.array(others), Accuracy(z, resolution.tolerance)
            lines = spectral_lines(target, np.array(images), how, options.engine, partners)
            parts.append((replace(lines, energies=sign * (lines.energies - energy + offset)), images, target))
    found = added(tuple(lines for lines, *_ in parts))
    weight = sum(target.norm(v) ** 2 for _, images, target in parts for v in images)
    near = [near_cutoff(target, images, operator) for _, images, target in parts]
    states = [(part.block, np.sqrt(w) * phi) for part in levels.ground.parts for w, phi in part.mixture]
    near += [max(size_of(operator), weight) * near_cutoff(block, [phi], operator) for block, phi in states]
    own = levels.hamiltonian
    return Excitations(found, weight, np.sum(near, axis=0), len(parts), own.scale, own.level_width)


def offset_of(target: Block, levels: Eigenstates | LabelledLevels) -> float:
    """Return the shift of the energies of a block relative to the levels by a chemical potential outside H."""
    change = target.space.sector.charge - levels.hamiltonian.space.sector.charge
    return -levels.hamiltonian.potential * change if change else 0.0


def size_of(operator: Operator) -> float:
    """Return a bound on ``||O psi||^2`` of the charge part: the squared sum of all coefficients."""
    return float(sum(abs(value) for value in operator.terms.values())) ** 2


def by_energy(state: State, lowest: float) -> list[tuple[float, State]]:
    """Return the parts of a ground level that differ in energy by more than rounding, each with its energy.

    Degenerate levels may be slightly split, and lines are measured from the energy of their initial state.
    """
    if sum(len(part.weights) for part in state.parts) == 1:
        return [(lowest, state)]
    pure = [
        (part.block.dot(phi, part.block.energy.apply(phi)).real, replace(part, amplitudes=phi[None], weights=weight))
        for part in state.parts
        for phi, weight in zip(part.amplitudes, part.weights[:, None], strict=True)
    ]
    pure.sort(key=lambda each: each[0])
    if pure[-1][0] - pure[0][0] <= ROUNDING * max(state.hamiltonian.scale, abs(lowest)):
        return [(lowest, state)]
    return pure


def images_of(
    state: State, operator: Operator, left: Operator | None = None
) -> Iterator[tuple[Block, list[Amplitudes], list[Amplitudes] | None]]:
    """Yield each target block with the images of the pure states under both operators.

    The images are multiplied by the square roots of the weights of the mixture.
    """
    for part in state.parts:
        partner = operator if left is None else left
        for right, other in pairs_of(part.block, operator, partner, state.hamiltonian):
            images = [np.sqrt(weight) * right.apply(phi) for weight, phi in part.mixture]
            if left is not None:
                yield right.target, images, [np.sqrt(weight) * other.apply(phi) for weight, phi in part.mixture]
            elif sum(right.target.norm(v) ** 2 for v in images) > NEGLIGIBLE * size_of(operator):
                yield right.target, images, None


Pair = tuple[Transition, Transition]
"""The transitions to a block of the right and of the left operator."""


def pairs_of(block: Block, right: Operator, left: Operator, source: Hamiltonian | None = None) -> tuple[Pair, ...]:
    """Return the parts of two operators with the same target blocks, identical objects for equal operators.

    `source` is the Hamiltonian that caches those of the target sectors, by default that of the block.
    """
    target = target_hamiltonian(source or block.hamiltonian, charge_change(block.space.model, right))
    if target is None:
        return ()
    found = [transition for transition in transitions(block, right, target) if transition.target.dimension]
    if left is right:
        return tuple((transition, transition) for transition in found)
    others = {transition.target.symmetries: transition for transition in transitions(block, left, target)}
    places = ((transition, others.get(transition.target.symmetries)) for transition in found)
    return tuple((transition, other) for transition, other in places if other is not None)


def ground_in(state: State, block: Block) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the states of a level contained in a block of the same N and S_z, and their indices in the level.

    The states are rows of flattened amplitudes, including parts of the level with further quantum numbers.
    """
    size, first = int(np.prod(block.shape)), 0
    rows, numbers = [np.zeros((0, size))], [np.zeros(0, np.int64)]
    for part in state.parts:
        count = len(part.amplitudes)
        if set(block.symmetries) <= set(part.block.symmetries):
            same = part.block.symmetries == block.symmetries
            states = part.amplitudes if same else np.array([block.compress(psi) for psi in part.vectors])
            rows.append(states.reshape(count, size))
            numbers.append(first + np.arange(count))
        first += count
    return np.concatenate(rows), np.concatenate(numbers)


def off_ground(v: Amplitudes, block: Block, state: State) -> Amplitudes:
    """Project a level out of a vector of a block; results at rounding level are set to zero."""
    length = block.norm(v)
    own, _ = ground_in(state, block)
    left = v - (block.overlaps(own, v[None])[:, 0] @ own).reshape(v.shape)
    return left if block.norm(left) > ROUNDING * length else np.zeros_like(v)


def near_cutoff(block: Block, states: list[Amplitudes], operator: Operator) -> NDArray[np.float64]:
    """Return the weight on phonon states near the cutoff, which affects the n-th moment.

    For charge operators the n-th moment involves n - 1 products that can leave the space; lattice operators leave it
    themselves.
    """
    phonons = block.space.phonons
    weights = block.total(sum((np.sum(np.abs(v) ** 2, axis=0) for v in states), np.zeros(len(phonons))))
    return weight_near_cutoff(block, weights, operator)


def weight_near_cutoff(block: Block, weights: NDArray[np.float64], operator: Operator) -> NDArray[np.float64]:
    """Return the weight near the cutoff from the weight on each phonon state."""
    phonons = block.space.phonons
    if not phonons.modes:
        return np.zeros(MOMENTS)
    numbers = phonons.occupations.astype(int)
    room = np.minimum(phonons.max_quanta - numbers.max(axis=1), phonons.total_quanta - numbers.sum(axis=1))
    own = max((sum(up for _, up, _ in lattice) for _, lattice in operator.terms), default=0)
    strength = (2.0 + phonons.max_quanta) ** own
    own = own + FAR if np.any(block.space.frame_parts[1:]) else own
    raised = (sum(up for _, up, _ in lattice) for _, lattice in block.hamiltonian.operator.terms)
    steps = max(1, *raised) * np.maximum(np.arange(MOMENTS) - (0 if own else 1), 0) + own
    return np.array([strength * np.sum(weights[room < step]) for step in steps])


def merged(lines: Lines, level_width: float) -> Lines:
    """Return lines in ascending order, coinciding ones merged, negligible ones omitted."""
    order = np.argsort(lines.energies, kind="stable")
    energies, weights, errors = lines.energies[order], lines.weights[order], lines.errors[order]
    if not len(energies):
        return lines
    width = np.maximum(level_width, SAME * np.abs(energies[1:]))
    first = np.concatenate([[True], np.diff(energies) > width])
    starts = np.flatnonzero(first)
    size = np.maximum(np.abs(weights), np.finfo(float).tiny)
    total = np.add.reduceat(weights, starts)
    centre = np.add.reduceat(size * energies, starts) / np.add.reduceat(size, starts)
    kept = np.abs(total) > DROPPED * np.sum(np.abs(weights))
    return Lines(centre[kept], total[kept], np.maximum.reduceat(errors, starts)[kept], lines.steps, lines.error)
