"""The model: a cluster with its couplings, checked as a whole, and the sector in which it is solved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape

import numpy as np
from numpy.typing import NDArray

from .._core.arguments import instance, shown
from .._core.display import quantity
from .._core.text import ALLOWED, has_controls
from ..clusters import Bond, Card, Cluster, InvalidType, Mode, Shown, place
from .formula import more_rows, species_rows
from .operators import Operator
from .parameters import Bosons, Coupling, Electrons, InvalidModel, Phonons, Problem, is_number, nonzero, resolve, show

TermFunction = Callable[["Model"], Operator]
"""A term of the Hamiltonian: from the model to an operator formula."""
MAX_QUANTA = 1000
SPECIES = ("electrons", "bosons", "phonons")
DISPLACEMENTS = ("none", "mean", "lang-firsov", "auto")


@dataclass(frozen=True, repr=False)
class Model(Shown):
    """A cluster of electrons, local pairs and oscillators with all couplings.

    Attributes
    ----------
    cluster : Cluster
        Sites and bonds; its modes are set from ``phonons.on``.
    electrons, bosons, phonons : Electrons, Bosons, Phonons or None
        The species; None where it is absent.
    flux : float
        phi = 2 pi Phi / (hc/e) through the ring.
    chemical_potential : float
        mu; the Hamiltonian contains ``-mu (N_e + 2 N_b)``.
    terms : tuple of functions
        Terms of the user's own: each takes the model and returns an `Operator`. Those that move charges between sites
        carry the phases of the flux by `hop`. Models are equal only if these are the same functions.
    name : str
        Title for tables and figures.

    Raises
    ------
    InvalidModel
        With everything that is wrong with it.

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
    flux: float = 0.0
    chemical_potential: float = 0.0
    terms: tuple[TermFunction, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        self._check_types()
        problems = list(model_problems(self))
        if problems:
            raise InvalidModel(problems)
        modes = place(self.cluster, self.phonons.on) if self.phonons else ()
        object.__setattr__(self, "cluster", replace(self.cluster, modes=modes))

    def _check_types(self) -> None:
        """Refuse what stands in the wrong place; one term is taken as a tuple of one."""
        instance("cluster", self.cluster, Cluster, "write ring(4), chain(3), custom(...) and so on")
        for name, kind in {"electrons": Electrons, "bosons": Bosons, "phonons": Phonons}.items():
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
        instance("name", self.name, str, 'write name="ring with local pairs"')

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The oscillators, in the order of the phonon numbers."""
        return self.cluster.modes

    @cached_property
    def boson_sites(self) -> tuple[int, ...]:
        """Sites that carry a local pair."""
        return _boson_sites(self.cluster, self.bosons)

    @property
    def max_charge(self) -> int:
        """Largest N = N_e + 2 N_b that fits."""
        return (2 * self.cluster.sites if self.electrons else 0) + 2 * len(self.boson_sites)

    def card(self) -> Card:
        """Return the Hamiltonian as a formula with its numbers, and the cluster."""
        title = ": ".join(filter(None, (escape(self.name), escape(self.cluster.size))))
        return Card(title, self.formula, picture=self.cluster.drawing)

    @property
    def formula(self) -> list[tuple[str, str, str]]:
        """The Hamiltonian as markup, a row for each term: "H =" or nothing, the term, its coupling."""
        given = (self.active, self.electrons, self.bosons, self.phonons, self.flux != 0, _modes_on_bonds(self.modes))
        rows = [*species_rows(*given), *more_rows(self.chemical_potential, self.flux, len(self.terms), self.phonons)]
        return [("H =" if i == 0 else "", *row) for i, row in enumerate(rows or [("0", "")])]

    @property
    def active(self) -> tuple[str, ...]:
        """The couplings that are not zero, by their keys in model files."""
        fields = (("field.flux", self.flux), ("ensemble.chemical_potential", self.chemical_potential))
        there = [key for key, value, labels, what in _coupling_list(self) if np.any(resolve(value, labels, what)[0])]
        return (*there, *(key for key, value in fields if value))

    @cached_property
    def couplings(self) -> Couplings:
        """Every coupling as an array over sites, bonds or modes."""
        return Couplings.of(self)


def _boson_sites(cluster: Cluster, bosons: Bosons | None) -> tuple[int, ...]:
    return tuple(mode.index for mode in place(cluster, bosons.on, bonds_allowed=False)) if bosons else ()


@dataclass(frozen=True, repr=False)
class Couplings(Shown):
    """The couplings of a model as arrays; energies in the user's unit.

    Attributes
    ----------
    electron_hopping, repulsion, boson_hopping, bond_phonon : (bonds,) float
        t, V, t_b, and g of the optical SSH coupling (modes on sites).
    electron_level, hubbard_u : (sites,) float
        eps, U.
    boson_level, exchange : (boson sites,) float
        Delta_B, v.
    frequency, boson_phonon, electron_phonon, mode_bond : (modes,) float
        omega0, omega0 alpha, omega0 alpha_F, and g of the bond coupling (modes on bonds).
    """

    electron_hopping: NDArray[np.float64]
    electron_level: NDArray[np.float64]
    hubbard_u: NDArray[np.float64]
    repulsion: NDArray[np.float64]
    boson_level: NDArray[np.float64]
    exchange: NDArray[np.float64]
    boson_hopping: NDArray[np.float64]
    frequency: NDArray[np.float64]
    boson_phonon: NDArray[np.float64]
    electron_phonon: NDArray[np.float64]
    bond_phonon: NDArray[np.float64]
    mode_bond: NDArray[np.float64]

    def __post_init__(self) -> None:
        for array in vars(self).values():
            array.setflags(write=False)

    def card(self) -> Card:
        """Return the couplings that are not zero."""
        return Card("couplings", [(name, quantity(values)) for name, values in vars(self).items() if np.any(values)])

    @classmethod
    def of(cls, model: Model) -> Couplings:
        """Spread the parameters of a (valid) model over its sites, bonds and modes."""
        values = {path: resolve(coupling, labels, what)[0] for path, coupling, labels, what in _coupling_list(model)}

        def get(path: str, size: int) -> NDArray[np.float64]:
            return values.get(path, np.zeros(size))

        sites, bonds, modes = model.cluster.sites, len(model.cluster.bonds), len(model.modes)
        frequency = get("phonons.frequency", modes)
        on_bonds = _modes_on_bonds(model.modes)
        bond_coupling = get("phonons.bond_coupling", modes if on_bonds else bonds)
        return cls(
            electron_hopping=get("electrons.hopping", bonds),
            electron_level=get("electrons.level", sites),
            hubbard_u=get("electrons.hubbard_u", sites),
            repulsion=get("electrons.repulsion", bonds),
            boson_level=get("bosons.level", len(model.boson_sites)),
            exchange=get("bosons.exchange", len(model.boson_sites)),
            boson_hopping=get("bosons.hopping", bonds),
            frequency=frequency,
            boson_phonon=frequency * get("phonons.boson_coupling", modes),
            electron_phonon=frequency * get("phonons.electron_coupling", modes),
            bond_phonon=np.zeros(bonds) if on_bonds else bond_coupling,
            mode_bond=bond_coupling if on_bonds else np.zeros(modes),
        )


def _modes_on_bonds(modes: Sequence[Mode]) -> bool:
    return bool(modes) and modes[0].host == "bond"


def _coupling_list(model: Model) -> Iterator[tuple[str, Coupling, Sequence[str], str]]:
    """Yield (path in the model file, coupling, labels over which it is spread, noun)."""
    cluster = model.cluster
    bonds = [bond.label for bond in cluster.bonds]
    if (e := model.electrons) is not None:
        yield "electrons.hopping", e.hopping, bonds, "bond"
        yield "electrons.level", e.level, cluster.classes, "site"
        yield "electrons.hubbard_u", e.hubbard_u, cluster.classes, "site"
        yield "electrons.repulsion", e.repulsion, bonds, "bond"
    if (b := model.bosons) is not None:
        on = [cluster.classes[i] for i in _boson_sites(cluster, b)]
        yield "bosons.level", b.level, on, "boson site"
        yield "bosons.exchange", b.exchange, on, "boson site"
        yield "bosons.hopping", b.hopping, bonds, "bond"
    if (p := model.phonons) is not None:
        modes = place(cluster, p.on)
        labels = [mode.label for mode in modes]
        yield "phonons.frequency", p.frequency, labels, "mode"
        yield "phonons.boson_coupling", p.boson_coupling, labels, "mode"
        yield "phonons.electron_coupling", p.electron_coupling, labels, "mode"
        if _modes_on_bonds(modes):
            yield "phonons.bond_coupling", p.bond_coupling, labels, "mode"
        else:
            yield "phonons.bond_coupling", p.bond_coupling, bonds, "bond"


def model_problems(model: Model) -> Iterator[Problem]:
    """Yield everything wrong with a model that its types do not show."""
    if not isinstance(model.name, str) or has_controls(model.name):
        yield Problem("name", show(model.name), ALLOWED)
    misplaced = list(_place_problems(model))
    yield from misplaced
    if misplaced:
        return
    for path, coupling, labels, what in _coupling_list(model):
        _, complaint = resolve(coupling, labels, what)
        if complaint:
            yield Problem(path, show(coupling), complaint)
    if not is_number(model.chemical_potential):
        yield Problem("ensemble.chemical_potential", show(model.chemical_potential), "allowed: a finite number")
    yield from _flux_problems(model)
    if model.bosons is not None:
        yield from _boson_problems(model, model.bosons)
    if model.phonons is not None:
        yield from _phonon_problems(model, model.phonons)


def _place_problems(model: Model) -> Iterator[Problem]:
    species = (("bosons.on", model.bosons, False), ("phonons.on", model.phonons, True))
    for path, table, bonds_allowed in species:
        if table is None:
            continue
        try:
            place(model.cluster, table.on, bonds_allowed=bonds_allowed)
        except ValueError as error:
            yield Problem(path, show(table.on), str(error))


def _flux_problems(model: Model) -> Iterator[Problem]:
    if not is_number(model.flux):
        yield Problem("field.flux", show(model.flux), "allowed: a finite number")
    elif model.flux != 0 and not model.cluster.has_loop:
        yield Problem(
            "field.flux",
            show(model.flux),
            f"allowed: 0, since a {model.cluster.kind} with {model.cluster.sites} sites has no loop that the flux "
            "could thread; rings of 3 or more sites have",
        )


def _boson_problems(model: Model, bosons: Bosons) -> Iterator[Problem]:
    if model.electrons is None and nonzero(bosons.exchange):
        yield Problem("bosons.exchange", show(bosons.exchange), "allowed: 0; add an [electrons] table")


def _phonon_problems(model: Model, phonons: Phonons) -> Iterator[Problem]:
    modes = place(model.cluster, phonons.on)
    labels = [mode.label for mode in modes]
    frequency, complaint = resolve(phonons.frequency, labels, "mode")
    if complaint is None and not np.all(frequency > 0):
        yield Problem("phonons.frequency", show(phonons.frequency), "allowed: above 0 for every mode")
    yield from _cutoff_problems(phonons)
    for key in ("max_quanta", "total_quanta"):
        cap = getattr(phonons, key)
        if cap is not None and (not isinstance(cap, int) or isinstance(cap, bool) or not 0 <= cap <= MAX_QUANTA):
            yield Problem(f"phonons.{key}", show(cap), f"allowed: whole numbers from 0 to {MAX_QUANTA}")
    yield from _carrier_problems(model, phonons, modes)
    yield from _displacement_problems(phonons, len(modes))


def _cutoff_problems(phonons: Phonons) -> Iterator[Problem]:
    caps = [key for key in ("max_quanta", "total_quanta") if getattr(phonons, key) is not None]
    if phonons.cutoff not in (None, "auto"):
        yield Problem("phonons.cutoff", show(phonons.cutoff), 'allowed: "auto", or leave it out and give max_quanta')
    elif phonons.cutoff == "auto" and caps:
        yield Problem("phonons.cutoff", show(phonons.cutoff), f'allowed: either "auto" or {" and ".join(caps)}')
    elif phonons.cutoff is None and not caps:
        allowed = 'give max_quanta, total_quanta or both: the phonon cutoff; or cutoff = "auto"'
        yield Problem("phonons.max_quanta", "nothing", allowed)
    if not is_number(phonons.accuracy) or not phonons.accuracy > 0:
        yield Problem("phonons.accuracy", show(phonons.accuracy), "allowed: a number above 0")


def _carrier_problems(model: Model, phonons: Phonons, modes: Sequence[Mode]) -> Iterator[Problem]:
    """Couplings need something to couple to."""
    on_bonds = _modes_on_bonds(modes)
    needs = (
        ("boson_coupling", model.bosons is None, "add a [bosons] table"),
        ("electron_coupling", model.electrons is None, "add an [electrons] table"),
        ("bond_coupling", model.electrons is None, "add an [electrons] table"),
        ("boson_coupling", on_bonds, "it needs modes on sites, and these are on bonds"),
        ("electron_coupling", on_bonds, "it needs modes on sites, and these are on bonds"),
    )
    for key, missing, cure in needs:
        if missing and nonzero(getattr(phonons, key)):
            yield Problem(f"phonons.{key}", show(getattr(phonons, key)), f"allowed: 0 here; {cure}")
    if model.bosons is not None and not on_bonds:
        alpha, complaint = resolve(phonons.boson_coupling, [mode.label for mode in modes], "mode")
        homeless = [m.index for m, a in zip(modes, alpha, strict=True) if a and m.index not in model.boson_sites]
        if complaint is None and homeless:
            yield Problem(
                "phonons.boson_coupling",
                show(phonons.boson_coupling),
                f"allowed: 0 on site {homeless[0]}, which carries no boson (bosons.on = {show(model.bosons.on)})",
            )


def _displacement_problems(phonons: Phonons, modes: int) -> Iterator[Problem]:
    shift = phonons.displacement
    allowed = 'allowed: "none", "mean", "lang-firsov", "auto", or a list of numbers <x>, one for each mode'
    if isinstance(shift, str):
        if shift not in DISPLACEMENTS:
            yield Problem("phonons.displacement", show(shift), allowed)
    elif not isinstance(shift, Sequence | np.ndarray) or len(shift) != modes or not all(is_number(x) for x in shift):
        yield Problem("phonons.displacement", show(shift), f"{allowed} ({modes} of them)")
    f = phonons.dressing
    if f is None:
        return
    if shift != "lang-firsov":
        allowed = 'leave it out, or take displacement = "lang-firsov", whose strength it is'
        yield Problem("phonons.dressing", show(f), allowed)
    elif f != "optimal" and not (is_number(f) and 0.0 <= float(f) <= 1.0):
        yield Problem("phonons.dressing", show(f), 'allowed: numbers from 0 to 1, or "optimal"')


def bond_phase(bond: Bond, flux: float, charge: int) -> complex:
    """Return the Peierls factor ``exp(i charge winding phi)`` of a hop along `bond`, exactly 1 without flux."""
    return complex(np.exp(1j * charge * bond.winding * flux)) if flux and bond.winding else 1.0 + 0.0j
