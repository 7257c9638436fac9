"""The model: a cluster with its couplings, validated as a whole."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arguments import instance, scalar, shown
from .._core.display import counted, quantity
from .._core.text import ALLOWED, has_controls
from ..clusters import Bond, Card, Cluster, InvalidType, Mode, Shown, place
from ..clusters.cluster import branches_on
from .couplings import Couplings as Couplings
from .couplings import Spread, boson_sites_of, modes_of, spreads
from .couplings import joined as joined
from .couplings import on_bonds as on_bonds
from .couplings import value_at as value_at
from .formula import cutoff_text, term_rows
from .lattice_tables import basis_problems, frame_problems, phonon_problems
from .magnetic_field import MagneticFlux, as_magnetic, magnetic_problems, magnetic_text, threaded, turned
from .occupations import occupation_limits, occupation_problems
from .operators import Operator
from .parameters import (
    COUPLINGS,
    FIELDS,
    FINITE,
    SPECIES,
    Bosons,
    Electrons,
    InvalidModel,
    Phonons,
    Problem,
    is_coupling,
    nonzero,
    show,
)
from .stability import furthest, hops, lattice_problems, lowest_frequency
from .values import by_distance, is_listed

TermFunction = Callable[["Model"], Operator]
"""A term of the Hamiltonian: from the model to an operator formula."""
Flux = float | tuple[float, ...]
"""One number, or one for each direction in which a cluster is closed; the number 0 means no flux at all."""
GENERIC = (1.0, 0.7, 0.4)
"""A flux vector that breaks all symmetries except translations."""
RESHAPING = tuple(
    f"phonons.{name}"
    for name in ("hopping", "spring", "quadratic", "cubic", "quartic", "electron_quadratic", "boson_quadratic")
)
"""Couplings that change the lattice from independent harmonic oscillators."""


@dataclass(frozen=True, repr=False)
class Model(Shown):
    """A cluster of electrons, local pairs and oscillators with its couplings.

    Attributes
    ----------
    cluster : Cluster
        Sites and bonds; its modes are set from ``phonons.on``.
    electrons, bosons, phonons : Electrons, Bosons, Phonons or None
        The species; None if it is absent.
    flux : float or tuple of float
        phi = 2 pi Phi / (hc/e) through the ring; on lattices one number for each row of the supercell, the phase
        accumulated once around it.
    chemical_potential : float
        mu; the Hamiltonian contains ``-mu (N_e + 2 N_b)``.
    terms : tuple of functions
        User-defined terms: each takes the model and returns an `Operator`. Terms that move charges between sites take
        their Peierls phases from `hop`. Models are equal only if their terms are the same functions.
    name : str
        Title for tables and figures.
    magnetic_flux : int, tuple of int or mapping
        Flux quanta hc/e of a uniform magnetic field through the cell of a lattice: an integer, or in space three,
        through rows 2 and 3, 3 and 1, 1 and 2; or ``{"plaquette": 0.25}``, the flux through each smallest loop of
        bonds. The bonds of `cluster` carry the Peierls phases, see `respair.clusters.magnetic`.

    Raises
    ------
    InvalidModel
        With all problems of the model.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> model = Model(ring(4), Electrons(hopping=1.0), Bosons(level=-0.4, exchange=0.8))
    >>> model.max_charge
    16
    """

    cluster: Cluster
    electrons: Electrons | None = None
    bosons: Bosons | None = None
    phonons: Phonons | None = None
    flux: Flux = 0.0
    chemical_potential: float = 0.0
    terms: tuple[TermFunction, ...] = ()
    name: str = ""
    magnetic_flux: MagneticFlux = field(default=0, metadata={"added": True})

    def __post_init__(self) -> None:
        self._check_types()
        problems = list(model_problems(self))
        if problems:
            raise InvalidModel(problems)
        object.__setattr__(self, "flux", _as_flux(self.flux))
        object.__setattr__(self, "magnetic_flux", as_magnetic(self.magnetic_flux))
        cluster = threaded(self.cluster, self.magnetic_flux)
        object.__setattr__(self, "cluster", replace(cluster, modes=modes_of(self)))

    def _check_types(self) -> None:
        """Check the types of all arguments; a single term is taken as a tuple."""
        instance("cluster", self.cluster, Cluster, "write ring(4), chain(3), custom(...) and so on")
        for name, kind in SPECIES.items():
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                place = type(value).__name__.lower()
                cure = f"{place}={type(value).__name__}(...)" if place in SPECIES else f"{name}={kind.__name__}(...)"
                instance(name, value, kind, f"write {cure}")
        terms = (self.terms,) if callable(self.terms) else self.terms
        if not isinstance(terms, Sequence) or not all(callable(term) for term in terms):
            raise InvalidType(
                f"terms is {shown(self.terms)}, and must be a tuple of functions from the model to an operator: write "
                "terms=(term,) with def term(model): return ..."
            )
        object.__setattr__(self, "terms", tuple(terms))
        for name in ("flux", "chemical_potential"):
            object.__setattr__(self, name, scalar(getattr(self, name)))
        instance("name", self.name, str, 'write name="ring with local pairs"')

    @property
    def fluxes(self) -> tuple[float, ...]:
        """The flux as a vector: one number on rings, one for each row of the supercell on lattices."""
        return self.flux if isinstance(self.flux, tuple) else (self.flux,) * self.cluster.fluxes

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The oscillators, in the order of the phonon numbers."""
        return self.cluster.modes

    @cached_property
    def boson_sites(self) -> tuple[int, ...]:
        """Sites that can carry a local pair."""
        return boson_sites_of(self.cluster, self.bosons)

    @property
    def max_charge(self) -> int:
        """Largest possible N = N_e + 2 N_b."""
        return self.most_electrons * self.cluster.sites + 2 * self.most_bosons * len(self.boson_sites)

    @property
    def most_bosons(self) -> int:
        """Largest number of local pairs on a site."""
        return 1 if self.bosons is None else self.bosons.max_occupation

    @property
    def most_electrons(self) -> int:
        """Largest number of electrons on a site: 2, 1 without double occupancy, 0 in models without electrons."""
        return 0 if self.electrons is None else 2 if self.electrons.double_occupancy else 1

    def card(self) -> Card:
        """Return the formula of the Hamiltonian with its couplings, and a drawing of the cluster."""
        title = ": ".join(filter(None, (escape(self.name), escape(self.cluster.size))))
        return Card(title, self.formula, picture=self.cluster.drawing)

    @property
    def formula(self) -> list[tuple[str, str, str]]:
        """The Hamiltonian as HTML, one row per term: "H =" in the first row, the term, its coupling."""
        given = [({**COUPLINGS, **FIELDS}[key], value_at(self, key)) for key in self.active]
        rows = list(term_rows(given, self.flux != 0 or self.magnetic_flux != 0, on_bonds(self.modes)))
        if self.most_electrons == 1:
            rows.append(("", "no site has two electrons"))
        if self.most_bosons > 1:
            rows.append(("", f"at most {self.most_bosons} local pairs on a site"))
        if self.terms:
            rows.append(("+ user-defined terms", f"{len(self.terms)}"))
        if self.flux:
            shown = self.flux if isinstance(self.flux, float) else list(self.flux)
            rows.append(("", f"φ = {quantity(shown)}, the sum of θ round the loop"))
        if self.magnetic_flux:
            rows.append(("", f"magnetic field: {magnetic_text(self.magnetic_flux)}"))
        if self.phonons is not None:
            rows.append(("", f"x = a + a†; {cutoff_text(self.phonons)}"))
        return [("H =" if i == 0 else "", *row) for i, row in enumerate(rows or [("0", "")])]

    @property
    def active(self) -> tuple[str, ...]:
        """Keys of the nonzero couplings."""
        there = [spread.entry.key for spread in self.spreads if np.any(spread.values)]
        return (*there, *(key for key in FIELDS if value_at(self, key)))

    @cached_property
    def lowest_frequency(self) -> float:
        """The lowest frequency of the lattice, softened by charges, springs and hopping phonons; inf without modes."""
        values = {spread.entry.key: spread.values for spread in self.spreads}
        return lowest_frequency(self.modes, self.cluster.bonds, values, (self.most_electrons, self.most_bosons))

    @property
    def is_real(self) -> bool:
        """True if all couplings are real; user-defined terms are not considered."""
        if any(2 * bond.phase % 1 for bond in self.cluster.bonds):
            return False
        c, bonds = self.couplings, self.cluster.bonds
        across = any(r and self.cluster.direction(b)[1] for b, r in zip(bonds, c.electron_rashba, strict=True))
        complex_ones = (c.electron_hopping_imaginary, c.electron_spin_orbit, c.electron_transverse_field_y)
        return not across and not any(map(np.any, complex_ones))

    @property
    def reverses_spins(self) -> bool:
        """True if H is invariant under the exchange of spins; user-defined terms are not considered."""
        c = self.couplings
        return self.keeps_spin and not np.any(c.electron_zeeman) and not np.any(c.electron_spin_orbit)

    @cached_property
    def broken(self) -> Mapping[str, str]:
        """The broken quantities, "charge" (its parity is conserved) and "spin", each with a coupling that breaks it."""
        breaking = ((spread.entry, spread.values) for spread in self.spreads if spread.entry.breaks)
        return {entry.breaks: entry.key for entry, values in breaking if np.any(values)}

    @property
    def keeps_charge(self) -> bool:
        """True if N is conserved; user-defined terms are not considered."""
        return "charge" not in self.broken

    @property
    def keeps_spin(self) -> bool:
        """True if S_z is conserved; user-defined terms are not considered."""
        return "spin" not in self.broken

    @property
    def is_plain_lattice(self) -> bool:
        """True if the oscillators are independent and harmonic in every charge configuration."""
        return not any(key in RESHAPING for key in self.active)

    @property
    def inverse_masses(self) -> NDArray[np.float64]:
        """M of the kinetic energy ``p^T M p / 4``, p = (a - a+) / i: omega0, and -t_ph for phonon hopping."""
        form = hops(self.modes, self.cluster.bonds, self.couplings.phonon_hopping)
        return np.asarray(np.diag(self.couplings.frequency) + 4 * form)

    @property
    def furthest(self) -> NDArray[np.float64]:
        """Bounds on the equilibrium displacements x of each oscillator, shape (modes, 2)."""
        c = self.couplings
        parts = np.stack([self.most_electrons * c.electron_phonon_by_site, self.most_bosons * c.boson_phonon_by_site])
        extremes = [np.minimum(parts, 0.0).sum(axis=(0, 2)), np.maximum(parts, 0.0).sum(axis=(0, 2))]
        forces = np.column_stack(extremes) + np.abs(c.phonon_exchange_coupling)[:, None] * [-1.0, 1.0]
        values = {spread.entry.key: spread.values for spread in self.spreads}
        return furthest(self.modes, self.cluster.bonds, values, forces, (self.most_electrons, self.most_bosons))

    @property
    def couples_at_a_distance(self) -> bool:
        """True if oscillators couple to charges on other sites."""
        c = self.couplings
        pairs = ((c.electron_phonon_by_site, c.electron_phonon), (c.boson_phonon_by_site, c.boson_phonon))
        return any(np.count_nonzero(reach) > np.count_nonzero(own) for reach, own in pairs)

    @cached_property
    def spreads(self) -> tuple[Spread, ...]:
        """The couplings of all species present, as given and expanded over their places."""
        return tuple(spreads(self))

    @cached_property
    def couplings(self) -> Couplings:
        """Every coupling as an array over sites, bonds or modes."""
        return Couplings(self)


