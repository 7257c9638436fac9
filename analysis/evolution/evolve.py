"""States that move: observables over time, with bounds on their errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from ...solvers.evolution.course import Course, Snapshot, course_of, never
from ...solvers.work import silent
from ..labelled import dataset_of, labelled
from ..observables.table import available, observables
from .error_bars import OF_MATRICES, error_scales
from .initial import Beginning, Initial, beginning, growing, has_automatic_cutoff
from .kicks import Kick

DEFAULTS = (
    "electron_density", "double_occupancy", "boson_density", "pair_exchange", "displacement", "displacement_squared",
    "quanta",
)  # fmt: skip
"""Observables that are measured where none are named, those that the model has."""
TOLERANCE = 1e-8
Measure = Callable[[State, float], Mapping[str, Any]]
"""From a state and its time to further numbers by name, each a number or an `xarray.DataArray`."""


@dataclass(frozen=True)
class Question:
    """What is asked of a motion.

    Attributes
    ----------
    times : (n,) float
        Ascending.
    kick, pulse : Kick, Pulse, PulseTrain or None
        What acts on the state.
    names : tuple of str
        Observables.
    grid : (k,) float or None
        X of distributions.
    tolerance : float
        Wanted bound on the error at the last time.
    options : Options
        How to solve.
    measure : function or None
        Further numbers.
    """

    times: NDArray[np.float64]
    kick: Kick | None
    pulse: Pulse | PulseTrain | None
    names: tuple[str, ...]
    grid: NDArray[np.float64] | None
    tolerance: float
    options: Options
    measure: Measure | None = None


def times_of(name: str, value: Any) -> NDArray[np.float64]:
    """Return times, which must be finite and ascend.

    Raises
    ------
    InvalidValue
        If they do not.
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
    return value if value is None else instance(name, value, (Model, Mapping, State, Configuration), cure)


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
    kick: Kick | None = None,
    pulse: Pulse | PulseTrain | None = None,
    observables: Sequence[str] | str | None = None,
    displacement_grid: Sequence[float] | NDArray[np.float64] | None = None,
    tolerance: float = TOLERANCE,
    options: Options | None = None,
    measure: Measure | None = None,
    progress: Progress = silent,
) -> xr.Dataset:
    r"""Let a state move, and measure it at some times.

    .. math:: i\,\partial_t\psi = H(t)\,\psi,\qquad \psi(0) = e^{-i s O}\,\psi_{initial}

    The motion begins at t = 0, or at the first time where that is earlier; the pulse does not act on the initial state.

    Parameters
    ----------
    model : Model
        The Hamiltonian of the motion.
    times : (n,) float
        Ascending [1 / energy].
    sector : Sector or int
        Quantum numbers; a number stands for ``Sector(charge)``. It may be left out where `initial` is a state.
    initial : Model, mapping, State or Configuration, optional
        A quench: the ground level of another model, or of this one with other values, as in
        ``{"bosons.exchange": 0.0}``. Or a state, or charges on sites with oscillators in coherent states. By default
        the ground level of the model. Of a degenerate ground level the even mixture of its states moves.
    kick : Kick, optional
        Acts on the initial state at once.
    pulse : Pulse or PulseTrain, optional
        A vector potential on all hops.
    observables : sequence of str or "all", optional
        Names; densities and displacements by default.
    displacement_grid : sequence of float, optional
        X at which distributions of the lattice are given.
    tolerance : float
        Wanted bound on the norm of the error of the state at the last time. With ``cutoff = "auto"`` the phonon space
        grows while time goes on, so that it holds.
    options : Options, optional
        Engine, memory, checkpoint.
    measure : function, optional
        From a `State` and its time to further numbers by name, for variables of one's own.
    progress : function
        Called with the products with H so far, the time and the error.

    Returns
    -------
    xarray.Dataset
        Over ``time``: the observables, ``energy`` (<H(t)>, pulse included), ``norm``, ``return_probability``
        (``|<psi(0)|psi(t)>|^2``; of a mixture ``Tr rho(0) rho(t) / Tr rho(0)^2``), ``rate_function``,
        ``absorbed_energy``, ``vector_potential``, ``current`` (``-<dH/dA>`` along the pulse), ``errors`` (bound on the
        norm of the error), ``error_estimates``, and ``NAME_error`` for observables. ``initial_error`` is the share of
        the initial state in the errors, ``held_until`` the last time at which the error was within the tolerance.

    Raises
    ------
    InvalidModel
        If the sector, the kick or the initial parameters do not fit the model.
    ValueError
        If times do not ascend, an observable is unknown, or the tolerance is not above 0.
    MemoryError
        If it would not fit.

    Notes
    -----
    The error is at most the integral of ``||i d psi/dt - H psi||``: what the steps miss within the phonon space, known
    from their Krylov spaces, and the norm of what H leads to beyond the space. The integral of the latter is taken by
    Simpson's rule, with its distance from the trapezoidal rule on top. The error of a ground state before that is an
    estimate from its residual, its leak and the gap.

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
    first = beginning(model, sector, initial, tolerance, options, progress)
    names = names_of(model, observables)
    grid = None if displacement_grid is None else np.asarray(finite_numbers("displacement_grid", displacement_grid))
    asked = Question(np.asarray(times), kick, pulse, names, grid, tolerance, options, measure)
    return evolved(first, asked, progress, automatic=has_automatic_cutoff(model))


def check_tolerance(tolerance: float) -> None:
    """Raise InvalidValue if a tolerance is not above 0."""
    if not real_number("tolerance", tolerance, "a number above 0, up to 1", 0, 1) > 0:
        raise InvalidValue(f"tolerance = {tolerance} cannot be; allowed: a number above 0, up to 1, as 1e-8")


def names_of(model: Model, names: Sequence[str] | str | None) -> tuple[str, ...]:
    """Return the observables that are measured, each once; "all" for all that the model has."""
    there = available(model)
    if names == "all":
        return there
    chosen = tuple(name for name in DEFAULTS if name in there) if names is None else tuple(dict.fromkeys(names))
    for name in chosen:
        if name not in there:
            raise InvalidValue(f"observable {name!r} is not available in this model; allowed: {', '.join(there)}")
    return chosen


def evolved(first: Beginning, asked: Question, progress: Progress = silent, automatic: bool = False) -> xr.Dataset:
    """Return what is measured of a motion; see `evolve`."""
    model, options = first.hamiltonian.space.model, asked.options
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
            rows.append(_row(snapshot, asked, scales))
            if checkpoint.due:
                kept = {str(n): _as_arrays(row) for n, row in enumerate(rows)}
                reached = f"t = {snapshot.time:.6g} of {asked.times[-1]:.6g}, error {snapshot.error:.1e}"
                checkpoint.state.update(motion=snapshot.kept(), rows=kept, reached=reached)
                checkpoint.save(checkpoint.begin())
    checkpoint.remove()
    return _together(rows, first, asked)


def _checkpoint(first: Beginning, asked: Question) -> Checkpoint:
    """Open the checkpoint of a motion, which is another one than that of the ground state before it."""
    if asked.options.checkpoint is None or current_ranks():  # several processes keep searches only
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
    """Return numbers as arrays of one more dimension: a checkpoint keeps none without any."""
    return {key: np.asarray(value)[None] for key, value in row.items()}


def _rows_kept(checkpoint: Checkpoint) -> Iterator[dict[str, Any]]:
    kept = checkpoint.state.get("rows", {})
    for n in range(len(kept)):
        yield {key: value[0] for key, value in kept[str(n)].items()}


NUMBERS = ("time", "energy", "norm", "current", "return_probability", "error", "estimate", "products")
LABEL = "observable "
OWN = "own "
RESERVED = (
    "time", "energy", "norm", "return_probability", "rate_function", "absorbed_energy", "vector_potential", "current",
    "errors", "error_estimates", "initial_error", "multiplicity", "tolerance", "held_until", "total_quanta", "products",
)  # fmt: skip
"""Variables of the result."""


def _row(snapshot: Snapshot, asked: Question, known: dict[int, Mapping[str, float]]) -> dict[str, Any]:
    """Return all numbers of a time by name; the scales of errors are known by the most quanta."""
    row: dict[str, Any] = {name: getattr(snapshot, name) for name in NUMBERS}
    measured = observables(snapshot.state, list(asked.names), asked.grid)
    row |= {f"{LABEL}{name}": array.values for name, array in measured.data_vars.items()}
    phonons = snapshot.state.hamiltonian.space.phonons
    if phonons.max_quanta not in known:
        known[phonons.max_quanta] = error_scales(snapshot.state, asked.names)
    row |= {f"scale {name}": scale for name, scale in known[phonons.max_quanta].items()}
    row["quanta"] = phonons.total_quanta
    if asked.measure is not None:
        row |= {f"{OWN}{name}": value for name, value in _measured(asked.measure, snapshot, asked.names).items()}
    return row


def _scaled_by(variable: str, row: Mapping[str, Any]) -> str | None:
    """Return the key of the scale of a variable's error: its own, or that of the observable it is a part of."""
    names = (variable, *(name for name in OF_MATRICES if variable.startswith(f"{name}_")))
    return next((f"scale {name}" for name in names if f"scale {name}" in row), None)


