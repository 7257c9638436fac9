"""The tables inside ``[evolution]``: initial state, kick and pulse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, PlainValidator, Tag
from pydantic_core import PydanticCustomError

from ..._core.wording import listed
from ...analysis.evolution.kicks import KICKS, Kick
from ...analysis.evolution.thermal_start import Thermal
from ...hamiltonians import InvalidModel, Model, Problem
from ...hamiltonians.parameters import show
from ...hamiltonians.parametric import parameter_problem, with_parameters
from ...hamiltonians.pulse import Pulse
from ...solvers.evolution.configuration import Configuration
from ..file.kept_file import KEPT_STATE
from ..file.values import Floats, Number, Numbers, Table, Whole, form, one_of

Sites = Annotated[list[int], AfterValidator(tuple), Field(description="a list of site numbers")]
Displacements = Annotated[
    Annotated[Number, Tag("|word")] | Annotated[Numbers, Tag("|list")],
    Discriminator(form),
    Field(description="<x> of every oscillator, a finite number or a list of numbers"),
]


class StateTable(Table):
    """Charges on sites, with every oscillator in a coherent state.

    Attributes
    ----------
    up : list of int
        Sites with an electron of spin up.
    dn : list of int
        Sites with an electron of spin down.
    bosons : list of int
        Sites with a local pair.
    displacement : float or list of float
        <x> of the oscillators, x = a + a+.
    """

    up: Sites = ()  # type: ignore[assignment]
    dn: Sites = ()  # type: ignore[assignment]
    bosons: Sites = ()  # type: ignore[assignment]
    displacement: Displacements = 0.0

    def configuration(self) -> Configuration:
        """Return the corresponding object of the package."""
        displacement: Any = self.displacement
        return Configuration(self.up, self.dn, self.bosons, displacement)


class ThermalTable(Table):
    """A canonical thermal state of the sector, for the model or for that with the values of `initial`.

    Attributes
    ----------
    temperature : float
        T.
    samples : int
        Number of random vectors in sectors too large for all levels.
    """

    temperature: Annotated[Number, Field(gt=0, description="a number above 0")]
    samples: Annotated[Whole, Field(ge=2, le=100_000, description="a whole number, 2 or more")] = 20

    def thermal(self) -> Thermal:
        """Return the corresponding object of the package."""
        return Thermal(self.temperature, self.samples)


class KickTable(Table):
    """An instantaneous kick of the initial state, ``exp(-i strength O)``.

    Attributes
    ----------
    operator : str
        Name of O.
    site : int
        Where.
    strength : float
        Dimensionless.
    """

    operator: Annotated[str, AfterValidator(one_of(tuple(KICKS))), Field(description=listed(KICKS))]
    site: Annotated[Whole, Field(ge=0, description="a site number")] = 0
    strength: Annotated[Number, Field(ge=-1e6, le=1e6, description="a finite number")]

    def kick(self) -> Kick:
        """Return the corresponding object of the package."""
        return Kick(self.operator, self.strength, self.site)


class PulseTable(Table):
    """A vector potential ``amplitude exp(-(t - centre)^2 / (2 width^2)) cos(frequency (t - centre))``.

    Attributes
    ----------
    amplitude : float
        Largest vector potential, in inverse bond lengths.
    frequency : float
        Frequency of its oscillation.
    centre : float
        Time of its maximum.
    width : float
        Width of the envelope.
    direction : list of float
        The vector that multiplies A(t); not normalised. Omitted on rings.
    """

    amplitude: Number
    frequency: Number
    centre: Number
    width: Annotated[Number, Field(gt=0, description="a number above 0")]
    direction: Annotated[Numbers, Field(min_length=1, max_length=3, description="a list of one to three numbers")] = ()  # type: ignore[assignment]

    def pulse(self) -> Pulse:
        """Return the corresponding object of the package."""
        direction: Any = self.direction or None
        return Pulse(self.amplitude, self.frequency, self.centre, self.width, direction)


def _changes(value: object) -> dict[str, Any] | str:
    """Return new values by parameter (tables by species are flattened), or the name of saved states."""
    if value == KEPT_STATE:
        return KEPT_STATE
    if not isinstance(value, dict) or not value:
        raise PydanticCustomError("changes", "no table of parameters")
    found: dict[str, Any] = {}
    for key, item in value.items():
        inner = item if isinstance(item, Mapping) and "." not in key else None
        found.update({f"{key}.{name}": each for name, each in inner.items()} if inner is not None else {key: item})
    for key, item in found.items():
        found[key] = tuple(item) if isinstance(item, list) else item
    return found


Changes = Annotated[
    dict[str, Any] | str,
    PlainValidator(_changes),
    Field(
        description='a table of new values by the names of parameters, as { "bosons.exchange" = 0.0 }, or "kept", the '
        "state of [kept]"
    ),
]


def _ascending(times: Sequence[float]) -> tuple[float, ...]:
    wrong = next((n for n in range(1, len(times)) if not times[n] > times[n - 1]), None)
    if wrong is not None:
        raise PydanticCustomError("refused", "allowed: times that ascend")
    return tuple(times)


Times = Annotated[Floats, AfterValidator(_ascending)]
StateValue = Annotated[StateTable, Field(description="a table { up, dn, bosons, displacement }")]
ThermalValue = Annotated[ThermalTable, Field(description="a table { temperature, samples }")]
KickValue = Annotated[KickTable, Field(description="a table { operator, site, strength }")]
PulseValue = Annotated[PulseTable, Field(description="a table { amplitude, frequency, centre, width, direction }")]


def changes_problems(model: Model, changes: Mapping[str, object], path: str) -> Iterator[Problem]:
    """Yield the problems of new parameter values, each at its own path."""
    for name, value in changes.items():
        at = f'{path}."{name}"'
        if problem := parameter_problem(model, name, at):
            yield problem
            continue
        try:
            with_parameters(model, {name: value})
        except InvalidModel as error:
            yield from (Problem(at, show(value), f"{name}: {problem.allowed}") for problem in error.problems)
        except (TypeError, ValueError) as error:
            yield Problem(at, show(value), f"allowed: what {name} takes; {error}")
