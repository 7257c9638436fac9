"""The specification of a time evolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians.pulse import Pulse, PulseTrain
from ...solvers import Options, State
from .kicks import Kick

Measure = Callable[[State, float], Mapping[str, Any]]
"""From a state and its time to user-defined variables by name, each a number or an `xarray.DataArray`."""


@dataclass(frozen=True)
class Question:
    """The specification of a time evolution.

    Attributes
    ----------
    times : (n,) float
        Ascending times.
    kick, pulse : Kick, Pulse, PulseTrain or None
        Perturbations of the state.
    names : tuple of str
        Names of observables.
    grid : (k,) float or None
        Grid of X for distributions.
    tolerance : float
        Tolerance of the error at the last time.
    options : Options
        Options of the solver.
    measure : function or None
        User-defined variables.
    """

    times: NDArray[np.float64]
    kick: Kick | None
    pulse: Pulse | PulseTrain | None
    names: tuple[str, ...]
    grid: NDArray[np.float64] | None
    tolerance: float
    options: Options
    measure: Measure | None = None
