"""Labels of axes, legends and titles of figures."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ...hamiltonians.parameters import COUPLINGS
from ..observables.table import OBSERVABLES

SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        **{key: entry.symbol for key, entry in COUPLINGS.items()},
        "field.flux": r"\varphi",
        "flux.values": r"\varphi",
        "ensemble.chemical_potential": r"\mu",
        "sector.charge": "N",
        "sector.two_sz": "2S_z",
        "cluster.sites": "L",
        "thermal.temperatures": "T",
        "time": "t",
        "omega": r"\omega",
        "temperature": "T",
        "phi": r"\varphi",
        "charge": "N",
        "binding_charge": "N",
        "gap_charge": "N",
        "X": "X",
    }
)
"""LaTeX symbols of swept keys and coordinates."""
QUANTITIES: Mapping[str, str] = MappingProxyType(
    {
        "energies": "$E_n$",
        "displacement_distribution": "$P(X)$",
        "spectrum_values": r"$A(\omega)$",
        "flux_energies": r"$E_0(\varphi)$",
        "flux_stiffness": r"$d^2E_0/d\varphi^2$",
        "thermal_entropy": "entropy $S$",
        "thermal_specific_heat": "specific heat $C$",
        "charge_scan_binding": r"$\Delta_b = E_{N+2} + E_N - 2E_{N+1}$",
        "charge_scan_charge_gap": r"$\Delta_c = E_{N+2} + E_{N-2} - 2E_N$",
        "evolution_energy": "energy $E(t)$",
        "evolution_return_probability": r"$|\langle 0|t\rangle|^2$",
        "evolution_absorbed_energy": "absorbed energy",
    }
)
"""Labels of quantities other than observables."""
PREFIXES = ("evolution_", "thermal_")
MARKS = (("_up", r"_\uparrow"), ("_dn", r"_\downarrow"), ("+", r"^\dagger"))


def literal(name: str) -> str:
    """Return a user-defined name with escaped dollar signs."""
    return name.replace("$", r"\$")


def symbol_of(key: str) -> str:
    r"""Return the LaTeX symbol of a swept key or a coordinate; empty if there is none.

    Examples
    --------
    >>> symbol_of("electrons.hubbard_u"), symbol_of("phonons.boson_coupling.metal"), symbol_of("solver.seed")
    ('U', '\\alpha_{\\mathrm{metal}}', '')
    """
    if key in SYMBOLS:
        return SYMBOLS[key]
    table, _, rest = key.partition(".")
    name, _, item = rest.partition(".")
    whole = SYMBOLS.get(f"{table}.{name}", "")
    place = rf"\mathrm{{{item}}}" if re.fullmatch("[A-Za-z0-9]+", item) else ""
    if not whole or not place:
        return ""
    if whole.endswith("}"):
        return f"{whole[:-1]},{place}}}"
    base, _, index = whole.partition("_")
    return f"{base}_{{{index},{place}}}" if index else f"{base}_{{{place}}}"


def axis_label(key: str) -> str:
    r"""Return the label of an axis: the symbol, and for a swept key its name in the model file.

    Examples
    --------
    >>> axis_label("electrons.hubbard_u"), axis_label("omega"), axis_label("solver.seed")
    ('$U$  (electrons.hubbard_u)', '$\\omega$', 'solver.seed')
    """
    symbol = symbol_of(key)
    if not symbol:
        return literal(key)
    return f"${symbol}$  ({literal(key)})" if "." in key else f"${symbol}$"


def quantity_label(name: str) -> str:
    r"""Return the label of a quantity: its name with a symbol.

    Examples
    --------
    >>> quantity_label("double_occupancy"), quantity_label("coherence_stiffness")
    ('double occupancy $\\langle n_\\uparrow n_\\downarrow\\rangle$', 'coherence stiffness')
    """
    if name in QUANTITIES:
        return QUANTITIES[name]
    own = next((name.removeprefix(p) for p in PREFIXES if name.removeprefix(p) in OBSERVABLES), name)
    words = own.replace("_", " ")
    symbol = OBSERVABLES[own].symbol if own in OBSERVABLES else ""
    if not symbol:
        return literal(words)
    inner = symbol.strip("<>")
    for text, command in MARKS:
        inner = inner.replace(text, command)
    return rf"{words} $\langle {inner}\rangle$" if symbol.startswith("<") else f"{words} {literal(symbol)}"


def value_words(key: Hashable, value: object) -> str:
    r"""Return the label of a coordinate with its value.

    Examples
    --------
    >>> value_words("electrons.hubbard_u", 2.0), value_words("level", 1), value_words("site", 3)
    ('$U = 2$', '$E_{1}$', 'site 3')
    """
    if key == "level":
        return f"$E_{{{value}}}$"
    symbol = symbol_of(str(key))
    if isinstance(value, float) or symbol:
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        return f"${symbol} = {shown}$" if symbol else f"{literal(str(key))} = {shown}"
    return f"{literal(str(key))} {literal(str(value))}"


def place_words(array: xr.DataArray, dims: Sequence[Hashable], places: Sequence[tuple[int, ...]]) -> str:
    """Return a label of elements of an array by their coordinates, or else by their indices."""

    def value(dim: Hashable, number: int) -> object:
        found: object = array[dim].values[number].item() if dim in array.coords else number
        return found

    moving = [n for n in range(len(dims)) if len({place[n] for place in places}) > 1]
    if len(moving) == 1 and dims[moving[0]] != "level":
        (n,) = moving
        fixed = [value_words(dim, value(dim, places[0][m])) for m, dim in enumerate(dims) if m != n]
        name, numbers = literal(str(dims[n])), [value(dims[n], place[n]) for place in places]
        return ", ".join([*fixed, f"{name}s {_ranges(numbers)}"])
    every = [", ".join(value_words(d, value(d, i)) for d, i in zip(dims, p, strict=True)) for p in places]
    return "; ".join(every[:4]) + (f" and {len(every) - 4} more" if len(every) > 4 else "")


def _ranges(values: Sequence[object]) -> str:
    """Return a list as text, with three or more consecutive integers as a range."""
    if len(values) > 2 and all(isinstance(v, int) for v in values) and np.all(np.diff(np.array(values, int)) == 1):
        return f"{values[0]} to {values[-1]}"
    shown = ", ".join(literal(f"{v:.4g}" if isinstance(v, float) else str(v)) for v in values[:6])
    return shown + (" ..." if len(values) > 6 else "")


def whole_ticks(ax: Axes, across: ArrayLike | None = None, up: ArrayLike | None = None) -> None:
    """Restrict ticks to integers on axes with integer values."""
    for axis, given in ((ax.xaxis, across), (ax.yaxis, up)):
        if given is not None and np.all(np.equal(np.mod(np.asarray(given, float), 1), 0)):
            axis.set_major_locator(MaxNLocator(integer=True, nbins="auto", min_n_ticks=1))
