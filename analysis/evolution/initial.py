"""Initial states of a time evolution: ground levels, levels for other parameters, configurations, given states."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..._core.arguments import whole_number
from ...clusters import InvalidValue
from ...hamiltonians import Hamiltonian, InvalidModel, Model, Problem, Sector
from ...hamiltonians.arguments import number_basis_problems
from ...hamiltonians.conservation import sector_holding
from ...hamiltonians.lattice_tables import MAX_QUANTA
from ...hamiltonians.parametric import with_parameters
from ...hamiltonians.sector import resolved
from ...hamiltonians.space.product import Space
from ...solvers import Options, Progress, State
from ...solvers.caps import capped, is_automatic
from ...solvers.costs import check_memory, choose_engine
from ...solvers.evolution.configuration import Configuration
from ...solvers.evolution.start import Start, configured
from ...solvers.work import silent
from ..observables.error_bars import isolated_ground, mixing
from .levels import excited_start
from .thermal_start import Thermal, is_sampled, thermal_start

Initial = Model | Mapping[str, object] | State | Configuration | Thermal | None
"""A model or new parameter values, whose ground level is used; a state; or None for the ground level of the model."""
SHARE = 0.1
"""Fraction of the tolerance allowed for the error of the ground state."""
LEAST, MOST = 1e-13, 1e-10
"""Range of the residual required of the ground state."""
SETTLED = 0.5
"""If a larger space reduces an error by less than this factor, the error is that of rounding or of the search."""
GROWTH = 5
"""An automatic cutoff grows by two quanta plus this fraction (one in 5) of the total."""


@dataclass(frozen=True)
class Beginning:
    """A Hamiltonian and an initial state.

    Attributes
    ----------
    start : Start
        The state before a kick.
    hamiltonian : Hamiltonian
        Of the motion.
    multiplicity : int
        Number of states in the mixture.
    sampled : int
        Number of random vectors among them, the last ones.
    """

    start: Start
    hamiltonian: Hamiltonian
    multiplicity: int
    sampled: int = 0


def beginning(
    model: Model,
    sector: Sector | None,
    initial: Initial,
    tolerance: float,
    options: Options,
    progress: Progress = silent,
    level: int = 0,
) -> Beginning:
    """Return the initial state of a time evolution, in a phonon space with a fixed cutoff.

    Parameters
    ----------
    model : Model
        Of the motion.
    sector : Sector or None
        Quantum numbers; for a given state optional.
    initial : see `Initial`
        The initial state.
    tolerance : float
        Of the motion.
    options, progress
        See `ground_state`.
    level : int
        Index of the level of the sector, 0 for the ground level, if `initial` is a model or omitted.
    """
    _check_basis(model, initial)
    _check_level(level, initial)
    if isinstance(initial, State):
        return _of_state(model, sector, initial)
    if sector is None and isinstance(initial, Configuration):
        sector = sector_holding(model, initial.charge, initial.two_sz)
    if sector is None:
        raise InvalidValue("sector is missing: give the charge, as evolve(model, times, 4)")
    sector = _common_sector(model, sector, initial)
    whole = sector.plain
    if isinstance(initial, Thermal):
        return _thermal(initial, model, whole, options, progress)
    options = replace(options, tolerance=min(options.tolerance, max(LEAST, min(MOST, 0.01 * tolerance))))
    own, grows = None, has_automatic_cutoff(model)
    if is_automatic(model):
        own = isolated_ground(model, sector, options, progress)
        model = own.hamiltonian.space.model
    if isinstance(initial, Configuration):
        hamiltonian = Hamiltonian.of(model, whole)
        start, grow = configured(initial, hamiltonian), growing(options)
        while grows and start.error > SHARE * tolerance and (wider := grow(hamiltonian)) is not None:
            hamiltonian, start = wider, configured(initial, wider)
        return Beginning(start, hamiltonian, 1)
    reached = math.inf
    while True:
        first = _first(model, whole, initial)
        if level:
            start, levels = excited_start(first, sector, level, options, progress)
        else:
            levels = own if own is not None and first is model else isolated_ground(first, sector, options, progress)
            if not len(levels.energies):
                raise InvalidValue(f"the sector {sector.title} has no states")
            start = Start(levels.ground, mixing(levels))
        error = start.error
        if not grows or error <= SHARE * tolerance or error > SETTLED * reached:
            break
        larger = _with_more(model, sector, options)
        if larger is None:
            break
        model, own, reached = larger, None, error
    hamiltonian = levels.hamiltonian if first is model else Hamiltonian.of(model, whole)
    return Beginning(start, hamiltonian, sum(len(part.weights) for part in start.state.parts))


def _check_level(level: int, initial: Initial) -> None:
    """Raise InvalidValue if `level` is given for initial states other than levels."""
    whole_number("level", level)
    if level and isinstance(initial, State | Configuration | Thermal):
        raise InvalidValue(f"level = {level}: leave it out; the initial state is given already")


def _thermal(thermal: Thermal, model: Model, sector: Sector, options: Options, progress: Progress) -> Beginning:
    """Return the start from a thermal state, in the phonon space of the model."""
    if is_automatic(model) or has_automatic_cutoff(model):
        given = "allowed: numbers for max_quanta or total_quanta; thermal initial states need a fixed cutoff"
        raise InvalidModel([Problem("phonons.cutoff", '"auto"', given)])
    first = _first(model, sector, thermal.of)
    start = thermal_start(thermal, first, sector, options, progress)
    count = sum(len(part.weights) for part in start.state.parts)
    return Beginning(start, Hamiltonian.of(model, sector), count, thermal.samples * is_sampled(first, sector))


def _common_sector(model: Model, sector: Sector, initial: Initial) -> Sector:
    """Return a sector for the evolution and the initial state, with all S_z if one of the models breaks S_z."""
    given = initial.of if isinstance(initial, Thermal) else initial
    first = with_parameters(model, given) if isinstance(given, Mapping) else given
    return resolved(first, resolved(model, sector)) if isinstance(first, Model) else resolved(model, sector)


def _check_basis(model: Model, initial: Initial) -> None:
    """Raise InvalidModel if a model uses optimal phonon states."""
    given = initial.of if isinstance(initial, Thermal) else initial
    models = [model, *([given] if isinstance(given, Model) else [])]
    if wrong := [problem for each in models for problem in number_basis_problems(each, "a motion")]:
        raise InvalidModel(wrong)


def has_automatic_cutoff(model: Model) -> bool:
    """True if the phonon cutoff of a model is automatic."""
    return model.phonons is not None and model.phonons.cutoff is not None


def _first(model: Model, sector: Sector, initial: Model | Mapping[str, object] | None) -> Model:
    """Return the model whose ground level is the initial state, in the phonon space of the evolution."""
    if initial is None:
        return model
    first = initial if isinstance(initial, Model) else with_parameters(model, initial)
    if (first.phonons is None) != (model.phonons is None) or len(first.modes) != len(model.modes):
        raise InvalidValue("the initial model must have the oscillators of the model")
    if first.phonons is None or model.phonons is None:
        return first
    table, space = model.phonons, Space(model, sector)
    frame = table.frame if space.is_dressed else (2.0 * space.frame[0]).tolist() if len(space.frame) else table.frame
    names = ("max_quanta", "total_quanta", "cutoff", "dressing")
    caps = {name: getattr(table, name) for name in names}
    return replace(first, phonons=replace(first.phonons, frame=frame, **caps))


def _of_state(model: Model, sector: Sector | None, state: State) -> Beginning:
    """Return the start from a given state, in its phonon space."""
    space = state.hamiltonian.space
    own = space.sector.plain
    if sector is not None and resolved(model, sector).plain != own:
        raise InvalidValue(f"the state has {own.title}, and the sector {sector.title}; leave the sector out")
    if is_automatic(model):
        own_table, found = capped(model).phonons, space.model.phonons
        assert own_table is not None
        assert found is not None
        names = ("frame", "dressing", "max_quanta", "total_quanta")
        model = replace(model, phonons=replace(own_table, **{name: getattr(found, name) for name in names}))
    hamiltonian = Hamiltonian.of(model, own)
    there, here = hamiltonian.space.charges, space.charges
    if there.boson_sites != here.boson_sites or not np.array_equal(there.states, here.states):
        raise InvalidValue("the state does not belong to the sites, electrons and local pairs of this model")
    return Beginning(Start(state), hamiltonian, sum(len(part.weights) for part in state.parts))


def growing(options: Options) -> Callable[[Hamiltonian], Hamiltonian | None]:
    """Return a function that enlarges the phonon space by two quanta plus a fifth, as memory allows."""

    def grow(hamiltonian: Hamiltonian) -> Hamiltonian | None:
        larger = _with_more(hamiltonian.space.model, hamiltonian.space.sector, options)
        mean = hamiltonian.space.mean_charge
        return None if larger is None else Hamiltonian.of(larger, hamiltonian.space.sector, mean)

    return grow


def _with_more(model: Model, sector: Sector, options: Options) -> Model | None:
    """Return the model with a larger cap; None if it would not fit."""
    table = model.phonons
    if table is None or table.total_quanta is None:
        return None
    cap = table.total_quanta + 2 + table.total_quanta // GROWTH
    if cap > MAX_QUANTA:
        return None
    larger = replace(model, phonons=replace(table, total_quanta=cap))
    try:
        check_memory(larger, sector, choose_engine(larger, sector, options.engine), 2, options.memory_limit)
    except MemoryError:
        return None
    return larger
