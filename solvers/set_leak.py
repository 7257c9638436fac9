"""The leak of states in optimal oscillator states out of their caps."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..hamiltonians import Amplitudes, Block
from ..hamiltonians.kernels.outward import OutwardOperator
from ..hamiltonians.kernels.tensor import TensorHamiltonian, TensorOperator
from ..hamiltonians.space.boundary import Beyond
from ..hamiltonians.space.fibres import set_modes
from ..hamiltonians.space.outward import Outward
from ..hamiltonians.space.phonons import Shell

DEPTH = 4
"""Quanta beyond the caps up to which the image under terms of three oscillators is formed; further on it is bounded.

Terms of one and two oscillators, which cancel each other far beyond the caps, have their whole image formed.
"""
AT_A_TIME = 1 << 22
"""Amplitudes beyond the cutoff that are computed at a time."""


class SetLeak:
    """Q H psi for states of one block in optimal oscillator states.

    The oscillators have all states of their sets, far more than the caps keep, and those are so many number states that
    nothing more than the last of them is reached.

    Parameters
    ----------
    block : Block
        Its factorised Hamiltonian is used.
    """

    def __init__(self, block: Block) -> None:
        self.block, self._space = block, block.space.phonons

    @cached_property
    def _operator(self) -> TensorOperator:
        """H on stored amplitudes."""
        energy = self.block.energy
        assert isinstance(energy, TensorHamiltonian)
        return energy

    @cached_property
    def _out(self) -> OutwardOperator:
        sets = self.block.space.sets
        assert sets is not None
        standing = {own for _, lattice in self._operator.standing if (own := set_modes(lattice))}
        modes = sorted(standing | {hop.fibres.modes for hop in self._operator.moving})
        parts = {}
        for own in modes:
            alone = len(own) == 2 and sum(set(own) <= set(other) for other in modes) == 1
            parts[own] = Outward(self._space, own, DEPTH if len(own) > 2 else 2 * sets.size, sets.size, alone)
        return OutwardOperator(self._operator, parts)

    @cached_property
    def _excess(self) -> NDArray[np.int64]:
        """By how many quanta each state of the shell lies beyond the caps."""
        shell = self._out.shell.occupations
        total = shell.sum(axis=1) - self._space.total_quanta
        return np.asarray(np.maximum(total, shell.max(axis=1, initial=0) - self._space.max_quanta))

    @cached_property
    def _next(self) -> tuple[NDArray[np.intp], TensorOperator | None]:
        """The states of the shell next to the caps, and H among them."""
        chosen = np.flatnonzero(self._excess == 1)
        if not len(chosen):
            return chosen, None
        factors = self.block.hamiltonian.factors
        part = Beyond(Shell.of(self._space, self._out.shell.occupations[chosen]), tuple(f.lattice for f in factors))
        where = part.shell, self.block.space.shape[0], self.block.orbits
        return chosen, TensorOperator(factors, part.within, *where, share=self.block.share)

    def leak(self, phi: Amplitudes) -> tuple[float, float]:
        """Return ``||Q H psi||``, an upper bound close to it, and E_Q of the states next to the caps."""
        if self._space.costs:  # spaces in which states are sought
            return 0.0, np.nan
        rows = phi.shape[0]
        step = max(1, AT_A_TIME // max(1, len(self._out.shell)))
        chosen, within = self._next
        near = np.zeros((rows, len(chosen)), np.result_type(phi, self._operator.dtype))
        norm, every = 0.0, self._out.together(phi)
        for first in range(0, rows, step):
            last = min(rows, first + step)
            image, far = self._out.image(every, first, last)
            norm += float(np.vdot(image, image).real) + float(far @ far)
            near[first:last] = image[:, chosen]
        norm, size = float(self.block.total(norm)), self.block.dot(near, near).real
        if norm == 0.0 or size == 0.0 or within is None:
            return float(np.sqrt(norm)), np.nan
        return float(np.sqrt(norm)), self.block.dot(near, within.apply(near)).real / size
