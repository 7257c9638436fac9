"""Predefined models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..studies import parse
from .defaults import completed
from .screen import FILE, Screen

PRESETS: Mapping[str, str] = MappingProxyType(
    {
        "Boson-fermion ring": """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons = { hopping = 1.0 }
bosons = { level = -0.4, exchange = 0.8 }
phonons = { frequency = 1.0, boson_coupling = 1.0, cutoff = "auto", accuracy = 1e-3, frame = "mean" }
sector = { charge = 4, two_sz = 0 }
""",
        "Resonating bipolaron": """
schema = 1
cluster = { kind = "ligand-centre", sites = 4 }
electrons = { hopping = { ring = 1.0, centre = 0.35 }, level = { metal = 0.0, ligand = 1.5 } }
phonons = { frequency = 1.0, electron_coupling = 1.32, cutoff = "auto", accuracy = 1e-4, frame = "mean" }
sector = { charge = 2, two_sz = 0 }
""",
        "Holstein-Hubbard dimer": """
schema = 1
cluster = { kind = "dimer" }
electrons = { hopping = 1.0, hubbard_u = 2.0 }
ensemble = { chemical_potential = -1.0 }
phonons = { frequency = 1.0, electron_coupling = 1.0, cutoff = "auto", accuracy = 1e-4, frame = "mean" }
sector = { charge = 2, two_sz = 0 }
""",
        "Pseudogap ring": """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons = { hopping = 1.0 }
bosons = { level = 0.0, exchange = 0.8 }
sector = { charge = 8, two_sz = 0 }
""",
        "Hubbard ring": """
schema = 1
cluster = { kind = "ring", sites = 6 }
electrons = { hopping = 1.0, hubbard_u = 4.0 }
ensemble = { chemical_potential = 2.0 }
sector = { charge = 6, two_sz = 0 }
""",
    }
)
"""Model files by title; at half filling, with the chemical potential that fixes the filling at all temperatures."""
PHYSICS: Mapping[str, str] = MappingProxyType(
    {
        "Boson-fermion ring": (
            "Electrons hop around a ring; on each site two of them turn into a local pair and back, and an "
            "oscillator follows the pair. Raise α: the lattice dresses the pairs, the exchange ⟨D†b⟩ fades, and "
            "in the panel Flux the period of the energy tells whether pairs or single electrons carry the "
            "current."
        ),
        "Resonating bipolaron": (
            "Two electrons on a ring of four metal sites around a ligand with an oscillator. Near α = 1.32 the "
            "pair on the ring and the bipolaron on the ligand are degenerate: P(X) has two peaks, and the gap "
            "falls far below the phonon frequency."
        ),
        "Holstein-Hubbard dimer": (
            "Two sites, two electrons: the repulsion U keeps them apart, the lattice attracts them by 2 α² ω₀. "
            "Move α through √(U / 2ω₀) = 1 and watch double occupancy and P(X) turn from two polarons to one "
            "bipolaron."
        ),
        "Pseudogap ring": (
            "Electrons that resonate with local pairs at their Fermi level, without a lattice. In the panel "
            "Temperature the density of states at ω = 0 is lost on cooling, long before pairs are coherent over "
            "the ring."
        ),
        "Hubbard ring": (
            "Six sites at half filling, the benzene of correlated electrons. Raise U: double occupancy falls, the"
            " spectrum splits into two bands about ω = 0, and spins, not charges, make the lowest levels."
        ),
    }
)
"""Physics of each model, and suggested parameters to vary."""
CANONICAL = ("Boson-fermion ring", "Resonating bipolaron")
"""Models whose grand-canonical sums would take minutes: their initial ensemble is canonical."""


def preset(title: str) -> Screen:
    """Return the screen of one of `PRESETS`.

    Examples
    --------
    >>> preset("Hubbard ring").value("electrons.hubbard_u")
    4.0
    """
    screen = completed(Screen.of(parse(f"name = '{title}'\n{PRESETS[title]}", FILE)))
    return screen.changed("thermal.ensemble", "canonical") if title in CANONICAL else screen