def model_problems(model: Model) -> Iterator[Problem]:
    """Yield the problems of a model whose arguments have the right types."""
    if not isinstance(model.name, str) or has_controls(model.name):
        yield Problem("name", show(model.name), ALLOWED)
    misplaced = list(_place_problems(model)) + list(occupation_limits(model))
    yield from misplaced
    if misplaced:
        return
    couplings = model.spreads
    for spread in couplings:
        if spread.complaint:
            yield Problem(spread.entry.key, show(spread.given), spread.complaint)
        elif model.cluster.is_infinite and spread.entry.breaks and nonzero(spread.given):
            yield Problem(spread.entry.key, show(spread.given), "allowed on infinite lattices: 0; they need N and S_z")
    if not is_coupling(model.chemical_potential):
        yield Problem("ensemble.chemical_potential", show(model.chemical_potential), f"allowed: {FINITE}")
    yield from _flux_problems(model)
    key = model.broken.get("charge")
    if key is not None and (model.magnetic_flux or any(bond.phase for bond in model.cluster.bonds)):
        allowed = "allowed: 0 on a cluster with magnetic flux: a pairing field has a phase of its own"
        yield Problem(key, show(value_at(model, key)), allowed)
    yield from magnetic_problems(model.cluster, model.magnetic_flux)
    if model.phonons is not None:
        yield from phonon_problems(
            model.phonons,
            model.cluster.is_infinite,
            next(each for each in couplings if each.entry.key == "phonons.frequency"),
        )
    yield from occupation_problems(model, couplings)
    for spread in couplings:
        if spread.entry.needs and nonzero(spread.given):
            missing = _missing(model, spread)
            yield from (Problem(spread.entry.key, show(spread.given), f"allowed: 0 {text}") for text in missing)
    if model.phonons is not None:
        yield from frame_problems(model.phonons, len(modes_of(model)))
        yield from basis_problems(model.phonons, modes_of(model))
        if not any(spread.complaint for spread in couplings):
            values, most = (
                {each.entry.key: each.values for each in couplings},
                (model.most_electrons, model.most_bosons),
            )
            yield from lattice_problems(modes_of(model), model.cluster.bonds, values, most)


