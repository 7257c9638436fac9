"""Couplings of a model as arrays over its sites, bonds and modes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import FrozenInstanceError, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from .._core.display import quantity
from ..clusters import Bond, Card, Cluster, Mode, Shown, place
from .branches import branches_of, links_of, named_parts, pairs_on, resolve_branches
from .disorder import is_disorder, resolve_disorder
from .distances import resolve_apart, site_distances
from .formula import CouplingField
from .parameters import COUPLINGS, FIELDS, Bosons, Coupling, DistanceCoupling, Reach, resolve
from .values import by_distance, is_listed, resolve_reach

if TYPE_CHECKING:
    from .model import Model


def value_at(model: Model, key: str) -> Any:
    """Return the value of a model for a key of `COUPLINGS` or `FIELDS`."""
    species, _, name = key.partition(".")
    return getattr(model, name) if key in FIELDS else getattr(getattr(model, species), name)


def boson_sites_of(cluster: Cluster, bosons: Bosons | None) -> tuple[int, ...]:
    """Return the sites that can carry a local pair."""
    return tuple(mode.index for mode in place(cluster, bosons.on, bonds_allowed=False)) if bosons else ()


class Couplings(Shown):
    """The couplings of a model as arrays, zero for absent species; energies in the user's unit.

    Each is an attribute, named in the table of `parameters`: ``electron_hopping`` (bonds,), ``electron_level``
    (sites,), ``boson_level`` (boson sites,), ``frequency`` (modes,) and so on. Lattice couplings contain omega0:
    ``electron_phonon`` is omega0 alpha_F and ``boson_phonon`` omega0 alpha, for the site of the mode; the matrices
    (modes, sites) are named ``electron_phonon_by_site`` and ``boson_phonon_by_site``. Repulsions by shells of distance
    are zero in the bond arrays and are found in matrices (sites, sites) with the suffix ``_by_site``. The bond coupling
    is ``mode_bond`` (modes,) for modes on bonds, and ``bond_phonon`` (bonds,) for modes on sites. With branches of
    modes, ``bond_phonon``, ``phonon_hopping`` and ``phonon_spring`` list all bonds of the first branch, then those of
    the next one.

    Parameters
    ----------
    model : Model
        A validated model.
    """

    def __init__(self, model: Model) -> None:
        labels, second, each = _Places.of(model).labels, on_bonds(model.modes), list(enumerate(model.modes))
        arrays: dict[str, NDArray[np.float64]] = {
            f"{name}_by_site": np.zeros((len(each) if entry.reaches else model.cluster.sites, model.cluster.sites))
            for entry in COUPLINGS.values()
            if entry.reaches or entry.apart
            for name in entry.arrays
        }
        arrays |= {
            name: np.zeros(len(labels[_place(entry, i > 0)]))
            for entry in COUPLINGS.values()
            for i, name in enumerate(entry.arrays)
        }
        factors: dict[str, NDArray[np.float64]] = {}
        for spread in model.spreads:
            entry, values = spread.entry, spread.values
            if entry.reaches:
                assert entry.factor
                reach = values * factors[entry.factor][:, None]
                if "bosons" in entry.needs:
                    reach = reach * np.isin(np.arange(model.cluster.sites), model.boson_sites)
                arrays[f"{entry.arrays[0]}_by_site"] = reach
                arrays[entry.arrays[0]] = np.array([reach[m, mode.index] if not second else 0.0 for m, mode in each])
                continue
            if entry.apart and by_distance(spread.given):
                arrays[f"{entry.arrays[0]}_by_site"] = values
                continue
            factors[entry.symbol] = values
            arrays[entry.arrays[-1 if second else 0]] = values * factors[entry.factor] if entry.factor else values
        for name, array in arrays.items():
            array.setflags(write=False)
            vars(self)[name] = array

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> NDArray[np.float64]: ...

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to {name}: couplings belong to their model")

    def card(self) -> Card:
        """Return a table of the nonzero couplings."""
        return Card("couplings", [(name, quantity(values)) for name, values in vars(self).items() if np.any(values)])


def joined(model: Model, bond: Bond) -> list[tuple[int, int]]:
    """Return pairs of the modes at the end and at the start of a bond; none if one of the sites has no mode."""
    return pairs_on(model.modes, bond)


def on_bonds(modes: Sequence[Mode]) -> bool:
    """True if the modes are on bonds."""
    return bool(modes) and modes[0].host == "bond"


NOT_LISTED = (
    "allowed on infinite lattices: a number, a table by class name, or { distance = [...] } if shells are known; "
    "lists by site are not possible, since all cells are the same"
)


@dataclass(frozen=True)
class Spread:
    """One coupling of a model, expanded over its sites, bonds or modes.

    Attributes
    ----------
    entry : CouplingField
        Entry of the table of couplings.
    given : Coupling, Reach or DistanceCoupling
        Value given by the user.
    values : (n,), (modes, sites) or (sites, sites) float
        The coupling at each place; zeros if it is invalid.
    complaint : str or None
        The allowed values, if it is invalid.
    """

    entry: CouplingField
    given: Coupling | Reach | DistanceCoupling
    values: NDArray[np.float64]
    complaint: str | None


def _place(entry: CouplingField, modes_on_bonds: bool) -> str:
    """Return the kind of place of a coupling, "link" for the bonds of all branches of modes."""
    place = ("bond", "mode")[modes_on_bonds] if entry.place == "mode or bond" else entry.place
    return "link" if place == "bond" and entry.species == "phonons" else place


@dataclass(frozen=True)
class _Places:
    """The places over which the couplings of a model are expanded.

    Attributes
    ----------
    cluster : Cluster
        Sites and bonds.
    modes : tuple of Mode
        Oscillators of one branch or of all.
    boson_sites : tuple of int
        Sites that can carry a local pair.
    labels : mapping of str to sequence of str
        Classes of all places of each kind.
    """

    cluster: Cluster
    modes: tuple[Mode, ...]
    boson_sites: tuple[int, ...]
    labels: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, model: Model) -> Self:
        """Return the places of a model, with the modes of all branches."""
        return cls._with(model.cluster, modes_of(model), boson_sites_of(model.cluster, model.bosons))

    def branch(self, name: str) -> Self:
        """Return the places with the modes of one branch alone."""
        return self._with(self.cluster, tuple(mode for mode in self.modes if mode.branch == name), self.boson_sites)

    @classmethod
    def _with(cls, cluster: Cluster, modes: tuple[Mode, ...], boson_sites: tuple[int, ...]) -> Self:
        labels = {
            "site": cluster.classes,
            "bond": [bond.label for bond in cluster.bonds],
            "boson site": [cluster.classes[i] for i in boson_sites],
            "mode": [mode.label for mode in modes],
            "link": [bond.label for bond in links_of(modes, cluster.bonds)],
        }
        return cls(cluster, modes, boson_sites, labels)


def modes_of(model: Model) -> tuple[Mode, ...]:
    """Return the oscillators specified by the phonons of a model."""
    return place(model.cluster, model.phonons.on) if model.phonons else ()


def spreads(model: Model) -> Iterator[Spread]:
    """Yield the couplings of the species present in a model."""
    places = _Places.of(model)
    names = branches_of(places.modes)
    branches = {name: places.branch(name) for name in names}

    def spread(entry: CouplingField, given: Any, branch: str | None = None) -> tuple[NDArray[np.float64], str | None]:
        return _resolved(places if branch is None else branches[branch], entry, given, branch is None)

    for entry in COUPLINGS.values():
        if getattr(model, entry.species) is None:
            continue
        given = value_at(model, entry.key)
        parts = named_parts(given, names) if entry.species == "phonons" else None
        if parts is None:
            yield Spread(entry, given, *spread(entry, given))
        else:
            yield Spread(entry, given, *resolve_branches(parts, names, partial(spread, entry)))


def _resolved(
    places: _Places, entry: CouplingField, given: Any, all_branches: bool
) -> tuple[NDArray[np.float64], str | None]:
    """Expand one coupling over its places; return the values, and the allowed ones if it is invalid."""
    cluster, labels, modes = places.cluster, places.labels, places.modes
    place = _place(entry, on_bonds(modes))
    noun = "bond" if place == "link" else place
    if cluster.is_infinite and (is_listed(given) or (entry.random and is_disorder(given))):
        return np.zeros((len(modes), cluster.sites) if entry.reaches else len(labels[place])), NOT_LISTED
    if entry.reaches:
        own = [mode.index if mode.host == "site" else None for mode in modes]
        return resolve_reach(given, labels["mode"], own, site_distances(cluster))
    if entry.apart and by_distance(given):
        return resolve_apart(given, cluster, entry.apart == "sites")
    if entry.random and is_disorder(given):
        sites = range(cluster.sites) if place == "site" else places.boson_sites
        return resolve_disorder(given, labels[place], noun, sites)
    if place == "link" and is_listed(given) and len(given) == len(cluster.bonds) and all_branches:
        found, complaint = resolve(given, labels["bond"], noun)
        return np.tile(found, len(branches_of(modes)) or 1), complaint
    return resolve(given, labels[place], noun)
