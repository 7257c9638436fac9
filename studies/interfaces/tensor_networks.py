"""What exports to DMRG codes share: the order of local spaces, and their error bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .terms import Terms

BONDS = (64, 128, 256, 512, 1024)
"""Bond dimensions that are tried one after the other."""
SETTLED = 1e-10
"""Change of the energy with the bond dimension, in units of the largest coefficient, at which it has settled."""
FLOOR = 1e-8
"""Least error bar in these units."""
MOST_PLACES = 40


@dataclass(frozen=True)
class Places:
    """Local spaces along the chain: each site with its electrons, its local pair and its oscillators.

    Attributes
    ----------
    electrons, pairs, modes : tuple of int
        Place of the electrons of each site, of each local pair, and of each mode.
    kinds : tuple of str
        What each place is: "electrons", "pair" or "mode".
    """

    electrons: tuple[int, ...]
    pairs: tuple[int, ...]
    modes: tuple[int, ...]
    kinds: tuple[str, ...]

    @classmethod
    def of(cls, terms: Terms) -> Places:
        """Order the local spaces site by site; modes on bonds come after the first of their sites."""
        cluster, has_electrons = terms.model.cluster, terms.model.electrons is not None
        host = [min(mode.place(cluster.bonds)) for mode in terms.model.modes]
        order: list[tuple[str, int]] = []
        for site in range(terms.sites):
            order += [("electrons", site)] if has_electrons else []
            order += [("pair", k) for k, i in enumerate(terms.pairs) if i == site]
            order += [("mode", m) for m, i in enumerate(host) if i == site]
        where = {each: place for place, each in enumerate(order)}
        return cls(
            tuple(where["electrons", i] for i in range(terms.sites)) if has_electrons else (),
            tuple(where["pair", k] for k in range(len(terms.pairs))),
            tuple(where["mode", m] for m in range(terms.modes)),
            tuple(kind for kind, _ in order),
        )


def occupied(terms: Terms) -> tuple[list[str], list[int]]:
    """Return a product state: what each site holds ("", "u", "d" or "ud"), and each local pair (0 or 1)."""
    charge, excess = terms.sector.charge, terms.sector.spin_excess
    most = terms.sites if terms.model.electrons is not None else 0
    half = charge // 4 if most else charge // 2
    numbers = sorted(range(len(terms.pairs) + 1), key=lambda k: abs(k - min(half, len(terms.pairs))))
    for pairs in numbers:
        up, rest = divmod(charge - 2 * pairs + excess, 2)
        down = up - excess
        if not rest and 0 <= up <= most and 0 <= down <= most:
            held = ["u" * (i < up) + "d" * (i >= terms.sites - down) for i in range(terms.sites)]
            return held, [int(k < pairs) for k in range(len(terms.pairs))]
    raise ValueError("the sector has no states")


def settled(terms: Terms, solve: Callable[[int], float]) -> tuple[float, float]:
    """Return the energy at the bond dimension from which it does not change, and an error bar from the last change.

    Parameters
    ----------
    terms : Terms
        For the unit of energy.
    solve : function
        From a bond dimension to an energy.
    """
    unit = max((abs(value) for value, *_ in terms), default=1.0)
    before, change = solve(BONDS[0]), float("inf")
    for bond in BONDS[1:]:
        now = solve(bond)
        change, before = abs(now - before), min(now, before)
        if change < SETTLED * unit:
            break
    return before, 3.0 * change + FLOOR * unit


def why_not(terms: Terms) -> str:
    """Return why a chain of local spaces cannot do it; empty where it can."""
    if terms.total_quanta is not None:
        return "each of its oscillators has its own cap, and total_quanta is there; give phonons.max_quanta alone"
    count = len(Places.of(terms).kinds)
    if count < 2:
        return "a chain needs two local spaces or more"
    return f"its {count} local spaces are above {MOST_PLACES}" if count > MOST_PLACES else ""
