"""Linear equations (H - z) y = b in the exact space of a block: sums over all states without the states."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.threads import one_blas_thread
from ..clusters import InvalidValue
from ..hamiltonians import Amplitudes, Block
from .engines.table import engine_of
from .krylov.eigenpairs import ConvergenceError
from .krylov.operator import HermitianOperator, Vector
from .krylov.search import EPSILON
from .results import State
from .work import Progress, silent

REFINEMENTS = 6
"""Times that the remainder is solved for again: the residual of the recursion drifts away from the true one."""


def solve(
    block: Block,
    z: complex,
    right: Amplitudes,
    off: Amplitudes | None = None,
    tolerance: float = 1e-11,
    max_matvecs: int = 50_000,
    progress: Progress = silent,
    engine: str = "tensor",
) -> NDArray[Any]:
    r"""Solve ``(H - z) y = b`` for one or several b.

    .. math:: y = Q\,(H - z)^{-1} Q\,b = \sum_n \frac{|n\rangle\langle n|b\rangle}{E_n - z}

    over the states n of the block that are not in `off`; Q projects `off` out.

    A real z takes conjugate gradients. They are safe where H - z is positive: z below the levels that remain, as E_0
    is with the whole ground multiplet in `off`. Between levels they converge less regularly. With z = omega + i eta
    they solve ``((H - omega)^2 + eta^2) w = b``, which is positive, and ``y = (H - z*) w``; the work grows as 1 / eta.

    Parameters
    ----------
    block : Block
        Where to solve; b lies in it. A perturbation that breaks the symmetry of a state leads out of its block: take
        the whole sector then, with the state that `unfolded` returns.
    z : complex
        Energy, omega + i eta [user's unit].
    right : (..., rows, phonon states)
        b, as stored amplitudes.
    off : (m, rows, phonon states), optional
        Orthonormal eigenstates that are left out, all of them where z is their energy.
    tolerance : float
        Largest ``||Q b - (H - z) y||`` over ``||Q b||``; a floor of a few roundings of ``||b||`` and ``||H|| ||y||``
        applies.
    max_matvecs : int
        Products with H after which a solution is given up.
    progress : Progress
        Called with the number of products, the real part of z and the relative residual.
    engine : str
        What acts with H.

    Returns
    -------
    (..., rows, phonon states)
        y, as stored amplitudes orthogonal to `off`; real where H, b and z are.

    Raises
    ------
    ConvergenceError
        With the residual reached.
    ValueError
        If the amplitudes are not those of the block.

    References
    ----------
    T. D. Kuehner and S. R. White, Phys. Rev. B 60, 335 (1999), for complex z.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Block, Electrons, Hamiltonian, Model, Sector
    >>> block = Block.of(Hamiltonian.of(Model(dimer(), Electrons(hopping=1.0)), Sector(1)))
    >>> solve(block, 2.0, np.array([[1.0], [0.0]])).ravel().round(12)  # H = [[0, -1], [-1, 0]]
    array([-0.66666667,  0.33333333])
    """
    if right.shape[-2:] != block.shape or (off is not None and off.shape[1:] != block.shape):
        shapes = " and ".join(str(array.shape) for array in (right, off) if array is not None)
        raise InvalidValue(f"amplitudes of shape {shapes} do not belong to a block of shape {block.shape}")
    h = engine_of(block, engine)
    off = right[:0] if off is None else off
    kind = np.result_type(h.dtype, right.dtype, off.dtype)
    left_out: Vector = np.array([h.vector(phi) for phi in off], kind).reshape(-1, h.size)
    shifted = Shifted(h, complex(z), left_out, max_matvecs, progress)
    with one_blas_thread():
        found = [shifted.solve(h.vector(b).astype(kind), tolerance) for b in right.reshape(-1, *block.shape)]
    columns = np.array(found, kind if not complex(z).imag else np.complex128).reshape(-1, h.size).T
    return h.amplitudes(columns).reshape(right.shape)


def unfolded(state: State) -> tuple[Block, NDArray[Any]]:
    """Return the whole (N, S_z) sector of a state as one block, and its pure states as amplitudes there.

    Operators that break the symmetry of the state act within this block.

    Parameters
    ----------
    state : State
        Pure or mixed, over one or several blocks.

    Returns
    -------
    block : Block
        Without spatial quantum numbers.
    amplitudes : (k, rows, phonon states)
        In the order of the parts of the mixture.
    """
    whole = state.block.whole
    every = np.concatenate([part.vectors for part in state.parts])
    return whole, np.array([whole.own(psi) for psi in every], every.dtype) if whole.share else every


class Shifted:
    """``Q (H - z) Q`` in the vectors of an operator, with its products counted."""

    def __init__(
        self, engine: HermitianOperator, z: complex, off: Vector, max_matvecs: int, progress: Progress
    ) -> None:
        self.engine, self.z, self.off = engine, z, off
        self.max_matvecs, self.progress = max_matvecs, progress
        self.products, self.scale = 0, abs(z)

    def project(self, v: Vector) -> Vector:
        """Return Q v, within what the symmetry allows."""
        v = np.array(v)
        self.engine.project(v)
        return self._without(v)

    def _without(self, v: Vector) -> Vector:
        if len(self.off):
            self.engine.add(-self.engine.overlaps(self.off, v), self.off, v)
        return v

    def act(self, v: Vector) -> Vector:
        """Return ``Q (H - Re z) v``."""
        self.products += 1
        image = self.engine.product(np.ascontiguousarray(v), np.empty_like(v))
        self.engine.project(image)
        length = self.engine.norm(v)
        self.scale = max(self.scale, self.engine.norm(image) / length if length else 0.0)
        image -= self.z.real * v
        return self._without(image)

    def solve(self, b: Vector, tolerance: float) -> Vector:
        """Solve for one b, and again for the remainder as long as it becomes smaller."""
        self.products, norm, eta = 0, self.engine.norm, self.z.imag
        given = norm(b)
        left = b = self.project(self.project(b))  # twice: what is left may be rounding of what was taken away
        length = residual = norm(b)
        y = np.zeros(b.shape, np.result_type(b, np.complex128) if eta else b.dtype)
        for _ in range(REFINEMENTS):
            rounding = 16 * EPSILON * (8 * given + self.scale * norm(y))
            if residual <= max(tolerance * length, rounding):
                return self.project(y)
            better = y + self._approximate(left, max(0.1 * tolerance * length, 4 * EPSILON * given), residual / length)
            left = b - self.act(better) + (1j * eta * better if eta else 0.0)
            before, residual = residual, norm(left)
            if residual >= before or self.products >= self.max_matvecs:
                break
            y = better
        what = "the solution of (H - z) y = b"
        raise ConvergenceError(residual / length, self.z.real, tolerance, self.products, what)

    def _approximate(self, left: Vector, absolute: float, relative: float) -> Vector:
        """Return a solution by conjugate gradients, to the residual that their recursion gives."""
        dot, eta = self.engine.dot, self.z.imag
        w, r, p = np.zeros_like(left), left.copy(), left.copy()
        square = dot(r, r).real
        for _ in range(max(1, (self.max_matvecs - self.products) // (2 if eta else 1))):
            if np.sqrt(square) < absolute:
                break
            self.progress(self.products, self.z.real, relative)
            image = self.act(self.act(p)) + eta**2 * p if eta else self.act(p)
            share = square / dot(p, image).real
            w += share * p
            r -= share * image
            before, square = square, dot(r, r).real
            p *= square / before
            p += r
        return self.act(w) + 1j * eta * w if eta else w
