"""Spectra at individual frequencies by the correction-vector method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Operator
from ...solvers.linear import solve
from ..coordinates import with_coordinates, with_newer_names
from ..labelled import dataset_of
from .excitations import Resolution, images_of, offset_of
from .functions import DEFAULT_BROADENING, Levels
from .probes import Probe

TOLERANCE = 1e-9


def correction_vectors(
    levels: Levels,
    probe: Probe,
    frequencies: Sequence[float] | NDArray[np.float64],
    broadening: float = DEFAULT_BROADENING,
) -> xr.Dataset:
    r"""Compute a spectrum at single frequencies from correction vectors.

    .. math:: A(\omega) = \frac{1}{\pi}\,\mathrm{Im}\,\langle\phi|c\rangle,\quad
              (H - E_0 - \omega - i\eta)\,|c\rangle = |\phi\rangle = B|0\rangle

    and correspondingly for removal. The cost per frequency grows as 1 / eta; frequencies are independent.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Levels whose ground level is used.
    probe : Probe
        See `respair.analysis.probe`.
    frequencies : (n,) float
        omega [energy].
    broadening : float
        eta, the half width at half maximum of a Lorentzian [energy].

    Returns
    -------
    xarray.Dataset
        ``values``, ``addition`` and ``removal`` over ``omega`` [1/energy].

    Raises
    ------
    ConvergenceError
        If a linear equation does not converge.
    ValueError
        If there are no frequencies, or the broadening is not positive.

    References
    ----------
    T. D. Kuehner and S. R. White, Phys. Rev. B 60, 335 (1999).

    Examples
    --------
    >>> from respair.analysis import probe
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> model = Model(site(), Electrons(level=0.5))
    >>> data = correction_vectors(ground_state(model, 0), probe(model, "electron"), [0.5], 0.1)
    >>> round(float(data.intensity[0]) * np.pi * 0.1, 9)
    1.0
    """
    omega = Resolution.of(frequencies, broadening).frequencies
    energy = float(levels.relative[0])

    def part(operator: Operator, sign: int) -> NDArray[np.float64]:
        curve = np.zeros(len(omega))
        for target, images, _ in images_of(levels.ground, operator):
            right: NDArray[Any] = np.array(images)
            start = energy - offset_of(target, levels)
            for i, at in enumerate(omega):
                answer = solve(target, start + sign * at + 1j * broadening, right, tolerance=TOLERANCE)
                curve[i] += target.dot(right, answer).imag / np.pi
        return curve

    added = part(probe.addition, 1)
    removed = part(probe.removal, -1) if probe.removal is not None else np.zeros(len(omega))
    curves = {"values": added + removed, "addition": added, "removal": removed}
    table = {name: (values, "omega", "Im <phi|c> / pi", "1/energy") for name, values in curves.items()}
    return with_coordinates(with_newer_names(dataset_of(table, {"omega": omega})))
