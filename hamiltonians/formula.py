"""The Hamiltonian of a model as it stands in papers, term by term with its numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from .._core.display import quantity

if TYPE_CHECKING:
    from .parameters import Bosons, Coupling, Electrons, Phonons


class Written(NamedTuple):
    """How one coupling is written: sign, symbol with its subscript, what is summed over, what it varies with, operator.

    A factor may stand before the symbol.
    """

    sign: str
    symbol: str
    label: str
    over: str
    varies: str
    body: str
    factor: str = ""


def _hop(letter: str, charge: str, spin: str) -> str:
    return f"({charge}{letter}†<sub>j{spin}</sub> {letter}<sub>i{spin}</sub> + h.c.)"


OMEGA = "ω<sub>0</sub> "


def _couplings(one: str, two: str, moved: str) -> Mapping[str, Written]:
    """Return how every coupling of a model file is written; hops carry the phases `one` and `two`."""
    electron = _hop("c", one, "σ")
    return MappingProxyType(
        {
            "electrons.hopping": Written("−", "t", "", "⟨ij⟩σ", "ij", electron),
            "electrons.level": Written("+", "ε", "", "i", "i", "n<sub>i</sub>"),
            "electrons.hubbard_u": Written("+", "U", "", "i", "i", "n<sub>i↑</sub> n<sub>i↓</sub>"),
            "electrons.repulsion": Written("+", "V", "", "⟨ij⟩", "ij", "n<sub>i</sub> n<sub>j</sub>"),
            "bosons.level": Written("+", "Δ", "B", "i", "i", "b†<sub>i</sub> b<sub>i</sub>"),
            "bosons.exchange": Written("+", "v", "", "i", "i", "(b†<sub>i</sub> c<sub>i↓</sub> c<sub>i↑</sub> + h.c.)"),
            "bosons.hopping": Written("−", "t", "b", "⟨ij⟩", "ij", _hop("b", two, "")),
            "phonons.frequency": Written("+", "ω", "0", "m", "m", "a†<sub>m</sub> a<sub>m</sub>"),
            "phonons.boson_coupling": Written(
                "−", "α", "", "m", "m", "b†<sub>m</sub> b<sub>m</sub> x<sub>m</sub>", OMEGA
            ),
            "phonons.electron_coupling": Written("−", "α", "F", "m", "m", "n<sub>m</sub> x<sub>m</sub>", OMEGA),
            "phonons.bond_coupling": Written("−", "g", "", "⟨ij⟩σ", "ij", f"{moved} {electron}"),
        }
    )


def species_rows(
    there: Collection[str],
    electrons: Electrons | None = None,
    bosons: Bosons | None = None,
    phonons: Phonons | None = None,
    threaded: bool = False,
    on_bonds: bool = False,
) -> Iterator[tuple[str, str]]:
    """Yield each term, and its coupling, as markup.

    Parameters
    ----------
    there : collection of str
        The couplings that are not zero, as "electrons.hopping".
    electrons, bosons, phonons : Electrons, Bosons, Phonons or None
        What there is.
    threaded : bool
        True where hops carry the phases of a flux.
    on_bonds : bool
        True where the modes sit on bonds.
    """
    one, two = ("e<sup>iθ</sup> ", "e<sup>2iθ</sup> ") if threaded else ("", "")
    written = _couplings(one, two, "x<sub>ij</sub>" if on_bonds else "(x<sub>j</sub> − x<sub>i</sub>)")
    species = {"electrons": electrons, "bosons": bosons, "phonons": phonons}
    for key, how in written.items():
        if key in there:
            table, _, name = key.partition(".")
            value: Coupling = getattr(species[table], name)
            yield _term(how, hasattr(value, "__len__")), f"{_symbol(how, '')} = {quantity(value)}"


def _term(how: Written, varies: bool) -> str:
    total = f"Σ<sub>{how.over}</sub>"
    symbol = how.factor + _symbol(how, how.varies if varies else "")
    return f"{how.sign} {f'{total} {symbol}' if varies else f'{symbol} {total}'} {how.body}"


def _symbol(how: Written, index: str) -> str:
    below = ",".join(filter(None, (how.label, index)))
    return f"{how.symbol}<sub>{below}</sub>" if below else how.symbol


def more_rows(chemical_potential: float, flux: float, terms: int, phonons: Phonons | None) -> Iterator[tuple[str, str]]:
    """Yield what is not a coupling of one species: mu, the user's own terms, flux, phonon cutoff and frame."""
    if chemical_potential:
        yield (
            "− μ Σ<sub>i</sub> (n<sub>i</sub> + 2 b†<sub>i</sub> b<sub>i</sub>)",
            f"μ = {quantity(chemical_potential)}",
        )
    if terms:
        yield "+ terms of your own", f"{terms}"
    if flux:
        yield "", f"φ = {quantity(flux)}, the sum of θ round the loop"
    if phonons is not None:
        yield "", f"x = a + a†; {cutoff(phonons)}"


def cutoff(phonons: Phonons) -> str:
    """Return cutoff and frame of the phonons in words."""
    if phonons.cutoff is not None:
        return f"phonon cutoff chosen for an error below {phonons.accuracy:.0e}"
    caps = ((phonons.max_quanta, "a mode"), (phonons.total_quanta, "in all"))
    frame = phonons.displacement if isinstance(phonons.displacement, str) else "given displacements"
    shifted = "" if frame == "none" else f", frame: {escape(frame)}"
    return f"phonons: at most {', '.join(f'{cap} {where}' for cap, where in caps if cap is not None)}{shifted}"