def _missing(model: Model, spread: Spread) -> Iterator[str]:
    """Yield the requirements of a nonzero coupling that the model does not meet."""
    modes, needs = modes_of(model), spread.entry.needs
    for need in needs:
        if need == "modes on sites" and on_bonds(modes):
            yield "here; it needs modes on sites, and these are on bonds"
        elif need in SPECIES and getattr(model, need) is None:
            yield f"here; add {'an' if need[0] in 'aeiou' else 'a'} [{need}] table"
    if spread.entry.place == "mode" and "bosons" in needs and model.bosons is not None and not on_bonds(modes):
        if any(map(by_distance, (spread.given, *(spread.given.values() if isinstance(spread.given, Mapping) else ())))):
            return
        own = [modes[m].index for m in np.flatnonzero(spread.values.any(axis=tuple(range(1, spread.values.ndim))))]
        coupled = np.nonzero(spread.values)[1].tolist() if spread.entry.reaches else own
        empty = next((site for site in coupled if site not in model.boson_sites), None)
        if empty is not None:
            yield f"on site {empty}, which carries no boson (bosons.on = {show(model.bosons.on)})"


def _place_problems(model: Model) -> Iterator[Problem]:
    species = {"bosons": model.bosons, "phonons": model.phonons}
    for name, on in ((name, table.on) for name, table in species.items() if table is not None):
        places = (on,) if name == "bosons" else (branches_on(on) or {"": on}).values()
        if model.cluster.is_infinite and any(map(is_listed, places)):
            yield Problem(f"{name}.on", show(on), "leave it out: all cells of an infinite lattice are the same")
            continue
        try:
            place(model.cluster, on, bonds_allowed=name == "phonons")
        except ValueError as error:
            yield Problem(f"{name}.on", show(on), str(error))


