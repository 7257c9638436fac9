"""What blocks add to the response to a flux: derivatives of Z, exact or followed with random vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from ...hamiltonians import Block, flux_derivative
from ...solvers.all_levels import AllLevels
from ...solvers.engines.table import engine_of
from ...solvers.krylov.operator import Vector
from ...solvers.krylov.space import Krylov, krylov_space
from .block_terms import Contribution, SumOverBlock, Terms, boltzmann
from .blocks import Blocks, Planned, most_steps, seed_of
from .ensembles import ThermalSum

STEP = 0.02
"""Distance of the fluxes between which random vectors are followed."""
STENCIL = ((-2, -1, 0, 1, 2), (1 / 12, -2 / 3, 0.0, 2 / 3, -1 / 12), (-1 / 12, 4 / 3, -5 / 2, 4 / 3, -1 / 12))
"""Steps, and weights of the first and second derivative to fourth order."""
AROUND = len(STENCIL[0]) - 1
"""Fluxes on each line besides that of no step."""
SETTLED = 1e-4
"""Derivatives of ln Z have settled if the last quarter of the Lanczos steps changes them by less, in units of one
plus the derivative."""
DERIVATIVES = ("slope", "curvature", "bending")
"""Names of the sums."""
Direction = tuple[float, ...]
"""Of a flux vector."""


def directions_of(number: int) -> tuple[Direction, ...]:
    """Return the directions of a flux vector whose second derivatives give all others: each component, each pair.

    Examples
    --------
    >>> directions_of(2)
    ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
    """
    unit = np.eye(number)
    pairs = [unit[j] + unit[k] for j, k in combinations(range(number), 2)]
    return tuple(tuple(d.tolist()) for d in (*unit, *pairs))


@dataclass(frozen=True)
class FluxSum:
    """What blocks add to Z and its derivatives with respect to the flux, along each of `directions_of` the flux.

    In the sums are ``slope`` and ``curvature``, ``dZ/dphi`` and ``d2Z/dphi2``, and ``bending``,
    ``sum_n exp(-(E_n - origin) / T) d2E_n/dphi2``, which is NaN for random vectors: these do not resolve single levels.
    The last axis is that of the directions; on rings, which have one, there is none.

    Attributes
    ----------
    temperatures : (t,) float
        T.
    """

    temperatures: NDArray[np.float64]

    @property
    def about(self) -> object:
        """What the sums depend on."""
        return "flux", self.temperatures.tolist()

    def on_blocks(self, asked: ThermalSum) -> SumOverBlock:
        """Return the function that sums over one block after the other."""
        model = asked.model
        here, directions = np.array(model.fluxes), np.array(directions_of(len(model.fluxes)))
        steps = [0 * here, *(step * STEP * along for along in directions for step in STENCIL[0] if step)]
        threaded = [replace(model, flux=tuple((here + step).tolist())) for step in steps]
        blocks = [Blocks() for _ in threaded]

        def over(planned: Planned) -> Contribution:
            if planned.exact:
                return _exact(planned, blocks[0].of(planned), self.temperatures)
            around = [known.of(planned, other) for known, other in zip(blocks, threaded, strict=True)]
            return _sampled(planned, around, asked)

        return over


def _exact(planned: Planned, block: Block, t: NDArray[np.float64]) -> Contribution:
    """Sum over all levels of a block."""
    levels = AllLevels.of(block)
    model, energies = block.space.model, levels.energies
    gap = np.abs(energies - energies[:, None])
    same = gap <= block.hamiltonian.level_width
    above = energies - energies[0]
    lower, divisor = np.minimum(above, above[:, None]), np.where(same, 1.0, gap)
    factors, moments = boltzmann(energies, energies[0], t)
    directions = directions_of(len(model.fluxes))
    sums = np.empty((len(DERIVATIVES), len(t), len(directions)))
    for n, along in enumerate(directions):
        first = levels.elements(flux_derivative(model, along=[along]))
        second = levels.averages(flux_derivative(model, along=[along, along])).real
        squares, slopes = np.abs(first) ** 2, first.diagonal().real
        for m, (temperature, w) in enumerate(zip(t, factors, strict=True)):
            spread = np.where(same, 1.0 / temperature, -np.expm1(-gap / temperature) / divisor)
            pairs, bent = squares * np.exp(-lower / temperature) * spread, w @ second
            sums[:, m, n] = -(w @ slopes) / temperature, (pairs.sum() - bent) / temperature, bent - pairs[~same].sum()
    return Contribution.of(planned, energies[0], (moments, dict(zip(DERIVATIVES, map(_bare, sums), strict=True))))


def _bare(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave the axis of the directions out where there is one direction."""
    return values[..., 0] if values.shape[-1] == 1 else values


