"""The lines of a probe in a thermal state, block by block: over all levels, or with random vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import comb as binomial

from ..hamiltonians import Amplitudes, Block, Hamiltonian, Model, Operator
from ..hamiltonians.tensor import TensorOperator
from ..hamiltonians.transitions import Transition, charge_change, target_hamiltonian, transitions
from ..solvers import Eigenstates, Options
from ..solvers.all_levels import AllLevels
from ..solvers.krylov import krylov
from ..solvers.lines import Accuracy, spectral_lines
from ..solvers.sampling import Sample
from .contributions import Contribution, Lines, Operators, Workshop
from .ensembles import Blocks, Planned, Sampling, sampled_states
from .excitations import LINESHAPES, MOMENTS, NEGLIGIBLE, Resolution
from .probes import Probe

COMB = 1 / 50
"""Distance of the lines of a comb, in units of the broadening."""
COMB_FROM = 4000
"""Longer lists of lines are put on a comb."""
MOST_LINES = 50_000
"""Longer lists of lines are not kept."""
SIGNS: Mapping[str, int] = {"addition": 1, "removal": -1}


@dataclass(frozen=True)
class Wanted:
    """What is wanted of thermal lines.

    Attributes
    ----------
    probe : Probe
        The operators.
    temperatures : (t,) float
        T.
    frequencies : (n,) float
        omega.
    resolution : Resolution
        Where, from the chemical potential of the model, and how exactly the resolvent is wanted.
    broadening, lineshape : float, str
        Of the lines.
    offset : (t,) float
        By how much lines move down: what is added to mu at each temperature, times the charge that the probe adds.
    loop : int
        Bonds around the ring for the optical conductivity, whose lines carry pi / L (1 - exp(-omega / T)) / omega;
        0 for other probes.
    averaged : sequence of Operator
        Whose thermal averages the sum rules need, that of the n-th moment in n-th place.
    """

    probe: Probe
    temperatures: NDArray[np.float64]
    frequencies: NDArray[np.float64]
    resolution: Resolution
    broadening: float
    lineshape: str
    offset: NDArray[np.float64]
    loop: int = 0
    averaged: Sequence[Operator] = field(default=(), repr=False)

    @property
    def about(self) -> object:
        """What the sums depend on."""
        operators = [sorted(map(repr, operator.terms.items())) for _, operator in self.parts]
        shape = (self.broadening, self.lineshape, self.resolution.width, self.resolution.options.engine)
        at = [a.tolist() for a in (self.temperatures, self.frequencies, self.offset)]
        return "spectrum", operators, at, shape, self.loop, len(self.averaged)

    @property
    def parts(self) -> Iterator[tuple[str, Operator]]:
        """The operators that make up the spectrum, by "addition" and "removal"."""
        yield "addition", self.probe.addition
        if self.probe.removal is not None:
            yield "removal", self.probe.removal

    def workshop(self, model: Model, sampling: Sampling, options: Options) -> Workshop:
        """Return what sums over the blocks of a model."""
        blocks, known, averaged = Blocks(), Levels(reach=2), Operators(self.averaged)

        def work(planned: Planned) -> Contribution:
            block = blocks.of(planned)
            if planned.exact:
                return exact_lines(planned, block, self, known)
            return sampled_lines(
                planned,
                block,
                self,
                averaged.on(block),
                *sampled_states(planned, block, sampling, options),
                sampling.steps,
            )

        return work

    def seen(self, part: str, lines: Sequence[Lines]) -> dict[str, NDArray[np.float64]]:
        """Return everything linear that is read off lines, each with the temperatures first."""
        x, w = joined(lines, len(self.temperatures))
        if self.loop:
            here = x > ELASTIC
            t = self.temperatures[:, None]
            x, w = x[here], w[:, here] * np.pi / self.loop * -np.expm1(-x[here] / t) / x[here]
        if np.any(self.offset):
            each = zip(self.offset, w, self.temperatures, strict=True)
            rows = [self._read(x - offset, row[None], np.array([t])) for offset, row, t in each]
        else:
            rows = [self._read(x, w, self.temperatures)]
        return {f"{part}_{name}": np.concatenate([row[name] for row in rows]) for name in rows[0]}

    def _read(
        self, x: NDArray[np.float64], w: NDArray[np.float64], temperatures: NDArray[np.float64]
    ) -> dict[str, NDArray[np.float64]]:
        t = temperatures[:, None]
        found = {
            "moments": w @ x[:, None] ** np.arange(MOMENTS),
            "below": np.sum(w * _fermi(x / t), axis=1),
            "negative": w @ (x < -ELASTIC).astype(float),
            "balance": np.sum(np.where(x > ELASTIC, w * np.exp(-np.maximum(x, 0.0) / t), 0.0), axis=1),
        }
        x, w = comb(x, w, COMB * self.broadening) if len(x) > COMB_FROM else (x, w)
        shape = LINESHAPES[self.lineshape][0]
        found["curve"] = w @ shape(x[:, None] - self.frequencies, self.broadening)
        found["zero"] = w @ shape(x, self.broadening)
        return found

    def moved(self, averages: NDArray[Any]) -> NDArray[Any]:
        """Return moments, shape (t, orders), of lines that move down by `offset`."""
        if self.loop or not np.any(self.offset):
            return averages
        n = np.arange(averages.shape[1])
        powers = np.where(n[:, None] >= n, (-self.offset[:, None, None]) ** np.maximum(n[:, None] - n, 0), 0.0)
        return np.asarray(np.einsum("tnk,tk->tn", binomial(n[:, None], n) * powers, averages))


def joined(lines: Sequence[Lines], temperatures: int) -> Lines:
    """Return lists of lines as one."""
    x = np.concatenate([np.zeros(0), *(at for at, _ in lines)])
    return x, np.concatenate([np.zeros((temperatures, 0)), *(weights for _, weights in lines)], axis=1)


ELASTIC = 1e-8
"""Lines closer to zero lie within a level."""


def _fermi(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 - np.tanh(0.5 * x)))


def comb(x: NDArray[np.float64], w: NDArray[np.float64], step: float) -> Lines:
    """Spread lines over the multiples of a step, each over six of them, so that moments up to the fifth stay exact.

    Parameters
    ----------
    x : (n,) float
        Frequencies.
    w : (t, n) float
        Weights.
    step : float
        Distance of the new lines.

    Examples
    --------
    >>> at, weights = comb(np.array([0.13, 0.5]), np.ones((1, 2)), 0.1)
    >>> np.round(weights @ at[:, None] ** np.arange(4), 12)
    array([[2.      , 0.63    , 0.2669  , 0.127197]])
    """
    first = np.floor(x / step).astype(np.int64) - 2
    low = int(first.min())
    place = x / step - first
    spread = np.zeros((len(w), int(first.max()) - low + 6))
    for node in range(6):
        others = [k for k in range(6) if k != node]
        share = np.prod([(place - k) / (node - k) for k in others], axis=0)
        for row, weights in zip(spread, w, strict=True):
            row += np.bincount(first - low + node, weights * share, minlength=len(row))
    kept = np.any(spread, axis=0)
    return np.asarray(step * (low + np.flatnonzero(kept)), float), spread[:, kept]


class Levels:
    """All levels of the blocks in use, each computed once while its charge is near that of the last source."""

    def __init__(self, reach: int) -> None:
        self._reach, self._known = reach, dict[object, AllLevels]()

    def of(self, block: Block, near: int) -> AllLevels:
        """Return all levels of a block; those of charges far from `near` are forgotten."""
        for key in [key for key, levels in self._known.items() if abs(levels.block.sector.charge - near) > self._reach]:
            del self._known[key]
        sector, frame = block.space.sector, block.space.frame[:1].tobytes()
        key = (sector.charge, sector.spin_excess, block.symmetries, frame)
        if key not in self._known:
            self._known[key] = AllLevels.of(block)
        return self._known[key]


def exact_lines(planned: Planned, block: Block, wanted: Wanted, known: Levels) -> Contribution:
    """Find all lines that start in a block, by Lehmann's sum over the levels of the blocks that the probe reaches."""
    t = wanted.temperatures
    levels = known.of(block, block.sector.charge)
    above = levels.energies - levels.energies[0]
    boltzmann = np.exp(-above / t[:, None])
    z, energy, squared = (np.asarray(boltzmann @ above**power)[None] for power in range(3))
    sums: dict[str, NDArray[Any]] = {}
    kept: dict[str, Lines] = {}
    for part, operator in wanted.parts:
        lines = []
        for transition in _transitions(block, operator):
            others = known.of(transition.target, block.sector.charge)
            squares = np.abs(_elements(others.amplitudes, [transition.apply(phi) for phi in levels.amplitudes])) ** 2
            up, start = np.nonzero(squares > NEGLIGIBLE)
            at = SIGNS[part] * (others.energies[up] - levels.energies[start])
            lines.append((at, squares[up, start] * boltzmann[:, start]))
        sums |= wanted.seen(part, lines)
        kept[part] = joined(lines if sum(len(at) for at, _ in lines) <= MOST_LINES else [], len(t))
    averages = [levels.averages(operator) for operator in wanted.averaged]
    sums["averages"] = wanted.moved(boltzmann @ np.array(averages, complex).reshape(-1, len(above)).T)
    phonons = np.sum(np.abs(levels.amplitudes) ** 2, axis=1)
    sums["phonons"] = boltzmann @ phonons
    rows = {name: np.asarray(values, complex)[None] for name, values in sums.items()}
    return Contribution(planned.member, len(above), True, float(levels.energies[0]), z, energy, squared, rows, kept)


