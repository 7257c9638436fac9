"""Branches of modes: several oscillators on a site or bond, and the links between modes of a branch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clusters import Bond, Mode
from .values import show

Resolved = tuple[NDArray[np.float64], str | None]
"""Values of a coupling, and the allowed values if it is invalid."""


@dataclass(frozen=True)
class Link(Bond):
    """A bond between the modes of one branch.

    Attributes
    ----------
    branch : str
        Name of the branch.
    """

    branch: str = field(default="", kw_only=True)

    @classmethod
    def of(cls, bond: Bond, branch: str) -> Link:
        """Return the link of a branch along a bond."""
        return cls(bond.start, bond.end, bond.label, bond.winding, bond.windings, branch=branch)

    def is_along(self, bond: Bond) -> bool:
        """True if the link lies on this bond; doubled bonds differ in their windings."""
        return self == Link.of(bond, self.branch)


def branches_of(modes: Sequence[Mode]) -> tuple[str, ...]:
    """Return the names of the branches in order; none if the modes have no branches."""
    return tuple(dict.fromkeys(mode.branch for mode in modes if mode.branch))


def links_of(modes: Sequence[Mode], bonds: Sequence[Bond]) -> list[Bond]:
    """Return the bonds, once for each branch: the places of couplings between modes along bonds."""
    names = branches_of(modes)
    return [Link.of(bond, name) for name in names for bond in bonds] if names else list(bonds)


def belongs(mode: Mode, bond: Bond) -> bool:
    """True if a mode belongs to an end of a bond, or of the link of its branch."""
    return not isinstance(bond, Link) or mode.branch == bond.branch


def own_bond(mode: Mode, bonds: Sequence[Bond]) -> Bond:
    """Return the bond of a mode, as a link of its branch."""
    return Link.of(bonds[mode.index], mode.branch) if mode.branch else bonds[mode.index]


def share(mode: Mode, bond: Bond, bonds: Sequence[Bond]) -> int:
    """Return the coefficient of the displacement of a mode in the modulation of a bond."""
    if not belongs(mode, bond):
        return 0
    if mode.host == "site":
        return (mode.index == bond.end) - (mode.index == bond.start)
    own = bonds[mode.index]
    return int(bond.is_along(own) if isinstance(bond, Link) else bond is own)


def pairs_on(modes: Sequence[Mode], bond: Bond) -> list[tuple[int, int]]:
    """Return pairs of the modes at the end and at the start of a bond; none if one of the sites has no mode."""
    at = {mode.index: m for m, mode in enumerate(modes) if mode.host == "site" and belongs(mode, bond)}
    return [(at[bond.end], at[bond.start])] if {bond.start, bond.end} <= at.keys() else []


def share_places(modes: Sequence[Mode]) -> bool:
    """True if a site or bond carries several modes."""
    return len({mode.index for mode in modes}) < len(modes)


def mode_places(modes: Sequence[Mode]) -> Mapping[int, int]:
    """Return modes by their site or bond, or by their own number if a site or bond carries several."""
    return {m if share_places(modes) else mode.index: m for m, mode in enumerate(modes)}


def named_parts(given: object, names: Sequence[str]) -> Mapping[str, Any] | None:
    """Return a coupling given as a table by branches; None for any other."""
    return given if isinstance(given, Mapping) and any(name in given for name in names) else None


def resolve_branches(
    given: Mapping[str, Any], names: Sequence[str], resolve_one: Callable[[Any, str], Resolved]
) -> Resolved:
    """Expand a table by branches into values; branches that are not listed are zero.

    Parameters
    ----------
    given : mapping
        A coupling for each branch.
    names : sequence of str
        The branches.
    resolve_one : function
        From the coupling and the name of a branch to its values and the allowed values if it is invalid.
    """
    if strange := [key for key in given if key not in names]:
        found = [resolve_one(0.0, name)[0] for name in names]
        allowed = ", ".join(map(show, names))
        return np.concatenate(found), f"no branch of modes is called {show(strange[0])}; allowed: {allowed}"
    parts = [resolve_one(given.get(name, 0.0), name) for name in names]
    wrong = next((f"{name}: {part[1]}" for name, part in zip(names, parts, strict=True) if part[1]), None)
    return np.concatenate([part[0] for part in parts]), wrong
