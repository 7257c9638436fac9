"""The three-term recursion of Lanczos, ``b_k q_{k+1} = H q_k - a_k q_k - b_{k-1} q_{k-1}``: QuSpin's, and a fused one.

QuSpin's recursion goes over its vectors many times a step, on one core. The fused one does the same in as few goes as
there can be, on all cores, with three vectors. Both tell whoever uses them of each step.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..._core.threads import PARALLEL_FROM, kernel_threads_for
from ...hamiltonians.kernels.loops import scale, three_terms

Vector = NDArray[Any]


class Ended(Exception):  # noqa: N818 - it ends a loop and is no error
    """Ends a recursion from within a step."""


class Steps(Protocol):
    """Who uses a recursion; each method may raise `Ended`."""

    dtype: np.dtype[Any]

    @abstractmethod
    def product(self, q: Vector, out: Vector) -> float:
        """Write ``H q_k`` to `out` and return a_k; `q` may be mended in place."""

    def known(self) -> float | None:
        """Return b_k of the product just formed, where it is known beforehand."""
        return None

    def coupled(self, b: float) -> None:
        """Take note of b_k; nothing by default."""
        return


Recursion = Callable[[Steps, Vector, int], None]
"""From the steps, a unit start vector that may be overwritten, and the most steps to take."""


def fused(steps: Steps, start: Vector, most: int) -> None:
    """Go through the recursion with three vectors, all that a step does to them at once.

    Parameters
    ----------
    steps : Steps
        Who uses it.
    start : (n,)
        Unit vector; it is overwritten.
    most : int
        Steps to take at most.
    """
    now, before, image = start, np.zeros_like(start), np.empty_like(start)
    partial = np.zeros(max(1, len(start) // PARALLEL_FROM * 8))
    back = 0.0
    with kernel_threads_for(len(start)):
        for _ in range(most):
            a = steps.product(now, image)
            b = steps.known()
            three_terms(partial, before, now, image, a, back, 1.0 if b is None else 1.0 / b)
            if b is None:
                b = float(np.sqrt(partial.sum()))
                steps.coupled(b)
                scale(before, 1.0 / b)
            now, before, back = before, now, b


def by_quspin(steps: Steps, start: Vector, most: int) -> None:
    """Go through QuSpin's recursion, listening through its products.

    QuSpin wants fewer steps than entries: its vectors have one more than the space, which stays zero.

    Parameters
    ----------
    steps, start, most
        See `fused`.
    """
    from quspin.tools.lanczos import lanczos_iter

    padded = np.append(start, start.dtype.type(0))
    with np.errstate(invalid="ignore", divide="ignore"):
        lanczos_iter(_Listening(steps), padded, min(most, len(start)), return_vec_iter=False, eps=0.0)


class _Listening:
    """The Hamiltonian as QuSpin sees it; couplings are read off the vectors."""

    def __init__(self, steps: Steps) -> None:
        self._steps, self._begun = steps, False
        self.dtype = steps.dtype

    def dot(self, q: Vector, out: Vector) -> Vector:
        if self._begun:
            self._steps.coupled(_ratio(out, q))
        self._begun = True
        self._steps.product(q[:-1], out[:-1])
        out[-1] = 0.0
        return out


def _ratio(r: Vector, q: Vector) -> float:
    """Return ||r|| where ``q = r / ||r||``, from one large entry; 0 where r vanishes."""
    sample = slice(0, 4096)
    at = int(np.argmax(np.abs(q[sample])))
    if not np.isfinite(q[at]):
        return 0.0
    return float((r[at] / q[at]).real) if q[at] else float(np.linalg.norm(r))
