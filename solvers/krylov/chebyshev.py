r"""The exponential of a Hermitian operator on a vector as a sum of Chebyshev polynomials.

With the spectrum within c - r and c + r, and ``phi_k = T_k((H - c) / r) psi``,

.. math:: e^{-iHs}\psi \approx e^{-ics}\sum_{k=0}^{K} (2 - \delta_{k0}) (-i)^k J_k(rs)\,\phi_k .

The polynomials of a real H on a real state are real. Cut after K the sum misses the Schroedinger equation by
:math:`-r\,(J_{K+1}\phi_K - iJ_K\phi_{K+1})` up to a phase, whatever c and r are: the recursion alone is used. Its norm
bounds the error, and grows where the spectrum is wider than assumed.

References
----------
H. Tal-Ezer and R. Kosloff, J. Chem. Phys. 81, 3967 (1984).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import la, special
from ..._core.ranks import agreed
from .exponential import EPSILON, ROUNDING
from .operator import HermitianOperator, Vector
from .recursion import Tridiagonal, lanczos_vectors
from .space import EXHAUSTED

LONGEST = 1000.0
"""Largest phase r s of a step."""
WORTHWHILE = 15.0
"""Phase for each state that is wanted, from which on a step takes less work than one in a Krylov space."""
GROWN = 2.0
"""Polynomials that grow by this tell that the spectrum is wider."""
LANCZOS, SEED = 20, 0
"""Lanczos steps that look for the ends of the spectrum, and the seed of their random vector."""
MARGIN = 0.02
"""The interval is wider than what Lanczos vectors show of the spectrum by this share at each end."""


@dataclass(frozen=True)
class ChebyshevStep:
    """A step of the exponential, whose states are known at some distances only.

    Attributes
    ----------
    nodes : (k,) float
        The distances, the last of which is the length.
    vectors : (k, n) complex
        The states.
    errors : (k,) float
        Bounds on their errors, rounding included.
    products : int
        Products with H.
    spread : float
        The energy uncertainty of the first state.
    """

    nodes: NDArray[np.float64]
    vectors: Vector = field(repr=False)
    errors: NDArray[np.float64]
    products: int
    spread: float

    @property
    def length(self) -> float:
        """How far the step goes."""
        return float(self.nodes[-1])

    def state(self, s: float) -> Vector:
        """Return the vector at one of the nodes."""
        return np.asarray(self.vectors[self._number(s)])

    def states(self, distances: Sequence[float]) -> Vector:
        """Return the vectors at some of the nodes, as rows."""
        return np.asarray(self.vectors[[self._number(s) for s in distances]])

    def bound(self, s: float) -> float:
        """Return the bound on the error that the step has made at one of the nodes."""
        return float(self.errors[self._number(s)])

    def _number(self, s: float) -> int:
        return int(np.argmin(np.abs(self.nodes - s)))


def spectral_interval(operator: HermitianOperator, steps: int = LANCZOS) -> tuple[float, float]:
    """Return between which energies the spectrum lies, about: what Lanczos steps from a random vector show of it.

    Each end is the last Ritz value, and its residual further out.

    Examples
    --------
    >>> from respair.solvers.krylov.operator import FunctionOperator
    >>> levels = np.linspace(-1.0, 3.0, 500)
    >>> diagonal = FunctionOperator(lambda v, out: np.multiply(levels, v, out=out), 500, np.dtype(float))
    >>> low, high = spectral_interval(diagonal)
    >>> -1.4 < low < -0.9, 2.9 < high < 3.4
    (True, True)
    """
    start = operator.random(np.random.default_rng(SEED))
    operator.project(start)
    size, matrix = operator.norm(start), Tridiagonal()
    if not size:
        return 0.0, 0.0
    count = max(1, min(steps, operator.dimension))
    for k, q in enumerate(lanczos_vectors(operator, start / size, matrix)):
        if k == count or (k and matrix.coupling[-1] <= EXHAUSTED * max(map(abs, matrix.diagonal))):
            break
        operator.project(q)
    energies, ritz = agreed(la.eigh_tridiagonal(matrix.diagonal, matrix.coupling[: len(matrix.diagonal) - 1]))
    doubt = matrix.coupling[-1] * np.abs(ritz[-1])
    return float(energies[0] - doubt[0]), float(energies[-1] + doubt[-1])


def chebyshev_nodes(ahead: Sequence[float], radius: float, most: int = 1 << 30) -> NDArray[np.float64]:
    """Return at which distances a step should know the state, of those wanted; none where another step takes less work.

    Parameters
    ----------
    ahead : sequence of float
        Distances at which states are wanted, ascending.
    radius : float
        r.
    most : int
        States that there is room for.

    Examples
    --------
    >>> chebyshev_nodes([2.0, 4.0, 200.0], 10.0), chebyshev_nodes([0.5, 1.0], 10.0), chebyshev_nodes([300.0], 10.0)
    (array([2., 4.]), array([], dtype=float64), array([100.]))
    """
    within = [s for s in ahead if radius * s <= LONGEST][:most] or [LONGEST / radius]
    return np.array(within if radius * within[-1] >= WORTHWHILE * len(within) else [])


def chebyshev_step(
    operator: HermitianOperator, start: Vector, nodes: NDArray[np.float64], rate: float, centre: float, radius: float
) -> ChebyshevStep | None:
    """Take a step to the last of some distances; None where the spectrum is not within the interval.

    Parameters
    ----------
    operator : HermitianOperator
        H.
    start : (n,) complex
        The state; it is left unchanged.
    nodes : (k,) float
        Where the state is wanted, ascending.
    rate : float
        Largest error for each unit of length.
    centre, radius : float
        c and r.

    Examples
    --------
    >>> from respair.solvers.krylov.operator import FunctionOperator
    >>> levels = np.array([0.0, 1.0, 3.0])
    >>> diagonal = FunctionOperator(lambda v, out: np.multiply(levels, v, out=out), 3, np.dtype(complex))
    >>> start = np.ones(3) / np.sqrt(3.0) + 0j
    >>> step = chebyshev_step(diagonal, start, np.array([20.0]), 1e-12, 1.5, 1.6)
    >>> bool(np.allclose(step.state(20.0), np.exp(-20j * levels) / np.sqrt(3.0), atol=1e-10))
    True
    """
    size, phases = operator.norm(start), radius * nodes
    order = _order(phases[-1], rate * nodes[-1] / (size or 1.0))
    bessel = special.jv(np.arange(order + 2)[:, None], phases)
    found = np.zeros((len(nodes), len(start)), np.complex128)
    is_real = operator.dtype.kind != "c" and operator.norm(np.ascontiguousarray(start.imag)) == 0.0
    now = start.real.copy() if is_real else start.copy()
    before, image = np.zeros_like(now), np.empty_like(now)
    sizes, spread = [size], 0.0
    for k in range(order + 1):
        for row, weight in zip(found, (1.0 if k == 0 else 2.0) * (-1j) ** k * bessel[k], strict=True):
            operator.add(np.array([weight]), now[None], row)
        operator.product(now, image)
        half = k > 0
        sizes.append(operator.three_terms(before, now, image, centre, radius / 2 if half else 0.0, (1 + half) / radius))
        operator.project(before)
        before, now = now, before
        if k == 0:
            mean = operator.dot(before, now).real / (size**2 or 1.0)
            spread = radius * float(np.sqrt(max(0.0, (sizes[1] / (size or 1.0)) ** 2 - mean**2)))
        if sizes[-1] > GROWN * size:
            return None
    missed = phases * (bessel[order + 1] * sizes[order] + bessel[order] * sizes[order + 1])
    rounding = ROUNDING * EPSILON * size * (np.sqrt(order + 1.0) + phases + np.abs(centre) * nodes)
    found *= np.exp(-1j * centre * nodes)[:, None]
    return ChebyshevStep(nodes, found, np.abs(missed) + rounding, order + 1, spread)


def _order(phase: float, error: float) -> int:
    """Return K with ``phase (J_K + J_{K+1})`` below an error; J_K grows up to phases of about K."""
    orders = np.arange(int(phase) + 1, int(1.5 * phase) + 80)
    missed = phase * (np.abs(special.jv(orders, phase)) + np.abs(special.jv(orders + 1, phase)))
    enough = np.flatnonzero(missed <= max(error, EPSILON))
    return int(orders[enough[0] if len(enough) else -1])
