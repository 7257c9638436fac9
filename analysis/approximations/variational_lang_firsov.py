"""Variational Lang-Firsov transformation: displacements and squeezing that minimize the energy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Model, Sector
from ..labelled import dataset_of
from .base import Approximation, Condition, Where, sector_of
from .charge_family import ChargeFamily, couplings_vector
from .conditions import whole_sector
from .lang_firsov import CONDITIONS, INFINITE, Dressing, dressed, effective_couplings
from .static_lattice import descend, local_minima

SCAN = np.linspace(0.0, 1.5, 31)
"""Fractions of the full displacement at which a single one is scanned for minima."""
MOST_STARTS = 16
SAME = 1e-4
TINY = 1e-30
"""Imaginary step of derivatives, so small that only the first order contributes."""


def lang_firsov_variational(model: Model, where: Where, one_value: bool = False) -> xr.Dataset:
    """Lang-Firsov transformation with displacements that minimize the energy, one f and f_b per class of modes.

    Upper bound of the ground-state energy of the sector, never above `lang_firsov`. For one electron on a dimer it is
    the minimum of ``-t exp(-f^2) + omega0 f^2 - 2 g f``.

    Parameters
    ----------
    model : Model
        A model with phonons coupled to the charges of their sites.
    where : Sector
        The sector.
    one_value : bool
        Whether to use one fraction of the full displacement for all classes of modes.

    Returns
    -------
    xarray.Dataset
        As for `lang_firsov`; ``minima`` (minimum,), all minima found, ascending, of which the lowest is used, and
        ``minima_fraction`` (minimum, parameter), the f / (g/omega0) and f_b / alpha of each class; ``residual``,
        the remaining slope.

    References
    ----------
    H. Zheng, D. Feinberg and M. Avignon, Phys. Rev. B 39, 9405 (1989).

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Phonons, Sector
    >>> model = Model(dimer(), Electrons(1.0), phonons=Phonons(1.0, electron_coupling=1.2, max_quanta=1))
    >>> lang_firsov_variational(model, Sector(1)).energies.values.round(9)
    array([-1.80784374])
    """
    return _optimised(Parameters(model, one_value=one_value), sector_of(where))


def lang_firsov_squeezed(model: Model, where: Where) -> xr.Dataset:
    """Variational Lang-Firsov transformation with a squeezed lattice vacuum, one r per class of modes.

    Squeezing of P weakens the reduction of the hopping, ``exp(-f^2 exp(-2 r))``, at the cost ``omega0 sinh^2 r`` per
    mode. Upper bound of the ground-state energy of the sector, never above `lang_firsov_variational`.

    Returns
    -------
    xarray.Dataset
        As for `lang_firsov_variational`, with ``squeezing`` (mode,).

    References
    ----------
    H. Zheng, Solid State Commun. 65, 731 (1988).
    """
    return _optimised(Parameters(model, squeezed=True), sector_of(where))


@dataclass(frozen=True)
class Parameters:
    """Variational parameters: a fraction of the full displacement for each class and species, and the squeezing."""

    model: Model
    squeezed: bool = False
    one_value: bool = False

    @cached_property
    def labels(self) -> list[str]:
        """Class and branch of each mode, if classes are distinguished."""
        every = [f"{mode.branch} {mode.label}".strip() for mode in self.model.modes]
        return ["all"] * len(every) if self.one_value else every

    @cached_property
    def kinds(self) -> list[tuple[str, str]]:
        """(species, class) of each parameter."""
        full, labels = Dressing.full(self.model), self.labels
        coupled = {"electron": full.electron != 0, "boson": full.boson != 0}
        either = coupled["electron"] | coupled["boson"]
        wanted = coupled | ({"squeezing": either} if self.squeezed else {})
        return [(k, c) for k, on in wanted.items() for c in dict.fromkeys(labels) if on[[x == c for x in labels]].any()]

    def dressing(self, values: NDArray[Any]) -> Dressing:
        """Return the dressing with these parameters, real or complex."""
        dtype = np.result_type(values, float)
        arrays = {name: np.array(array, dtype) for name, array in vars(Dressing.full(self.model)).items()}
        for (kind, label), value in zip(self.kinds, values, strict=True):
            here = np.array([name == label for name in self.labels])
            arrays[kind][here] = value if kind == "squeezing" else value * arrays[kind][here]
        return Dressing(**arrays)


class Energy:
    """The energy and its gradient as functions of the variational parameters.

    Parameters
    ----------
    parameters : Parameters
        The variational parameters.
    sector : Sector
        (N, S_z).
    """

    def __init__(self, parameters: Parameters, sector: Sector) -> None:
        self.parameters = parameters
        self._family = ChargeFamily.of(parameters.model, sector)

    def _couplings(self, values: NDArray[Any]) -> tuple[NDArray[Any], Any]:
        model = self.parameters.model
        changed, contact, constant = effective_couplings(model, self.parameters.dressing(values))
        return couplings_vector(model, changed, contact), constant

    def __call__(self, values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return <H> and its gradient, <M_k> times the derivatives of the couplings (exact by a complex step)."""
        couplings, constant = self._couplings(values)
        energy, averages = self._family.lowest(couplings)
        moved = [self._couplings(values + 1j * unit) for unit in TINY * np.eye(len(values))]
        slope = [(averages @ np.imag(c) + np.imag(shift)) / TINY for c, shift in moved]
        return energy + float(constant), np.array(slope)

    def scan(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return <H> at several values of the parameters, shape (n, parameters)."""
        couplings, constants = zip(*(self._couplings(point) for point in points), strict=True)
        return np.asarray(self._family.energies(np.array(couplings)) + np.array(constants))


def _optimised(parameters: Parameters, sector: Sector) -> xr.Dataset:
    model = parameters.model
    if not parameters.kinds:
        return dressed(model, sector, Dressing.full(model), 0.0)
    energy, unit = Energy(parameters, sector), float(np.max(model.couplings.frequency))
    if len(parameters.kinds) == 1:
        starts = [np.array([fraction]) for fraction in SCAN[local_minima(energy.scan(SCAN[:, None]))]]
    else:
        choices = [(0.1,) if kind == "squeezing" else (1.0, 0.05) for kind, _ in parameters.kinds]
        starts = [np.array(values) for values in itertools.islice(itertools.product(*choices), MOST_STARTS)]
    if parameters.squeezed:
        unsqueezed = Energy(replace(parameters, squeezed=False), sector)
        free = len(unsqueezed.parameters.kinds)
        rest = np.zeros(len(parameters.kinds) - free)
        better = _minimised(unsqueezed, [start[:free] for start in starts], unit)
        starts += [np.concatenate([x, rest]) for _, x in better]
    found = _minimised(energy, starts, unit)
    x = found[0][1]
    residual = float(np.max(np.abs(energy(x)[1])))
    data = dressed(model, sector, parameters.dressing(x), residual)
    names = [f"{kind} {label}" for kind, label in parameters.kinds]
    table: dict[str, tuple[Any, ...]] = {
        "minima": (np.array([e for e, _ in found]), "minimum", "minima of <H>", "energy"),
        "minima_fraction": (
            np.array([at for _, at in found]), "minimum parameter", "f / (g / omega0), f_b / alpha, or r",
        ),
    }  # fmt: skip
    return data.merge(dataset_of(table, {"parameter": names}), combine_attrs="override")


def _minimised(
    energy: Energy, starts: list[NDArray[np.float64]], unit: float
) -> list[tuple[float, NDArray[np.float64]]]:
    """Return the distinct minima reached from starting points, the lowest first; `unit` is the unit of energy."""
    found: list[tuple[float, NDArray[np.float64]]] = []

    for start in starts:
        x, lowest = descend(energy, start, unit)
        if not any(np.max(np.abs(x - other)) < SAME for _, other in found):
            found.append((lowest, x))
    return sorted(found, key=lambda pair: pair[0])


OPTIMISED: tuple[Condition, ...] = (*CONDITIONS, whole_sector)
LANG_FIRSOV_VARIATIONAL = Approximation(
    "lang-firsov-variational", lang_firsov_variational, OPTIMISED, "upper", INFINITE
)
LANG_FIRSOV_SQUEEZED = Approximation("lang-firsov-squeezed", lang_firsov_squeezed, OPTIMISED, "upper", INFINITE)
