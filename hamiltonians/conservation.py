"""Sectors of models that do not conserve S_z, or only the parity of N."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from .model import Model, value_at
from .parameters import COUPLINGS, InvalidModel, Problem, show
from .sector import Sector, allowed_two_sz, charges_of, sector_problems, spins_of


def frame_charge(model: Model, sector: Sector) -> int:
    """Return the charge that defines a phonon frame: that of the sector, or half filling if it has several charges."""
    return sector.charge if sector.parity is None else model.max_charge // 2


def holds(model: Model, sector: Sector, charge: int, two_sz: int) -> bool:
    """True if a sector has states of a charge and spin."""
    return charge in charges_of(model, sector) and two_sz in spins_of(model, sector, charge)


def sector_holding(model: Model, charge: int, two_sz: int) -> Sector:
    """Return the smallest conserved sector that contains the states of a charge and spin."""
    spin: int | Literal["all"] = two_sz if model.keeps_spin else "all"
    return Sector(charge, spin) if model.keeps_charge else Sector(parity=parity_of(charge), two_sz=spin)


def parity_of(charge: int) -> Literal["even", "odd"]:
    """Return the parity of a charge, "even" or "odd"."""
    return "odd" if charge % 2 else "even"


def sectors_of(model: Model, charge: int, all_spins: bool = False) -> list[Sector]:
    """Return the sectors that contain every state of a charge, or of its parity if only that is conserved.

    There is one sector per S_z, unless `all_spins` is set or S_z is not conserved.
    """
    plain = sector_holding(model, charge, charge % 2)
    spins = {spin for n in charges_of(model, plain) for spin in allowed_two_sz(model, n)}
    if all_spins or not model.keeps_spin:
        return [replace(plain, two_sz="all")] if spins else []
    return [replace(plain, two_sz=spin) for spin in sorted(spins)]


def every_sector(model: Model) -> list[Sector]:
    """Return the sectors of a model by charge and spin, which contain every state once."""
    charges = range(model.max_charge + 1) if model.keeps_charge else range(min(2, model.max_charge + 1))
    return [sector for charge in charges for sector in sectors_of(model, charge)]


def moved(model: Model, sector: Sector, change: tuple[int, int]) -> Sector | None:
    """Return the sector after a change of (N, N_up - N_dn), without spatial labels; None if there is none.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> model = Model(dimer(), Electrons(1.0, pairing=0.2))
    >>> print(moved(model, Sector(parity="even"), (1, -1)).title)
    odd N, 2 S_z = -1
    """
    charge, spin = sector.charge + change[0], sector.spin_excess + change[1]
    two_sz: int | Literal["all"] = "all" if sector.has_all_spins else spin
    there = Sector(charge, two_sz) if sector.parity is None else Sector(parity=parity_of(charge), two_sz=two_sz)
    return None if any(sector_problems(model, there)) else there


def largest_charge(model: Model, sector: Sector) -> int:
    """Return the largest charge in a sector."""
    return charges_of(model, sector)[-1]


def conserving(model: Model) -> Model:
    """Return the model without the couplings that break the conservation of N or S_z.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> conserving(Model(dimer(), Electrons(1.0, rashba=0.3, pairing=0.2))).electrons == Electrons(1.0)
    True
    """
    for key in [key for key, entry in COUPLINGS.items() if entry.breaks and key in model.active]:
        species, _, name = key.partition(".")
        model = replace(model, **{species: replace(getattr(model, species), **{name: 0.0})})
    return model


def needs_conserved(
    model: Model, what: str, *quantities: Literal["charge", "spin"], sector: Sector | None = None
) -> None:
    """Raise `InvalidModel` with the problems of `conservation_problems`."""
    if problems := list(conservation_problems(model, what, *quantities, sector=sector)):
        raise InvalidModel(problems)


def conservation_problems(
    model: Model, what: str, *quantities: Literal["charge", "spin"], sector: Sector | None = None
) -> Iterator[Problem]:
    """Yield the couplings, or the sector, that do not conserve the quantities needed for a result.

    Parameters
    ----------
    model : Model
        The Hamiltonian.
    what : str
        Name of the result, for the message.
    *quantities : str
        Quantities that must be conserved: "charge", "spin".
    sector : Sector, optional
        A sector with several charges or S_z is a problem as well.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> print(*conservation_problems(Model(dimer(), Electrons(1.0, pairing=0.2)), "binding energies", "charge"))
    electrons.pairing: got 0.2; allowed: 0 for binding energies, which need a conserved charge N
    """
    words = {"charge": "a conserved charge N", "spin": "a conserved S_z"}
    mixed = {"charge": sector is not None and sector.parity, "spin": sector is not None and sector.has_all_spins}
    keys = {"charge": "parity", "spin": "two_sz"}
    for quantity in quantities:
        if key := model.broken.get(quantity):
            yield Problem(key, show(value_at(model, key)), f"allowed: 0 for {what}, which need {words[quantity]}")
        elif mixed[quantity]:
            key = keys[quantity]
            allowed = f"allowed: one value of {'charge' if quantity == 'charge' else key} for {what}"
            yield Problem(f"sector.{key}", show(getattr(sector, key)), allowed)
