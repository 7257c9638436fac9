"""Lowest levels of one or two particles on an infinite lattice, at a total wave vector."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.arguments import real_number, taking, whole_number
from ..._core.display import counted
from ..._core.formatting import with_error
from ...clusters import Card, InvalidValue, Shown
from ...hamiltonians import InvalidModel, Model, Sector
from ...hamiltonians.arguments import a_model, a_sector
from ...hamiltonians.sector import sector_problems
from ..certificate import Certificate
from ..options import Options, read_options
from ..work import Progress, silent
from .endings import ACCURACY, remark
from .growth import Space, Stage
from .search import Wanted, search
from .tables import Skeleton, Tables, bloch

BYTES = 600
"""Memory for each state of the space, those beyond it included."""


@dataclass(frozen=True, repr=False)
class InfiniteLevels(Shown):
    """Lowest levels of one or two particles on an infinite lattice.

    Attributes
    ----------
    model, sector : Model, Sector
        What was solved.
    wave_vector : (dimension,) float
        Total wave vector k, Cartesian.
    energies : (levels,) float
        Ascending, upper bounds, counted from the empty lattice, in the user's unit.
    certificate : Certificate
        Residuals, leaks out of the variational space and error bars.
    space : Space
        The states.
    vectors : (states, levels)
        Amplitudes.
    skeleton : Skeleton
        H without a wave vector.
    stages : tuple of Stage
        How the space has grown.
    ending : str
        What ended it: "accuracy", "max_states", "distance", the largest of two particles that is followed, or
        "continuum".
    accuracy : float
        Largest error bar wanted.
    """

    model: Model = field(repr=False)
    sector: Sector
    wave_vector: NDArray[np.float64]
    energies: NDArray[np.float64]
    certificate: Certificate = field(repr=False)
    space: Space = field(repr=False)
    vectors: NDArray[Any] = field(repr=False)
    skeleton: Skeleton = field(repr=False)
    stages: tuple[Stage, ...] = field(repr=False)
    ending: str = ACCURACY
    accuracy: float = np.inf

    def card(self) -> Card:
        """Return the levels to the digits that their error bars support."""
        c = self.certificate
        columns = (self.energies, c.energy_errors, c.residuals, c.leaks)
        rows = [
            (str(n), with_error(energy, error), f"{residual:.1e}", f"{leak:.1e}")
            for n, (energy, error, residual, leak) in enumerate(zip(*columns, strict=True))
        ]
        title = f"{counted(len(rows), 'level')} of {self.sector.markup} on an {self.model.cluster.kind}"
        note = f"{len(self.space):,} states; {self.remark}" if self.remark else f"{len(self.space):,} states"
        return Card(title, rows, ("level", "energy", "residual", "leak"), note)

    @property
    def remark(self) -> str:
        """Why the accuracy was not reached, in one sentence; empty where it was."""
        return remark(self.ending, self.accuracy)

    @property
    def lower_bound(self) -> float:
        r"""Temple's lower bound of the lowest level, ``E - (r^2 + l^2) / (E_1 - E)``.

        E_1, below which the exact spectrum at this wave vector has no other level, is taken to be the next level less
        its error bar: ask for two levels. In a continuum that begins below it the bound does not hold.

        Raises
        ------
        InvalidValue
            If there is one level alone.
        """
        if len(self.energies) < 2:
            raise InvalidValue("the lower bound needs the distance to the next level; solve with states=2")
        gap = float(self.energies[1] - self.certificate.energy_errors[1] - self.energies[0])
        return float(self.energies[0] - self.certificate.bounds[0] ** 2 / gap) if gap > 0 else -np.inf

    def tables(self, *directions: int) -> Tables:
        """Return H at the wave vector, or its derivative along Cartesian directions of the wave vector."""
        return self.skeleton.tables(bloch(self.wave_vector, *directions))


def most_states(options: Options) -> tuple[int, int]:
    """Return the states of the largest space, and its bytes."""
    most = max(1000, min(options.max_states, options.memory_limit // BYTES))
    return most, most * BYTES


def accuracy_of(model: Model) -> float:
    """Return the largest error bar that a model asks for."""
    return model.phonons.accuracy if model.phonons is not None else 1e-8


def wave_vector_of(model: Model, sector: Sector) -> NDArray[np.float64]:
    """Return the wave vector of a sector as a Cartesian vector, 0 where none is given."""
    dimension = len(model.cluster.cell)
    given = 0.0 if sector.wave_vector is None else sector.wave_vector
    return np.asarray(np.broadcast_to(np.atleast_1d(np.array(given, float)), (dimension,)) + 0.0)


@taking(model=a_model, sector=a_sector, options=read_options)
def infinite_levels(
    model: Model,
    sector: Sector | int,
    states: int = 1,
    accuracy: float | None = None,
    options: Options | None = None,
    progress: Progress = silent,
) -> InfiniteLevels:
    r"""Compute the lowest levels of one or two particles on an infinite lattice.

    The states are Bloch sums of one arrangement of charges and phonons,
    :math:`|s, k\rangle = \sum_R e^{i k R} T_R |s\rangle`, and the space is grown from the bare charges until the error
    bars are below the accuracy.

    Parameters
    ----------
    model : Model
        On the cluster `infinite_chain()`, `infinite_square()` or `infinite_triangular()`.
    sector : Sector or int
        ``Sector(charge, two_sz, wave_vector=k)`` with charge 1 or 2, k in radians a site (Cartesian).
    states : int
        Levels wanted.
    accuracy : float, optional
        Largest error bar [energy]; that of the phonons, 1e-8, by default. The space ends at `options.max_states` all
        the same, and the error bars say what was reached.
    options : Options, optional
        Seed and limits.
    progress : Progress
        Called with the number of states, the lowest energy and its error bar.

    Returns
    -------
    InfiniteLevels
        Energies [user's unit], counted from the empty lattice.

    Raises
    ------
    InvalidModel
        If the sector does not exist.
    InvalidValue
        If a coupling differs between places of the lattice.

    Examples
    --------
    >>> from respair.clusters import infinite_chain
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> model = Model(infinite_chain(), Electrons(hopping=1.0), phonons=Phonons(1.0, electron_coupling=1.0))
    >>> levels = infinite_levels(model, 1, accuracy=1e-6)
    >>> print(f"{levels.energies[0]:.5f}")
    -2.46968
    """
    options = options or Options()
    assert isinstance(sector, Sector)
    states = whole_number("states", states, 1)
    if not model.cluster.is_infinite:
        raise InvalidValue(
            f"the cluster is a {model.cluster.kind}; give infinite_chain(), infinite_square() or infinite_triangular(),"
            " or take ground_state for finite clusters"
        )
    if problems := list(sector_problems(model, sector)):
        raise InvalidModel(problems)
    given = accuracy_of(model) if accuracy is None else accuracy
    accuracy = real_number("accuracy", given, "a number above 0", 1e-300)
    most, _ = most_states(options)
    wanted = Wanted(model, sector, wave_vector_of(model, sector), states, accuracy, most)
    found = search(wanted, options, progress)
    last, energies, vectors, bars = found.stages[-1], found.energies, found.vectors, found.bars
    leaks, residuals = last.leaks[:states], last.residuals[:states]
    with np.errstate(divide="ignore", invalid="ignore"):
        leak_energies = energies - leaks**2 / last.second[:states]
    certificate = Certificate(residuals, leaks, leak_energies, bars, np.hypot(residuals, leaks))
    for array in (energies, vectors, bars):
        array.setflags(write=False)
    k, grown = wanted.wave_vector, (found.space, vectors, found.skeleton, found.stages, found.ending)
    return InfiniteLevels(model, sector, k, energies, certificate, *grown, accuracy)
