"""Overlaps and matrix elements between states of different sectors, models, cutoffs and phonon frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arguments import taking
from ..clusters import InvalidValue
from ..hamiltonians import Amplitudes, Block, Operator
from ..hamiltonians.arguments import an_operator
from ..hamiltonians.space.transfer import carried
from ..hamiltonians.transitions import transitions
from ..solvers import State
from ..solvers.arguments import state_of


def _pure(name: str, state: State) -> tuple[Block, Amplitudes]:
    """Return the block and the amplitudes of a pure state."""
    count = sum(len(part.weights) for part in state.parts)
    if count != 1:
        raise InvalidValue(f"{name} is a mixture of {count} states; give a pure state, as levels.level(0)")
    return state.block, state.amplitudes[0]


def _scalar_product(left: tuple[Block, Amplitudes], right: tuple[Block, Amplitudes]) -> complex:
    """Return ``<left|right>`` of stored amplitudes."""
    (one, bra), (other, ket) = left, right
    sectors = [block.space.sector.plain for block in (one, other)]
    if sectors[0] != sectors[1] and one.space.model.cluster.sites == other.space.model.cluster.sites:
        return 0j
    if one.hamiltonian is other.hamiltonian and one.symmetries == other.symmetries:
        return one.dot(bra, ket)
    return complex(np.vdot(one.expand(bra), carried(other.space, one.space, other.expand(ket))))


@taking(bra=state_of, ket=state_of)
def overlap(bra: State, ket: State) -> complex:
    """Return the overlap ``<bra|ket>`` of two pure states, also of models with different couplings.

    Phonon cutoffs, frames and oscillator bases may differ; the overlap of the physical states is exact.

    Parameters
    ----------
    bra, ket : State
        Pure states; for levels, the ground level.

    Raises
    ------
    InvalidValue
        If a state is a mixture, or sites or oscillators differ.

    Examples
    --------
    Ground states of an oscillator and of one displaced by alpha: exp(-alpha^2 / 2).

    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons, Model, Phonons
    >>> from respair.solvers import ground_state
    >>> def electron(alpha, frame):
    ...     lattice = Phonons(1.0, electron_coupling=alpha, max_quanta=30, frame=frame)
    ...     return ground_state(Model(site(), Electrons(), phonons=lattice), 1)
    >>> value = overlap(electron(0.0, "none").ground, electron(1.0, "lang-firsov").ground)
    >>> round(float(abs(value) * np.exp(0.5)), 12)
    1.0
    """
    return _scalar_product(_pure("bra", bra), _pure("ket", ket))


@taking(one=state_of, other=state_of)
def fidelity(one: State, other: State) -> float:
    r"""Return the fidelity of two states, pure or mixed.

    .. math:: F = \left(\mathrm{tr}\sqrt{\sqrt\rho\,\sigma\,\sqrt\rho}\right)^2

    which is ``|<psi|phi>|^2`` for pure states, and 1 for equal states. Along a parameter it shows where the ground
    state changes its character.

    Parameters
    ----------
    one, other : State
        rho and sigma; for levels, the ground level.

    References
    ----------
    A. Uhlmann, Rep. Math. Phys. 9, 273 (1976); P. Zanardi and N. Paunkovic, Phys. Rev. E 74, 031123 (2006).

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> levels = [ground_state(Model(dimer(), Electrons(1.0, hubbard_u=u)), 2) for u in (0.0, 8.0)]
    >>> round(fidelity(levels[0].ground, levels[1].ground), 6)
    0.723607
    """
    rows = [
        [np.sqrt(p * q) * _scalar_product((a.block, phi), (b.block, chi)) for b in other.parts for q, chi in b.mixture]
        for a in one.parts
        for p, phi in a.mixture
    ]
    return float(np.linalg.svd(np.array(rows), compute_uv=False).sum() ** 2)


def _images(operator: Operator, block: Block, phi: Amplitudes) -> Iterator[tuple[Block, NDArray[Any]]]:
    for transition in transitions(block, operator):
        if transition.target.dimension:
            yield transition.target, transition.apply(phi)


@taking(bra=state_of, operator=an_operator, ket=state_of)
def matrix_element(bra: State, operator: Operator, ket: State) -> complex:
    """Return the matrix element ``<bra| O |ket>`` of two pure states, also of different charge, spin or momentum.

    Parameters
    ----------
    bra, ket : State
        Pure states, such as ``levels.level(n)``; for levels, the ground level.
    operator : Operator or str
        A formula in terms of the physical phonons, or its text: see `respair.operator`. All its products of ladder
        operators must cause the same change of N and S_z.

    Returns
    -------
    complex
        The matrix element; 0 if the quantum numbers of ``O |ket>`` differ from those of `bra`. The phases of the states
        are arbitrary, as is the choice of states within a degenerate level.

    Raises
    ------
    InvalidValue
        If a state is a mixture, or the operator acts on sites or species that do not exist.

    Notes
    -----
    Components of ``O |ket>`` beyond the phonon cutoff of `ket` are dropped. For H their size is given by the
    certificate of the levels; for other operators it can be estimated with larger cutoffs.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> model = Model(dimer(), Electrons(hopping=1.0))
    >>> one, two = ground_state(model, 1), ground_state(model, 2)
    >>> round(abs(matrix_element(two, "c+dn_0", one)) ** 2, 12)
    0.5
    """
    left, (block, phi) = _pure("bra", bra), _pure("ket", ket)
    return sum((_scalar_product(left, image) for image in _images(operator, block, phi)), 0j)
