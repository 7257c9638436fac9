"""Checks of the largest numbers of electrons and local pairs on a site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .couplings import Spread
from .parameters import Problem, nonzero, show

if TYPE_CHECKING:
    from .model import Model

IN_PAIRS = (
    "electrons.hubbard_u", "electrons.pair_hopping", "electrons.pairing", "bosons.exchange",
    "phonons.exchange_coupling",
)  # fmt: skip
"""Couplings that act on two electrons of a site."""
MOST_PAIRS = 16
"""Largest number of local pairs on a site."""
MOST_BITS = 62
"""Bits of a charge configuration."""
ELECTRONS, PAIRS = "electrons.double_occupancy", "bosons.max_occupation"


def occupation_limits(model: Model) -> Iterator[Problem]:
    """Yield the problems of the largest occupations themselves."""
    double = True if model.electrons is None else model.electrons.double_occupancy
    most = 1 if model.bosons is None else model.bosons.max_occupation
    if not isinstance(double, bool):
        yield Problem(ELECTRONS, show(double), "allowed: True or False (true or false in files)")
    elif not double and model.cluster.is_infinite:
        yield Problem(ELECTRONS, "false", "allowed on infinite lattices: true; give a large electrons.hubbard_u")
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST_PAIRS:
        yield Problem(PAIRS, show(most), f"allowed: whole numbers from 1 to {MOST_PAIRS}")
    elif most > 1 and model.cluster.is_infinite:
        yield Problem(PAIRS, show(most), "allowed on infinite lattices: 1")


def occupation_problems(model: Model, couplings: Sequence[Spread]) -> Iterator[Problem]:
    """Yield the couplings and options that are incompatible with the largest occupations."""
    for spread in couplings:
        key, given = spread.entry.key, spread.given
        if model.most_electrons == 1 and key in IN_PAIRS and nonzero(given):
            allowed = f"allowed: 0 with {ELECTRONS} = false, since it acts on two electrons of a site"
            yield Problem(key, show(given), allowed)
        if model.most_bosons == 1 and key == "bosons.interaction" and nonzero(given):
            yield Problem(key, show(given), f"allowed: 0 with {PAIRS} = 1, since no site has two local pairs")
    bits = 2 * model.cluster.sites + model.most_bosons * len(model.boson_sites)
    if bits > MOST_BITS and model.most_bosons > 1:
        most = (MOST_BITS - 2 * model.cluster.sites) // len(model.boson_sites)
        allowed = f"allowed here: at most {most}; configurations have {MOST_BITS} bits"
        yield Problem(PAIRS, show(model.most_bosons), allowed)
    if model.most_bosons > 1 and model.phonons is not None and model.phonons.basis != "number":
        allowed = "allowed: number where sites hold several local pairs"
        yield Problem("phonons.basis", show(model.phonons.basis), allowed)
