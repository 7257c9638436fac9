r"""What flows out of a truncated phonon space: the norm of ``Q H psi``, Q the states just beyond the cutoff.

A state of the truncated space that follows the truncated Hamiltonian misses the Schroedinger equation of the model
without a cutoff by ``Q H psi``; the integral of its norm bounds the distance from the exact state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians import Amplitudes, Block, Factor, Operator
from ...hamiltonians.kernels.tensor import TensorOperator
from ...hamiltonians.space.boundary import Beyond
from ...hamiltonians.space.displacement_matrices import Dressed, spread_size
from ...hamiltonians.space.phonons import Shell
from ..certificate import AT_A_TIME, EPSILON, MOST_SPREAD

NONE: Mapping[str, float] = MappingProxyType({})


class Outflow:
    """``||Q O psi||`` for a sum of operators with numbers in front.

    Parameters
    ----------
    block : Block
        Where the states are.
    parts : mapping of str to Operator
        The operators by name, in the physical phonons; each must have the symmetry of the block.
    """

    def __init__(self, block: Block, parts: Mapping[str, Operator]) -> None:
        self.block = block
        factors = {name: self._leaving(formula) for name, formula in parts.items()}
        self._factors = {name: own for name, own in factors.items() if own}
        words = [word for own in self._factors.values() for factor in own for word, _ in factor.lattice]
        caps = (block.space.phonons.modes, block.space.phonons.max_quanta, block.space.phonons.total_quanta)
        dressed = [word for word in words if isinstance(word, Dressed)]
        self._is_spread = max((spread_size(word, *caps) for word in dressed), default=0.0) > MOST_SPREAD
        self._formulas = {name: parts[name] for name in self._factors} if self._is_spread else {}
        self._pieces = [] if self._is_spread else list(self._built())

    def _leaving(self, formula: Operator) -> Sequence[Factor]:
        space = self.block.space
        if not space.phonons.modes:
            return ()
        return [factor for factor in space.factorise(formula) if not factor.is_identity]

    def _built(self) -> Any:
        """Yield the operators to the states beyond the cutoff, some of these states at a time."""
        block, phonons = self.block, self.block.space.phonons
        beyond = [factor.lattice for own in self._factors.values() for factor in own]
        shell = Beyond.of(phonons, beyond).shell
        if not len(shell):
            return
        count = 1 + len(shell) * block.rows // AT_A_TIME
        for states in np.array_split(np.arange(len(shell)), count):
            part = Shell.of(phonons, shell.occupations[states])
            built = {}
            for name, own in self._factors.items():
                lattice = Beyond(part, tuple(factor.lattice for factor in own)).outward
                where = phonons, block.space.shape[0], block.orbits
                built[name] = TensorOperator(own, lattice, *where, leaves=True, share=block.share)
            yield built

    @property
    def is_closed(self) -> bool:
        """True where nothing can leave the space."""
        return not self._pieces and not self._is_spread

    def norm(self, phi: Amplitudes, numbers: Mapping[str, float] = NONE) -> float:
        """Return ``||Q sum_k x_k O_k psi||`` for stored amplitudes; x_k is 1 where it is not among the numbers."""
        if self._is_spread:
            return self._by_square(phi, numbers)
        square = 0.0
        for built in self._pieces:
            images = [numbers.get(name, 1.0) * own.apply(phi) for name, own in built.items() if numbers.get(name, 1.0)]
            total: NDArray[Any] = sum(images[1:], images[0]) if images else np.zeros(1)
            square += self.block.dot(total, total).real
        return float(np.sqrt(square))

    def _by_square(self, phi: Amplitudes, numbers: Mapping[str, float]) -> float:
        """Return the norm from ``<O^2> - ||P O psi||^2``: displacements lead to more states than can be listed."""
        whole = Operator()
        for name, formula in self._formulas.items():
            whole = whole + numbers.get(name, 1.0) * formula
        kind = np.dtype(np.complex128)
        image = self.block.operator(whole, kind).apply(phi)
        square = self.block.dot(phi, self.block.operator(whole * whole, kind).apply(phi)).real
        inside = self.block.dot(image, image).real
        return float(np.sqrt(max(square - inside, EPSILON * square)))
