"""The table of observables and their evaluation in a state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import taking, words
from ...clusters import InvalidValue
from ...hamiltonians import TERMS, Model, Operator, Space, displacement, quanta
from ...hamiltonians.hamiltonian import sparse_matrix
from ...hamiltonians.operators import total
from ...hamiltonians.parameters import SPECIES
from ...solvers import State
from ...solvers.arguments import state_of
from ..coordinates import with_coordinates
from ..labelled import labelled
from ..lattice.displacements import displacement_distribution
from .averages import Averages
from .energy import PARTS
from .formulas import (
    Formula,
    both_electrons,
    electron_pair,
    electrons,
    exchange,
    local_pair,
    local_pairs,
    spin,
    turning_spin,
)
from .structure import STRUCTURES, has_modes_on_all_sites, on_a_lattice, structure_factors, wave_vector_coordinates

Measurement = Callable[[State, Averages], xr.DataArray | xr.Dataset]
Part = tuple[NDArray[Any], tuple[str, ...], str]
"""Values, dimensions (of the last axes) and formula."""


@dataclass(frozen=True)
class Derived:
    """An observable computed from averages of other observables.

    Attributes
    ----------
    names : tuple of str
        Names of the other observables; those not available in the model are omitted.
    parts : function
        From their averages by name, whose last axes are the dimensions of these observables, to the parts of the
        result by name.
    takes_model : bool
        Whether `parts` takes the model as its second argument.
    coords : function, optional
        From the model to coordinates of the results: name, dimension and values.
    """

    names: tuple[str, ...]
    parts: Callable[..., Mapping[str, Part]]
    takes_model: bool = False
    coords: Callable[[Model], Mapping[str, tuple[str, NDArray[Any]]]] = lambda model: {}

    def of(self, found: Mapping[str, NDArray[np.complex128]], model: Model) -> Mapping[str, Part]:
        """Return the parts of the result in a model."""
        return self.parts(found, model) if self.takes_model else self.parts(found)

    def inputs(self, model: Model) -> tuple[str, ...]:
        """Return the names of the required observables in a model."""
        return tuple(name for name in self.names if name in available(model))


@dataclass(frozen=True)
class Observable:
    """An entry of the table: an operator formula or another definition, with labels.

    Attributes
    ----------
    measure : function, optional
        From a state and its shared averages to a labelled result.
    needs : tuple of str
        Required species: "electrons", "bosons", "phonons".
    formula : Formula, optional
        The operators of which it is the average; sufficient for all kinds of calculations.
    units : str
        Units of the averages: "1" or "energy".
    alike : bool
        Whether it agrees, up to complex conjugation, in states related by time reversal or spin flip; by default
        determined from the formula.
    text : str
        Formula as text, for the attributes of results.
    symbol : str
        Heading in tables.
    odd : bool
        Whether it is odd under reversal of all spins, so that it cancels in sums over both directions.
    derived : Derived, optional
        Definition in terms of other observables; its parts are named ``NAME_PART``.
    matrices : function, optional
        From the space of a sector to the matrix or matrices of which it is the average, so that all levels of a block
        are evaluated at once.
    keys : tuple of str
        Names of its coordinates and values in JSON, if it has coordinates.
    where : function, optional
        From a model to whether it is available there, in addition to `needs`; always by default.
    place : str
        Description of the condition `where`.

    Examples
    --------
    >>> from respair.hamiltonians import displacement, electron_number
    >>> formula = Formula.over("site", of=lambda model, i: electron_number(i) * displacement(i))
    >>> Observable(needs=("electrons", "phonons"), formula=formula, text="<n_i x_i>").units
    '1'
    """

    measure: Measurement | None = None
    needs: tuple[str, ...] = ()
    formula: Formula | None = None
    units: str = "1"
    alike: bool = False
    text: str = ""
    symbol: str = ""
    odd: bool = False
    derived: Derived | None = None
    matrices: Callable[[Space], list[sp.csr_array] | sp.csr_array] | None = None
    keys: tuple[str, ...] = ()
    where: Callable[[Model], bool] = lambda model: True
    place: str = "another model"

    def __post_init__(self) -> None:
        if self.measure is None and self.formula is None and self.derived is None:
            raise InvalidValue(
                "an observable needs a definition: a formula of operators, a function, or other observables"
            )
        if unknown := set(self.needs) - set(SPECIES):
            allowed = ", ".join(SPECIES)
            raise InvalidValue(f"needs = {tuple(self.needs)}: {unknown.pop()!r} is unknown; allowed: {allowed}")


OneSite = Callable[[Model, int], Operator]


def _average(needs: str, over: str, of: Callable[..., Operator], text: str, symbol: str = "") -> Observable:
    return Observable(None, tuple(needs.split()), Formula.over(*over.split(), of=of), "1", True, text, symbol)


def _product(left: OneSite, right: OneSite) -> Callable[[Model, int, int], Operator]:
    return lambda model, i, j: left(model, i) * right(model, j)


def _of_broken(quantity: str, needs: str, of: OneSite, text: str, symbol: str) -> Observable:
    """Return an average that vanishes if a quantity is conserved."""
    place = f"a coupling that breaks the conservation of {'S_z' if quantity == 'spin' else 'N'}"
    return replace(_average(needs, "site", of, text, symbol), where=lambda model: quantity in model.broken, place=place)


def _made(annihilator: OneSite) -> OneSite:
    return lambda model, i: annihilator(model, i).dag


def _x(model: Model, mode: int) -> Operator:
    return displacement(mode)


def _energy_part(name: str) -> Observable:
    formula = Formula.over(of=lambda model: total(TERMS[term](model) for term in PARTS[name]))
    text = "<" + " + ".join(f"H_{term}" for term in PARTS[name]) + ">"
    return Observable(formula=formula, units="energy", alike=True, text=text)


def _displacement_squared(state: State, averages: Averages) -> xr.DataArray:
    return labelled("displacement_squared", averages.lattice[2].sum(axis=0), ["mode"], "<(a_m + a+_m)^2>")


def _squared_matrices(space: Space) -> list[sp.csr_array]:
    return [x @ x for x in (sparse_matrix(space, displacement(m)) for m in range(space.phonons.modes))]


def _distribution(state: State, averages: Averages) -> xr.DataArray:
    return displacement_distribution(state, averages.grid)


def _condensate(found: Mapping[str, NDArray[np.complex128]]) -> dict[str, Part]:
    matrices = {"electron_pair": found.get("pair_correlation"), "boson": found.get("boson_correlation")}
    there = {name: matrix for name, matrix in matrices.items() if matrix is not None}
    if len(there) == 2:
        cross = found["pair_boson_correlation"]
        upper = np.concatenate([there["electron_pair"], cross], axis=-1)
        lower = np.concatenate([np.swapaxes(cross, -1, -2).conj(), there["boson"]], axis=-1)
        there["combined"] = np.concatenate([upper, lower], axis=-2)
    formula = {"boson": "<b+_i b_j>", "electron_pair": "<D+_i D_j>", "combined": "<O+_x O_y>, O = (D, b)"}
    return {
        name: (np.linalg.eigvalsh(matrix)[..., ::-1], (f"{name}_natural_orbital",), f"eigenvalues of {formula[name]}")
        for name, matrix in there.items()
    }


def at_cutoff(space: Space) -> NDArray[np.bool_]:
    """Return a mask of the phonon states at the cutoff, in which one more phonon in some mode is not possible."""
    occupations = space.phonons.occupations.astype(np.int64)
    more = [space.phonons.index(occupations + row) < 0 for row in np.eye(space.phonons.modes, dtype=np.int64)]
    return np.any(more, axis=0) if more else np.zeros(len(space.phonons), bool)


def _cutoff_probability(state: State, averages: Averages) -> xr.DataArray:
    edge = at_cutoff(averages.space)
    parts = ((part.block, w, phi) for part in state.parts for w, phi in part.mixture)
    weight = sum(w * block.total(np.sum(np.abs(phi[:, edge]) ** 2)) for block, w, phi in parts)
    return labelled(CUTOFF_PROBABILITY, weight, [], "weight of the phonon states at the cutoff")


def _cutoff_matrix(space: Space) -> sp.csr_array:
    return sp.diags_array(np.tile(at_cutoff(space).astype(float), len(space.charges))).tocsr()


EB, EP, BP, PAIRS, IN_MODES = "electrons bosons", "electrons phonons", "bosons phonons", "site site_", "site mode"
MATRICES = ("pair_correlation", "boson_correlation", "pair_boson_correlation")
OBSERVABLES: dict[str, Observable] = {
    "electron_density": _average("electrons", "site", electrons, "<n_i>", "<n>"),
    "double_occupancy": _average("electrons", "site", both_electrons, "<n_i,up n_i,dn>", "<n_up n_dn>"),
    "boson_density": _average("bosons", "site", local_pairs, "<b+_i b_i>", "<b+ b>"),
    "pair_exchange": _average(EB, "site", exchange, "<D+_i b_i>, D = c_dn c_up", "<D+ b>"),
    "spin_z": replace(_average("electrons", "site", spin, "<S^z_i>", "<S^z>"), odd=True),
    "spin_x": _of_broken("spin", "electrons", partial(turning_spin, axis="x"), "<S^x_i>", "<S^x>"),
    "spin_y": replace(
        _of_broken("spin", "electrons", partial(turning_spin, axis="y"), "<S^y_i>", "<S^y>"), alike=False
    ),
    "pair_amplitude": _of_broken("charge", "electrons", electron_pair, "<D_i>, D = c_dn c_up", "<D>"),
    "boson_amplitude": _of_broken("charge", "bosons", local_pair, "<b_i>", "<b>"),
    "displacement": _average("phonons", "mode", _x, "<a_m + a+_m>", "<x>"),
    "displacement_squared": Observable(
        _displacement_squared, ("phonons",), None, "1", True, "<(a_m + a+_m)^2>", "<x^2>", matrices=_squared_matrices
    ),
    "quanta": _average("phonons", "mode", lambda model, mode: quanta(mode), "<a+_m a_m>", "<a+ a>"),
    "pair_correlation": _average("electrons", PAIRS, _product(_made(electron_pair), electron_pair), "<D+_i D_j>"),
    "boson_correlation": _average("bosons", PAIRS, _product(_made(local_pair), local_pair), "<b+_i b_j>"),
    "pair_boson_correlation": _average(EB, PAIRS, _product(_made(electron_pair), local_pair), "<D+_i b_j>"),
    "density_correlation": _average("electrons", PAIRS, _product(electrons, electrons), "<n_i n_j>"),
    "spin_correlation": _average("electrons", PAIRS, _product(spin, spin), "<S^z_i S^z_j>"),
    "electron_lattice": _average(EP, IN_MODES, _product(electrons, _x), "<n_i (a_m + a+_m)>"),
    "boson_lattice": _average(BP, IN_MODES, _product(local_pairs, _x), "<b+_i b_i (a_m + a+_m)>"),
    "displacement_correlation": replace(
        _average("phonons", "mode mode_", _product(_x, _x), "<x_m x_n>, x = a + a+"),
        where=has_modes_on_all_sites,
        place="a lattice that is closed and has more than one cell, with one mode on each site",
    ),
    "condensate": Observable(derived=Derived(MATRICES, _condensate)),
    "structure_factor": Observable(
        derived=Derived(
            tuple(name for name, _ in STRUCTURES.values()),
            structure_factors,
            takes_model=True,
            coords=wave_vector_coordinates,
        ),
        text="(1/N) sum_ij exp(-i q . (r_i - r_j)) <O+_i O_j> at the momenta of a lattice",
        where=on_a_lattice,
        place="a lattice that is closed and has more than one cell",
    ),
    "displacement_distribution": Observable(
        _distribution, ("phonons",), alike=True, text="<delta(X - X_m)>", keys=("X", "P")
    ),
    **{name: _energy_part(name) for name in PARTS},
}
"""All observables by name; an added entry is available in model files, at T = 0 and T > 0."""
STANDARD = frozenset(OBSERVABLES)
"""Names of the built-in observables."""
CUTOFF_PROBABILITY = "cutoff_probability"
"""Weight of the phonon states at the cutoff, reported by every thermal sum."""
REPORTED = {CUTOFF_PROBABILITY: Observable(_cutoff_probability, alike=True, matrices=_cutoff_matrix)}
"""Quantities that are always evaluated."""


def available(model: Model) -> tuple[str, ...]:
    """Return the names of the observables available in a model."""
    return tuple(name for name, entry in OBSERVABLES.items() if _has_species(name, model) and entry.where(model))


def _has_species(name: str, model: Model) -> bool:
    return all(getattr(model, species) is not None for species in OBSERVABLES[name].needs)


@taking(state=state_of, names=words)
def observables(
    state: State,
    names: Sequence[str] | None = None,
    displacement_grid: Sequence[float] | NDArray[np.float64] | None = None,
) -> xr.Dataset:
    """Return expectation values of observables in a state.

    Parameters
    ----------
    state : State
        Pure or mixed; a degenerate ground level is represented by the equal mixture of its states.
    names : sequence of str, optional
        Names of observables; by default all that are available in the model.
    displacement_grid : sequence of float, optional
        Grid of X for P(X).

    Returns
    -------
    xarray.Dataset
        One variable for each observable (``condensate_boson`` and so on for the parts of the condensate), with units
        and formula in its attributes.

    Raises
    ------
    ValueError
        If a name is unknown or the observable is not available in the model.

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
    there = available(model)
    averages = Averages(state, displacement_grid)
    variables: dict[str, xr.DataArray] = {}
    for name in there if names is None else names:
        if name not in there:
            reason = (
                f": it needs {OBSERVABLES[name].place}" if name in OBSERVABLES and _has_species(name, model) else ""
            )
            raise InvalidValue(
                f"observable {name!r} is not available in this model{reason}; allowed: {', '.join(there)}"
            )
        result = measured(name, averages)
        if isinstance(result, xr.Dataset):
            variables.update({f"{name}_{part}": result[part] for part in result.data_vars})
        else:
            variables[name] = result
    return with_coordinates(xr.Dataset(variables))


def measured(name: str, averages: Averages) -> xr.DataArray | xr.Dataset:
    """Return one observable in a state: by its function, from its operators, or from other observables."""
    entry = OBSERVABLES[name] if name in OBSERVABLES else REPORTED[name]
    if entry.measure is not None:
        return entry.measure(averages.state, averages)
    if entry.formula is not None:
        operators = entry.formula.operators(averages.space.model)
        values = [averages.operator(operator, alone=operators.size == 1) for operator in operators.ravel()]
        array = np.array(values, complex).reshape(operators.shape)
        return labelled(name, array, entry.formula.dims, entry.text or f"<{name}>", entry.units)
    assert entry.derived is not None
    found = {n: np.asarray(measured(n, averages), complex) for n in entry.derived.inputs(averages.space.model)}
    parts = entry.derived.of(found, averages.space.model)
    coords = entry.derived.coords(averages.space.model)
    return xr.Dataset({part: labelled(part, *about) for part, about in parts.items()}).assign_coords(coords)
