"""The phonon cutoff that an accuracy needs, and the dressing that makes the best of it, found by trying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from ..clusters import Told
from ..hamiltonians import Model, Sector
from ..hamiltonians.space import dimensions
from .certificate import Certificate

FIRST_CAP = 4
"""Quanta in all modes together with which the search begins."""
GROWTH = 1.25
MOST_QUANTA = 400
SEARCHED = 8000
"""States of the sector in which a dressing is sought."""


class CutoffError(Told, RuntimeError):
    """An accuracy that no affordable phonon cutoff reaches."""


class Solution(Protocol):
    """Levels with their certificate."""

    @property
    def energies(self) -> NDArray[np.float64]:
        """Levels, ascending."""

    @property
    def certificate(self) -> Certificate:
        """Their error bars."""


Found = TypeVar("Found", bound=Solution)


def is_automatic(model: Model) -> bool:
    """True where a model leaves its cutoff or its dressing to the solver."""
    return model.phonons is not None and (model.phonons.cutoff is not None or model.phonons.dressing == "optimal")


def capped(model: Model, total_quanta: int = FIRST_CAP) -> Model:
    """Return a model with numbers in the place of ``cutoff = "auto"`` and ``dressing = "optimal"``, others as it is."""
    if model.phonons is None or not is_automatic(model):
        return model
    table = model.phonons
    if table.cutoff is not None:
        table = replace(table, cutoff=None, total_quanta=total_quanta)
    return replace(model, phonons=replace(table, dressing=None if table.dressing == "optimal" else table.dressing))


def settled(model: Model, sector: Sector, solve: Callable[[Model], Found], lowest: Callable[[Model], float]) -> Found:
    """Find the best dressing and the cutoff that a model leaves to the solver, and solve with them.

    The dressing is sought anew at each cap, as long as the sector is small: the better the cap, the less it should be.

    Parameters
    ----------
    model : Model
        With ``cutoff = "auto"``, ``dressing = "optimal"`` or both.
    sector : Sector
        Quantum numbers.
    solve : function
        From a model with numbers to its levels.
    lowest : function
        From a model with numbers to its ground energy, infinite where the sector is empty [user's unit].

    Raises
    ------
    CutoffError
        As `grown`.
    """
    known: dict[tuple[int | None, int | None], float] = {}

    def dressed(m: Model) -> Found:
        if m.phonons is None or m.phonons.dressing != "optimal":
            return solve(m)
        small = _searched(m, sector)
        assert small.phonons is not None
        caps = small.phonons.max_quanta, small.phonons.total_quanta
        if caps not in known:
            known[caps] = best_dressing(small, lowest)
        return solve(replace(m, phonons=replace(m.phonons, dressing=known[caps])))

    return dressed(model) if model.phonons is None or model.phonons.cutoff is None else grown(model, dressed)


def best_dressing(model: Model, lowest: Callable[[Model], float]) -> float:
    """Return the dressing f that minimises the ground energy of a model, which is variational.

    Parameters
    ----------
    model : Model
        With ``displacement = "lang-firsov"`` and numbers for its caps.
    lowest : function
        From a model with numbers to its ground energy [user's unit].

    Returns
    -------
    float
        f, from 0 to 1.
    """
    table = model.phonons
    assert table is not None

    def ground(strength: float) -> float:
        return lowest(replace(model, phonons=replace(table, dressing=float(strength))))

    inner = float(minimize_scalar(ground, bounds=(0.0, 1.0), method="bounded", options={"xatol": 3e-3}).x)
    return min((1.0, 0.0, inner), key=ground)


def _searched(model: Model, sector: Sector) -> Model:
    """Return a model with its caps lowered until the sector is small."""
    table = model.phonons
    assert table is not None
    while int(np.prod(dimensions(model, sector))) > SEARCHED and (table.max_quanta or table.total_quanta):
        table = replace(table, max_quanta=_fewer(table.max_quanta), total_quanta=_fewer(table.total_quanta))
        model = replace(model, phonons=table)
    return model


def _fewer(cap: int | None) -> int | None:
    return None if cap is None else max(0, cap - 1)


def grown(model: Model, solve: Callable[[Model], Found], first_cap: int = FIRST_CAP) -> Found:
    """Raise the cap on the total number of quanta until the error bar is as small as the accuracy asked for.

    Parameters
    ----------
    model : Model
        With ``cutoff = "auto"``.
    solve : function
        From a model with a cap to its levels.
    first_cap : int
        Where to begin; the cap of a similar model saves the ones below it.

    Returns
    -------
    Solution
        The first one that is good enough.

    Raises
    ------
    CutoffError
        With the accuracy reached, if the next cap would not fit the memory limit.
    """
    assert model.phonons is not None
    wanted, cap, error = model.phonons.accuracy, first_cap, float("inf")
    while cap <= MOST_QUANTA:
        try:
            solution = solve(replace(model, phonons=replace(model.phonons, cutoff=None, total_quanta=cap)))
        except MemoryError as refused:
            raise CutoffError(_failure(wanted, error, cap, f"the next cap does not fit: {refused}")) from None
        error = float(np.max(solution.certificate.energy_errors, initial=0.0))
        if error <= wanted:
            return solution
        cap = max(cap + 2, round(GROWTH * cap))
    raise CutoffError(_failure(wanted, error, cap, f"caps beyond {MOST_QUANTA} are not tried"))


def _failure(wanted: float, reached: float, cap: int, reason: str) -> str:
    return (
        f"phonons.accuracy = {wanted:.1e} was not reached: below total_quanta = {cap} the error bar was {reached:.1e}, "
        f'and {reason}; ask for less, raise solver.memory_limit, or try phonons.displacement = "mean"'
    )
