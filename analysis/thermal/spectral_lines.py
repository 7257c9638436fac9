"""The lines of a probe in a thermal state, block by block: over all levels, or with random vectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import comb as binomial

from ..._core.threads import one_blas_thread
from ...hamiltonians import Amplitudes, Block, Operator
from ...hamiltonians.kernels.tensor import TensorOperator
from ...hamiltonians.transitions import Transition
from ...solvers import Eigenstates
from ...solvers.all_levels import AllLevels
from ...solvers.krylov.resolvents import Accuracy, spectral_lines
from ...solvers.krylov.sampling import Sample
from ..spectra.excitations import LINESHAPES, MOMENTS, NEGLIGIBLE, Pair, Resolution, pairs_of, size_of
from ..spectra.probes import Probe
from .block_terms import Contribution, Lines, Operators, SumOverBlock, boltzmann
from .blocks import Blocks, Planned, lowest_levels, most_steps
from .comb import comb
from .ensembles import ThermalSum
from .held_levels import PIECE, Levels, in_pieces
from .probed_vectors import Image
from .random_vectors import RandomVectors

COMB = 1 / 50
"""Distance of the lines of a comb, in units of the broadening."""
STEP = 1e-4
"""Distance over which the change of a curve with the chemical potential is taken, in units of the broadening."""
COMB_FROM = 4000
"""Longer lists of lines are put on a comb."""
MOST_LINES = 50_000
"""Longer lists of lines are not kept."""
GROWTH = 1.5
"""Where a curve has not settled, the Krylov spaces grow by this factor."""
SETTLED = 1e-3
"""A curve has settled if the last quarter of the Lanczos steps changes it by less, in units of its largest value."""
UNSETTLED = "_steps"
"""Behind the name of what a curve gives: what further Lanczos steps would change of it."""
SIGNS: Mapping[str, int] = {"addition": 1, "removal": -1}


@dataclass(frozen=True)
class SpectrumSum:
    """A thermal spectrum as a sum over blocks: its lines, and what is read off them.

    Attributes
    ----------
    probe : Probe
        The operators.
    temperatures : (t,) float
        T.
    resolution : Resolution
        omega, from the chemical potential of each temperature, broadening, and the engine of the resolvents.
    offset : (t,) float
        By how much lines move down: what is added to mu at each temperature, times the charge that the probe adds.
    loop : float
        L for the optical conductivity, bonds around the ring or sites of a lattice, whose lines carry
        pi / L (1 - exp(-omega / T)) / omega; 0 for other probes.
    averaged : sequence of Operator
        Whose thermal averages the sum rules need, that of the n-th moment in n-th place.
    cross : Probe or None
        The probe A on the left of a cross spectrum.
    extent : sequence of Operator
        Whose thermal average is no smaller than the weights of a cross spectrum together; for one operator that keeps
        the charge itself.
    is_real : bool
        The spectrum is real: states that are conjugate to each other add up to it.
    level_width : float
        Levels closer than this are one.
    """

    probe: Probe
    temperatures: NDArray[np.float64]
    resolution: Resolution
    offset: NDArray[np.float64]
    loop: float = 0.0
    averaged: Sequence[Operator] = field(default=(), repr=False)
    cross: Probe | None = None
    extent: Sequence[Operator] = field(default=(), repr=False)
    is_real: bool = True
    level_width: float = 1e-9

    @property
    def about(self) -> object:
        """What the sums depend on."""
        operators = [sorted(map(repr, o.terms.items())) for _, *both in self.parts for o in both]
        how = self.resolution
        shape = (how.broadening, how.lineshape, how.width, how.options.engine)
        at = [a.tolist() for a in (self.temperatures, how.frequencies, self.offset)]
        return "spectrum", operators, at, shape, self.loop, len(self.averaged)

    @property
    def parts(self) -> Iterator[tuple[str, Operator, Operator]]:
        """The operators on the right and on the left of "addition", ``A+ B``, and of "removal", ``B A+``."""
        left = self.cross or self.probe
        yield "addition", self.probe.addition, left.addition
        if self.probe.removal is not None and left.removal is not None:
            yield "removal", left.removal, self.probe.removal

    @property
    def additions(self) -> tuple[Operator, ...]:
        """B, and A where there is one."""
        return tuple(each.addition for each in (self.probe, self.cross) if each is not None)

    @property
    def is_susceptible(self) -> bool:
        """True where a static susceptibility is read off the lines: of one operator that is not the current."""
        return self.cross is None and not self.loop

    @property
    def size(self) -> float:
        """The size of the probes, squared, against which weights are negligible."""
        return min(size_of(each) for each in self.additions)

    def weights(self, left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
        """Return ``<left|n><n|right>``, or what of it is left when conjugate states have been added."""
        found = left.conj() * right
        return np.asarray(found.real if self.is_real else found)

    def on_blocks(self, asked: ThermalSum) -> SumOverBlock:
        """Return the function that sums over one block after the other."""
        blocks, known, averaged = Blocks(), Levels(), Operators((*self.averaged, *self.extent))
        random = RandomVectors.of(asked, twins=True)

        def over(planned: Planned) -> Contribution:
            block = blocks.of(planned)
            if planned.exact:
                return exact_lines(planned, block, self, known)
            with one_blas_thread():
                return sampled_lines(planned, block, self, averaged.on(block), random)

        return over

    def seen(self, part: str, lines: Sequence[Lines]) -> dict[str, NDArray[np.float64]]:
        """Return everything linear that is read off lines, each with the temperatures first."""
        x, w = joined(lines, len(self.temperatures))
        if self.loop:
            here = x > ELASTIC * self.level_width
            t = self.temperatures[:, None]
            x, w = x[here], w[:, here] * np.pi / self.loop * -np.expm1(-x[here] / t) / x[here]
        if np.any(self.offset):
            each = zip(self.offset, w, self.temperatures, strict=True)
            rows = [self._read(x - offset, row[None], np.array([t])) for offset, row, t in each]
        else:
            rows = [self._read(x, w, self.temperatures)]
        return {f"{part}_{name}": np.concatenate([row[name] for row in rows]) for name in rows[0]}

    def _read(
        self, x: NDArray[np.float64], w: NDArray[Any], temperatures: NDArray[np.float64]
    ) -> dict[str, NDArray[np.float64]]:
        t = temperatures[:, None]
        found = {
            "moments": w @ x[:, None] ** np.arange(MOMENTS),
            "below": np.sum(w * _fermi(x / t), axis=1),
            "negative": w @ (x < -ELASTIC * self.level_width).astype(float),
            "balance": np.sum(
                np.where(x > ELASTIC * self.level_width, w * np.exp(-np.maximum(x, 0.0) / t), 0.0), axis=1
            ),
        }
        if self.is_susceptible:
            found["static"] = np.sum(w * static_share(x, t), axis=1)
        if self.cross is not None:
            found["sizes"] = np.abs(w) @ x[:, None] ** np.array([0, 2])
        if np.any(self.offset):
            found["below_slope"] = np.sum(w * _fermi(x / t) * _fermi(-x / t), axis=1) / temperatures
        width, omega = self.resolution.broadening, self.resolution.frequencies
        x, w = comb(x, w, COMB * width) if len(x) > COMB_FROM else (x, w)
        shape = LINESHAPES[self.resolution.lineshape][0]
        for name, at in {"curve": x[:, None] - omega, "zero": x}.items():
            found[name] = w @ shape(at, width)
            if np.any(self.offset):
                h = STEP * width
                found[f"{name}_slope"] = w @ (shape(at - h, width) - shape(at + h, width)) / (2 * h)
        return found

    def rules(self, averages: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return averages, shape (t, operators), as moments of lines that move down by `offset`, and as the extent."""
        orders = len(self.averaged)
        moments, extent = averages[:, :orders], averages[:, orders:]
        if np.any(self.offset) and not self.loop:
            n = np.arange(orders)
            powers = np.where(n[:, None] >= n, (-self.offset[:, None, None]) ** np.maximum(n[:, None] - n, 0), 0.0)
            moments = np.asarray(np.einsum("tnk,tk->tn", binomial(n[:, None], n) * powers, moments))
        return {"averages": moments, "extent": extent}