def sampled_lines(
    planned: Planned,
    block: Block,
    wanted: Wanted,
    averaged: Sequence[TensorOperator],
    lowest: Eigenstates,
    vectors: Iterable[Sample],
    steps: int,
) -> Contribution:
    r"""Find the lines that start in a block: those of its lowest levels, and of random vectors for the rest.

    .. math:: \langle r| e^{-\beta H} O^\dagger \delta(\omega - H + E) O |r\rangle =
              \sum_{jl} e^{-\beta e_j} \langle r|\psi_j\rangle \langle\psi_j|O^\dagger|\phi_l\rangle
              \langle\phi_l|O|r\rangle\, \delta(\omega - \epsilon_l + e_j)

    with Ritz pairs (e, psi) of the space of r and (epsilon, phi) of that of O r.

    References
    ----------
    J. Jaklic and P. Prelovsek, Adv. Phys. 49, 1 (2000), section 3.
    """
    t = wanted.temperatures
    origin = float(lowest.energies[0])
    known = lowest.energies - origin
    share = np.exp(-known / t[:, None])
    moving = {part: _transitions(block, operator) for part, operator in wanted.parts}

    def in_states(states: Sequence[Amplitudes]) -> dict[str, NDArray[Any]]:
        values = np.array([[np.vdot(phi, a.apply(phi)) for a in averaged] for phi in states], complex)
        return {
            "averages": values.reshape(len(states), -1),
            "phonons": np.array([np.sum(np.abs(phi) ** 2, axis=0) for phi in states], complex),
        }

    exact = {name: share @ values for name, values in in_states(list(lowest.amplitudes)).items()}
    for part, found in moving.items():
        exact |= wanted.seen(part, list(_lines_of_levels(found, SIGNS[part], lowest, share, wanted.resolution)))
    first = np.array([share @ known**power for power in range(3)])
    thermodynamics, rows = [], []
    for sample in vectors:
        above = sample.energies - origin
        boltzmann = np.exp(-above / t[:, None])
        thermodynamics.append(first + np.array([(boltzmann * sample.weights) @ above**power for power in range(3)]))
        row = in_states(list(sample.thermal_states(t, origin)))
        for part, found in moving.items():
            lines = [_lines_of_vector(transition, SIGNS[part], sample, boltzmann, steps) for transition in found]
            row |= wanted.seen(part, lines)
        rows.append(row)
    sums = {name: np.array([exact[name] + row[name] for row in rows], complex) for name in exact}
    sums["averages"] = np.array([wanted.moved(row) for row in sums["averages"]])
    z, energy, squared = np.moveaxis(np.array(thermodynamics), 1, 0)
    return Contribution(planned.member, planned.dimension, False, origin, z, energy, squared, sums)


