"""Coverage and tightness of error bars by regime, and their cost relative to the solution.

    python benchmarks/certificate.py [--models 400]

Random models from soft to stiff (omega0 / t from 0.05 to 10) and weak to strong (alpha from 0 to 3), in all frames,
with both kinds of cutoff, as in the tests; exact levels come from constructions that share no code with the package.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "reference"))

ROUNDING = 2e-9
SOFT = (0.0, 0.2, 1.0, 4.0, np.inf)
STRONG = (0.0, 0.75, 1.5, 3.1)


def main() -> None:
    """Print a table for each frame and one for each regime."""
    from calibration import exact_levels, random_case

    from respair.solvers import Options, levels_by_symmetry
    from respair.solvers.by_symmetry import over_blocks

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=400)
    rows, solving, certified = [], 0.0, 0.0
    for seed in range(parser.parse_args().models):
        case = random_case(seed)
        exact = exact_levels(case.model, case.sector, case.states)
        start = time.perf_counter()
        over_blocks(case.model, case.sector, case.states, Options())
        solving += time.perf_counter() - start
        start = time.perf_counter()
        found = levels_by_symmetry(case.model, case.sector, case.states)
        certified += time.perf_counter() - start
        couplings, table = case.model.couplings, case.model.phonons
        omega = float(np.min(couplings.frequency))
        strength = np.abs([couplings.electron_phonon, couplings.boson_phonon, 2 * couplings.mode_bond]) / omega
        frame = table.frame if isinstance(table.frame, str) else "list"
        for error, bar in zip(found.energies - exact, found.certificate.energy_errors, strict=True):
            rows.append((omega, float(np.max(strength)), frame, error, bar))
    print(f"{'regime':34s} levels  within  largest error / bar   median bar / error (errors above {ROUNDING:g})")
    for low, high in pairwise(SOFT):
        for weak, strong in pairwise(STRONG):
            some = [r for r in rows if low <= r[0] < high and weak <= r[1] < strong]
            show(f"omega0 / t {low:4.2g} to {high:4.2g}, alpha {weak:4.2g} to {strong:4.2g}", some)
    for frame in sorted({r[2] for r in rows}):
        show(f"frame {frame}", [r for r in rows if r[2] == frame])
    show("all", rows)
    print(f"solve and its own certificate {solving:.1f} s, with error bars {certified:.1f} s")


def show(title: str, rows: list[tuple[float, float, str, float, float]]) -> None:
    """Print one line."""
    if not rows:
        return
    errors, bars = np.array([row[3:] for row in rows]).T
    seen = errors > ROUNDING
    ratio = bars[seen] / errors[seen]
    largest, median = (1.0 / ratio.min(), np.median(ratio)) if seen.any() else (np.nan, np.nan)
    print(f"{title:34s} {len(rows):6d}  {np.mean(errors <= bars + ROUNDING):6.2%}  {largest:19.2f}   {median:18.2f}")


if __name__ == "__main__":
    main()