def is_curve(name: str) -> bool:
    """True where a sum depends on how well lines are resolved."""
    return name.endswith(("_curve", "_zero"))


def settled_curves(sums: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return sums together with what further Lanczos steps change of them: nothing."""
    return {**sums, **{f"{name}{UNSETTLED}": np.zeros_like(sums[name]) for name in sums if is_curve(name)}}


def too_many(temperatures: int) -> Lines:
    """Return what stands for more lines than are kept."""
    return np.array([np.nan]), np.zeros((temperatures, 1))


def joined(lines: Sequence[Lines], temperatures: int) -> Lines:
    """Return lists of lines as one."""
    x = np.concatenate([np.zeros(0), *(at for at, _ in lines)])
    return x, np.concatenate([np.zeros((temperatures, 0)), *(weights for _, weights in lines)], axis=1)


def static_share(x: NDArray[np.float64], t: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Return ``tanh(x / 2T) / x``: with it the lines of B and of its adjoint add up to the static susceptibility.

    .. math:: \int_0^{1/T} d\tau\,\langle B^\dagger(\tau) B\rangle = \sum_{mn} (p_m |B_{nm}|^2 + p_m |B_{mn}|^2)\,
              \frac{\tanh[(E_n - E_m) / 2T]}{E_n - E_m}
    """
    near = np.abs(x) < NEAR * t
    return np.where(near, 0.5 / t, np.tanh(0.5 * x / t) / np.where(near, 1.0, x))


NEAR = 1e-6
"""Lines so close to zero, in units of T, that they are taken there."""
ELASTIC = 10
"""Lines closer to zero, in widths of levels, lie within a level."""


def _fermi(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 - np.tanh(0.5 * x)))


