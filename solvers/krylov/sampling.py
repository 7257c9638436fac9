"""Random vectors and their Krylov spaces: thermal sums over a block too large for all its levels.

Gaussian vectors r, projected onto the block, have ``mean <r|A|r> = Tr A``. In the Krylov space of r, with Ritz pairs
(e_j, psi_j), ``<r| f(H) |r> = sum_j |<r|psi_j>|^2 f(e_j)`` is a Gauss quadrature, and
``exp(-beta H / 2) r = sum_j psi_j exp(-beta e_j / 2) <psi_j|r>`` a typical thermal state: averages in it are exact at
low temperature, where only the lowest levels are left in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..._core.threads import one_blas_thread
from ...hamiltonians import Amplitudes, Block
from ..engines.base import Engine
from ..engines.table import engine_of
from .operator import Projection, Vector
from .space import Krylov, krylov_space

MOST_STEPS = 2000
"""Largest Krylov space of a random vector."""
SETTLED = 1e-5
"""A thermal state that the last quarter of the Lanczos steps changes by less, in units of its norm, has settled."""


@dataclass(frozen=True)
class Sample:
    """A random vector with its Krylov space.

    Attributes
    ----------
    engine : Engine
        What acts with H on the vector.
    energies : (m,) float
        Ritz values, ascending, in the user's unit.
    overlaps : (m,) float
        ``<psi_j|r>``; their squares add up to ``<r|r>``.
    space : Krylov
        The Ritz vectors, in the Lanczos vectors.
    project : function
        Projection onto the part of the block over which the trace runs.
    steps : int
        Lanczos steps asked for; a smaller space is invariant.
    """

    engine: Engine = field(repr=False)
    energies: NDArray[np.float64]
    overlaps: NDArray[np.float64]
    space: Krylov = field(repr=False)
    project: Projection = field(repr=False, compare=False)
    steps: int

    @property
    def block(self) -> Block:
        """The block in which the vector lies."""
        return self.engine.block

    def first(self, steps: int) -> Sample:
        """Return the vector with its first `steps` Lanczos vectors only."""
        return self._with(self.space.first(steps), steps)

    def grown(self, steps: int) -> Sample:
        """Return the same random vector with up to `steps` Lanczos steps."""
        if steps <= self.steps:
            return self
        most = min(steps, self.engine.dimension)
        return self._with(krylov_space(self.engine, self.project, self.space.basis[0], most), steps)

    def _with(self, space: Krylov, steps: int) -> Sample:
        norm = float(np.linalg.norm(self.overlaps))
        return Sample(self.engine, space.energies, norm * space.starts, space, self.project, steps)

    @property
    def weights(self) -> NDArray[np.float64]:
        """``|<psi_j|r>|^2``."""
        return self.overlaps**2

    def unsettled(
        self, temperatures: NDArray[np.float64], origin: float, known: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return by how much the last quarter of the steps changes the thermal state at each temperature."""
        whole, fewer = self._thermal(temperatures, origin), self.first(self.steps - max(1, self.steps // 4))
        norm = np.sqrt(known + np.sum(whole**2, axis=1))
        if len(self.space) < self.steps:
            return np.zeros(len(temperatures))
        whole[:, : len(fewer.space)] -= fewer._thermal(temperatures, origin)
        return np.asarray(np.sqrt(np.sum(whole**2, axis=1)) / norm)

    def _thermal(self, temperatures: NDArray[np.float64], origin: float) -> NDArray[np.float64]:
        """Return coefficients of the thermal states in the Lanczos vectors."""
        factors = np.exp(-0.5 * (self.energies - origin) / temperatures[:, None]) * self.overlaps
        return np.asarray(factors @ self.space.ritz)

    def thermal_states(self, temperatures: NDArray[np.float64], origin: float) -> Iterable[Amplitudes]:
        """Return stored amplitudes of ``exp(-(H - origin) / 2T) r``, not normalised, for each temperature."""
        basis = self.space.basis
        with one_blas_thread():  # real coefficients: real and imaginary parts on their own
            rows = self._thermal(temperatures, origin) @ basis.view(float)
        return self.engine.amplitudes(rows.view(basis.dtype).T)


def settled_samples(
    vectors: Iterable[Sample], temperatures: NDArray[np.float64], origin: float, known: NDArray[np.float64], most: int
) -> Iterator[Sample]:
    r"""Yield random vectors with as many Lanczos steps as their thermal states take.

    Steps are added until the last quarter of them changes ``exp(-H/2T) r`` by less than `SETTLED` of the norm that
    belongs to all of Z; the error that is left is smaller by orders, as it falls faster than exponentially. The first
    vector tells for all.

    Parameters
    ----------
    vectors : iterable of Sample
        With as few steps as may do.
    temperatures : (t,) float
        T.
    origin : float
        Energy from which Boltzmann factors are counted.
    known : (t,) float
        What the levels that the vectors leave out add to Z.
    most : int
        Largest number of steps.

    Raises
    ------
    ArithmeticError
        If that number does not do.
    """
    steps = 0
    for sample in vectors:
        sample = sample.grown(steps)
        while not steps:
            change = sample.unsettled(temperatures, origin, known)
            if np.all(change <= SETTLED):
                steps = sample.steps
            elif sample.steps < most:
                sample = sample.grown(min(most, 2 * sample.steps))
            else:
                raise not_settled(sample, temperatures, change)
        yield sample


def not_settled(sample: Sample, temperatures: NDArray[np.float64], change: NDArray[np.float64]) -> ArithmeticError:
    """Return the error of thermal states that take more steps than there may be."""
    worst = int(np.argmax(change))
    return ArithmeticError(
        f"the thermal states at T = {temperatures[worst]:g} still change by {change[worst]:.1g} of their "
        f"norm after {sample.steps} Lanczos steps, and solver.memory_limit allows no more in a block of "
        f"{sample.engine.dimension:,} states; raise it, or leave out that temperature"
    )


@dataclass(frozen=True)
class Random:
    """Independent random vectors of a block, projected onto the part over which a trace runs.

    Attributes
    ----------
    engine : Engine
        Of the block.
    count : int
        Number of vectors.
    seed : numpy.random.SeedSequence
        Each vector has its own child, so that more of them can be added later.
    known : (k, rows, phonon states), optional
        Orthonormal eigenstates to which the vectors are orthogonal; the trace is over the rest of the block.
    draw : function
        From a generator to a vector of standard normal numbers; that of the engine by default.
    """

    engine: Engine
    count: int
    seed: np.random.SeedSequence
    known: Amplitudes | None = field(default=None, repr=False)
    draw: Callable[[np.random.Generator], Vector] | None = None

    @cached_property
    def _locked(self) -> Vector:
        h, known = self.engine, () if self.known is None else self.known
        return np.array([h.vector(phi) for phi in known], h.dtype).reshape(-1, h.size)

    @property
    def dimension(self) -> int:
        """Of the part of the block."""
        return self.engine.dimension - len(self._locked)

    def project(self, v: Vector) -> None:
        """Project a vector, in place."""
        self.engine.project(v)
        if len(self._locked):
            self.engine.add(-self.engine.overlaps(self._locked, v), self._locked, v)

    def vectors(self) -> Iterator[Vector]:
        """Yield the vectors."""
        for child in self.seed.spawn(self.count):
            r = (self.draw or self.engine.random)(np.random.default_rng(child))
            if self.engine.dtype.kind == "c":
                r /= np.sqrt(2.0)
            self.project(r)
            yield r


def samples(
    block: Block,
    count: int,
    steps: int,
    seed: np.random.SeedSequence,
    known: Amplitudes | None = None,
    engine: str = "tensor",
) -> Iterator[Sample]:
    """Return `count` random vectors of a block, orthogonal to known eigenstates; see `Random` and `stored_samples`."""
    return stored_samples(Random(engine_of(block, engine), count, seed, known), steps)


def stored_samples(random: Random, steps: int) -> Iterator[Sample]:
    """Yield random vectors, each with its Krylov space of at most `steps` vectors.

    References
    ----------
    J. Jaklic and P. Prelovsek, Adv. Phys. 49, 1 (2000); S. Sugiura and A. Shimizu, Phys. Rev. Lett. 108, 240401 (2012).
    """
    h = random.engine
    for r in random.vectors():
        space = krylov_space(h, random.project, r, min(steps, random.dimension))
        yield Sample(h, space.energies, h.norm(r) * space.starts, space, random.project, steps)