def _flux_problems(model: Model) -> Iterator[Problem]:
    given: Any = model.flux
    number = model.cluster.fluxes
    is_list = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)
    if model.cluster.is_infinite and np.any(given):
        yield Problem("field.flux", show(given), "allowed: 0 on infinite lattices; give sector.wave_vector")
        return
    if is_list and not (len(given) == number and all(is_coupling(phi) for phi in given)):
        allowed = f"a list of {counted(number, 'finite number')}, one for each direction in which the cluster is closed"
        yield Problem("field.flux", show(given), f"allowed: {allowed if number > 1 else FINITE}")
    elif not is_list and not is_coupling(given):
        yield Problem("field.flux", show(given), f"allowed: {FINITE}")
    elif np.any(given) and not model.keeps_charge:
        allowed = f"allowed: 0 with {model.broken['charge']}: a pairing field has a phase of its own"
        yield Problem("field.flux", show(given), allowed)
    elif not is_list and given and model.cluster.has_loop and number > 1:
        example = [given] + [0.0] * (number - 1)
        allowed = f"a list of {number} numbers, one for each row of the supercell, as in {example}"
        yield Problem("field.flux", show(given), f"allowed: {allowed}")
    elif np.any(given) and not model.cluster.has_loop:
        yield Problem(
            "field.flux",
            show(model.flux),
            f"allowed: 0, since a {model.cluster.kind} with {model.cluster.sites} sites has no loop that the flux "
            "could thread; rings of 3 or more sites have one",
        )


def _as_flux(flux: Any) -> Flux:
    """Return a number, or a tuple for a nonzero vector."""
    numbers = tuple(float(phi) for phi in np.atleast_1d(flux))
    return numbers if len(numbers) > 1 and any(numbers) else numbers[0]


def bond_phase(bond: Bond, flux: Flux, charge: int) -> complex:
    """Return the Peierls factor ``exp(i charge (windings . phi + 2 pi phase))`` of a hop, exactly 1 without flux."""
    shares = bond.shares if isinstance(flux, tuple) else (bond.winding,)
    angle = sum(share * phi for share, phi in zip(shares, np.atleast_1d(flux).tolist(), strict=True))
    factor = cmath.exp(1j * charge * angle) if angle else 1.0 + 0.0j
    return factor * turned(charge * bond.phase)