def exact_lines(planned: Planned, block: Block, wanted: SpectrumSum, known: Levels) -> Contribution:
    """Find all lines that start in a block, by Lehmann's sum over the levels of the blocks that the probe reaches."""
    levels = known.of(block)
    factors, moments = boltzmann(levels.energies, levels.energies[0], wanted.temperatures)
    sums: dict[str, NDArray[Any]] = {}
    kept: dict[str, Lines] = {}
    for part, on_right, on_left in wanted.parts:
        count, few = 0, list[Lines]()
        pairs = pairs_of(block, on_right, on_left)
        for lines in in_pieces(_lines_of(levels, pairs, SIGNS[part], wanted, factors, known)):
            for name, values in wanted.seen(part, lines).items():
                sums[name] = sums[name] + values if name in sums else values
            count += sum(len(at) for at, _ in lines)
            few = [*few, *lines] if count <= MOST_LINES else []
        kept[part] = joined(few, len(factors)) if count <= MOST_LINES else too_many(len(factors))
    averages = [levels.averages(operator) for operator in (*wanted.averaged, *wanted.extent)]
    sums |= wanted.rules(factors @ np.array(averages, complex).reshape(-1, len(levels.energies)).T)
    sums["phonons"] = factors @ block.total(np.sum(np.abs(levels.amplitudes) ** 2, axis=1))
    return Contribution.of(planned, levels.energies[0], (moments, settled_curves(sums)), lines=kept)


