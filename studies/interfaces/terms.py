"""The Hamiltonian of a sector as a list of products of ladder operators, for codes that count phonons in one frame."""

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
"""Coefficients below this share of the largest one are left out."""


@dataclass(frozen=True)
class Terms:
    """A Hamiltonian as a sum of products, in a product basis of electrons, local pairs and oscillators.

    Attributes
    ----------
    model : Model
        With numbers for its phonon caps and a frame that is the same for all charges.
    sector : Sector
        N and S_z, and quantum numbers that most other codes leave out.
    operator : Operator
        In the phonons of the frame, each charge operator as c+ n c by ascending site: up, down, local pairs.
    """

    model: Model
    sector: Sector
    operator: Operator

    @classmethod
    def of(cls, model: Model, sector: Sector | int) -> Terms:
        """Return the terms of a model in a sector.

        A frame or oscillator states that follow the charges, or that the solver would choose, are replaced by the mean
        displacement: the same model in another truncated space.

        Raises
        ------
        InvalidModel
            If the sector does not exist.
        InvalidValue
            If the phonon cutoff is left to the solver, or the lattice is infinite.
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
        """Number of orbitals that electrons may take; 0 where the model has none."""
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
        """Most phonons of a mode."""
        return Space(self.model, self.sector.plain).phonons.max_quanta

    @property
    def total_quanta(self) -> int | None:
        """Most phonons of all modes together; None if each mode has its own cap only."""
        phonons = Space(self.model, self.sector.plain).phonons
        return None if phonons.is_product else phonons.total_quanta

    @property
    def electrons(self) -> tuple[int, int, int]:
        """N, N_up and N_dn where there are no local pairs: N and the largest numbers of each spin otherwise."""
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
        """Yield coefficient, charge operator and lattice word of each product but the identity."""
        largest = max((abs(value) for value in self.operator.terms.values()), default=0.0)
        for (charge, lattice), value in self.operator.terms.items():
            if (charge or lattice) and abs(value) > SMALLEST * largest:
                yield value, charge, lattice

    @property
    def whole_dimension(self) -> int:
        """States of the product space of all charges: what codes without conserved charges store."""
        electrons = 4**self.sites if self.model.electrons is not None else 1
        return math.prod([electrons, 2 ** len(self.pairs), (self.max_quanta + 1) ** self.modes])


def in_static_frame(model: Model) -> Model:
    """Return a model whose phonons are counted about displacements that are the same for all charges."""
    if model.most_electrons == 1:
        raise InvalidValue(
            "a model without double occupancy is not expressed in other codes; leave electrons.double_occupancy out, "
            "and give a large electrons.hubbard_u"
        )
    if model.most_bosons > 1:
        raise InvalidValue("soft-core pairs are not expressed in other codes; leave bosons.max_occupation out")
    table = model.phonons
    if model.cluster.is_infinite:
        raise InvalidValue("infinite lattices are not expressed in other codes; give a finite cluster")
    if table is None:
        return model
    if table.cutoff is not None:
        raise InvalidValue(
            'the phonon cutoff is "auto"; other codes need numbers: give phonons.max_quanta, or call with the model of '
            "the levels, ground_state(...).hamiltonian.space.model"
        )
    follows = table.frame in ("lang-firsov", "auto") or table.basis != "number"
    return replace(model, phonons=replace(table, frame="mean", dressing=None, basis="number")) if follows else model
