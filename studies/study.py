"""The study: everything that a model file asks for, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..hamiltonians import Model, Sector
from ..solvers import Options


@dataclass(frozen=True)
class GroundStateTask:
    """The lowest levels of the sector and the observables of the lowest one.

    Attributes
    ----------
    states : int
        Number of levels, with multiplicity.
    observables : tuple of str or None
        Their names; None: all that the model has.
    displacement_grid : tuple of float or None
        X at which P(X) is reported; None: a grid that suits the model.
    """

    states: int = 1
    observables: tuple[str, ...] | None = None
    displacement_grid: tuple[float, ...] | None = None


@dataclass(frozen=True)
class ChargeScanTask:
    """The lowest energy for each charge at minimal ``|S_z|``.

    Attributes
    ----------
    charges : tuple of int
        Values of N = N_e + 2 N_b.
    """

    charges: tuple[int, ...]


@dataclass(frozen=True)
class FluxTask:
    """Energy, current and stiffness against the flux.

    Attributes
    ----------
    values : tuple of float
        phi = 2 pi Phi / (hc/e).
    """

    values: tuple[float, ...]


@dataclass(frozen=True)
class Axis:
    """An axis of a sweep.

    Attributes
    ----------
    key : str
        Dotted path in the model file, as in "phonons.boson_coupling".
    values : tuple of numbers
        What stands there, one value after the other.
    """

    key: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Study:
    """A checked model file.

    Attributes
    ----------
    file : str
        Its path as given.
    name : str
        Its title, or else the file's name without ending.
    model : Model
        The Hamiltonian.
    sector : Sector or None
        The block that is solved; None where no task needs one.
    solver : Options
        How to solve.
    ground_state, charge_scan, flux : tasks or None
        What to compute; None where it is not asked for.
    sweep : tuple of Axis
        Axes of the sweep, in the order of the file; the product of all is run.
    text : str
        The whole file, for the record.
    """

    file: str
    name: str
    model: Model
    sector: Sector | None
    solver: Options
    ground_state: GroundStateTask | None
    charge_scan: ChargeScanTask | None
    flux: FluxTask | None
    sweep: tuple[Axis, ...]
    text: str = field(repr=False)
    _data: Mapping[str, object] = field(repr=False, compare=False)
