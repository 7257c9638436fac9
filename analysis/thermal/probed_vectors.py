"""Images of random vectors under an operator, with their Krylov spaces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...solvers.engines.table import engine_of
from ...solvers.krylov.sampling import Sample
from ...solvers.krylov.space import Krylov, krylov_space
from ..spectra.excitations import NEGLIGIBLE, Pair


@dataclass(frozen=True)
class Image:
    """A random vector r and its image B r, each with a Krylov space.

    Attributes
    ----------
    sample : Sample
        r.
    space : Krylov
        That of B r.
    norm : float
        Of B r.
    elements : (m, n)
        ``<j|A|i>`` between the Lanczos vectors of both.
    """

    sample: Sample
    space: Krylov
    norm: float
    elements: NDArray[Any] = field(repr=False)

    @classmethod
    def of(cls, moving: Pair, sample: Sample, size: float) -> Image | None:
        """Return the image of a vector; None where it is negligible against `size`, that of the operator, squared."""
        right, left = moving
        target = engine_of(right.target, "tensor")
        images = [left.apply(row.reshape(sample.block.shape)) for row in sample.space.basis]
        first = images[0] if left is right else right.apply(sample.space.basis[0].reshape(sample.block.shape))
        start = np.linalg.norm(sample.overlaps) * first.ravel()
        norm = target.norm(start)
        if norm**2 <= NEGLIGIBLE * size:
            return None
        start = start.astype(np.result_type(start.dtype, target.dtype))
        space = krylov_space(target, target.project, start, min(sample.steps, target.dimension))
        return cls(sample, space, norm, right.target.overlaps(space.basis, np.array(images)))

    def lines(self, steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[Any], NDArray[Any]]:
        """Return the lines between the spaces of so many Lanczos steps, without Boltzmann factors.

        Returns
        -------
        source, target : (n,), (m,) float
            Ritz values.
        left, right : (m, n)
            ``<target|A|source>``, and ``<target|B r><r|source>``.
        """
        sample, space = self.sample.first(steps), self.space.first(steps)
        inner = self.elements[: len(space), : len(sample.space)]
        elements = space.ritz @ inner @ sample.space.ritz.T  # <phi_l|A|psi_j>
        return sample.energies, space.energies, elements, self.norm * space.starts[:, None] * sample.overlaps
