"""The phonon cutoff that an accuracy needs, found by raising it until the certificate is content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from ..hamiltonians import Model

Solution = TypeVar("Solution")
FIRST_CAP = 4
"""Quanta in all modes together with which the search begins."""
GROWTH = 1.25
MOST_QUANTA = 400


class CutoffError(RuntimeError):
    """An accuracy that no affordable phonon cutoff reaches."""


def capped(model: Model, total_quanta: int = FIRST_CAP) -> Model:
    """Return a model with a cutoff in numbers in the place of ``cutoff = "auto"``; others stay as they are."""
    if model.phonons is None or model.phonons.cutoff is None:
        return model
    return replace(model, phonons=replace(model.phonons, cutoff=None, total_quanta=total_quanta))


def grown(model: Model, solve: Callable[[Model], tuple[Solution, float]]) -> Solution:
    """Raise the cap on the total number of quanta until the error bar is as small as the accuracy asked for.

    Parameters
    ----------
    model : Model
        With ``cutoff = "auto"``.
    solve : function
        From a model with a cap to a solution and its largest error bar [user's unit].

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
    wanted, cap, error = model.phonons.accuracy, FIRST_CAP, float("inf")
    while cap <= MOST_QUANTA:
        try:
            solution, error = solve(capped(model, cap))
        except MemoryError as refused:
            raise CutoffError(_failure(wanted, error, cap, f"the next cap does not fit: {refused}")) from None
        if error <= wanted:
            return solution
        cap = max(cap + 2, round(GROWTH * cap))
    raise CutoffError(_failure(wanted, error, cap, f"caps beyond {MOST_QUANTA} are not tried"))


def _failure(wanted: float, reached: float, cap: int, reason: str) -> str:
    return (
        f"phonons.accuracy = {wanted:.1e} was not reached: below total_quanta = {cap} the error bar was {reached:.1e}, "
        f'and {reason}; ask for less, raise solver.memory_limit, or try phonons.displacement = "mean"'
    )
