r"""Minima of the adiabatic energy, which no truncated space may miss.

In the state ``|charges> (x) |coherent, lambda>`` every normal-ordered word ``a+^k a^l`` has the value
lambda^(k + l), so that the lowest eigenvalue of

.. math:: H(\lambda) = \sum_w A_w \prod_m \lambda_m^{k_m + l_m}

on the charges of a sector is an upper bound of its ground energy for any lambda. For harmonic modes with linear
couplings, ``H = A + sum omega a+a - sum x_m O_m``, two lower bounds stand beside it; for other lattices see
`anharmonic`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .._core.lazy import optimize, special
from .._core.ranks import found_once
from .._core.threads import one_blas_thread
from ..hamiltonians.operators import Operator
from ..hamiltonians.space.product import Space
from .anharmonic import AnharmonicWells
from .certificate import steepness
from .potential import potential_of
from .surface import Surface as Surface
from .surface import Well as Well

STARTS = 12
"""Displacements from which minima are sought, in small sectors; fewer in large ones."""
FOLLOWED = 50_000
"""Charge configurations up to which a bound is followed downhill."""
SAME = 1e-3
"""Displacements closer than this are one minimum."""


@dataclass(frozen=True)
class Landscape:
    """The wells of a sector and the bounds of its ground energy.

    Attributes
    ----------
    wells : tuple of Well
        Lowest first: minima of the adiabatic energy, and displaced charge configurations.
    floor : float
        A lower bound of the ground energy; -inf where charges or displacements change the masses.
    steep : float
        How much larger error bars from second-order shifts must be; see `certificate.steepness`.
    """

    wells: tuple[Well, ...]
    floor: float
    steep: float = 1.0

    @property
    def ceiling(self) -> float:
        """The lowest energy of a well: an upper bound of the ground energy."""
        return self.wells[0].energy if self.wells else np.inf


def landscape(space: Space, operator: Operator) -> Landscape:
    """Find the wells of a sector.

    Parameters
    ----------
    space : Space
        The sector; its caps and frame do not matter.
    operator : Operator
        The Hamiltonian as a formula.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons, Model, Phonons, Sector, hamiltonian_operator
    >>> model = Model(site(), Electrons(), phonons=Phonons(2.0, electron_coupling=0.5, max_quanta=1))
    >>> found = landscape(Space(model, Sector(1)), hamiltonian_operator(model))
    >>> round(found.ceiling, 9), round(found.floor, 9)
    (-0.5, -0.5)
    """
    if not space.shape[0] or not space.model.modes:
        return Landscape((), -np.inf)
    return found_once(partial(_found, space, operator))


def _found(space: Space, operator: Operator) -> Landscape:
    with one_blas_thread():
        surface = Surface(space, operator)
        if surface.harmonic is None and (found := potential_of(operator, surface.modes)) is not None:
            search = AnharmonicWells(surface, found, Surface(space, found.operator), _starts(surface))
            search.search()
            steep = steepness(operator, space.model.lowest_frequency)
            return Landscape(tuple(search.wells), search.floor, steep)
        return _landscape(surface)


def ceiling(space: Space, operator: Operator, shifts: NDArray[np.float64]) -> float:
    """Return an upper bound of the ground energy, of a large sector at less cost than its `landscape`.

    The adiabatic energy at some displacements and at that of the best charge configuration; the lowest of them is
    followed downhill where that is affordable.

    Parameters
    ----------
    space, operator : Space, Operator
        See `landscape`.
    shifts : (n, modes) float
        Displacements lambda where wells are expected.
    """
    if not space.shape[0] or not space.model.modes:
        return np.inf
    return found_once(partial(_found_ceiling, space, operator, shifts))


def _found_ceiling(space: Space, operator: Operator, shifts: NDArray[np.float64]) -> float:
    with one_blas_thread():
        surface = Surface(space, operator)
        best, energies = surface.configurations()
        tried = np.concatenate([np.reshape(shifts, (-1, surface.modes)), best[[int(np.argmin(energies))]]])
        values = [surface.ground(shift)[0] for shift in tried]
        lowest = min(values)
        if surface.size <= FOLLOWED:
            start = tried[int(np.argmin(values))]
            found = optimize.minimize(surface.value, start, jac=True, method="L-BFGS-B", options={"maxiter": 15})
            lowest = min(lowest, float(found.fun))
        return lowest


def _starts(surface: Surface) -> int:
    return STARTS if surface.size <= 1000 else STARTS // 2 if surface.size <= 20_000 else 3


def _landscape(surface: Surface) -> Landscape:
    shifts, energies = surface.configurations()
    order = np.argsort(energies, kind="stable")
    _, first = np.unique(np.round(shifts[order], 6), axis=0, return_index=True)
    chosen = order[np.sort(first)][: _starts(surface)]
    wells = []
    for e in chosen:
        weights = np.zeros(surface.size)
        weights[e] = 1.0
        wells.append(Well(shifts[e], float(energies[e]), surface.margin, weights))
    for start in _beginnings(surface, shifts[chosen]):
        _add_minimum(surface, start, wells)
    wells.sort(key=lambda well: well.energy)
    return Landscape(tuple(wells), surface.floor(wells[0].energy))


def _beginnings(surface: Surface, configurations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Displacements of charge configurations, none, and where the charges of either of these would move the lattice."""
    none = np.zeros((1, surface.modes))
    if surface.harmonic is None:
        return np.concatenate([none, configurations])
    omega, _, coupled = surface.harmonic
    state = surface.ground(none[0])[1]
    moved = np.array([[np.vdot(state, part @ state).real / w for part, w in zip(coupled, omega, strict=True)]])
    random = np.random.default_rng(0).standard_normal((2, surface.modes))
    strength = [np.sqrt(part.multiply(part.conj()).sum().real / surface.size) for part in coupled] / omega
    return np.concatenate([moved, none + 1e-3, configurations, random * strength])


def _add_minimum(surface: Surface, start: NDArray[np.float64], wells: list[Well]) -> None:
    found = optimize.minimize(surface.value, start, jac=True, method="L-BFGS-B", options={"maxiter": 60})
    shift = np.asarray(found.x)
    known = [well for well in wells if well.weights.max() < 1.0]
    if any(np.max(np.abs(well.shift - shift)) < SAME * (1.0 + np.max(np.abs(shift))) for well in known):
        return
    energy, state = surface.ground(shift)
    wells.append(Well(shift, energy, 2.0 * surface.softening(shift) + surface.margin, np.abs(state) ** 2))


def beyond(frame: NDArray[np.float64], well: Well, max_quanta: int | None, total_quanta: int | None) -> float:
    """Return the weight of a well's coherent lattice on phonon numbers beyond the caps.

    Parameters
    ----------
    frame : (configurations, modes) float
        Displacements lambda_m(e) around which the phonons are counted.
    well : Well
        Its lattice is displaced by ``shift - lambda(e)`` in the configuration e.
    max_quanta, total_quanta : int or None
        The caps.
    """
    here = well.weights > 1e-6
    quanta = (well.shift - frame[here]) ** 2
    outside = np.zeros(int(here.sum()))
    if max_quanta is not None:
        outside += special.pdtrc(max_quanta, quanta).sum(axis=1)
    if total_quanta is not None:
        outside += special.pdtrc(total_quanta, quanta.sum(axis=1))
    return float(well.weights[here] @ np.minimum(outside, 1.0))
