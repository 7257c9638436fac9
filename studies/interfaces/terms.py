"""Hamiltonian of a sector as a list of products of ladder operators, in a frame independent of the charges."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from ...clusters import InvalidValue
from ...hamiltonians import Model, Operator, Sector, Space
from ...hamiltonians.algebra import canonical
from ...hamiltonians.operators import ChargeWord, LatticeWord
from ...hamiltonians.sector import check_sector
from ...hamiltonians.terms import hamiltonian_operator

SMALLEST = 1e-14
"""Smallest coefficient, relative to the largest one; smaller ones are omitted."""


@dataclass(frozen=True)
class Terms:
    """A Hamiltonian as a sum of products, in a product basis of electrons, local pairs and oscillators.

    Attributes
    ----------
    model : Model
        Model with a numerical phonon cutoff and a frame that does not depend on the charges.
    sector : Sector
        N and S_z, and quantum numbers that most other codes ignore.
    operator : Operator
        Hamiltonian in the phonons of the frame; charge operators as c+ n c in order of sites: up, down, local pairs.
    """

    model: Model
    sector: Sector
    operator: Operator

    @classmethod
    def of(cls, model: Model, sector: Sector | int) -> Terms:
        """Return the terms of a model in a sector.

        A frame or oscillator states that depend on the charges or are chosen by the solver are replaced by the mean
        displacement: the same model in another truncated space.

        Raises
        ------
        InvalidModel
            If the sector does not exist.
        InvalidValue
            If the phonon cutoff is automatic or the lattice is infinite.
        """
        sector = sector if isinstance(sector, Sector) else Sector(sector)
        check_sector(model, sector)
        model = in_static_frame(model)
        space = Space(model, sector.plain)
        return cls(model, sector, canonical(space.displaced(hamiltonian_operator(model))))

    @property
    def sites(self) -> int:
        """Number of sites."""
        return self.model.cluster.sites

    @property
    def orbitals(self) -> int:
        """Number of orbitals of the electrons; 0 without electrons."""
        return self.sites if self.model.electrons is not None else 0

    @property
    def pairs(self) -> tuple[int, ...]:
        """Sites with a local pair."""
        return self.model.boson_sites

    @property
    def modes(self) -> int:
        """Number of oscillators."""
        return len(self.model.modes)

    @cached_property
    def max_quanta(self) -> int:
        """Largest number of phonons per mode."""
        return Space(self.model, self.sector.plain).phonons.max_quanta

    @property
    def total_quanta(self) -> int | None:
        """Largest total number of phonons; None without such a cutoff."""
        phonons = Space(self.model, self.sector.plain).phonons
        return None if phonons.is_product else phonons.total_quanta

    @property
    def electrons(self) -> tuple[int, int, int]:
        """N, N_up and N_dn without local pairs; with them, N and the largest number of each spin."""
        charge, excess = self.sector.charge, self.sector.spin_excess
        return charge, (charge + excess) // 2, (charge - excess) // 2

    @property
    def is_real(self) -> bool:
        """True if all coefficients are real."""
        return not any(value.imag for value in self.operator.terms.values())

    @property
    def constant(self) -> float:
        """The coefficient of the identity."""
        return float(self.operator.terms.get(((), ()), 0.0).real)

    def __iter__(self) -> Iterator[tuple[complex, ChargeWord, LatticeWord]]:
        """Yield coefficient, charge operator and oscillator operator of each product except the identity."""
        largest = max((abs(value) for value in self.operator.terms.values()), default=0.0)
        for (charge, lattice), value in self.operator.terms.items():
            if (charge or lattice) and abs(value) > SMALLEST * largest:
                yield value, charge, lattice

    @property
    def whole_dimension(self) -> int:
        """Dimension of the product space of all charges, as stored by codes without conserved charges."""
        electrons = 4**self.sites if self.model.electrons is not None else 1
        return math.prod([electrons, 2 ** len(self.pairs), (self.max_quanta + 1) ** self.modes])


def in_static_frame(model: Model) -> Model:
    """Return a model in a phonon frame that does not depend on the charges."""
    if model.most_electrons == 1:
        raise InvalidValue(
            "models without double occupancy are not supported in other codes; omit electrons.double_occupancy and set "
            "a large electrons.hubbard_u"
        )
    if model.most_bosons > 1:
        raise InvalidValue("soft-core pairs are not supported in other codes; omit bosons.max_occupation")
    table = model.phonons
    if model.cluster.is_infinite:
        raise InvalidValue("infinite lattices are not supported in other codes; use a finite cluster")
    if table is None:
        return model
    if table.cutoff is not None:
        raise InvalidValue(
            'the phonon cutoff is "auto"; other codes need a number: set phonons.max_quanta, or use the model of the '
            "converged levels, ground_state(...).hamiltonian.space.model"
        )
    follows = table.frame in ("lang-firsov", "auto") or table.basis != "number"
    return replace(model, phonons=replace(table, frame="mean", dressing=None, basis="number")) if follows else model
