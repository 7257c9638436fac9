"""Lines of two operators in a thermal state, from all levels."""

from __future__ import annotations

import numpy as np

from ...clusters import InvalidValue
from ...hamiltonians import Model
from ...solvers import Options
from ...solvers.caps import is_automatic
from ...solvers.krylov.resolvents import Lines
from ..thermal.ensembles import Ensemble, Sampling, ThermalSum
from ..thermal.spectra import every_line, has_every_line, thermal_lines
from ..thermal.spectral_lines import MOST_LINES
from .excitations import Resolution
from .probes import Probe


def exact_sum(
    model: Model, temperature: float, ensemble: Ensemble | str, options: Options | None, *, automatic: bool = False
) -> ThermalSum:
    """Return a sum over all levels of an ensemble.

    Raises
    ------
    InvalidValue
        If the phonon cutoff is automatic and `automatic` is False.
    """
    if is_automatic(model) and not automatic:
        raise InvalidValue(
            "the phonon cutoff is automatic; sums over all levels need max_quanta or total_quanta, or error_bars = True"
        )
    return ThermalSum.of(model, [temperature], ensemble, Sampling(method="exact"), options)


def thermal_weights(asked: ThermalSum, right: Probe, left: Probe | None) -> Lines:
    """Return all lines of two probes in a thermal state.

    Raises
    ------
    InvalidValue
        If there are too many lines.
    """
    found = thermal_lines(asked, right, Resolution.of([0.0], 1.0), left)
    energies, weights = every_line(found)
    found.kept.remove()
    if not has_every_line(found):
        raise InvalidValue(
            f"the thermal state has more lines than can be stored ({MOST_LINES:,} per block): take a smaller model, "
            "smaller caps, an ensemble of fewer states, or T = 0"
        )
    return Lines(energies - found.wanted.offset[0], weights[0], np.zeros(len(energies)))
