"""Excited levels as initial states."""

from __future__ import annotations

import numpy as np

from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector
from ...solvers import Eigenstates, LabelledLevels, Options, Progress, State, ground_state, levels_by_symmetry
from ...solvers.evolution.start import Start
from ...solvers.krylov.eigenpairs import is_degenerate

MORE = 2
"""Initial number of levels computed above the requested one."""


def excited_start(
    model: Model, sector: Sector, number: int, options: Options, progress: Progress
) -> tuple[Start, Eigenstates | LabelledLevels]:
    r"""Return a level of a sector (the equal mixture of its states if degenerate), and the levels around it.

    Its error is estimated by :math:`\sqrt{r^2 + l^2}/\Delta` with residual, leak and the distance to the next level.

    Parameters
    ----------
    model, sector
        Model and sector of the level.
    number : int
        Index of the level, counted with multiplicity from 0.
    options, progress
        See `ground_state`.

    Raises
    ------
    InvalidValue
        If the sector has fewer states.
    """
    count = number + MORE
    while True:
        solve = ground_state if sector.has_symmetry else levels_by_symmetry
        levels = solve(model, sector, count, options, progress)
        energies = np.asarray(levels.relative)
        if number >= len(energies):
            raise InvalidValue(
                f"level = {number} does not exist; the sector {sector.title} has the levels 0 to {len(energies) - 1}"
            )
        width = levels.hamiltonian.level_width
        alike = [n for n, energy in enumerate(energies.tolist()) if is_degenerate(energies[number], energy, width)]
        if alike[-1] < len(energies) - 1 or len(energies) < count:
            break
        count *= 2
    states = [levels.level(n) for n in alike]
    first, *others = (State(each.block, each.amplitudes, each.weights / len(alike)) for each in states)
    c, own = levels.certificate, slice(alike[0], alike[-1] + 1)
    apart = [abs(energy - energies[number]) for n, energy in enumerate(energies) if n not in alike]
    apart += [float(e) - float(levels.energies[number]) for e in c.leak_energies[own] if np.isfinite(e)]
    gap = min((d for d in apart if d > 0.0), default=np.inf)
    off = float(np.max(np.hypot(c.residuals[own], c.leaks[own])))
    error = min(1.0, off / gap) if off else 0.0
    return Start(State(first.block, first.amplitudes, first.weights, tuple(others)), error), levels
