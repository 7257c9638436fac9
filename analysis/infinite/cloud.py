"""Structure of polarons and bipolarons: quasi-particle weight, phonon cloud, size of a pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import taking
from ...solvers.infinite.formula import places
from ...solvers.infinite.levels import InfiniteLevels
from ..labelled import dataset_of
from .states import configurations_of, probabilities, quanta, some_levels, with_errors


@taking(levels=some_levels)
def phonon_cloud(levels: InfiniteLevels) -> xr.Dataset:
    r"""Return the phonon cloud and the structure of the lowest level.

    With charges in the cells :math:`i`, the charge :math:`C = \sum_i n_i + 2\sum_i b^\dagger_i b_i` of the sector
    and modes in the cells :math:`i + r`,

    .. math::
        N_{ph}(r) = \frac1C \sum_i \langle (n_i + 2 b^\dagger_i b_i)\, a^\dagger_{i+r} a_{i+r}\rangle,\quad
        X(r) = \frac1C \sum_i \langle (n_i + 2 b^\dagger_i b_i)\, x_{i+r}\rangle

    and their extents :math:`\sqrt{\sum r^2 f(r) / \sum f(r)}`. With springs, phonon hopping or anharmonic potentials
    quanta and x refer to the modes of the basis (see docs/infinite-lattice.md); x is NaN for anharmonic ones.

    Parameters
    ----------
    levels : InfiniteLevels
        Result of `infinite_levels`.

    Returns
    -------
    xarray.Dataset
        ``weight``, Z = the probability of the bare charges without phonons, for pairs on one site or as a local pair;
        ``quanta``, the mean number of phonons; ``quanta_at`` and ``displacement_at`` over ``cell`` (coordinates
        ``place``), ``cloud_extent``, ``lattice_extent``; for two particles ``pair_at``, the probability of their
        distance, ``pair_size``, its root mean square, ``pairs``, the probability of a local pair b; each with
        ``_error``.

    Examples
    --------
    >>> from respair.clusters import infinite_chain
    >>> from respair.hamiltonians import Electrons, Model, Phonons
    >>> from respair.solvers import infinite_levels
    >>> model = Model(infinite_chain(), Electrons(hopping=1.0), phonons=Phonons(1.0, electron_coupling=1.0))
    >>> found = phonon_cloud(infinite_levels(model, 1, accuracy=1e-8))
    >>> print(f"{found['weight'].item():.4f} {found['quanta'].item():.4f}")
    0.7384 0.3194
    """
    reach = _reach(levels)
    values, errors = with_errors(levels, lambda each: _measured(each, reach))
    cells = _cells(levels, reach)
    table: dict[str, tuple[str, str]] = {
        "weight": ("", "Z = |<bare|psi>|^2"),
        "quanta": ("", "sum_m <a+_m a_m>"),
        "quanta_at": ("cell", "sum_i <(n_i + 2 b+_i b_i) a+_{i+r} a_{i+r}> / charge"),
        "displacement_at": ("cell", "sum_i <(n_i + 2 b+_i b_i) x_{i+r}> / charge"),
        "cloud_extent": ("", "root mean square r of the quanta"),
        "lattice_extent": ("", "root mean square r of |<x>|"),
    }
    if levels.sector.charge == 2:
        table |= {
            "pair_at": ("cell", "probability of the distance r of the two electrons"),
            "pair_size": ("", "root mean square distance of the two electrons, 0 for a local pair"),
            "pairs": ("", "<b+ b>"),
        }
    rows: dict[str, tuple[Any, ...]] = {}
    for name, (over, formula) in table.items():
        rows[name] = (values[name], over, formula)
        rows[f"{name}_error"] = (errors[name], over, f"error bar of {name}")
    data = dataset_of(rows)
    return data.assign_coords(place=(("cell", "axis"), cells @ levels.skeleton.formula.vectors))


def _reach(levels: InfiniteLevels) -> int:
    """Return the largest distance of a mode or a particle from a charge in the state, along any direction."""
    formula = levels.skeleton.formula
    apart, _ = configurations_of(levels)
    _, mode, _ = quanta(levels)
    far = np.abs(places(mode // formula.modes, formula.dimension)).max(initial=0)
    return int(max(far + np.abs(apart).max(initial=0), 1))


def _cells(levels: InfiniteLevels, reach: int) -> NDArray[np.int64]:
    dimension = levels.skeleton.formula.dimension
    return np.array(list(np.ndindex((2 * reach + 1,) * dimension))) - reach


def _index(cells: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    """Return the indices of cells in the order of `_cells`."""
    side = (2 * reach + 1) ** np.arange(cells.shape[-1])[::-1]
    return np.asarray((cells + reach) @ side)


def _measured(levels: InfiniteLevels, reach: int) -> dict[str, Any]:
    formula, charge = levels.skeleton.formula, levels.sector.charge
    weight = probabilities(levels)
    apart, local = configurations_of(levels)
    state, mode, level = quanta(levels)
    count = (2 * reach + 1) ** formula.dimension
    seats = _charge_positions(apart, local, charge)
    empty = levels.space.states[:, 1] == 0
    together = ~np.any(apart, axis=1)
    cells = places(mode // formula.modes, formula.dimension)
    number = _mean_quanta(levels)[mode % formula.modes, level]
    at = np.zeros(count)
    for where, share in seats:
        np.add.at(at, _index(cells - where[state], reach), share[state] * weight[state] * number / charge)
    moved = np.zeros(count) if levels.skeleton.basis.levels is None else np.full(count, np.nan)
    one, cell, value = _moved(levels)
    for where, share in seats:
        np.add.at(moved, _index(cell - where[one], reach), share[one] * value / charge)
    distance = np.sum((_cells(levels, reach) @ formula.vectors) ** 2, axis=1)
    found: dict[str, Any] = {
        "weight": weight[empty & together].sum(),
        "quanta": np.sum(weight[state] * number),
        "quanta_at": at,
        "displacement_at": moved,
        "cloud_extent": np.sqrt(np.sum(distance * at) / max(at.sum(), 1e-300)),
        "lattice_extent": np.sqrt(np.sum(distance * np.abs(moved)) / max(np.abs(moved).sum(), 1e-300)),
    }
    if charge == 2:
        pair = np.zeros(count)
        np.add.at(pair, _index(apart[~local], reach), weight[~local])
        found |= {
            "pair_at": pair,
            "pair_size": np.sqrt(np.sum(weight * np.sum((apart @ formula.vectors) ** 2, axis=1))),
            "pairs": weight[local].sum(),
        }
    return found


def _charge_positions(
    apart: NDArray[np.int64], local: NDArray[np.bool_], charge: int
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return the positions of the charges in each state, with their values."""
    first = np.where(local, 2.0, 1.0)
    seats = [(np.zeros_like(apart), first)]
    return seats if charge == 1 else [*seats, (apart, np.where(local, 0.0, 1.0))]


