"""How many states each phonon frame needs: a Markdown table of the smallest caps for a given accuracy.

"none" counts phonons about the lattice at rest, "mean" about the displacement that the mean charge causes,
"lang-firsov" about that of the charges in each configuration, "optimal" about a mixture of the last two that gives the
lowest energy at the cap, or at the largest cap that leaves the sector small. Every frame has the same kind of cap, and
none is given more quanta than the plain one needs; a row with > does not reach the accuracy with them, and shows what
it reaches. Error bar and true error, the distance to the energy at a far larger cap, are both below the accuracy.
`ratio` is the number of states over that of the plain frame; seconds are those of the ground state at the cap shown,
with its certificate and, for "optimal", the search for the dressing.

What it shows: the full transformation is exact without motion, and best at caps of a few quanta where the lattice is
fast and the charges are slow. Where the lattice is the slower one it is the worst frame: what moves must take the whole
cloud along. For high accuracy the best dressing lies far below 1 and needs the fewest states. Products with H cost more
than in a frame that does not follow the charges, since every hop carries a matrix of the lattice, and so does the
certificate: for the shortest time take "mean".

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
    """A model, its sector, the cap that is sought and its upper bound, and where the reference is taken."""

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
    """Return the ground level with some keys of the phonons changed, and the seconds it took."""
    model = replace(case.model, phonons=replace(case.model.phonons, **keys))
    start = time.perf_counter()
    levels = ground_state(model, case.sector)
    return levels, time.perf_counter() - start


def needed(case: Case, frame: Mapping[str, object], good: Callable[[Eigenstates], bool], most: int) -> int | None:
    """Return the smallest cap that is good enough, by bisection; None if `most` is not."""

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
