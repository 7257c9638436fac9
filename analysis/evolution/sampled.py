"""Averages over evolving random vectors, with jackknife errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...solvers import State
from ..observables.table import OBSERVABLES
from ..thermal.sums import jackknife

BARS = 2.0
"""Number of jackknife errors in an error bar."""


def check_names(names: Sequence[str]) -> None:
    """Raise InvalidValue for observables that are not averages of operators."""
    if wrong := [name for name in names if OBSERVABLES[name].derived]:
        raise InvalidValue(
            f"observables = {wrong}: eigenvalues and Fourier components have no error from random vectors; allowed: "
            "averages, as the pair correlations that they are made of"
        )


def one_by_one(state: State, measure: Callable[[State], Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Return the variables of each state of a mixture, along the first axis."""
    found = [
        measure(State(part.block, phi[None], np.ones(1))) for part in state.parts for phi in part.amplitudes
    ]  # fmt: skip
    return {name: np.array([np.asarray(each[name]) for each in found]) for name in found[0]}


def averaged(
    values: NDArray[Any], weights: NDArray[np.float64], sampled: int
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return averages over states, the last of which are random vectors, and twice their jackknife errors.

    Parameters
    ----------
    values : (times, states, ...)
        Values for each state.
    weights : (states,) float
        Normalised weights of the states.
    sampled : int
        Number of random vectors.

    Examples
    --------
    >>> averaged(np.array([[0.0, 1.0, 1.0]]), np.array([0.5, 0.25, 0.25]), 2)
    (array([0.5]), array([0.]))
    """
    by_state = np.moveaxis(np.asarray(values), 1, 0)
    exact = len(weights) - sampled
    shares = [weights]
    for left_out in range(exact, len(weights)):
        share = weights * np.where(np.arange(len(weights)) < exact, 1.0, sampled / (sampled - 1.0))
        share[left_out] = 0.0
        shares.append(share / share.sum())
    value, error = jackknife(np.tensordot(np.array(shares), by_state, 1))
    return value, BARS * error


def weights_of(state: State) -> NDArray[np.float64]:
    """Return the weights of all states of a mixture."""
    return np.concatenate([part.weights for part in state.parts])


def single(state: State) -> State:
    """Return the first state of a mixture."""
    return replace(state, amplitudes=state.amplitudes[:1], weights=np.ones(1), others=())