def _mean_quanta(levels: InfiniteLevels) -> NDArray[np.float64]:
    """Return ``<a+a>`` for each level of the modes of a cell."""
    basis = levels.skeleton.basis
    return np.array([np.diag(basis.matrix(n, 1, 1)) for n in range(levels.skeleton.formula.modes)])


def _moved(levels: InfiniteLevels) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the elements of ``<psi|x|psi>``: state, cell of the mode, and value; x between neighbouring levels."""
    formula, space, psi = levels.skeleton.formula, levels.space, levels.vectors[:, 0]
    state, mode, level = quanta(levels)
    lower = space.states[state].copy()
    column = np.nonzero(space.states[:, 1:])[1] + 1
    lower[np.arange(len(state)), column] -= 1
    for at in range(1, lower.shape[1]):  # remove the entry of a mode that returned to its ground state
        gone = (level == 1) & (column <= at)
        lower[gone, at] = lower[gone, at + 1] if at + 1 < lower.shape[1] else 0
    other = space.numbers(lower)
    there = other >= 0
    x = np.array([np.diag(levels.skeleton.basis.matrix(n, 0, 1), 1) for n in range(formula.modes)])
    value = 2 * x[mode % formula.modes, level - 1][there] * (psi[state[there]].conj() * psi[other[there]]).real
    return state[there], places(mode // formula.modes, formula.dimension)[there], value
