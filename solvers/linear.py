"""Linear equations (H - z) y = b in the exact space of a block: sums over all states without the states."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse.linalg as spla
from numpy.typing import NDArray

from .._core.threads import one_blas_thread
from ..clusters import InvalidValue
from ..hamiltonians import Amplitudes, Block
from .ground_state import State
from .krylov.eigenpairs import EPSILON, ConvergenceError
from .krylov.search import Progress, silent

REFINEMENTS = 6
"""Times that the remainder is solved for again: what conjugate gradients believe of it drifts away from the truth."""
Vector = NDArray[Any]


def solve(
    block: Block,
    z: complex,
    right: Amplitudes,
    off: Amplitudes | None = None,
    tolerance: float = 1e-11,
    max_matvecs: int = 50_000,
    progress: Progress = silent,
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
    shifted = _Shifted(block, complex(z), right.dtype, off, max_matvecs, progress)
    flat = right.reshape(-1, right.shape[-2] * right.shape[-1])
    with one_blas_thread():
        found = [shifted.solve(b, tolerance) for b in flat]
    return np.array(found, shifted.dtype).reshape(right.shape)


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
    return state.block.whole, np.concatenate([part.vectors for part in state.parts])


class _Shifted:
    """``Q (H - z) Q`` of a block on flat amplitudes, with its products counted."""

    def __init__(
        self,
        block: Block,
        z: complex,
        dtype: np.dtype[Any],
        off: Amplitudes | None,
        max_matvecs: int,
        progress: Progress,
    ) -> None:
        self.energy, self.z = block.energy, z
        self.off = None if off is None else off.reshape(len(off), -1)
        self.max_matvecs, self.progress = max_matvecs, progress
        self.kind = np.result_type(self.energy.dtype, dtype, *([] if off is None else [off.dtype]))
        self.dtype = np.result_type(self.kind, np.complex128) if z.imag else self.kind
        self.products, self.scale = 0, abs(z)

    def project(self, v: Vector) -> Vector:
        """Return Q v, within what the symmetry allows."""
        v = np.array(v)
        self.energy.project(v)
        return self._without(v)

    def _without(self, v: Vector) -> Vector:
        return v if self.off is None else np.asarray(v - self.off.T @ (self.off.conj() @ v))

    def act(self, v: Vector) -> Vector:
        """Return ``Q (H - Re z) v``."""
        self.products += 1
        image = self.energy.dot(np.ascontiguousarray(v))
        length = float(np.linalg.norm(v))
        self.scale = max(self.scale, float(np.linalg.norm(image)) / length if length else 0.0)
        return self._without(image - self.z.real * v)

    def remainder(self, b: Vector, y: Vector) -> Vector:
        """Return ``b - Q (H - z) y``."""
        image = self.act(y)
        return np.asarray(b - (image - 1j * self.z.imag * y if self.z.imag else image))

    def solve(self, b: Vector, tolerance: float) -> Vector:
        """Solve for one b, and then for what is left over as long as that helps."""
        self.products = 0
        given = float(np.linalg.norm(b))
        left = b = self.project(b).astype(self.kind)
        length = residual = float(np.linalg.norm(b))
        y = np.zeros(b.shape, self.dtype)
        for _ in range(REFINEMENTS):
            rounding = 16 * EPSILON * (8 * given + self.scale * float(np.linalg.norm(y)))
            if residual <= max(tolerance * length, rounding):
                return self.project(y)
            better = y + self._approximate(left, max(0.1 * tolerance * length, EPSILON * given), residual / length)
            left = self.remainder(b, better)
            before, residual = residual, float(np.linalg.norm(left))
            if residual >= before or self.products >= self.max_matvecs:
                break
            y = better
        what = "the solution of (H - z) y = b"
        raise ConvergenceError(residual / length, self.z.real, tolerance, self.products, what)

    def _approximate(self, left: Vector, absolute: float, relative: float) -> Vector:
        """Return a solution by conjugate gradients that is as good as they believe."""
        omega, eta = self.z.real, self.z.imag

        def positive(v: Vector) -> Vector:
            self.progress(self.products, omega, relative)
            return self.act(self.act(v)) + eta**2 * v if eta else self.act(v)

        operator = spla.LinearOperator((len(left),) * 2, matvec=positive, dtype=left.dtype)
        steps = max(1, (self.max_matvecs - self.products) // (2 if eta else 1))
        w, _ = spla.cg(operator, left, rtol=0.0, atol=absolute, maxiter=steps)
        return self.act(w) + 1j * eta * w if eta else np.asarray(w)
