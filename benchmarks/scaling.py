"""Time and memory of the ground state against the size of the sector, ten thousand to a thousand million states.

Model: boson-fermion rings of L = 4, 6, 8 sites with phonons, t = 1, Delta_B = 0.5, v = 0.8, omega0 = 1, alpha = 1,
N = 2L, S_z = 0, at most `total_quanta` phonons in all modes together; block k = 0, even; tensor engine.

Wall time from the model to the ground state with residual below 1e-10 and its certificate, imports excluded; products
with H; peak memory of the process, Python and libraries included. Each row runs in a fresh process with its kernels
compiled before the clock starts, up to three times, until 10 s have gone, and the shortest time counts.

Rows are printed as a Markdown table and written to scaling.csv next to this file as they finish; then the figure
scaling.png is drawn. Rows of earlier runs are kept unless they are run again.

Usage: python benchmarks/scaling.py [--sites L [L ...]] [--large]     --large: also sectors above 3e7 states
       python benchmarks/scaling.py --plot                            draw the figure again, run nothing
"""

import argparse
import csv
from pathlib import Path

from fresh import describe, header, line, row_of, serve, timed

LEVEL, EXCHANGE, ALPHA = 0.5, 0.8, 1.0
SMALL = {4: (4, 6, 8, 10, 12, 14, 16), 6: (2, 3, 4, 5, 6, 7)}
LARGE = {6: (8, 9), 8: (2, 3, 4, 5)}
"""total_quanta for each number of sites."""
WARM = 2
"""Quanta of the run, on four sites, that compiles and loads the kernels before the clock starts."""
TABLE = Path(__file__).with_name("scaling.csv")
FIGURE = TABLE.with_suffix(".png")
COLUMNS = ("sites", "total_quanta", "states", "stored", "products", "seconds", "memory_mib", "energy")
STYLES = {4: ("#0072B2", "o"), 6: ("#D55E00", "s"), 8: ("#009E73", "^")}
"""Okabe and Ito's colours, and markers."""


def solve(sites: int, quanta: int) -> dict:
    from respair import Bosons, Electrons, Model, Options, Phonons, Sector, ground_state, ring

    def solved(sites: int, quanta: int):
        phonons = Phonons(1.0, boson_coupling=ALPHA, total_quanta=quanta)
        model = Model(ring(sites), Electrons(1.0), Bosons(LEVEL, EXCHANGE), phonons)
        return ground_state(model, Sector(2 * sites, 0, momentum=0, reflection=1), 1, Options(engine="tensor"))

    solved(4, WARM)
    seconds, levels = timed(lambda: solved(sites, quanta))
    return {
        "states": levels.hamiltonian.space.dimension,
        "stored": levels.stored,
        "products": levels.matvecs,
        "seconds": seconds,
        "energy": float(levels.energies[0]),
    }


def draw(rows: list[dict]) -> dict:
    """Plot time and memory of all rows against the states of the sector."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True)
    scales = {"seconds": ("time to the ground state (s)", 1.0), "memory_mib": ("peak memory (GiB)", 1 / 1024)}
    largest = max(rows, key=lambda row: row["states"])
    for ax, (key, (label, scale)) in zip(panels, scales.items(), strict=True):
        for sites, (colour, marker) in STYLES.items():
            chosen = [row for row in rows if row["sites"] == sites]
            if chosen:
                x, y = [row["states"] for row in chosen], [scale * row[key] for row in chosen]
                ax.plot(x, y, marker=marker, ms=5, lw=1.4, color=colour, label=f"ring of {sites}")
        ax.set(xscale="log", yscale="log", xlabel="states of the sector", ylabel=label)
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25, lw=0.6)
    guide = {"x": [largest["states"] / 100, largest["states"]], "y": [largest["seconds"] / 50, 2 * largest["seconds"]]}
    panels[0].plot(guide["x"], guide["y"], ":", color="0.5", lw=1.2, label="proportional", zorder=0)
    panels[1].set_ylim(0.1, max(1.0, 2 * max(row["memory_mib"] for row in rows) / 1024))
    panels[0].legend(frameon=False, fontsize=9)
    figure.savefig(FIGURE, dpi=160)
    return {}


def read() -> list[dict]:
    """Return the rows of the table, in the order of their sizes."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="") as file:
        rows = [{key: float(row[key]) for key in COLUMNS} for row in csv.DictReader(file)]
    whole = ("sites", "total_quanta", "states", "stored", "products")
    return sorted(({**row, **{key: int(row[key]) for key in whole}} for row in rows), key=_place)


def write(row: dict) -> None:
    """Put a row into the table, in place of one of the same size."""
    rows = sorted([other for other in read() if _place(other) != _place(row)] + [row], key=_place)
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for known in rows:
            rounded = {"seconds": f"{known['seconds']:.3f}", "memory_mib": f"{known['memory_mib']:.0f}"}
            writer.writerow(known | rounded | {"energy": f"{known['energy']:.9f}"})


def _place(row: dict) -> tuple[int, int]:
    return row["sites"], row["total_quanta"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sites", nargs="+", type=int, default=list(STYLES), choices=list(STYLES))
    parser.add_argument("--large", action="store_true", help="also the sectors above 3e7 states")
    parser.add_argument("--plot", action="store_true", help="draw the figure from the existing table")
    chosen = parser.parse_args()
    if chosen.plot and not TABLE.exists():
        parser.error(f"there is no {TABLE.name} yet")
    if not chosen.plot:
        run(chosen.sites, chosen.large)
    row_of(__file__, "draw")


def run(rings: list[int], large: bool) -> None:
    """Run, print and write the rows of some rings."""
    describe("respair", "quspin", "numba", "numpy")
    columns = ("stored amplitudes", "products", "time (s)", "peak memory (MiB)", "E0")
    header("sites", "total_quanta", "states of the sector", *columns)
    for sites in rings:
        for quanta in (*SMALL.get(sites, ()), *(LARGE.get(sites, ()) if large else ())):
            row = row_of(__file__, "solve", sites, quanta) | {"sites": sites, "total_quanta": quanta}
            row["memory_mib"] = row.pop("memory")
            write(row)
            sizes = (sites, quanta, f"{row['states']:,}", f"{row['stored']:,}", row["products"])
            line((*sizes, f"{row['seconds']:.2f}", f"{row['memory_mib']:.0f}", f"{row['energy']:.9f}"))


JOBS = {"solve": solve, "draw": lambda: draw(read())}


if __name__ == "__main__":
    serve(JOBS, main)