def _measured(measure: Measure, snapshot: Snapshot, taken: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the caller's numbers as arrays; their names must be new."""
    own = measure(snapshot.state, snapshot.time)
    if not isinstance(own, Mapping):
        raise InvalidType(f"measure returned {shown(own)}, and must return numbers by name, as {{'here': 1.0}}")
    found = {}
    for name, value in own.items():
        if not isinstance(name, str) or name in RESERVED or name.removesuffix("_error") in taken:
            raise InvalidValue(f"measure returned {shown(name)}, which is another variable; give it a name of its own")
        found[name] = np.asarray(value)
        if found[name].dtype.kind not in "biufc":
            raise InvalidType(f"measure returned {shown(value)} for {name!r}; allowed: a number or an array of numbers")
    return found


def _together(rows: Sequence[Mapping[str, Any]], first: Beginning, asked: Question) -> xr.Dataset:
    """Return the numbers of all times as one dataset."""

    def over(name: str) -> NDArray[Any]:
        return np.array([row[name] for row in rows])

    state, times = first.start.state, over("time")
    example = observables(state, list(asked.names), asked.grid)
    energy, errors, probability = over("energy"), over("error"), over("return_probability")
    pulse = asked.pulse
    potential = np.zeros(len(times)) if pulse is None else pulse.vector_potential(times)
    held = times[errors <= asked.tolerance]
    with np.errstate(divide="ignore"):
        rate = -np.log(np.maximum(probability, 0.0)) / first.hamiltonian.space.model.cluster.sites
    about: dict[str, Any] = {
        "energy": (energy, "time", "<H(t)>, pulse included", "energy"),
        "norm": (over("norm"), "time", "||psi||"),
        "return_probability": (probability, "time", "|<psi(0)|psi(t)>|^2"),
        "rate_function": (rate + 0.0, "time", "-ln |<psi(0)|psi(t)>|^2 / sites"),
        "absorbed_energy": (energy - energy[0], "time", "<H(t)> - <H(t_first)>", "energy"),
        "vector_potential": (potential, "time", "A(t)"),
        "current": (over("current"), "time", "-<dH/dA> along the pulse, 0 without one", "energy"),
        "errors": (errors, "time", "bound on ||psi_exact - psi||"),
        "error_estimates": (over("estimate"), "time", "estimate of ||psi_exact - psi||"),
        "initial_error": (first.start.error, "", "share of the initial state in the errors, an estimate"),
        "multiplicity": (first.multiplicity, "", "states that the initial state mixes"),
        "tolerance": (asked.tolerance, "", "wanted bound at the last time"),
        "held_until": (held[-1] if len(held) else np.nan, "", "last time within the tolerance", "1/energy"),
        "total_quanta": (over("quanta"), "time", "most phonons in all modes"),
        "products": (int(rows[-1]["products"]) if rows else 0, "", "products with H"),
    }
    data = dataset_of(about, {"time": times})
    found = {}
    for key, array in example.data_vars.items():
        dims, attrs = ("time", *map(str, array.dims)), array.attrs
        coords = {str(d): array.coords[d].values for d in array.dims if d in array.coords}
        text = (str(attrs.get("formula", "")), str(attrs.get("units", "1")), {"time": times, **coords})
        found[str(key)] = labelled(str(key), over(f"{LABEL}{key}"), dims, *text)
        if (name := _scaled_by(str(key), rows[0])) is not None:
            scale = over(name).reshape(-1, *(1,) * len(array.dims))
            bar = np.minimum(errors, 2.0).reshape(scale.shape) * scale * np.ones(found[str(key)].shape)
            formula = f"error bar of {key}"
            found[f"{key}_error"] = labelled(f"{key}_error", bar, dims, formula, text[1], text[2])
    for name in (name for name in (rows[0] if rows else ()) if name.startswith(OWN)):
        values = over(name)
        dims = ("time", *(f"{name.removeprefix(OWN)}_{k}" for k in range(values.ndim - 1)))
        found[name.removeprefix(OWN)] = labelled(name, values, dims, "measured by the caller")
    return data.assign(found)
