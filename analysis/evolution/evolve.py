"""Time evolution of states: observables over time, with error bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import finite_numbers, instance, real_number, shown, taking, words
from ..._core.ranks import current_ranks
from ...clusters import InvalidType, InvalidValue
from ...hamiltonians import Model, Sector
from ...hamiltonians.arguments import a_model, a_sector
from ...hamiltonians.pulse import Pulse, PulseTrain
from ...solvers import Options, Progress, State
from ...solvers.arguments import read_options
from ...solvers.checkpoint import Checkpoint, fingerprint
from ...solvers.evolution.configuration import Configuration
from ...solvers.evolution.course import Course, course_of, never
from ...solvers.work import silent
from ..observables.table import available
from .initial import Beginning, Initial, beginning, growing, has_automatic_cutoff
from .kicks import Kick
from .question import Measure, Question
from .rows import row_of, together
from .sampled import check_names
from .thermal_start import Thermal

DEFAULTS = (
    "electron_density", "double_occupancy", "boson_density", "pair_exchange", "displacement", "displacement_squared",
    "quanta",
)  # fmt: skip
"""Default observables, as far as they are available in the model."""
TOLERANCE = 1e-8


def times_of(name: str, value: Any) -> NDArray[np.float64]:
    """Return times after checking that they are finite and ascending.

    Raises
    ------
    InvalidValue
        If they are not.
    """
    times = np.asarray(finite_numbers(name, value), float)
    if np.any(np.diff(times) <= 0):
        at = int(np.flatnonzero(np.diff(times) <= 0)[0])
        raise InvalidValue(f"{name}[{at + 1}] = {times[at + 1]} is not above {times[at]}; give times that ascend")
    return times


def _optional(kind: type[Any] | tuple[type[Any], ...], cure: str) -> Callable[[str, Any], Any]:
    return lambda name, value: value if value is None else instance(name, value, kind, cure)


def _an_initial(name: str, value: Any) -> Any:
    cure = 'leave it out for the ground level, or give new values, as {"bosons.exchange": 0.0}'
    return value if value is None else instance(name, value, (Model, Mapping, State, Configuration, Thermal), cure)


def _a_measure(name: str, value: Any) -> Any:
    if value is None or (callable(value) and not isinstance(value, type)):
        return value
    cure = "a function of a state and its time that returns numbers by name"
    raise InvalidType(f"{name} is {shown(value)}, and must be {cure}: lambda state, time: {{'here': 1.0}}")


@taking(
    model=a_model,
    times=times_of,
    sector=a_sector,
    initial=_an_initial,
    measure=_a_measure,
    kick=_optional(Kick, 'write Kick("displacement", 0.5, site=0)'),
    pulse=_optional((Pulse, PulseTrain), "write Pulse(amplitude=0.4, frequency=2.0, centre=5.0, width=1.0)"),
    observables=lambda name, value: value if value == "all" else words(name, value),
    options=read_options,
)
def evolve(
    model: Model,
    times: Sequence[float] | NDArray[np.float64],
    sector: Sector | int | None = None,
    *,
    initial: Initial = None,
    level: int = 0,
    kick: Kick | None = None,
    pulse: Pulse | PulseTrain | None = None,
    observables: Sequence[str] | str | None = None,
    displacement_grid: Sequence[float] | NDArray[np.float64] | None = None,
    tolerance: float = TOLERANCE,
    options: Options | None = None,
    measure: Measure | None = None,
    progress: Progress = silent,
) -> xr.Dataset:
    r"""Compute the time evolution of a state and its observables.

    .. math:: i\,\partial_t\psi = H(t)\,\psi,\qquad \psi(0) = e^{-i s O}\,\psi_{initial}

    The evolution starts at t = 0, or at the first time if that is earlier; the pulse does not act on the initial state.

    Parameters
    ----------
    model : Model
        The Hamiltonian of the time evolution.
    times : (n,) float
        Ascending times [1 / energy].
    sector : Sector or int
        Quantum numbers; a number means ``Sector(charge)``. Optional if `initial` is a state.
    initial : Model, mapping, State, Configuration or Thermal, optional
        The initial state. For a quench another model, or new values of this one such as ``{"bosons.exchange": 0.0}``,
        whose ground level is used; or a state, charges on sites with oscillators in coherent states, or a thermal
        state. By default the ground level of the model. A degenerate level is represented by the equal mixture of its
        states.
    level : int
        Index of the initial level of the sector; 0 is the ground level.
    kick : Kick, optional
        Kick of the initial state.
    pulse : Pulse or PulseTrain, optional
        Vector potential acting on all hops.
    observables : sequence of str or "all", optional
        Names of observables; by default densities and displacements.
    displacement_grid : sequence of float, optional
        Grid of X for lattice distributions.
    tolerance : float
        Tolerance of the norm of the error of the state at the last time. With ``cutoff = "auto"`` the phonon space
        grows in time to meet it.
    options : Options, optional
        Engine, memory, checkpoint.
    measure : function, optional
        From a `State` and its time to a mapping of user-defined variables.
    progress : function
        Called with the number of products with H, the time and the error.

    Returns
    -------
    xarray.Dataset
        Over ``time``: the observables, ``energy`` (<H(t)>, pulse included), ``norm``, ``return_probability``
        (``|<psi(0)|psi(t)>|^2``; for mixtures ``Tr rho(0) rho(t) / Tr rho(0)^2``), ``rate_function``,
        ``absorbed_energy``, ``vector_potential``, ``current`` (``-<dH/dA>`` along the pulse), ``errors`` (bound on the
        norm of the error), ``error_estimates``, and ``NAME_error`` for observables, which contains two jackknife errors
        for thermal states from random vectors. ``initial_error`` is the contribution of the initial state to the
        errors, ``held_until`` the last time at which the error was within the tolerance.

    Raises
    ------
    InvalidModel
        If the sector, the kick or the initial parameters do not fit the model.
    ValueError
        If times are not ascending, an observable is unknown, or the tolerance is not positive.
    MemoryError
        If the calculation does not fit the memory limit.

    Notes
    -----
    The error is at most the integral of ``||i d psi/dt - H psi||``: the error of the time steps within the phonon
    space, known from the Krylov spaces, plus the norm of the component of H psi beyond it. The integral of the latter
    is computed by Simpson's rule, plus its difference from the trapezoidal rule. The error of an initial ground state
    is estimated from its residual, its leak and the gap.

    Examples
    --------
    Rabi oscillation of an electron pair and a local pair on one site:

    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Bosons, Electrons
    >>> from respair.solvers import Configuration
    >>> model = Model(site(), Electrons(), Bosons(exchange=0.5))
    >>> data = evolve(model, [0.0, np.pi / 2, np.pi], initial=Configuration(up=[0], dn=[0]))
    >>> data.boson_density.values[:, 0].round(9) + 0.0
    array([0. , 0.5, 1. ])
    """
    options = options or Options()
    check_tolerance(tolerance)
    sector = Sector(sector) if isinstance(sector, int) else sector
    first = beginning(model, sector, initial, tolerance, options, progress, level)
    names = names_of(model, observables)
    grid = None if displacement_grid is None else np.asarray(finite_numbers("displacement_grid", displacement_grid))
    asked = Question(np.asarray(times), kick, pulse, names, grid, tolerance, options, measure)
    return evolved(first, asked, progress, automatic=has_automatic_cutoff(model))


def check_tolerance(tolerance: float) -> None:
    """Raise InvalidValue if a tolerance is not positive."""
    if not real_number("tolerance", tolerance, "a number above 0, up to 1", 0, 1) > 0:
        raise InvalidValue(f"tolerance = {tolerance} is invalid; allowed: a number above 0, up to 1, as 1e-8")


def names_of(model: Model, names: Sequence[str] | str | None) -> tuple[str, ...]:
    """Return the names of the observables, each once; "all" gives all available ones."""
    there = available(model)
    if names == "all":
        return there
    chosen = tuple(name for name in DEFAULTS if name in there) if names is None else tuple(dict.fromkeys(names))
    for name in chosen:
        if name not in there:
            raise InvalidValue(f"observable {name!r} is not available in this model; allowed: {', '.join(there)}")
    return chosen


def evolved(first: Beginning, asked: Question, progress: Progress = silent, automatic: bool = False) -> xr.Dataset:
    """Return the results of a time evolution; see `evolve`."""
    model, options = first.hamiltonian.space.model, asked.options
    if first.sampled:
        check_names(asked.names)
    kick = None if asked.kick is None else asked.kick.formula(model)
    course = Course(asked.pulse, kick, asked.tolerance, options, growing(options) if automatic else never)
    checkpoint = _checkpoint(first, asked)
    rows: list[dict[str, Any]] = list(_rows_kept(checkpoint))
    moving = course_of(
        first.start, first.hamiltonian, asked.times.tolist(), course, progress, checkpoint.state.get("motion")
    )
    scales: dict[int, Mapping[str, float]] = {}
    with checkpoint.holding_interrupts():
        for snapshot in moving:
            rows.append(row_of(snapshot, asked, scales, first.sampled > 0))
            if checkpoint.due:
                kept = {str(n): _as_arrays(row) for n, row in enumerate(rows)}
                reached = f"t = {snapshot.time:.6g} of {asked.times[-1]:.6g}, error {snapshot.error:.1e}"
                checkpoint.state.update(motion=snapshot.kept(), rows=kept, reached=reached)
                checkpoint.save(checkpoint.begin())
    checkpoint.remove()
    return together(rows, first, asked)


def _checkpoint(first: Beginning, asked: Question) -> Checkpoint:
    """Open the checkpoint of a time evolution, which differs from that of the preceding ground state search."""
    if asked.options.checkpoint is None or current_ranks():  # several processes save searches only
        return Checkpoint()
    space = first.hamiltonian.space
    formula = sorted(map(repr, first.hamiltonian.operator.terms.items()))
    about = {
        "model": fingerprint((formula, space.model.phonons and space.model.phonons.frame)),
        "sector": repr(space.sector),
        "motion": fingerprint((asked.times.tolist(), repr(asked.kick), repr(asked.pulse), asked.names)),
        "tolerance": repr(asked.tolerance),
        "engine": asked.options.engine,
    }
    return Checkpoint(Path(asked.options.checkpoint), asked.options.checkpoint_interval, about)


def _as_arrays(row: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return numbers as arrays with an extra dimension, since checkpoints cannot store scalars."""
    return {key: np.asarray(value)[None] for key, value in row.items()}


def _rows_kept(checkpoint: Checkpoint) -> Iterator[dict[str, Any]]:
    kept = checkpoint.state.get("rows", {})
    for n in range(len(kept)):
        yield {key: value[0] for key, value in kept[str(n)].items()}
