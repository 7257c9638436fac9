"""Number of states required in each phonon frame: a Markdown table of the smallest cutoffs for a given accuracy.

"none" counts phonons about the lattice at rest, "mean" about the displacement by the mean charge, "lang-firsov" about
that by the charges in each configuration, "optimal" about the mixture of the last two with the lowest energy at the
cutoff, or at the largest cutoff with a small sector. All frames have the same kind of cutoff, and at most as many
quanta as frame "none" needs; a row with > does not reach the accuracy with them, and shows the accuracy reached. Error
bar and true error, the distance to the energy at a much larger cutoff, are both below the accuracy. `ratio` is the
number of states over that of frame "none"; seconds are those of the ground state at the cutoff shown, with its
certificate and, for "optimal", the search for the dressing.

Result: the full transformation is exact for immobile charges, and best at cutoffs of a few quanta if the lattice is
fast compared with the charges. For a slow lattice it is the least efficient frame, as every hop displaces the whole
cloud. For high accuracy the best dressing is far below 1 and needs the fewest states. Products with H, and the
certificate, cost more than in a frame independent of the charges, since every hop acts on the oscillators: "mean" is
the fastest.

Usage: python benchmarks/frames.py [--accuracy 1e-8]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from respair.clusters import dimer, ligand_centre, ring
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector
from respair.solvers import Eigenstates, ground_state

FRAMES: Mapping[str, Mapping[str, object]] = {
    "none": {"frame": "none"},
    "mean": {"frame": "mean"},
    "lang-firsov": {"frame": "lang-firsov"},
    "lang-firsov, optimal": {"frame": "lang-firsov", "dressing": "optimal"},
}


@dataclass(frozen=True)
class Case:
    """A model, its sector, the kind of cutoff and its largest value, and the cutoff of the reference."""

    model: Model
    sector: Sector
    key: str
    most: int
    reference: Mapping[str, object]


CASES: Mapping[str, Case] = {
    "ligand-centre cluster near resonance, alpha = 1.32": Case(
        Model(
            ligand_centre(4),
            Electrons({"ring": 1.0, "centre": 0.35}, {"ligand": 1.5}),
            None,
            Phonons(1.0, electron_coupling=1.32, max_quanta=1, on="ligand"),
        ),
        Sector(2, 0, irrep="A1"),
        "max_quanta",
        40,
        {"max_quanta": 80},
    ),
    "ring of 4 with local pairs, alpha = 1.5": Case(
        Model(ring(4), Electrons(1.0), Bosons(-0.4, 0.8), Phonons(1.0, boson_coupling=1.5, total_quanta=1)),
        Sector(4, 0, momentum=0, reflection=1),
        "total_quanta",
        20,
        {"frame": "mean", "total_quanta": 24},
    ),
    "Holstein dimer, g = 2": Case(
        Model(dimer(), Electrons(1.0, hubbard_u=2.0), None, Phonons(1.0, electron_coupling=2.0, total_quanta=1)),
        Sector(2),
        "total_quanta",
        50,
        {"frame": "mean", "total_quanta": 60},
    ),
}


def solved(case: Case, **keys: object) -> tuple[Eigenstates, float]:
    """Return the ground level for some changed keys of the phonons, and the time in seconds."""
    model = replace(case.model, phonons=replace(case.model.phonons, **keys))
    start = time.perf_counter()
    levels = ground_state(model, case.sector)
    return levels, time.perf_counter() - start


def needed(case: Case, frame: Mapping[str, object], good: Callable[[Eigenstates], bool], most: int) -> int | None:
    """Return the smallest sufficient cutoff, by bisection; None if `most` is not sufficient."""

    def enough(cap: int) -> bool:
        return good(solved(case, **frame, **{case.key: cap})[0])

    if not enough(most):
        return None
    bad, fine = -1, most
    while fine - bad > 1:
        middle = (bad + fine) // 2
        bad, fine = (bad, middle) if enough(middle) else (middle, fine)
    return fine


def rows(name: str, case: Case, accuracy: float) -> Iterator[tuple[str, ...]]:
    """Yield a row of the table for each frame; no frame is given more quanta than the plain one needs."""
    exact = solved(case, **case.reference)[0].energies[0]

    def good(levels: Eigenstates) -> bool:
        return max(levels.certificate.energy_errors[0], abs(levels.energies[0] - exact)) < accuracy

    most, plain = case.most, 0
    for title, frame in FRAMES.items():
        cap = needed(case, frame, good, most)
        levels, seconds = solved(case, **frame, **{case.key: most if cap is None else cap})
        states = levels.hamiltonian.space.dimension
        most, plain = (levels.hamiltonian.space.phonons.total_quanta, states) if not plain else (most, plain)
        strength = levels.hamiltonian.space.model.phonons.dressing
        yield (
            name,
            title,
            f"{case.key} {'>' if cap is None else '='} {most if cap is None else cap}",
            f"{'> ' if cap is None else ''}{states:,}",
            f"{'> ' if cap is None else ''}{states / plain:.2f}",
            "" if strength is None else f"{strength:.2f}",
            f"{levels.certificate.energy_errors[0]:.1e}",
            f"{abs(levels.energies[0] - exact):.1e}",
            f"{seconds:.2f}",
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accuracy", type=float, default=1e-8)
    accuracy = parser.parse_args().accuracy
    print("| model | frame | cap | states | ratio | dressing | error bar | error | seconds |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, case in CASES.items():
        for row in rows(name, case, accuracy):
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
