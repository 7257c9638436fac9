"""The cluster: sites, bonds, lattice modes and their symmetry permutations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from math import prod
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .._core.display import Card, Shown, counted
from .._core.errors import InvalidValue
from .._core.text import ALLOWED, has_controls
from .drawing import projected, svg
from .loops import loop_length
from .symmetry import Permutation, isometries
from .translations import Translation, generators

Host = Literal["site", "bond"]
Vector = tuple[float, ...]
ADDED = MappingProxyType({"added": True})
"""Metadata of fields that fingerprints omit at their default values, so that older checkpoints stay valid."""


@dataclass(frozen=True)
class Bond:
    """An oriented bond ``start -> end``.

    Attributes
    ----------
    start, end : int
        Site indices. The hop ``c+_end c_start`` carries the Peierls phase ``exp(i * winding * phi)``.
    label : str
        Class of the bond, the key of couplings given as tables.
    winding : float
        Fraction of the total flux that the bond carries; the bonds of a loop add up to one.
    windings : tuple of float
        On clusters that are closed in several directions, the fraction for each of them: of a flux vector phi the hop
        carries ``exp(i windings . phi)``. `winding` is then the first of them.
    phase : float
        Further phase of the hop in a magnetic field, in turns of 2 pi: a factor ``exp(2 pi i phase)``.
    """

    start: int
    end: int
    label: str = "bond"
    winding: float = 0.0
    windings: tuple[float, ...] = field(default=(), metadata=ADDED)
    phase: float = field(default=0.0, repr=False, metadata=ADDED)

    def __post_init__(self) -> None:
        if self.windings:
            object.__setattr__(self, "winding", self.windings[0])

    @property
    def shares(self) -> tuple[float, ...]:
        """The fraction of each flux that the bond carries: one number, or `windings` where there are several."""
        return self.windings or (self.winding,)


@dataclass(frozen=True)
class Mode:
    """One Einstein oscillator on a site or on a bond.

    Attributes
    ----------
    host : {"site", "bond"}
        Whether the mode belongs to a site or to a bond.
    index : int
        Index of that site or bond.
    label : str
        Class of that site or bond.
    branch : str
        Name of its branch; empty for models without branches, in which each host has at most one mode.
    """

    host: Host
    index: int
    label: str
    branch: str = field(default="", metadata=ADDED)

    def place(self, bonds: Sequence[Bond]) -> list[int]:
        """Return the site of the mode, or the two sites of its bond."""
        return [self.index] if self.host == "site" else [bonds[self.index].start, bonds[self.index].end]


@dataclass(frozen=True, repr=False)
class Cluster(Shown):
    """Geometry of a model: a finite graph of sites and bonds in one, two or three dimensions.

    Attributes
    ----------
    kind : str
        Name of the family, for example ``"ring"``.
    positions : tuple of (float, ...)
        Coordinates of the sites in units of the bond length, one to three per site; used for drawings and symmetries.
    classes : tuple of str
        Class of each site.
    bonds : tuple of Bond
        Each pair of sites has at most one bond, except for periodic images: on a closed cluster two sites wide,
        neighbours share two bonds, one in each direction around the cluster.
    modes : tuple of Mode
        Oscillators, in the order of the phonon occupation numbers.
    translation, reflection : tuple of int or None
        Site permutations that define the quantum numbers ``momentum`` and ``reflection``; site ``i`` is mapped to
        ``translation[i]``. None if the cluster has no such symmetry.
    cell : tuple of (float, ...)
        Periods T_j of a closed cluster, one for each component of the flux vector; empty for rings and open clusters.
    translations : tuple of Translation
        Generators of the translation group of a closed cluster.
    made_from : tuple of (str, value)
        Arguments of the function that made the cluster, as in model files; empty if they follow from the geometry.
    left_out : int
        Number of bonds from a site to its own image, which are omitted from `bonds`.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> ring(4).translation
    (1, 2, 3, 0)
    >>> len(ring(2).bonds)  # two sites share one bond, never two
    1
    """

    kind: str
    positions: tuple[Vector, ...]
    classes: tuple[str, ...]
    bonds: tuple[Bond, ...] = ()
    modes: tuple[Mode, ...] = ()
    translation: Permutation | None = field(default=None, repr=False)
    reflection: Permutation | None = field(default=None, repr=False)
    cell: tuple[Vector, ...] = field(default=(), repr=False, metadata=ADDED)
    translations: tuple[Translation, ...] = field(default=(), repr=False, metadata=ADDED)
    made_from: tuple[tuple[str, object], ...] = field(default=(), repr=False, metadata=ADDED)
    left_out: int = field(default=0, repr=False, metadata=ADDED)

    def __post_init__(self) -> None:
        if not self.positions:
            raise InvalidValue("a cluster needs at least one site, got none")
        if len(self.classes) != len(self.positions):
            raise InvalidValue(f"{len(self.positions)} positions need as many classes, got {len(self.classes)}")
        for name in (self.kind, *self.classes, *(bond.label for bond in self.bonds)):
            if has_controls(str(name)):
                raise InvalidValue(f"the name {name!r} cannot be shown; {ALLOWED}")
        seen: dict[tuple[int, int], list[tuple[float, ...]]] = {}
        for bond in self.bonds:
            _check_bond(bond, self, seen)

    @property
    def sites(self) -> int:
        """Number of sites."""
        return len(self.positions)

    @property
    def is_infinite(self) -> bool:
        """True for a window of an infinite lattice, which is solved for one or two particles."""
        return self.kind.startswith("infinite-")

    @property
    def site_classes(self) -> tuple[str, ...]:
        """The distinct site classes, in order of appearance."""
        return tuple(dict.fromkeys(self.classes))

    @property
    def bond_classes(self) -> tuple[str, ...]:
        """The distinct bond classes, in order of appearance."""
        return tuple(dict.fromkeys(bond.label for bond in self.bonds))

    @property
    def has_loop(self) -> bool:
        """True if some bond carries a phase of the flux."""
        return any(any(bond.shares) for bond in self.bonds)

    @property
    def is_ring(self) -> bool:
        """True if a single flux threads the cluster: rings, and lattices closed in one direction."""
        return self.has_loop and self.fluxes == 1

    @property
    def fluxes(self) -> int:
        """Number of components of the flux: one, or one for each direction in which the cluster is closed."""
        return len(self.cell) or max([1, *(len(bond.windings) for bond in self.bonds)])

    @property
    def doubled(self) -> tuple[tuple[int, int], ...]:
        """Pairs of sites that share more than one bond."""
        pairs = [(min(bond.start, bond.end), max(bond.start, bond.end)) for bond in self.bonds]
        return tuple(sorted(pair for pair in set(pairs) if pairs.count(pair) > 1))

    @property
    def remarks(self) -> tuple[str, ...]:
        """Finite-size remarks on a small closed cluster: doubled bonds, omitted bonds, symmetries left in a field."""
        found = []
        if pairs := self.doubled:
            found.append(f"doubled: {counted(len(pairs), 'pair')} of sites with two or more bonds, one each way round")
        if any(bond.phase for bond in self.bonds):
            whole, left = ([turn.period for turn in turns] for turns in (self.translations, generators(self)))
            found.append(f"in a magnetic field {prod(left)} of {prod(whole)} translations commute and are symmetries")
        if self.left_out:
            found.append(f"{counted(self.left_out, 'bond')} from a site to its own image left out")
        return tuple(found)

    @property
    def loop_length(self) -> float:
        """L, the smallest number of bonds of a closed path per winding around the flux; 0 without such paths.

        L does not depend on the gauge. A ring of N sites has L = N, with or without a central site: closed paths
        through the centre enclose only a fraction of the flux.
        """
        return loop_length(self.sites, self.bonds)

    @property
    def size(self) -> str:
        """Kind and numbers of sites, bonds and modes, as text."""
        if self.is_infinite:
            return self.kind
        counts = ((self.sites, "site"), (len(self.bonds), "bond"), (len(self.modes), "mode"))
        return f"{self.kind}: {', '.join(counted(number, noun) for number, noun in counts if number)}"

    def card(self) -> Card:
        """Return a table of the site and bond classes with a drawing."""
        rows = [(f"{what}s", ", ".join(f"{labels.count(name)} {escape(name)}" for name in dict.fromkeys(labels)))
                for what, labels in (("site", self.classes), ("bond", tuple(bond.label for bond in self.bonds)))
                if len(set(labels)) > 1]  # fmt: skip
        return Card(escape(self.size), rows, picture=self.drawing, note="; ".join(self.remarks))

    @property
    def drawing(self) -> str:
        """The cluster as a small picture in SVG."""
        lines = [(start, end, bond.label) for bond in self.bonds for start, end in self.lines(bond)]
        bonds = [(projected(start), projected(end), label) for start, end, label in lines]
        modes = projected(np.array([self.middle(mode) for mode in self.modes]).reshape(-1, self.coordinates.shape[1]))
        return svg(projected(self.coordinates), self.classes, bonds, modes, self.size)

    @property
    def coordinates(self) -> NDArray[np.float64]:
        """Positions as an array of shape (sites, coordinates)."""
        return np.array(self.positions, dtype=float)

    def vector(self, bond: Bond) -> NDArray[np.float64]:
        """Return the vector from the start of a bond to its end, through the cell boundary if the bond crosses it."""
        apart: NDArray[np.float64] = self.coordinates[bond.end] - self.coordinates[bond.start]
        if not self.cell:
            return apart
        rows = np.array(self.cell)
        inside = apart @ np.linalg.pinv(rows)
        around: NDArray[np.float64] = np.round(np.array(bond.shares) - inside)
        return np.asarray(apart + around @ rows)

    def direction(self, bond: Bond) -> tuple[float, float]:
        """Return the in-plane components of the unit vector along a bond; rings count as chains along x."""
        if self.kind == "ring":
            return 1.0 if 2 * ((bond.end - bond.start) % self.sites) <= self.sites else -1.0, 0.0
        vector = self.vector(bond)
        x, y = (vector[:2] / np.linalg.norm(vector)).tolist()
        return x, y

    def middle(self, mode: Mode) -> NDArray[np.float64]:
        """Return the position at which a mode is drawn: its site, or the midpoint of the first line of its bond."""
        if mode.host == "site":
            return np.asarray(self.coordinates[mode.index])
        return np.asarray(np.mean(self.lines(self.bonds[mode.index])[0], axis=0))

    def lines(self, bond: Bond) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Return the end points of the lines of a bond: one line, or two halves if it crosses the cell boundary."""
        start, end = self.coordinates[bond.start], self.coordinates[bond.end]
        step = self.vector(bond)
        if np.allclose(start + step, end):
            return [(start, end)]
        return [(start, start + step / 2), (end, end - step / 2)]

    @cached_property
    def symmetries(self) -> tuple[Permutation, ...]:
        """All site permutations that keep distances, classes and bonds: translations, rotations, reflections."""
        edges = {frozenset((bond.start, bond.end)): bond.label for bond in self.bonds}
        return isometries(self.coordinates, self.classes, edges)

    def with_modes(self, on: str | Sequence[int] | Sequence[str] | Mapping[str, str | Sequence[int]]) -> Cluster:
        """Return the cluster with one oscillator on each of the hosts selected by `on`.

        Parameters
        ----------
        on : "all", "bonds", class name, or list of int; or several of these
            All sites, all bonds, the sites (or else the bonds) of one class, or a list of site indices. A mapping such
            as ``{"soft": "all", "hard": [0, 2]}`` defines several branches of modes, one after the other; a list such
            as ``["all", "all"]`` defines branches named "1", "2", ....

        Raises
        ------
        ValueError
            If the name is not a class of the cluster, or a site does not exist.
        """
        return replace(self, modes=place(self, on))

    def __len__(self) -> int:
        return self.sites