def _transitions(block: Block, operator: Operator) -> tuple[Transition, ...]:
    target: Hamiltonian | None = target_hamiltonian(block.hamiltonian, charge_change(block.space.model, operator))
    found = () if target is None else transitions(block, operator, target)
    return tuple(transition for transition in found if transition.target.dimension)


def _elements(left: Amplitudes, right: Sequence[Amplitudes]) -> Amplitudes:
    """Return ``<left_m|right_n>``, shape (m, n)."""
    columns = np.array(right).reshape(len(right), -1)
    return np.asarray(left.reshape(len(left), -1).conj() @ columns.T)


def _lines_of_levels(
    moving: Sequence[Transition],
    sign: int,
    lowest: Eigenstates,
    share: NDArray[np.float64],
    resolution: Resolution,
) -> Iterator[Lines]:
    """Yield the lines that start in known levels, from continued fractions."""
    for number, (energy, phi) in enumerate(zip(lowest.energies, lowest.amplitudes, strict=True)):
        z = np.asarray(energy + sign * resolution.frequencies + 1j * resolution.width, np.complex128)
        for transition in moving:
            image = transition.apply(phi)
            if np.linalg.norm(image) ** 2 > NEGLIGIBLE:
                lines = spectral_lines(transition.target, image[None], Accuracy(z), resolution.options.engine)
                yield sign * (lines.energies - energy), share[:, number, None] * lines.weights


def _lines_of_vector(
    transition: Transition, sign: int, sample: Sample, boltzmann: NDArray[np.float64], steps: int
) -> Lines:
    """Return the lines between the Krylov spaces of a random vector and of its image."""
    space, target = sample.space, transition.target
    images = [transition.apply(row.reshape(sample.block.shape)) for row in space.basis]
    start = np.linalg.norm(sample.overlaps) * images[0].ravel()
    if np.linalg.norm(start) ** 2 <= NEGLIGIBLE:
        return np.zeros(0), np.zeros((len(boltzmann), 0))
    start = start.astype(np.result_type(start.dtype, target.energy.dtype))
    other = krylov(target.energy.dot, target.energy.project, start, min(steps, target.energy.dimension))
    inner = _elements(other.basis, images)
    elements = other.ritz @ inner @ space.ritz.T  # <phi_l|O|psi_j>
    amplitude = float(np.linalg.norm(start)) * other.starts
    at = sign * (other.energies[:, None] - sample.energies)
    weights = (elements.conj() * amplitude[:, None] * sample.overlaps).real
    return at.ravel(), np.array([(weights * factor).ravel() for factor in boltzmann])
