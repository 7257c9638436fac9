"""What is asked of a motion."""

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
"""From a state and its time to further numbers by name, each a number or an `xarray.DataArray`."""


@dataclass(frozen=True)
class Question:
    """What is asked of a motion.

    Attributes
    ----------
    times : (n,) float
        Ascending.
    kick, pulse : Kick, Pulse, PulseTrain or None
        What acts on the state.
    names : tuple of str
        Observables.
    grid : (k,) float or None
        X of distributions.
    tolerance : float
        Wanted bound on the error at the last time.
    options : Options
        How to solve.
    measure : function or None
        Further numbers.
    """

    times: NDArray[np.float64]
    kick: Kick | None
    pulse: Pulse | PulseTrain | None
    names: tuple[str, ...]
    grid: NDArray[np.float64] | None
    tolerance: float
    options: Options
    measure: Measure | None = None
