r"""A state of one phonon space in another: other caps, displacements or oscillator states, the same charges.

Of both spaces a state is ``sum_e |e> prod_m D(s_m) U_m |n_m>`` with displacements s_m(e) and sets U_m(e) of their own;
the amplitudes in the other one are

.. math:: \psi'_{en'} = \sum_n \prod_m (U'_m D(s_m - s'_m) U_m^T)_{n'_m n_m}\,\psi_{en},

taken mode after mode. What the other caps do not hold is left out: norms become smaller by that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import sp
from ...clusters import InvalidValue
from .displacement_matrices import alike_but, displacement_elements
from .product import Amplitudes, Space

DECIMALS = 12
"""Displacements that agree to so many decimals are one."""


def carried(source: Space, target: Space, psi: Amplitudes) -> Amplitudes:
    """Return the amplitudes in another space of a state ``psi[e, p]`` of the same charges.

    Raises
    ------
    InvalidValue
        If the two spaces have other sites, charges or oscillators.
    """
    there, here = source.charges, target.charges
    same = there.boson_sites == here.boson_sites and np.array_equal(there.states, here.states)
    if not same or source.phonons.modes != target.phonons.modes:
        raise InvalidValue(
            f"a state of {source.sector.title} ({source.model.cluster.size}) has no amplitudes among those of "
            f"{target.sector.title} ({target.model.cluster.size}): sites, charges and oscillators must be the same"
        )
    keys = np.concatenate([_keys(source), _keys(target)], axis=1)
    kinds, group = np.unique(keys, axis=0, return_inverse=True)
    matrices = [[_matrix(source, target, np.flatnonzero(group.ravel() == g)[0], m) for m in range(source.phonons.modes)]
                for g in range(len(kinds))]  # fmt: skip
    moved = [m for m in range(source.phonons.modes) if any(own[m] is not None for own in matrices)]
    if not moved and source.phonons == target.phonons:
        return psi
    steps, last = _steps(source, target, moved)
    place = target.phonons.index(last)
    kept = np.flatnonzero(place >= 0)
    found = np.zeros(target.shape, psi.dtype)
    for g, own in enumerate(matrices):
        rows = np.flatnonzero(group.ravel() == g)
        part = psi[rows].T
        for step in steps:
            part = step.matrix(own[step.mode], source, target) @ part
        found[np.ix_(rows, place[kept])] = part[kept].T
    return found


@dataclass(frozen=True)
class _Step:
    """One mode that is brought from its old to its new states.

    Attributes
    ----------
    mode : int
        Which.
    row, column, new, old : (n,) int
        Elements: state afterwards, state before, and the numbers of the mode in both.
    shape : (int, int)
        States afterwards and before.
    """

    mode: int
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    new: NDArray[np.int64]
    old: NDArray[np.int64]
    shape: tuple[int, int]

    def matrix(self, own: NDArray[np.float64] | None, source: Space, target: Space) -> sp.csr_array:
        """Return what the mode does to phonon states, for one charge configuration."""
        own = np.eye(target.phonons.max_quanta + 1, source.phonons.max_quanta + 1) if own is None else own
        value = own[self.new, self.old]
        there = value != 0
        return sp.csr_array((value[there], (self.row[there], self.column[there])), shape=self.shape)


def _steps(source: Space, target: Space, moved: list[int]) -> tuple[list[_Step], NDArray[np.int64]]:
    """Return what happens to the phonon states mode after mode, and the states at the end."""
    phonons, steps = target.phonons, []
    states = source.phonons.occupations.astype(np.int64)
    most = phonons.max_quanta
    for number, mode in enumerate(moved):
        others = states.copy()
        others[:, mode] = 0
        others = np.unique(others, axis=0)
        after = np.repeat(others, most + 1, axis=0)
        after[:, mode] = np.tile(np.arange(most + 1), len(others))
        final = np.delete(np.arange(phonons.modes), moved[number + 1 :])
        cost = np.concatenate([phonons.cost, np.full(int(states.max(initial=0)) + 1, phonons.total_quanta + 1)])
        after = after[cost[after[:, final]].sum(axis=1) <= phonons.total_quanta]
        row, column = alike_but(np.array([mode]), states, after)
        steps.append(_Step(mode, row, column, after[row, mode], states[column, mode], (len(after), len(states))))
        states = after
    return steps, states


def _keys(space: Space) -> NDArray[np.float64]:
    """Return what the oscillator states of each configuration depend on, one row each."""
    rounded = np.round(space.frame, DECIMALS) + 0.0
    return rounded if space.sets is None else np.concatenate([rounded, space.set_labels], axis=1)


def _matrix(source: Space, target: Space, e: int, mode: int) -> NDArray[np.float64] | None:
    """Return the overlaps of the states of a mode in both spaces; None where they are the same."""
    jump = float(source.frame[e, mode] - target.frame[e, mode])
    jump = jump if abs(jump) > 10.0**-DECIMALS else 0.0
    old, new = (_set(space, e, mode) for space in (source, target))
    if jump == 0.0 and (old is new or (old is not None and new is not None and np.array_equal(old, new))):
        return None
    rows = target.phonons.max_quanta + 1 if new is None else new.shape[1]
    columns = source.phonons.max_quanta + 1 if old is None else old.shape[1]
    found = displacement_elements(jump, rows, columns)
    found = found if new is None else new @ found
    return found if old is None else found @ old.T


def _set(space: Space, e: int, mode: int) -> NDArray[np.float64] | None:
    """Return the oscillator states of a mode that a configuration has, as rows of number states."""
    if (sets := space.sets) is None:
        return None
    return np.asarray(sets.states[sets.classes[mode], space.set_labels[e, mode], : space.phonons.max_quanta + 1])