def _check_bond(bond: Bond, cluster: Cluster, seen: dict[tuple[int, int], list[tuple[float, ...]]]) -> None:
    if not (0 <= bond.start < cluster.sites and 0 <= bond.end < cluster.sites):
        raise InvalidValue(
            f"bond [{bond.start}, {bond.end}] refers to a site that does not exist; sites are 0 to {cluster.sites - 1}"
        )
    if bond.start == bond.end:
        raise InvalidValue(f"bond [{bond.start}, {bond.end}] joins a site to itself; a bond needs two different sites")
    if bond.windings and len(bond.windings) != cluster.fluxes:
        raise InvalidValue(
            f"bond [{bond.start}, {bond.end}] has the windings {list(bond.windings)}; give {cluster.fluxes} numbers, "
            "one for each flux, on every bond that has windings"
        )
    forward = bond.start < bond.end
    pair = (bond.start, bond.end) if forward else (bond.end, bond.start)
    shares = tuple(round(share if forward else -share, 9) + 0.0 for share in bond.shares)
    if shares in seen.setdefault(pair, []) or (seen[pair] and not bond.windings):
        raise InvalidValue(
            f"bond [{bond.start}, {bond.end}] is given twice; give each pair of sites one bond, or give periodic "
            "images of a bond different windings"
        )
    seen[pair].append(shares)


