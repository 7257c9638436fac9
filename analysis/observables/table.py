"""The observables of a model file by name: one table, one call for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import taking, words
from ...clusters import InvalidValue
from ...hamiltonians import Block, Hamiltonian, Model, Operator, Sector
from ...hamiltonians.algebra import canonical
from ...hamiltonians.operators import ChargeWord, LatticeWord
from ...hamiltonians.sector import allowed_two_sz
from ...solvers import State
from ...solvers.arguments import state_of
from ..labelled import labelled
from ..lattice import displacements as lattice
from ..pairing import amplitudes as pairing
from . import charge
from .averages import Averages
from .energy import PARTS, energy_part
from .formulas import FORMULAS, Formula

Measurement = Callable[[State, Averages], xr.DataArray | xr.Dataset]


@dataclass(frozen=True)
class Observable:
    """An entry of the table: how it is measured, and which species it needs.

    Attributes
    ----------
    measure : function, optional
        From a state and its shared averages to a labelled result.
    needs : tuple of str
        Species: "electrons", "bosons", "phonons"; all of them must be in the model.
    formula : Formula, optional
        The operators whose averages it is; with them alone it is measured everywhere.
    units : str
        Of the averages of the operators: "1" or "energy".
    alike : bool
        Without a formula: it is the same in states that time reversal or a turned spin exchanges.

    Examples
    --------
    >>> from respair.hamiltonians import displacement, electron_number
    >>> def products(model):
    ...     return np.array([electron_number(i) * displacement(i) for i in range(model.cluster.sites)])
    >>> Observable(needs=("electrons", "phonons"), formula=Formula(("site",), products)).units
    '1'
    """

    measure: Measurement | None = None
    needs: tuple[str, ...] = ()
    formula: Formula | None = None
    units: str = "1"
    alike: bool = False

    def __post_init__(self) -> None:
        if self.measure is None and self.formula is None:
            raise InvalidValue("an observable needs a way to be measured, or the operators whose averages it is")


def _entry(name: str, measure: Measurement, *needs: str) -> tuple[str, Observable]:
    formula, units = FORMULAS.get(name), "energy" if name in PARTS else "1"
    return name, Observable(measure, needs, formula, units, alike=formula is None)


def _of_state(function: Callable[[State], xr.DataArray]) -> Measurement:
    return lambda state, averages: function(state)


E, B, P = "electrons", "bosons", "phonons"
DISTRIBUTION = "displacement_distribution"
OBSERVABLES: dict[str, Observable] = dict(
    (
        _entry("electron_density", charge.electron_density, E),
        _entry("double_occupancy", charge.double_occupancy, E),
        _entry("boson_density", charge.boson_density, B),
        _entry("pair_exchange", pairing.pair_exchange, E, B),
        _entry("spin_z", charge.spin_z, E),
        _entry("displacement", lattice.displacement, P),
        _entry("displacement_squared", lattice.displacement_squared, P),
        _entry("quanta", lattice.quanta, P),
        _entry("pair_correlation", pairing.pair_correlation, E),
        _entry("boson_correlation", pairing.boson_correlation, B),
        _entry("pair_boson_correlation", pairing.pair_boson_correlation, E, B),
        _entry("density_correlation", charge.density_correlation, E),
        _entry("spin_correlation", charge.spin_correlation, E),
        _entry("electron_lattice", lattice.electron_lattice, E, P),
        _entry("boson_lattice", lattice.boson_lattice, B, P),
        _entry("condensate", pairing.condensate),
        _entry(DISTRIBUTION, _of_state(lattice.displacement_distribution), P),
        *(_entry(name, _of_state(partial(energy_part, name=name))) for name in PARTS),
    )
)
"""What ``observables`` can name; an entry that is added is known in model files, at T = 0 and T > 0."""
STANDARD = frozenset(OBSERVABLES)
"""Those of the package."""


def available(model: Model) -> tuple[str, ...]:
    """Return the names of the observables that a model has."""
    return tuple(name for name, o in OBSERVABLES.items() if all(getattr(model, s) is not None for s in o.needs))


@taking(state=state_of, names=words)
def observables(
    state: State,
    names: Sequence[str] | None = None,
    displacement_grid: Sequence[float] | NDArray[np.float64] | None = None,
) -> xr.Dataset:
    """Measure observables in a state.

    Parameters
    ----------
    state : State
        Pure or mixed; a degenerate ground level comes as the even mixture of its states.
    names : sequence of str, optional
        Which; all that the model has by default.
    displacement_grid : sequence of float, optional
        X at which P(X) is given.

    Returns
    -------
    xarray.Dataset
        One variable for each observable (``condensate_boson`` and so on for the parts of the condensate), with units
        and formula in its attributes.

    Raises
    ------
    ValueError
        If a name is unknown or the model lacks its species.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Bosons, Electrons, Model
    >>> from respair.solvers import ground_state
    >>> levels = ground_state(Model(ring(3), Electrons(hopping=1.0), Bosons(exchange=0.5)), 2)
    >>> data = observables(levels.ground, ["electron_density", "boson_density"])
    >>> round(float((data.electron_density + 2 * data.boson_density).sum()), 12)
    2.0
    """
    model = state.hamiltonian.space.model
    averages = Averages(state)
    variables: dict[str, xr.DataArray] = {}
    for name in available(model) if names is None else names:
        if name not in available(model):
            raise InvalidValue(f"observable {name!r} is not there; this model has {', '.join(available(model))}")
        result = measured(name, state, averages, displacement_grid)
        if isinstance(result, xr.Dataset):
            variables.update({f"{name}_{part}": array for part, array in result.data_vars.items()})
        else:
            variables[name] = result
    return xr.Dataset(variables)


def measured(
    name: str, state: State, averages: Averages, grid: Sequence[float] | NDArray[np.float64] | None = None
) -> xr.DataArray | xr.Dataset:
    """Return one observable in a state, by its own way or as averages of its operators."""
    entry = OBSERVABLES[name]
    if name == DISTRIBUTION:
        return lattice.displacement_distribution(state, grid)
    if entry.measure is not None:
        return entry.measure(state, averages)
    assert entry.formula is not None
    operators = entry.formula.operators(state.hamiltonian.space.model)
    values = np.array([averages.operator(operator) for operator in operators.ravel()], complex)
    return labelled(name, values.reshape(operators.shape), entry.formula.dims, f"<{name}>", entry.units)


def thermal_form(name: str, model: Model, grid: NDArray[np.float64]) -> xr.DataArray | None:
    """Return an example of an observable without a formula; None where it has no thermal average.

    An average in a mixture is the mixture of the averages: this is tried on two states of a small sector.
    """
    charge = 0 if name in STANDARD else next(n for n in (2, 1, 0) if allowed_two_sz(model, n))
    block = Block.of(Hamiltonian.of(model, Sector(charge, min(allowed_two_sz(model, charge), key=abs))))
    states = np.random.default_rng(0).standard_normal((2, *block.shape))
    weights = np.array([2.0, 0.5])
    mixtures = (State(block, states[k], weights[k]) for k in (slice(0, 1), slice(1, 2), slice(0, 2)))
    one, other, both = (measured(name, state, Averages(state), grid) for state in mixtures)
    if not all(isinstance(found, xr.DataArray) for found in (one, other, both)):
        return None
    assert isinstance(both, xr.DataArray)
    return both if np.allclose(both, np.asarray(one) + np.asarray(other), rtol=1e-9, atol=1e-12) else None


def tells_twins_apart(name: str, model: Model) -> bool:
    """True where an observable may differ in states that time reversal or a turned spin exchanges."""
    entry = OBSERVABLES.get(name)
    if entry is None or (name in FORMULAS and entry.formula is FORMULAS[name]):
        return False
    if entry.formula is None:
        return not entry.alike
    return any(_turns(operator) for operator in entry.formula.operators(model).ravel())


TURNED = {"up": ("dn", 1.0), "dn": ("up", -1.0)}
"""The rotation c_up -> c_dn, c_dn -> -c_up."""


def _turns(operator: Operator) -> bool:
    """True where a formula is not real, or not the same for up and down."""
    own = canonical(operator)
    if any(value.imag for value in own.terms.values()):
        return True
    image: defaultdict[tuple[ChargeWord, LatticeWord], complex] = defaultdict(complex)
    for (word, other), value in own.terms.items():
        turned = []
        for symbol, index in word:
            spin, sign = TURNED.get(symbol[-2:], (symbol[-2:], 1.0))
            value *= sign if symbol[0] == "c" else 1.0
            turned.append((symbol[:-2] + spin, index))
        image[tuple(turned), other] += value
    return bool(canonical(Operator(image), -own).terms)
