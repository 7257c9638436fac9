"""Means of operators in frames that follow the charges, one oscillator after the other.

A word ``D(jump) a+^k a^l`` is a product of a small matrix for each mode. On amplitudes with an axis for each mode it
costs a product with each of them, where its matrix on all phonon states has a dense block for every mode that it moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.threads import one_blas_thread
from ..hamiltonians.space.displacement_matrices import Dressed, displacement_elements
from ..hamiltonians.space.phonons import PhononSpace, Polynomial
from ..hamiltonians.space.product import Amplitudes, Factor

MOST_ELEMENTS = 1 << 23
"""Amplitudes with an axis for each mode, up to which means are taken so."""
WIDE = 32
"""Axes with so many amplitudes behind them need not be moved to the end."""


class DressedMean:
    """Means of operators in states of a sector with capped phonons.

    Parameters
    ----------
    phonons : PhononSpace
        The capped phonon numbers.
    """

    def __init__(self, phonons: PhononSpace) -> None:
        self.shape = tuple((phonons.occupations.max(axis=0, initial=0) + 1).tolist())
        self._places = np.ravel_multi_index(tuple(phonons.occupations.T.astype(np.int64)), self.shape)
        self._known: dict[tuple[float, int, int, int], NDArray[np.float64]] = {}

    @staticmethod
    def fits(phonons: PhononSpace, configurations: int) -> bool:
        """Return whether amplitudes with an axis for each mode are few enough."""
        sizes = (int(n) + 1 for n in phonons.occupations.max(axis=0, initial=0))
        return phonons.modes > 0 and math.prod(sizes) * configurations <= MOST_ELEMENTS

    def mean(self, factors: Sequence[Factor], psi: Amplitudes) -> float:
        """Return ``<psi| sum A (x) P |psi>`` for amplitudes ``psi[e, p]``, P cut off at the caps on both sides."""
        grid = np.zeros((len(psi), math.prod(self.shape)), psi.dtype)
        grid[:, self._places] = psi
        with one_blas_thread():
            return sum(self._of_factor(factor, psi, grid) for factor in factors)

    def _of_factor(self, factor: Factor, psi: Amplitudes, grid: Amplitudes) -> float:
        """Return the mean of one product; only configurations that A leads from and to are looked at."""
        entries = factor.charges.tocoo()
        row, column = entries.coords
        if not len(row):
            return 0.0
        source, number = np.unique(column, return_inverse=True)
        image = self._image(factor.lattice, grid[source])
        overlaps = np.einsum("kp,kp->k", psi[row].conj(), image[number])
        return float(np.real(np.sum(entries.data * overlaps)))

    def _image(self, lattice: Polynomial, grid: Amplitudes) -> NDArray[Any]:
        total: NDArray[Any] | float = 0.0
        for word, weight in lattice:
            inner, jump = (word.word, dict(word.jump)) if isinstance(word, Dressed) else (word, dict[int, float]())
            assert isinstance(inner, tuple)
            steps = {mode: (up, low) for mode, up, low in inner}
            image, before = grid, len(grid)
            for mode, size in enumerate(self.shape):
                if mode in steps or mode in jump:
                    matrix = self._matrix(jump.get(mode, 0.0), *steps.get(mode, (0, 0)), size)
                    image = _on_axis(matrix, image.reshape(before, size, -1))
                before *= size
            total = total + (weight.real if np.imag(weight) == 0 else weight) * image.reshape(len(grid), -1)
        return np.asarray(total)[:, self._places]

    def _matrix(self, beta: float, up: int, low: int, size: int) -> NDArray[np.float64]:
        """Return ``<n| D(beta) a+^up a^low |m>`` up to a cap on both sides; nothing is cut between the two."""
        key = beta, up, low, size
        if key not in self._known:
            numbers = np.arange(low, size)
            amplitude = np.ones(len(numbers))
            for step in range(low):
                amplitude *= np.sqrt(numbers - step)
            for step in range(up):
                amplitude *= np.sqrt(numbers - low + step + 1.0)
            moved = displacement_elements(beta, size, size + up)
            matrix = np.zeros((size, size))
            matrix[:, low:] = moved[:, numbers - low + up] * amplitude
            self._known[key] = matrix
        return self._known[key]


def _on_axis(matrix: NDArray[np.float64], tensor: NDArray[Any]) -> NDArray[Any]:
    """Return a matrix on the middle axis of three."""
    if tensor.shape[2] >= WIDE:
        return np.asarray(np.matmul(matrix, tensor))
    last = np.ascontiguousarray(tensor.transpose(0, 2, 1))
    return np.asarray((last.reshape(-1, len(matrix)) @ matrix.T).reshape(last.shape).transpose(0, 2, 1))