def place(cluster: Cluster, on: Any, *, bonds_allowed: bool = True) -> tuple[Mode, ...]:
    """Return the modes on the hosts selected by `on`, as given under ``on`` in model files.

    See `Cluster.with_modes` for the meaning of `on`; branches are allowed only with `bonds_allowed`.
    """
    if bonds_allowed and (named := branches_on(on)) is not None:
        return _in_branches(cluster, named)
    on_site = [Mode("site", i, label) for i, label in enumerate(cluster.classes)]
    on_bond = [Mode("bond", b, bond.label) for b, bond in enumerate(cluster.bonds)]
    if not isinstance(on, str | Sequence | np.ndarray):
        raise InvalidValue(f"on = {on!r}; allowed: a list of site indices, as [0, 2], or a name in quotes")
    if not isinstance(on, str):
        return tuple(on_site[i] for i in _site_list(list(on), cluster.sites))
    if on == "all":
        return tuple(on_site)
    if on in cluster.site_classes:
        return tuple(mode for mode in on_site if mode.label == on)
    if bonds_allowed and on == "bonds":
        return tuple(on_bond)
    if bonds_allowed and on in cluster.bond_classes:
        return tuple(mode for mode in on_bond if mode.label == on)
    names = ["all", *(["bonds"] if bonds_allowed else []), *cluster.site_classes]
    names += list(cluster.bond_classes) if bonds_allowed else []
    allowed = ", ".join(repr(name) for name in dict.fromkeys(names))
    raise InvalidValue(f"{on!r} is not a class of this cluster; allowed: {allowed}, or a list of site indices")


