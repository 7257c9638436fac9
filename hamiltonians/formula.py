"""Formulas of couplings and terms, written once in LaTeX and converted to HTML and text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, replace
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from .._core.display import plain, quantity
from .values import reaches_out

if TYPE_CHECKING:
    from .parameters import Phonons

Place = Literal["site", "bond", "boson site", "mode", "mode or bond", "mode and site", "pair", "sites", "model"]
"""Kind of place of a coupling; "mode or bond" means modes if they are on bonds, and bonds otherwise."""
SUMS: Mapping[Place, tuple[str, str]] = MappingProxyType(
    {
        "site": ("i", "i"),
        "bond": (r"\langle ij\rangle", "ij"),
        "boson site": ("i", "i"),
        "mode": ("m", "m"),
        "mode or bond": (r"\langle ij\rangle", "ij"),
        "mode and site": ("mi", "mi"),
        "pair": ("i<j", "ij"),
        "sites": ("ij", "ij"),
        "model": ("i", ""),
    }
)
"""Range of the sum of a term, and index of its coupling."""
GREEK = "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho _ sigma tau"
GREEK += " upsilon varphi chi psi omega"
LETTERS: Mapping[str, str] = MappingProxyType(
    {
        **{name: chr(0x3B1 + i) for i, name in enumerate(GREEK.split())},
        **{name.capitalize(): chr(0x391 + i) for i, name in enumerate(GREEK.split())},
        "phi": "φ", "sum": "Σ", "langle": "⟨", "rangle": "⟩", "uparrow": "↑", "downarrow": "↓", "dagger": "†",
        "cdot": "·",
    }
)  # fmt: skip
"""Unicode characters of LaTeX commands."""


@dataclass(frozen=True, kw_only=True)
class CouplingField:
    r"""Description of a coupling, the metadata of a field of `Electrons`, `Bosons` or `Phonons`.

    The term is ``sign factor coupling operator``, summed over sites, bonds or modes.

    Attributes
    ----------
    symbol : str
        Symbol in LaTeX, as ``\Delta_B``.
    operator : str
        The operator in LaTeX; empty if there is none. Its index is that of the place; ``y_{ij}`` is the displacement
        associated with a bond.
    place : Place
        Kind of place on which the coupling is defined.
    name : str
        Short name, for controls.
    words : str
        Meaning of the term, for documentation.
    forms : str
        Further input formats of the coupling.
    sign : str
        "" or "-".
    factor : str
        Symbol of another coupling that multiplies the term, as ``\omega_0``.
    part : str
        Part of the energy to which the term contributes: "hopping", "exchange", "lattice", "coupling", or none.
    needs : tuple of str
        Degrees of freedom it acts on besides its own species: "electrons", "bosons", "modes on sites".
    low, high, step, default : float
        Range, step and initial value of a slider.
    arrays : tuple of str
        Attributes of `Couplings` that hold it (for "mode or bond" first that of the bonds, then that of the modes).
    reaches : bool
        Whether it can couple each mode to the charges of all sites.
    apart : str
        Whether it can be given by shells of distance: "pairs" couples different sites, each pair once; "sites" couples
        each site to itself and to all others; "" not at all.
    random : bool
        Whether it can be given as disorder, a random number for each site.
    breaks : str
        Quantity that it does not conserve: "spin" (S_z), "charge" (N; its parity is conserved), or "".
    key : str
        Key in model files, as "electrons.hopping"; set from the name of the field.
    """

    symbol: str
    operator: str
    place: Place
    name: str
    words: str
    forms: str = ""
    sign: str = ""
    factor: str = ""
    part: str = ""
    needs: tuple[str, ...] = ()
    low: float = 0.0
    high: float
    step: float
    default: float = 0.0
    arrays: tuple[str, ...] = ()
    reaches: bool = False
    apart: str = ""
    random: bool = False
    breaks: Literal["", "spin", "charge"] = ""
    key: str = ""

    @property
    def species(self) -> str:
        """Name of the table in model files."""
        return self.key.partition(".")[0]

    def term(self, varies: bool = True) -> str:
        r"""Return the term without its sign, in LaTeX.

        Parameters
        ----------
        varies : bool
            Whether the coupling differs between sites, bonds or modes and is therefore written with an index.

        Examples
        --------
        >>> from respair.hamiltonians.parameters import COUPLINGS
        >>> COUPLINGS["bosons.level"].term(), COUPLINGS["bosons.level"].term(varies=False)
        ('\\sum_i \\Delta_{B,i} b^\\dagger_i b_i', '\\Delta_B \\sum_i b^\\dagger_i b_i')
        """
        over, index = SUMS[self.place]
        spin = r"\sigma" if r"\sigma}" in self.operator else ""
        total = r"\sum" + _below(over + spin)
        varies = varies and bool(index)
        names = [_indexed(name, index) if varies else name for name in (self.factor, self.symbol) if name]
        return " ".join([total, *names, self.operator] if varies else [*names, total, self.operator])

    def named(self, species: str, name: str) -> CouplingField:
        """Return a copy with the key of its field."""
        return replace(self, key=f"{species}.{name}", arrays=self.arrays or (f"{species[:-1]}_{name}",))

    @property
    def extended(self) -> CouplingField:
        """The long-range form of the coupling, between all sites."""
        if self.apart == "pairs":
            return replace(self, place="pair")
        if self.apart == "sites":
            return replace(self, place="sites", operator=self.operator.replace("n_i", "n_j"))
        return replace(self, place="mode and site", operator=re.sub("_m(?= )", "_i", self.operator))

    @property
    def meaning(self) -> str:
        """Description of the coupling with its term and unit, for docstrings."""
        what = "; ".join(filter(None, (self.words, self.forms)))
        return f"{self.text} for each {self.place} [{self.unit}], ``{plain(html(self.latex))}``: {what}"

    @property
    def unit(self) -> str:
        """Unit of the coupling: "energy", or "1" if the term contains another coupling."""
        return "1" if self.factor else "energy"

    @property
    def latex(self) -> str:
        """The term with its sign."""
        return self.sign + self.term()

    @property
    def text(self) -> str:
        """The symbol as text."""
        return plain(html(self.symbol))


def coupling(*, needed: bool = False, **about: Any) -> Any:
    """Return the dataclass field of a coupling, 0 by default unless it is required; see `CouplingField`."""
    return field(default=MISSING if needed else 0.0, metadata={"coupling": CouplingField(**about)})


def later(**about: Any) -> Any:
    """Return the dataclass field of a keyword-only coupling, which keeps the positional order of older ones."""
    return field(default=0.0, kw_only=True, metadata={"coupling": CouplingField(**about)})


def key(
    default: Any, meaning: str, allowed: str, older: str = "", added: bool = False, named_only: bool = False
) -> Any:
    """Return a field that is not a coupling: default, meaning, values allowed in model files, and an older name.

    Older checkpoints do not contain a field with `added`, whose default is the former behaviour; `named_only` makes it
    keyword-only.
    """
    more = ({"older": older} if older else {}) | ({"added": True} if added else {})
    return field(default=default, kw_only=named_only, metadata={"meaning": meaning, "allowed": allowed, **more})


def _below(index: str) -> str:
    return f"_{index}" if len(index) == 1 else f"_{{{index}}}"


def _indexed(symbol: str, index: str) -> str:
    letter, _, label = symbol.partition("_")
    return letter + _below(",".join(filter(None, (label.strip("{}"), index))))


def html(latex: str) -> str:
    r"""Return a formula as HTML with ``<sub>`` and ``<sup>``.

    Examples
    --------
    >>> html(r"-\Delta_B \sum_i b^\dagger_i b_i")
    '−Δ<sub>B</sub> Σ<sub>i</sub> b†<sub>i</sub> b<sub>i</sub>'
    """
    text = re.sub(r"\\([A-Za-z]+)", lambda command: LETTERS[command[1]], latex).replace("<", "&lt;")
    text = text.replace("⟨ ", "⟨").replace("^†", "†").replace("-", "−")
    for mark, tag in (("_", "sub"), (r"\^", "sup")):
        text = re.sub(rf"{mark}(?:\{{([^{{}}]*)\}}|(\S))", rf"<{tag}>\1\2</{tag}>", text)
    return text


def term_rows(
    given: Iterable[tuple[CouplingField, Any]], threaded: bool = False, on_bonds: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield terms and their couplings as HTML.

    Parameters
    ----------
    given : iterable of (CouplingField, value)
        The nonzero couplings.
    threaded : bool
        Whether hops carry the phases of a flux.
    on_bonds : bool
        Whether the modes are on bonds.
    """
    phase = r"\theta" if threaded else ""
    for entry, value in given:
        if not entry.operator:
            continue
        own = entry.extended if reaches_out(value) else entry
        latex = own.term(hasattr(value, "__len__")).replace("y_{ij}", "x_{ij}" if on_bonds else "(x_j - x_i)")
        latex = latex.replace(r"\theta_{ij}", phase) if threaded else re.sub(r"e\^\{2?i\\theta_\{ij\}\} ", "", latex)
        yield f"{'−' if entry.sign else '+'} {html(latex)}", f"{html(entry.symbol)} = {quantity(value)}"


def cutoff_text(phonons: Phonons) -> str:
    """Return the cutoff and the frame of the phonons as text."""
    if phonons.basis != "number":
        caps = ((phonons.max_quanta, "a mode"), (phonons.total_quanta, "in all"))
        most = ", ".join(f"{cap} {where}" for cap, where in caps if cap is not None)
        chosen = f"at most {most}" if phonons.cutoff is None else f"for an error below {phonons.accuracy:.0e}"
        name = "squeezed" if phonons.basis == "squeezed" else "optimal"
        return f"{name} phonon states, {chosen}"
    if phonons.cutoff is not None:
        return f"phonon cutoff chosen for an error below {phonons.accuracy:.0e}"
    caps = ((phonons.max_quanta, "a mode"), (phonons.total_quanta, "in all"))
    if all(cap is None for cap, _ in caps):
        return f"phonons: no cap, the space is chosen for an error below {phonons.accuracy:.0e}"
    frame = phonons.frame if isinstance(phonons.frame, str) else "given displacements"
    shifted = "" if frame == "none" else f", frame: {escape(frame)}"
    return f"phonons: at most {', '.join(f'{cap} {where}' for cap, where in caps if cap is not None)}{shifted}"