def _sampled(planned: Planned, blocks: Sequence[Block], asked: ThermalSum) -> Contribution:
    """Follow random vectors over fluxes: Z of each, and the derivatives of its logarithm.

    The first vector takes as many Lanczos steps as it needs for derivatives that the last quarter of them does not
    change; the others take as many.
    """
    t, steps, most = asked.temperatures, asked.sampling.steps, most_steps(blocks[0], asked)
    rows: list[Terms] = []
    origin = 0.0
    for child in seed_of(planned, asked).spawn(asked.sampling.samples):
        start = _random(blocks[0], np.random.default_rng(child))
        spaces = _followed(blocks, start, steps)
        while not rows and not _settled(spaces, t, steps):
            if steps == most:
                raise ArithmeticError(
                    f"the response to the flux has not settled after {steps} Lanczos steps, and solver.memory_limit "
                    f"allows no more in a block of {planned.dimension:,} states; raise it, or take higher temperatures"
                )
            steps = min(most, 2 * steps)
            spaces = _followed(blocks, start, steps)
        norm, here = spaces[0]
        origin = origin if rows else float(here.energies[0])
        moments = boltzmann(here.energies, origin, t, norm * here.starts**2)[1]
        first, second = _slopes(spaces, t, steps)
        z = moments[0][:, None]
        derivatives = (z * first, z * (second + first**2), np.full(first.shape, np.nan))
        rows.append((moments, dict(zip(DERIVATIVES, map(_bare, derivatives), strict=True))))
    return Contribution.of(planned, origin, (np.zeros(()), dict.fromkeys(DERIVATIVES, np.zeros(()))), rows)


def _random(block: Block, generator: np.random.Generator) -> Vector:
    """Return a complex random vector, of a real block too."""
    h = engine_of(block, "tensor")
    start = h.random(generator)
    return np.asarray((start if h.dtype.kind == "c" else start + 1j * h.random(generator)) / np.sqrt(2.0))


Followed = tuple[float, Krylov]
"""The norm of a random vector, squared, after its projection onto the block of one flux, and its Krylov space."""


def _followed(blocks: Sequence[Block], start: Vector, steps: int) -> list[Followed]:
    spaces = []
    for h in (engine_of(block, "tensor") for block in blocks):
        r = start.copy()
        h.project(r)
        spaces.append((h.norm(r) ** 2, krylov_space(h, h.project, r, min(steps, h.dimension))))
    return spaces


def _slopes(spaces: Sequence[Followed], t: NDArray[np.float64], steps: int) -> tuple[NDArray[np.float64], ...]:
    """Return first and second derivatives of ln Z, shape (t, directions), from the first steps."""
    origin, logs = spaces[0][1].energies[0], []
    for norm, space in spaces:
        seen = space.first(steps)
        logs.append(logsumexp(-(seen.energies - origin) / t[:, None], axis=1, b=norm * seen.starts**2))
    here, *others = logs
    half = AROUND // 2
    before, after = (range(start, len(others), AROUND) for start in (0, half))
    lines = [np.array([*others[m : m + half], here, *others[n : n + half]]) for m, n in zip(before, after, strict=True)]
    return tuple(
        np.stack([np.array(w) @ line for line in lines], axis=-1) / STEP**power
        for power, w in enumerate(STENCIL[1:], start=1)
    )


def _settled(spaces: Sequence[Followed], t: NDArray[np.float64], steps: int) -> bool:
    """True where the last quarter of the steps changes no derivative."""
    if all(len(space) < steps for _, space in spaces):
        return True
    whole, fewer = np.array(_slopes(spaces, t, steps)), np.array(_slopes(spaces, t, steps - max(1, steps // 4)))
    return bool(np.all(np.abs(whole - fewer) <= SETTLED * (1.0 + np.abs(whole))))
