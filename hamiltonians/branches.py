"""Several oscillators on a site or a bond: branches of modes, and the bonds that join the modes of a branch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clusters import Bond, Mode
from .values import show

Resolved = tuple[NDArray[np.float64], str | None]
"""Values of a coupling, and what is allowed where it is wrong."""


@dataclass(frozen=True)
class Link(Bond):
    """A bond as the modes of one branch see it.

    Attributes
    ----------
    branch : str
        Its name.
    """

    branch: str = field(default="", kw_only=True)

    @classmethod
    def of(cls, bond: Bond, branch: str) -> Link:
        """Return the link of a branch along a bond."""
        return cls(bond.start, bond.end, bond.label, bond.winding, bond.windings, branch=branch)

    def is_along(self, bond: Bond) -> bool:
        """True for the bond itself; doubles differ in their windings."""
        return self == Link.of(bond, self.branch)


def branches_of(modes: Sequence[Mode]) -> tuple[str, ...]:
    """Return the names of the branches in order; none where modes have no branches."""
    return tuple(dict.fromkeys(mode.branch for mode in modes if mode.branch))


def links_of(modes: Sequence[Mode], bonds: Sequence[Bond]) -> list[Bond]:
    """Return the bonds, once for each branch; over these are spread the couplings of modes along bonds."""
    names = branches_of(modes)
    return [Link.of(bond, name) for name in names for bond in bonds] if names else list(bonds)


def belongs(mode: Mode, bond: Bond) -> bool:
    """True where a mode is one of those that a bond, or the link of a branch, joins."""
    return not isinstance(bond, Link) or mode.branch == bond.branch


def own_bond(mode: Mode, bonds: Sequence[Bond]) -> Bond:
    """Return the bond of a mode, as its branch sees it."""
    return Link.of(bonds[mode.index], mode.branch) if mode.branch else bonds[mode.index]


def share(mode: Mode, bond: Bond, bonds: Sequence[Bond]) -> int:
    """Return the factor of the displacement of a mode in what modulates a bond."""
    if not belongs(mode, bond):
        return 0
    if mode.host == "site":
        return (mode.index == bond.end) - (mode.index == bond.start)
    own = bonds[mode.index]
    return int(bond.is_along(own) if isinstance(bond, Link) else bond is own)


def pairs_on(modes: Sequence[Mode], bond: Bond) -> list[tuple[int, int]]:
    """Return the modes at the end and at the start of a bond, in pairs; none where a site has no mode."""
    at = {mode.index: m for m, mode in enumerate(modes) if mode.host == "site" and belongs(mode, bond)}
    return [(at[bond.end], at[bond.start])] if {bond.start, bond.end} <= at.keys() else []


def share_places(modes: Sequence[Mode]) -> bool:
    """True where a site or bond carries several modes."""
    return len({mode.index for mode in modes}) < len(modes)


def mode_places(modes: Sequence[Mode]) -> Mapping[int, int]:
    """Return modes by their site or bond; by their own number where a site or bond carries several."""
    return {m if share_places(modes) else mode.index: m for m, mode in enumerate(modes)}


def named_parts(given: object, names: Sequence[str]) -> Mapping[str, Any] | None:
    """Return a coupling that is a table by branches; None for any other."""
    return given if isinstance(given, Mapping) and any(name in given for name in names) else None


def resolve_branches(
    given: Mapping[str, Any], names: Sequence[str], resolve_one: Callable[[Any, str], Resolved]
) -> Resolved:
    """Spread a table by branches; branches that it does not name have zeros.

    Parameters
    ----------
    given : mapping
        A coupling for each branch.
    names : sequence of str
        The branches.
    resolve_one : function
        From the coupling of a branch and its name to values and what is wrong.
    """
    if strange := [key for key in given if key not in names]:
        found = [resolve_one(0.0, name)[0] for name in names]
        allowed = ", ".join(map(show, names))
        return np.concatenate(found), f"no branch of modes is called {show(strange[0])}; allowed: {allowed}"
    parts = [resolve_one(given.get(name, 0.0), name) for name in names]
    wrong = next((f"{name}: {part[1]}" for name, part in zip(names, parts, strict=True) if part[1]), None)
    return np.concatenate([part[0] for part in parts]), wrong
