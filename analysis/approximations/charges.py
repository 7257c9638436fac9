"""Models of the charges alone: what is left when an approximation has dealt with the lattice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Model, Operator, Sector, Space, boson_number, electron_number
from ...hamiltonians.operators import ChargeWord, total
from ...hamiltonians.space import dimensions
from ...hamiltonians.threads import one_thread_for
from ...solvers import Options, ground_state
from ...solvers.ground_state import is_degenerate
from ...solvers.lanczos import lowest_levels
from ..accuracy import isolated_ground
from ..catalogue import available, observables
from ..labelled import labelled

DENSE_UP_TO = 600
"""Charge sectors up to this size are diagonalised by LAPACK."""
SMALL = 100
"""Up to this size the matrices of single words are kept dense."""
DIAGONAL = ("electron_density", "double_occupancy", "boson_density", "spin_z", "density_correlation",
            "spin_correlation")  # fmt: skip
"""Observables that any displacement of the lattice leaves alone."""
COHERENT = ("pair_exchange", "pair_correlation", "boson_correlation", "pair_boson_correlation")
"""Observables that move charges."""


@dataclass(frozen=True)
class Contact:
    """The term ``sum_i w_i n_i b+_i b_i`` between the electrons and the local pair of a site."""

    strengths: tuple[float, ...]

    def __call__(self, model: Model) -> Operator:
        """Return the formula."""
        return total(w * (electron_number(i) * boson_number(i)) for i, w in enumerate(self.strengths) if w)


def charge_model(model: Model, contact: Sequence[float] = (), **changed: NDArray[np.float64]) -> Model:
    """Return the same charges without a lattice, some couplings (by the names of `Couplings`) changed.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> charge_model(Model(dimer(), Electrons(1.0)), electron_hopping=np.array([0.5])).electrons.hopping
    [0.5]
    """
    values = {name: value.tolist() for name, value in (vars(model.couplings) | changed).items()}
    electrons, bosons = model.electrons, model.bosons
    if electrons is not None:
        own = {key: values[name] for key, name in ELECTRONS.items()}
        electrons = replace(electrons, **own)
    if bosons is not None:
        bosons = replace(bosons, **{key: values[name] for key, name in BOSONS.items()})
    terms = model.terms + ((Contact(tuple(contact)),) if np.any(contact) else ())
    return replace(model, electrons=electrons, bosons=bosons, phonons=None, terms=terms)


ELECTRONS = {"hopping": "electron_hopping", "level": "electron_level", "hubbard_u": "hubbard_u",
             "repulsion": "repulsion"}  # fmt: skip
BOSONS = {"level": "boson_level", "exchange": "exchange", "hopping": "boson_hopping"}


class ChargeSector:
    """Energies of many Hamiltonians on the same electron-boson configurations.

    Parameters
    ----------
    model : Model
        Its cluster and species; the lattice is left out.
    sector : Sector
        (N, S_z); spatial quantum numbers are not used.
    """

    def __init__(self, model: Model, sector: Sector) -> None:
        self._model, self._sector = model, Sector(sector.charge, sector.two_sz)
        self._known: dict[ChargeWord, Any] = {}

    @cached_property
    def space(self) -> Space:
        """The configurations."""
        return Space(replace(self._model, phonons=None, terms=()), self._sector)

    def matrix(self, operator: Operator) -> Any:
        """Return the matrix of an operator without lattice part, dense where that is small."""
        size = len(self.space.charges)
        matrix: Any = np.zeros((size, size)) if size <= SMALL else sp.csr_array((size, size))
        for (word, _), value in operator.terms.items():
            matrix = matrix + (value if value.imag else value.real) * self._word(word)
        return matrix.toarray() if SMALL < size <= DENSE_UP_TO else matrix

    def _word(self, word: ChargeWord) -> Any:
        if word not in self._known:
            matrix = self.space.charge_matrix({word: 1.0}, np.float64)
            self._known[word] = matrix.toarray() if len(self.space.charges) <= SMALL else matrix
        return self._known[word]

    def lowest(self, matrix: Any) -> tuple[float, NDArray[Any]]:
        """Return the lowest eigenvalue of a matrix and its eigenvector."""
        size, options = matrix.shape[0], Options()
        if size <= DENSE_UP_TO:
            with one_thread_for(matrix.size // 20):
                energies, vectors = la.eigh(matrix, subset_by_index=[0, 0])
            return float(energies[0]), vectors[:, 0]

        def product(v: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
            out[:] = matrix @ v
            return out

        limits = (options.tolerance, options.seed, options.max_matvecs, is_degenerate)
        levels = lowest_levels(product, size, matrix.dtype.type, 1, *limits)
        return float(levels.energies[0]), levels.vectors[:, 0]


def charge_ground(model: Model, sector: Sector, names: Sequence[str], constant: float = 0.0) -> xr.Dataset:
    """Solve a model without lattice exactly: ``energies`` (the lowest), and observables of the ground level."""
    small = dimensions(model, sector)[0] <= DENSE_UP_TO and not sector.has_symmetry
    levels = ground_state(model, sector, 1, Options(engine="dense")) if small else isolated_ground(model, sector)
    energies = labelled("energies", levels.energies[:1] + constant, ["level"], "lowest energy", "energy")
    there = [name for name in names if name in available(model)]
    return observables(levels.ground, there).assign(energies=energies)
