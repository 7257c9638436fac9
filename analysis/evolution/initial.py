"""The state from which a motion begins: a ground level, that of other parameters, charges on sites, or one's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..._core.arguments import real_number, taking
from ...clusters import InvalidValue
from ...hamiltonians import Hamiltonian, InvalidModel, Model, Sector
from ...hamiltonians.arguments import a_model, a_sector, number_basis_problems
from ...hamiltonians.conservation import sector_holding
from ...hamiltonians.lattice_tables import MAX_QUANTA
from ...hamiltonians.parametric import with_parameters
from ...hamiltonians.sector import resolved
from ...hamiltonians.space.product import Space
from ...solvers import Options, Progress, State, ground_state
from ...solvers.arguments import read_options
from ...solvers.caps import capped, is_automatic
from ...solvers.costs import check_memory, choose_engine
from ...solvers.evolution.configuration import Configuration
from ...solvers.evolution.start import Start, configured
from ...solvers.work import silent
from ..observables.error_bars import isolated_ground, mixing

Initial = Model | Mapping[str, object] | State | Configuration | None
"""A model or some of its parameters, whose ground level it is; a state; or None for the ground level of the model."""
SHARE = 0.1
"""Share of the tolerance that the error of the ground state may take."""
LEAST, MOST = 1e-13, 1e-10
"""Residuals that are asked of the ground state."""
LIGHTEST = 1e-14
"""Levels of less weight are no part of a thermal state."""
SETTLED = 0.5
"""An error that a larger space makes no smaller than this is rounding, or that of the search."""
GROWTH = 5
"""An automatic cutoff grows by two quanta, and by one part in so many."""


@dataclass(frozen=True)
class Beginning:
    """A Hamiltonian and a state of it.

    Attributes
    ----------
    start : Start
        The state before a kick.
    hamiltonian : Hamiltonian
        Of the motion.
    multiplicity : int
        States that the start mixes.
    """

    start: Start
    hamiltonian: Hamiltonian
    multiplicity: int


def beginning(
    model: Model,
    sector: Sector | None,
    initial: Initial,
    tolerance: float,
    options: Options,
    progress: Progress = silent,
) -> Beginning:
    """Return the state from which a motion begins, in a phonon space with numbers for its caps.

    Parameters
    ----------
    model : Model
        Of the motion.
    sector : Sector or None
        Quantum numbers; those of a state of one's own where it is left out.
    initial : see `Initial`
        Where it begins.
    tolerance : float
        Of the motion.
    options, progress
        See `ground_state`.
    """
    _check_basis(model, initial)
    if isinstance(initial, State):
        return _of_state(model, sector, initial)
    if sector is None and isinstance(initial, Configuration):
        sector = sector_holding(model, initial.charge, initial.two_sz)
    if sector is None:
        raise InvalidValue("sector is missing: give the charge, as evolve(model, times, 4)")
    sector = _shared(model, sector, initial)
    whole = sector.plain
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
        levels = own if own is not None and first is model else isolated_ground(first, sector, options, progress)
        if not len(levels.energies):
            raise InvalidValue(f"the sector {sector.title} has no states")
        error = mixing(levels)
        if not grows or error <= SHARE * tolerance or error > SETTLED * reached:
            break
        larger = _with_more(model, sector, options)
        if larger is None:
            break
        model, own, reached = larger, None, error
    hamiltonian = levels.hamiltonian if first is model else Hamiltonian.of(model, whole)
    return Beginning(Start(levels.ground, error), hamiltonian, levels.multiplicity)


def _shared(model: Model, sector: Sector, initial: Initial) -> Sector:
    """Return a sector that holds the motion and its start, with all S_z where one of both gives S_z up."""
    first = with_parameters(model, initial) if isinstance(initial, Mapping) else initial
    return resolved(first, resolved(model, sector)) if isinstance(first, Model) else resolved(model, sector)


def _check_basis(model: Model, initial: Initial) -> None:
    """Raise InvalidModel if a model has phonon states that follow the charge."""
    models = [model, *([initial] if isinstance(initial, Model) else [])]
    if wrong := [problem for each in models for problem in number_basis_problems(each, "a motion")]:
        raise InvalidModel(wrong)


def has_automatic_cutoff(model: Model) -> bool:
    """True where a model leaves its phonon cutoff to the solver."""
    return model.phonons is not None and model.phonons.cutoff is not None


def _first(model: Model, sector: Sector, initial: Model | Mapping[str, object] | None) -> Model:
    """Return the model whose ground level is the start, in the phonon space of the motion."""
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
    """Return the motion of a state of one's own, in its phonon space."""
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


@taking(model=a_model, sector=a_sector, options=read_options)
def thermal_state(
    model: Model, sector: Sector | int, temperature: float, options: Options | None = None, progress: Progress = silent
) -> State:
    r"""Return the canonical state of a sector from all its levels, as a mixture that may move.

    .. math:: \rho = \sum_n e^{-E_n / T} |n\rangle\langle n| / Z

    Levels with a weight below 1e-14 are left out.

    Parameters
    ----------
    model : Model
        The Hamiltonian, with numbers for its phonon caps.
    sector : Sector or int
        N and S_z; a number stands for ``Sector(charge)``.
    temperature : float
        T [energy].
    options, progress
        See `ground_state`.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> thermal_state(Model(dimer(), Electrons(hopping=1.0)), 1, 2.0).weights.round(6)
    array([0.731059, 0.268941])
    """
    if wrong := list(number_basis_problems(model, "a temperature")):
        raise InvalidModel(wrong)
    if not real_number("temperature", temperature, "a number above 0") > 0:
        raise InvalidValue(f"temperature = {temperature} cannot be; allowed: a number above 0, as 0.1")
    levels = ground_state(model, sector, "all", options, progress)
    weights = np.exp(-(levels.relative - levels.relative[0]) / temperature)
    kept = weights > LIGHTEST * weights.sum()
    return State(levels.block, levels.amplitudes[: len(kept)][kept], weights[kept] / weights[kept].sum())


def growing(options: Options) -> Callable[[Hamiltonian], Hamiltonian | None]:
    """Return what a phonon space grows by: two quanta and a fifth more in all, while memory allows."""

    def grow(hamiltonian: Hamiltonian) -> Hamiltonian | None:
        larger = _with_more(hamiltonian.space.model, hamiltonian.space.sector, options)
        mean = hamiltonian.space.mean_charge
        return None if larger is None else Hamiltonian.of(larger, hamiltonian.space.sector, mean)

    return grow


def _with_more(model: Model, sector: Sector, options: Options) -> Model | None:
    """Return the model with a larger cap; None where it would not fit."""
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