def branches_on(on: object) -> Mapping[str, Any] | None:
    """Return the branches defined by `on`; None if it selects one mode per host.

    Examples
    --------
    >>> branches_on(["all", "ligand"]), branches_on([0, 2])
    ({'1': 'all', '2': 'ligand'}, None)
    """
    if isinstance(on, Mapping):
        return on
    if isinstance(on, Sequence) and not isinstance(on, str) and on and all(isinstance(each, str) for each in on):
        return {str(number): each for number, each in enumerate(on, 1)}
    return None


def _in_branches(cluster: Cluster, named: Mapping[str, Any]) -> tuple[Mode, ...]:
    taken = ("all", "bonds", *cluster.site_classes, *cluster.bond_classes)
    found: list[Mode] = []
    for name, on in named.items():
        if not isinstance(name, str) or not name or has_controls(name) or name in taken:
            raise InvalidValue(
                f"a branch of modes cannot be called {name!r}; allowed: names that differ from {', '.join(taken)}, "
                "since values may be given by branch and by class"
            )
        modes = () if branches_on(on) is not None else place(cluster, on)
        if not modes:
            raise InvalidValue(f"{name} = {on!r} selects no site; allowed: a list of site indices, or a name in quotes")
        found += [replace(mode, branch=name) for mode in modes]
    if len({mode.host for mode in found}) != 1:
        raise InvalidValue("some branches are on sites and some on bonds; allowed: all on sites, or all on bonds")
    return tuple(found)


def _site_list(on: Sequence[int], sites: int) -> list[int]:
    for i in on:
        if isinstance(i, bool) or not isinstance(i, int | np.integer) or not 0 <= i < sites:
            raise InvalidValue(f"site {i!r} does not exist; this cluster has sites 0 to {sites - 1}")
    if len(set(on)) != len(on):
        raise InvalidValue(
            f"{list(on)} lists a site twice; list each site once (several modes on a site are branches, as in "
            "{ soft = [0, 1], hard = [0] })"
        )
    return [int(i) for i in on]
