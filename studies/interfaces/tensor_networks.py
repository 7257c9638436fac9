"""Order of the local spaces and error bars, common to the interfaces to DMRG codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .terms import Terms

BONDS = (64, 128, 256, 512, 1024)
"""Increasing bond dimensions."""
SETTLED = 1e-10
"""Convergence threshold of the energy with the bond dimension, in units of the largest coefficient."""
FLOOR = 1e-8
"""Smallest error bar, in the same units."""
MOST_PLACES = 40


@dataclass(frozen=True)
class Places:
    """Order of the local spaces along the chain: site by site the electrons, the local pair and the oscillators.

    Attributes
    ----------
    electrons, pairs, modes : tuple of int
        Positions of the electrons of each site, of each local pair, and of each mode.
    kinds : tuple of str
        Kind of each position: "electrons", "pair" or "mode".
    """

    electrons: tuple[int, ...]
    pairs: tuple[int, ...]
    modes: tuple[int, ...]
    kinds: tuple[str, ...]

    @classmethod
    def of(cls, terms: Terms) -> Places:
        """Order the local spaces site by site; modes on bonds follow the first site of the bond."""
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
    """Return a product state of the sector: electrons on each site ("", "u", "d" or "ud"), and local pairs (0 or 1)."""
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
    """Return the energy converged in the bond dimension, and an error bar from the last change.

    Parameters
    ----------
    terms : Terms
        Terms of the Hamiltonian; they define the unit of energy.
    solve : function
        Function that returns the energy for a bond dimension.
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
    """Return why the model cannot be solved as a chain of local spaces; empty if it can."""
    if terms.total_quanta is not None:
        return "total_quanta is given; allowed: a cutoff of each mode alone, phonons.max_quanta"
    count = len(Places.of(terms).kinds)
    if count < 2:
        return "one local space; allowed: at least two"
    return f"{count} local spaces; allowed: at most {MOST_PLACES}" if count > MOST_PLACES else ""
