"""Shared state of the tasks of a model file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import xr
from ...analysis.observables.error_bars import isolated_ground
from ...hamiltonians import Model, Sector
from ...hamiltonians.conservation import moved, sectors_of
from ...solvers import Eigenstates, LabelledLevels, Options
from ...solvers.caps import is_automatic, size_in_words
from ...solvers.larger_space import reaching
from ..file.kept_file import KeptFile
from .base import Reporter, Task


@dataclass(frozen=True)
class Setting:
    """Model, options and shared results of the tasks of a model file.

    Attributes
    ----------
    model : Model
        The Hamiltonian.
    sector : Sector or None
        The sector; None if the file has no such table.
    solver : Options
        Options of the solver.
    grid : (n,) float
        Grid of X for lattice distributions, the same at all points of a sweep.
    reporter : Reporter
        Receives the progress.
    tasks : tuple of Task
        All tasks of the file, some of which share results.
    swept : bool
        Whether this is a point of a sweep, whose failure must not stop the other points.
    kept : Options
        Solver options of thermal sums, whose blocks are saved and computed by several processes.
    known : function, optional
        Receives partial results.
    """

    model: Model
    sector: Sector | None
    solver: Options
    grid: NDArray[np.float64]
    reporter: Reporter
    tasks: tuple[Task, ...] = ()
    swept: bool = False
    kept: Options = field(default_factory=Options)
    known: Callable[[xr.Dataset], None] | None = None

    @property
    def block(self) -> Sector:
        """The sector, for a task that needs one."""
        assert self.sector is not None
        return self.sector

    @cached_property
    def ground(self) -> Eigenstates | LabelledLevels:
        """The ground level of the sector with its multiplet and the next level, computed once for all tasks."""
        kept = self.solver.starts
        known = kept.ground_of(self.model, self.block, self.solver) if isinstance(kept, KeptFile) else None
        if known is not None:
            self.reporter.step("ground level from the file of kept states")
            return known
        self.reporter.step(f"ground level of {size_in_words(self.model, self.block)}")
        levels = self.ground_of(self.model, self.block)
        used, changes = levels.hamiltonian.space.model, max((task.changes_charge for task in self.tasks), default=0)
        if used.phonons is None or not changes or not is_automatic(self.model):
            return levels
        wider = reaching(used, [self.block, *neighbours(self.model, self.block, changes)])
        return levels if wider is used else self.ground_of(wider, self.block)

    def ground_of(self, model: Model, sector: Sector) -> Eigenstates | LabelledLevels:
        """Return the ground level of any sector with its multiplet and the next level."""
        return isolated_ground(model, sector, self.solver, self.reporter.lanczos)


def neighbours(model: Model, sector: Sector, changes: int) -> Iterator[Sector]:
    """Yield the sectors with up to `changes` charges more or less, each at the smallest spin."""
    if sector.parity is not None:
        yield from [there for there in [moved(model, sector, (1 - 2 * sector.charge, 1))] if there is not None]
        return
    for charge in range(sector.charge - changes, sector.charge + changes + 1):
        if charge != sector.charge and 0 <= charge <= model.max_charge:
            found = sectors_of(model, charge, sector.has_all_spins)
            yield from sorted(found, key=lambda there: abs(there.spin_excess))[:1]
