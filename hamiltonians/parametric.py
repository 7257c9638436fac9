"""A model as a function of one of its numbers, and the derivative of its Hamiltonian."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..clusters import InvalidValue
from ..clusters.arguments import of_kind, taking
from .arguments import a_model
from .model import Model
from .operators import Operator, total
from .parameters import InvalidModel, Problem, is_number, show
from .terms import hamiltonian_operator

ModelFunction = Callable[[float], Model]
"""From the value of a parameter to a model."""
COUPLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "electrons": ("hopping", "level", "hubbard_u", "repulsion"),
        "bosons": ("level", "exchange", "hopping"),
        "phonons": ("frequency", "boson_coupling", "electron_coupling", "bond_coupling"),
    }
)
"""Keys of the model file that take a coupling."""
FIELDS: Mapping[str, str] = MappingProxyType(
    {"field.flux": "flux", "ensemble.chemical_potential": "chemical_potential"}
)
"""Keys of the model file that are numbers of the whole model."""
STEP = 1e-2
"""Distance of the models whose Hamiltonians are compared, relative to the parameter."""
WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
"""Central differences of eighth order: exact for polynomials up to degree 8."""


@taking(model=a_model, key=of_kind(str, 'write the path of a number, as "bosons.level"'))
def with_parameter(model: Model, key: str, value: float) -> Model:
    """Return a model with another value of one number, which is named as in model files.

    Parameters
    ----------
    model : Model
        The rest of it.
    key : str
        As in "phonons.electron_coupling", "field.flux", or "electrons.hopping.ring" where the coupling is a table by
        class.
    value : float
        The new value.

    Raises
    ------
    InvalidModel
        If the key names no number of the model, or the model is wrong with this value.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> with_parameter(Model(dimer(), Electrons(hopping=1.0)), "electrons.hubbard_u", 4.0).electrons
    Electrons(hopping=1.0, hubbard_u=4.0)
    """
    if problem := parameter_problem(model, key, key):
        raise InvalidModel([problem])
    changed: dict[str, Any] = {FIELDS.get(key, ""): value}
    if key in FIELDS:
        return replace(model, **changed)
    species, name, *item = key.split(".", 2)
    table = getattr(model, species)
    coupling = {**getattr(table, name), item[0]: value} if item else value
    changed = {species: replace(table, **{name: coupling})}
    return replace(model, **changed)


def parameter_problem(model: Model, key: str, path: str) -> Problem | None:
    """Return what is wrong with the name of a parameter, to be reported at `path`."""
    if key in FIELDS:
        return None
    species, _, rest = key.partition(".")
    name, _, item = rest.partition(".")
    there = [key for key in COUPLINGS if getattr(model, key) is not None]
    if species not in there or name not in COUPLINGS[species]:
        names = [*(f"{key}.{name}" for key in there for name in COUPLINGS[key]), *FIELDS]
        return Problem(path, show(key), f"allowed: a number of this model, one of {', '.join(names)}")
    coupling = getattr(getattr(model, species), name)
    if item and not (isinstance(coupling, Mapping) and item in coupling):
        return Problem(path, show(key), f"allowed only where {species}.{name} is a table with the class {show(item)}")
    return None


def parameter_derivative(model_of: ModelFunction, at: float) -> Operator:
    """Return dH/dp as a formula.

    The coefficients of the formula of H are differentiated; those of a model file are polynomials of low degree in
    every coupling, for which this is exact.

    Parameters
    ----------
    model_of : function
        From p to a model; its operators are the same for all p, their coefficients smooth.
    at : float
        p.

    Returns
    -------
    Operator
        dH/dp, in the physical phonons.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> parameter_derivative(lambda t: Model(dimer(), Electrons(level=[0.3, t**2])), 2.0)
    +4 ndn_1 +4 nup_1
    """
    if not is_number(at):
        raise InvalidValue(f"a parameter of {show(at)} is no finite number")
    step = STEP * (abs(at) or 1.0)

    def formula(p: float) -> Operator:
        return hamiltonian_operator(model_of(p))

    differences = (
        (weight / step) * (formula(at + k * step) - formula(at - k * step)) for k, weight in enumerate(WEIGHTS, 1)
    )
    found = total(differences)
    largest = max((abs(value) for value in found.terms.values()), default=0.0)
    return Operator({word: _rounded(value, largest) for word, value in found.terms.items()})


def _rounded(value: complex, largest: float) -> complex:
    """Drop parts that are rounding errors."""
    noise = 1e-13 * largest
    return complex(*(part if abs(part) > noise else 0.0 for part in (value.real, value.imag)))
