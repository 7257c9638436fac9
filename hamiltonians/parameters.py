"""Parameters of the model: one frozen value for each species, each coupling a number, a table or a list."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._core.text import printable
from ..clusters import Brief, Card, Told
from .formula import species_rows

Coupling = float | Mapping[str, float] | Sequence[float]
"""One number for all, a table by class name (classes not named get 0), or one number for each."""
Where = str | Sequence[int]
"""Where a species lives: "all", a class name, or a list of sites (phonons also "bonds")."""


class Species(Brief):
    """What electrons, local pairs and phonons share: notebooks show their terms as formulas."""

    def _repr_html_(self) -> str:
        name = type(self).__name__.lower()
        there = [f"{name}.{key}" for key, value in vars(self).items() if nonzero(value)]
        return Card(name, list(species_rows(there, **{name: self}))).html  # type: ignore[arg-type]


@dataclass(frozen=True, repr=False)
class Electrons(Species):
    """Couplings of the electrons, energies in the user's unit.

    Attributes
    ----------
    hopping : Coupling
        t on each bond, ``-t (c+_i c_j + h.c.)``.
    level : Coupling
        eps on each site.
    hubbard_u : Coupling
        U on each site, ``U n_up n_dn``.
    repulsion : Coupling
        V on each bond, ``V n_i n_j``.
    """

    hopping: Coupling = 0.0
    level: Coupling = 0.0
    hubbard_u: Coupling = 0.0
    repulsion: Coupling = 0.0


@dataclass(frozen=True, repr=False)
class Bosons(Species):
    """Couplings of the hard-core local pairs.

    Attributes
    ----------
    level : Coupling
        Delta_B on each boson site.
    exchange : Coupling
        v on each boson site, ``v (b+ c_dn c_up + h.c.)``.
    hopping : Coupling
        t_b on each bond, ``-t_b (b+_i b_j + h.c.)``.
    on : Where
        Sites that carry a boson.
    """

    level: Coupling = 0.0
    exchange: Coupling = 0.0
    hopping: Coupling = 0.0
    on: Where = "all"


@dataclass(frozen=True, repr=False)
class Phonons(Species):
    """Einstein oscillators, their couplings, and the truncated space that represents them.

    Attributes
    ----------
    frequency : Coupling
        omega0 of each mode, above zero.
    on : Where
        Hosts of the modes; in model files of ligand-centre clusters the ligand by default.
    boson_coupling : Coupling
        alpha of each mode, ``-omega0 alpha b+_i b_i x_i``.
    electron_coupling : Coupling
        alpha_F of each mode, ``-omega0 alpha_F n_i x_i``.
    bond_coupling : Coupling
        g: with modes on bonds ``-g x_b (c+_i c_j + h.c.)``, one value a mode; with modes on sites
        ``-g (x_j - x_i) (c+_i c_j + h.c.)`` for the bond i -> j, one value a bond.
    max_quanta : int or None
        Largest number of phonons in one mode.
    total_quanta : int or None
        Largest number of phonons in all modes together. One of the two caps must be given.
    displacement : "none", "mean", "lang-firsov", "auto" or list of float
        Shift of the oscillators around which the phonon numbers are counted: none, the shift that the mean charge of
        the sector causes, the shift that the charges on the site cause in each configuration, or <x> = a + a+ for
        each mode; "auto" leaves the choice to the solver. Exact for any choice as the cap grows.
    dressing : float, "optimal" or None
        With "lang-firsov", the share f of the shift that follows the charges, the rest being that of "mean": 1 is the
        Lang-Firsov transformation (the default), 0 is "mean", "optimal" is what gives the lowest ground energy.
    cutoff : "auto" or None
        "auto" in the place of the caps: solvers choose total_quanta such that it holds every place where the lattice
        could be, and raise it until the error bars of all levels are below `accuracy`.
    accuracy : float
        Largest error bar of a level with ``cutoff = "auto"`` [user's unit of energy].
    """

    frequency: Coupling
    on: Where = "all"
    boson_coupling: Coupling = 0.0
    electron_coupling: Coupling = 0.0
    bond_coupling: Coupling = 0.0
    max_quanta: int | None = None
    total_quanta: int | None = None
    displacement: str | Sequence[float] = "none"
    dressing: float | str | None = None
    cutoff: str | None = None
    accuracy: float = 1e-8

    @property
    def strength(self) -> float:
        """The dressing f as a number; 1 where it is left out."""
        return 1.0 if self.dressing is None or isinstance(self.dressing, str) else float(self.dressing)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a model: where, what was found, what is allowed.

    Attributes
    ----------
    path : str
        Place in the model file, for example ``"electrons.hopping"``.
    got : str
        The value found.
    allowed : str
        What would have been right.
    """

    path: str
    got: str
    allowed: str

    def __str__(self) -> str:
        return printable(f"{self.path}: got {self.got}; {self.allowed}")


class InvalidModel(Told, ValueError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """A model, sector or model file that cannot be; carries every problem found, not just the first.

    Attributes
    ----------
    problems : tuple of Problem
        All of them, in the order of the file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


def show(value: object, limit: int = 60) -> str:
    """Return a short repr of a user's value for an error message."""
    text = f'"{value}"' if isinstance(value, str) else repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def is_number(value: object) -> bool:
    """True for a finite real number; False for bool, NaN and infinities."""
    is_real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return is_real and math.isfinite(float(value))  # type: ignore[arg-type]


def nonzero(coupling: Coupling) -> bool:
    """True where any of the numbers of a coupling is not zero."""
    values = coupling.values() if hasattr(coupling, "values") else np.atleast_1d(np.asarray(coupling, dtype=object))
    return any(is_number(value) and value != 0 for value in values)


def resolve(coupling: Coupling, labels: Sequence[str], what: str) -> tuple[NDArray[np.float64], str | None]:
    """Spread a coupling over sites, bonds or modes.

    Parameters
    ----------
    coupling : Coupling
        Number, table by class or list.
    labels : sequence of str
        Class of each site, bond or mode.
    what : str
        Noun for messages: "site", "bond" or "mode".

    Returns
    -------
    values : (n,) float
        One value for each label; zeros where the coupling is wrong.
    complaint : str or None
        What is allowed, if the coupling is wrong.
    """
    zeros = np.zeros(len(labels))
    classes = list(dict.fromkeys(labels))
    if isinstance(coupling, Mapping):
        unknown = [name for name in coupling if name not in classes]
        if unknown:
            names = ", ".join(show(name) for name in classes) or f"none (there is no {what})"
            return zeros, f"no {what} has the class {show(unknown[0])}; allowed classes: {names}"
        if not all(is_number(value) for value in coupling.values()):
            return zeros, "allowed: a table of finite numbers"
        return np.array([float(coupling.get(label, 0.0)) for label in labels]), None
    if isinstance(coupling, Sequence | np.ndarray) and not isinstance(coupling, str):
        if len(coupling) != len(labels):
            return zeros, f"allowed: one number for each {what}, {len(labels)} of them, not {len(coupling)}"
        if not all(is_number(value) for value in coupling):
            return zeros, "allowed: a list of finite numbers"
        return np.array([float(value) for value in coupling]), None
    if not is_number(coupling):
        return zeros, "allowed: a finite number, a table by class name, or a list of numbers"
    return np.full(len(labels), float(coupling)), None
