"""Charges without a lattice as functions of their couplings: ``H = sum_k c_k M_k`` with cached matrices M_k."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
from numpy.typing import NDArray

from ..._core.threads import one_thread_for
from ...clusters import Cluster
from ...hamiltonians import (
    Bosons,
    Electrons,
    Model,
    Operator,
    Sector,
    Space,
    boson_number,
    electron_number,
    hamiltonian_operator,
)
from ...hamiltonians.couplings import value_at
from ...hamiltonians.model import Flux
from ...hamiltonians.parameters import COUPLINGS
from ...hamiltonians.parametric import with_parameters
from ...hamiltonians.space.product import dimensions
from ...hamiltonians.terms import SAME
from ...hamiltonians.values import DISTANCE, by_distance
from ...solvers import Options
from ...solvers.ground_state import is_degenerate
from ...solvers.krylov.eigenpairs import lowest_levels
from .charges import BOSONS, DENSE_UP_TO, ELECTRONS, charge_model

SMALL = 100
"""Largest dimension for which many matrices are diagonalised at once."""
NAMES = (*ELECTRONS.values(), *BOSONS.values())
"""The couplings in order, followed by the sum of repulsions by shells of distance, the contact terms, and mu."""
Apart = tuple[tuple[str, Any], ...]
"""Repulsions by shells of distance as tuples, by their keys in model files."""
REMEMBERED = 8
"""Number of cached sectors; the points of a map differ only in the values of the couplings."""
REMEMBERED_UP_TO = 20_000
"""Largest dimension of cached sectors."""


class ChargeFamily:
    """Energies of many Hamiltonians on the same electron-boson configurations.

    Parameters
    ----------
    cluster : Cluster
        Sites and bonds.
    species : pair of bool
        Whether there are electrons, and local pairs.
    boson_sites : tuple of int
        Sites with local pairs.
    flux : float or tuple of float
        Flux through the ring.
    sector : Sector
        (N, S_z).
    apart : tuple
        The repulsions by shells of distance, which are fixed within a family.
    """

    def __init__(
        self,
        cluster: Cluster,
        species: tuple[bool, bool],
        boson_sites: tuple[int, ...],
        flux: Flux,
        sector: Sector,
        apart: Apart = (),
    ) -> None:
        electrons = Electrons(0.0) if species[0] else None
        bosons = Bosons(on=list(boson_sites)) if species[1] else None
        bare = Model(cluster, electrons, bosons, flux=flux)
        space = Space(bare, sector)
        self.size = len(space.charges)
        formulas = list(_units(bare, apart))
        real = not any(np.imag(value) for formula in formulas for value in formula.terms.values())
        dtype = np.float64 if real else np.complex128
        parts = [
            sp.coo_array(space.charge_matrix({word: value for (word, _), value in formula.terms.items()}, dtype))
            for formula in formulas
        ]
        places = np.concatenate([part.row.astype(np.int64) * self.size + part.col for part in parts])
        known, column = np.unique(places, return_inverse=True)
        row = np.repeat(np.arange(len(parts)), [part.nnz for part in parts])
        entries = (np.concatenate([part.data for part in parts]), (row, column))
        self._values = sp.csr_array(entries, shape=(len(parts), len(known)))
        self._rows, self._columns = np.divmod(known, max(1, self.size))

    @classmethod
    def of(cls, model: Model, sector: Sector) -> ChargeFamily:
        """Return the family of the charges of a model; spatial quantum numbers are ignored."""
        whole = sector.plain
        species = (model.electrons is not None, model.bosons is not None)
        make = _remembered if dimensions(model, whole)[0] <= REMEMBERED_UP_TO else cls
        return make(model.cluster, species, model.boson_sites, model.flux, whole, _apart(model))

    def matrix(self, couplings: NDArray[np.float64]) -> Any:
        """Return H, as a dense array if it is small, else as a sparse one."""
        entries = self._values.T @ couplings
        if self.size > DENSE_UP_TO:
            return sp.csr_array((entries, (self._rows, self._columns)), shape=(self.size, self.size))
        whole = np.zeros((self.size, self.size), entries.dtype)
        whole[self._rows, self._columns] = entries
        return whole

    def lowest(self, couplings: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the lowest energy and its derivatives with respect to the couplings, ``<M_k>``."""
        energy, v = self._ground(self.matrix(couplings))
        return energy, np.real(self._values @ (v[self._rows].conj() * v[self._columns]))

    def energies(self, couplings: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the lowest energies of several rows of couplings."""
        if self.size > SMALL:
            return np.array([self._ground(self.matrix(row))[0] for row in couplings])
        stack = np.zeros((len(couplings), self.size, self.size), self._values.dtype)
        stack[:, self._rows, self._columns] = couplings @ self._values
        with one_thread_for(0):
            return np.asarray(np.linalg.eigvalsh(stack)[:, 0])

    def _ground(self, matrix: Any) -> tuple[float, NDArray[Any]]:
        if self.size <= SMALL:
            energies, vectors = np.linalg.eigh(matrix)
            return float(energies[0]), vectors[:, 0]
        if self.size <= DENSE_UP_TO:
            with one_thread_for(matrix.size // 20):
                energies, vectors = la.eigh(matrix, subset_by_index=[0, 0])
            return float(energies[0]), vectors[:, 0]

        def product(v: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
            out[:] = matrix @ v
            return out

        options, unit = Options(), min(1.0, float(np.max(np.abs(matrix.data))))
        alike = partial(is_degenerate, width=SAME * unit)
        limits = (options.tolerance * unit, options.seed, options.max_matvecs, alike)
        levels = lowest_levels(product, self.size, matrix.dtype.type, 1, *limits)
        return float(levels.energies[0]), levels.vectors[:, 0]


@lru_cache(REMEMBERED)
def _remembered(
    cluster: Cluster,
    species: tuple[bool, bool],
    boson_sites: tuple[int, ...],
    flux: Flux,
    sector: Sector,
    apart: Apart,
) -> ChargeFamily:
    return ChargeFamily(cluster, species, boson_sites, flux, sector, apart)


def _apart(model: Model) -> Apart:
    there = [entry.key for entry in COUPLINGS.values() if entry.apart and getattr(model, entry.species) is not None]
    given = ((key, value_at(model, key)) for key in there)
    return tuple((key, tuple(map(float, value[DISTANCE]))) for key, value in given if by_distance(value))


def _units(bare: Model, apart: Apart) -> Iterator[Operator]:
    """Yield the operator multiplied by each coupling; zero for absent species."""
    electrons = bare.electrons is not None
    there = {
        entry.arrays[0]: all(getattr(bare, species) is not None for species in (entry.species, *entry.needs))
        for entry in COUPLINGS.values()
        if entry.species != "phonons"
    }
    for name in NAMES:
        for unit in np.eye(len(getattr(bare.couplings, name))):
            yield hamiltonian_operator(charge_model(bare, {name: unit})) if there[name] else Operator()
    yield hamiltonian_operator(with_parameters(bare, {key: {DISTANCE: list(values)} for key, values in apart}))
    for i in range(bare.cluster.sites):
        yield electron_number(i) * boson_number(i) if electrons and i in bare.boson_sites else Operator()
    yield hamiltonian_operator(Model(bare.cluster, bare.electrons, bare.bosons, chemical_potential=1.0))


def couplings_vector(
    model: Model,
    changed: Mapping[str, NDArray[Any]] = MappingProxyType({}),
    contact: Sequence[float] | NDArray[Any] = (),
) -> NDArray[Any]:
    """Return the couplings of the charges of a model in the order of a family, with some of them replaced.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> model = Model(dimer(), Electrons(1.0, [0.1, 0.2], 4.0), chemical_potential=0.5)
    >>> vector = couplings_vector(model, contact=[0.0, 0.3])
    >>> vector[:5], vector[-3:]
    (array([1. , 0.1, 0.2, 4. , 4. ]), array([0. , 0.3, 0.5]))
    """
    parts = [changed.get(name, getattr(model.couplings, name)) for name in NAMES]
    between = contact if len(contact) else np.zeros(model.cluster.sites)
    return np.concatenate([*parts, [1.0], between, [model.chemical_potential]])
