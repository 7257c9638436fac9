"""What an operator makes of the states of a block, and of random vectors with their Krylov spaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians import Amplitudes, Block, Hamiltonian, Operator
from ...hamiltonians.transitions import Transition, charge_change, target_hamiltonian, transitions
from ...solvers.krylov.sampling import Sample
from ...solvers.krylov.space import Krylov, krylov
from ..spectra.excitations import NEGLIGIBLE


def _transitions(block: Block, operator: Operator) -> tuple[Transition, ...]:
    target: Hamiltonian | None = target_hamiltonian(block.hamiltonian, charge_change(block.space.model, operator))
    found = () if target is None else transitions(block, operator, target)
    return tuple(transition for transition in found if transition.target.dimension)


Pair = tuple[Transition, Transition]
"""What leads from a block to another on the right and on the left of a weight."""


def pairs_of(block: Block, right: Operator, left: Operator) -> tuple[Pair, ...]:
    """Return the parts of two operators that lead to the same blocks, the same object twice for one operator."""
    found = _transitions(block, right)
    if left is right:
        return tuple((transition, transition) for transition in found)
    others = {transition.target.symmetries: transition for transition in _transitions(block, left)}
    there = (transition for transition in found if transition.target.symmetries in others)
    return tuple((transition, others[transition.target.symmetries]) for transition in there)


def elements_between(left: Amplitudes, right: Sequence[Amplitudes]) -> Amplitudes:
    """Return ``<left_m|right_n>``, shape (m, n)."""
    columns = np.array(right).reshape(len(right), -1)
    return np.asarray(left.reshape(len(left), -1).conj() @ columns.T)


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
        """Return the image of a vector; None where it is zero beside the size of the operator, squared."""
        right, left = moving
        target = right.target.energy
        images = [left.apply(row.reshape(sample.block.shape)) for row in sample.space.basis]
        first = images[0] if left is right else right.apply(sample.space.basis[0].reshape(sample.block.shape))
        start = np.linalg.norm(sample.overlaps) * first.ravel()
        norm = float(np.linalg.norm(start))
        if norm**2 <= NEGLIGIBLE * size:
            return None
        start = start.astype(np.result_type(start.dtype, target.dtype))
        space = krylov(target.dot, target.project, start, min(sample.steps, target.dimension))
        return cls(sample, space, norm, elements_between(space.basis, images))

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