def _lines_of(
    levels: AllLevels,
    pairs: Sequence[Pair],
    sign: int,
    wanted: SpectrumSum,
    factors: NDArray[np.float64],
    known: Levels,
) -> Iterator[Lines]:
    """Yield the lines that start in all levels of a block, a few levels after the others."""
    for right, left in pairs:
        others = known.of(right.target)
        step = max(1, PIECE // (max(1, len(others.energies)) * len(factors)))
        for first in range(0, len(levels.energies), step):
            some = slice(first, first + step)
            elements = right.target.overlaps(others.amplitudes, _images(right, levels.amplitudes[some]))
            partners = elements
            if left is not right:
                partners = right.target.overlaps(others.amplitudes, _images(left, levels.amplitudes[some]))
            weights = wanted.weights(partners, elements)
            up, start = np.nonzero(np.abs(weights) > NEGLIGIBLE * wanted.size)
            at = sign * (others.energies[up] - levels.energies[some][start])
            yield at, weights[up, start] * factors[:, some][:, start]


def _images(transition: Transition, states: Amplitudes) -> NDArray[Any]:
    return np.array([transition.apply(phi) for phi in states])


def sampled_lines(
    planned: Planned, block: Block, wanted: SpectrumSum, averaged: Sequence[TensorOperator], random: RandomVectors
) -> Contribution:
    r"""Find the lines that start in a block: those of its lowest levels, and of random vectors for the rest.

    .. math:: \langle r| e^{-\beta H} A^\dagger \delta(\omega - H + E) B |r\rangle =
              \sum_{jl} e^{-\beta e_j} \langle r|\psi_j\rangle \langle\psi_j|A^\dagger|\phi_l\rangle
              \langle\phi_l|B|r\rangle\, \delta(\omega - \epsilon_l + e_j)

    with Ritz pairs (e, psi) of the space of r and (epsilon, phi) of that of B r; A = B but for cross spectra. Both
    spaces grow, up to `most` vectors, until the curve does not change any more.

    References
    ----------
    J. Jaklic and P. Prelovsek, Adv. Phys. 49, 1 (2000), section 3.
    """
    t, most = wanted.temperatures, most_steps(block, random.asked)
    lowest = lowest_levels(planned, block, random.asked)
    vectors = random.stored(planned, block, lowest)
    origin = lowest.energies[0]
    share, first = boltzmann(lowest.energies, origin, t)
    moving = {part: pairs_of(block, right, left) for part, right, left in wanted.parts}

    def in_states(states: Amplitudes) -> tuple[NDArray[Any], NDArray[Any]]:
        values = np.array([[block.dot(phi, a.apply(phi)) for a in averaged] for phi in states], complex)
        phonons = block.total(np.array([np.sum(np.abs(phi) ** 2, axis=0) for phi in states], complex))
        return values.reshape(len(states), -1), phonons

    def read(averages: NDArray[Any], phonons: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return {**wanted.rules(averages), "phonons": phonons}

    exact = read(*(share @ each for each in in_states(lowest.amplitudes)))
    for part, found in moving.items():
        exact |= wanted.seen(part, list(_lines_of_levels(found, SIGNS[part], lowest, share, wanted)))
    exact = settled_curves(exact)
    rows, steps = [], 0
    change: dict[str, NDArray[Any]] = {}
    for given in vectors:
        sample, images = _imaged(given.grown(steps), moving, wanted.size)
        if not steps:  # the first vector decides how many steps all take
            sample, images, change = _settled(sample, images, moving, wanted, exact, origin, most)
            steps = sample.steps
        lines = _seen(images, wanted, steps, origin)
        moments = boltzmann(sample.energies, origin, t, sample.weights)[1]
        rows.append((moments, read(*in_states(np.asarray(sample.thermal_states(t, origin)))) | lines | change))
    return Contribution.of(planned, origin, (first, exact), rows)


Images = Mapping[str, Sequence[Image]]
"""Images of a random vector, by the part of the spectrum."""


def _imaged(sample: Sample, moving: Mapping[str, Sequence[Pair]], size: float) -> tuple[Sample, Images]:
    return sample, {
        part: [image for pair in pairs if (image := Image.of(pair, sample, size)) is not None]
        for part, pairs in moving.items()
    }


def _seen(images: Images, wanted: SpectrumSum, steps: int, origin: float) -> dict[str, NDArray[Any]]:
    """Return what is read off the lines between the Krylov spaces of a random vector and of its images."""
    found: dict[str, NDArray[Any]] = {}
    for part, there in images.items():
        lines = []
        for image in there:
            source, target, left, right = image.lines(steps)
            weights = wanted.weights(left, right)
            factors = boltzmann(source, origin, wanted.temperatures)[0]
            at = SIGNS[part] * (target[:, None] - source)
            lines.append((at.ravel(), np.array([(weights * factor).ravel() for factor in factors])))
        found |= wanted.seen(part, lines)
    return found


def _settled(
    sample: Sample,
    images: Images,
    moving: Mapping[str, Sequence[Pair]],
    wanted: SpectrumSum,
    exact: Mapping[str, NDArray[Any]],
    origin: float,
    most: int,
) -> tuple[Sample, Images, dict[str, NDArray[Any]]]:
    """Return a random vector with enough Lanczos steps, its images, and what further steps would change."""
    while True:
        spaces = (sample.space, *(image.space for there in images.values() for image in there))
        shorter = sample.steps - max(1, sample.steps // 4)
        whole, fewer = (_seen(images, wanted, n, origin) for n in (sample.steps, shorter))
        ended = all(len(space) < sample.steps for space in spaces)
        change = {name: (0.0 if ended else 1.0) * (whole[name] - fewer[name]) for name in whole if is_curve(name)}
        missing = 0.0
        for name in (name for name in change if name.endswith("_curve")):
            size = np.abs(whole[name] + exact[name]).max(axis=1)
            missing = max(missing, *(np.abs(change[name]).max(axis=1) / np.where(size > 0, size, 1.0)))
        if missing <= SETTLED or sample.steps >= most:
            further = min(1.0, missing) ** (1 / 3)  # errors fall exponentially: a quarter brings the third of a power
            return sample, images, {f"{name}{UNSETTLED}": further * values for name, values in change.items()}
        sample, images = _imaged(sample.grown(min(most, int(GROWTH * sample.steps))), moving, wanted.size)


def _lines_of_levels(
    moving: Sequence[Pair], sign: int, lowest: Eigenstates, share: NDArray[np.float64], wanted: SpectrumSum
) -> Iterator[Lines]:
    """Yield the lines that start in known levels, from continued fractions."""
    resolution = wanted.resolution
    frequencies = np.unique(resolution.frequencies + wanted.offset[:, None])
    # a block is not worth diagonalising for the lines of a few levels
    engine = "tensor" if resolution.options.engine == "auto" else resolution.options.engine
    for number, (energy, phi) in enumerate(zip(lowest.energies, lowest.amplitudes, strict=True)):
        z = np.asarray(energy + sign * frequencies + 1j * resolution.width, np.complex128)
        for right, left in moving:
            image = right.apply(phi)
            partner = None if left is right else left.apply(phi)[None]
            norm = right.target.norm
            if norm(image) ** 2 > NEGLIGIBLE * wanted.size and (partner is None or norm(partner) > 0):
                lines = spectral_lines(right.target, image[None], Accuracy(z), engine, partner)
                weights = lines.weights.real if wanted.is_real else lines.weights
                yield sign * (lines.energies - energy), share[:, number, None] * weights
