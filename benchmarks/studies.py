"""Overhead of studies: time per point in one process, and the speed-up with two workers.

    python benchmarks/studies.py [--points 100] [--long 8]

The first part runs a sweep of a model that is solved in milliseconds, with every record written to disk, and the
same points without a study (goal: below 20 ms per point). The second part runs points of a second or more in one and in
two worker processes of one thread each (goal: 1.8 on two idle cores), and in this process with all threads.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from respair.studies import Study, Workers, at_point, opened, parse, run, sweep_points
from respair.studies.execution.point import compute
from respair.studies.execution.runner import common_grid
from respair.studies.execution.workers import THREADS
from respair.studies.tasks.base import Quiet

SHORT = """
schema = 1
cluster.kind = "site"
electrons.level = 0.0
bosons = { level = 0.3, exchange = 0.5 }
phonons = { frequency = 1.0, boson_coupling = 0.7, max_quanta = 3 }
sector.charge = 2
[sweep]
"bosons.level" = { start = -1.0, stop = 1.0, count = COUNT }
"""
LONG = """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons.hopping = 1.0
bosons = { level = -0.4, exchange = 0.8 }
phonons = { frequency = 1.0, boson_coupling = 1.2, total_quanta = 10 }
sector.charge = 4
coherence = {}
[sweep]
"bosons.exchange" = { start = 0.4, stop = 1.6, count = COUNT }
"""
GOAL_OVERHEAD, GOAL_GAIN = 20.0, 1.8


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_a_folder(study: Study, workers: Workers | None = None) -> None:
    with TemporaryDirectory() as place, opened(Path(place) / "kept.study", study) as folder:
        assert not run(study, folder=folder, pool=workers).failed


def overhead(count: int) -> None:
    study = parse(SHORT.replace("COUNT", str(count)), "short.toml")
    points = [at_point(study, point) for point in sweep_points(study)]
    grid = common_grid(study, [each.model for each in points])

    def physics() -> None:
        for each in points:
            compute(each, grid, Quiet())

    physics()
    bare, whole = (min(seconds(work) for _ in range(3)) for work in (physics, lambda: in_a_folder(study)))
    each, kept = 1e3 * bare / count, 1e3 * whole / count
    print(f"{count} points of {each:.1f} ms in one process, kept in a folder: {kept:.1f} ms each")
    print(f"overhead {1e3 * (whole - bare) / count:.1f} ms a point; goal: below {GOAL_OVERHEAD:g} ms", flush=True)


def in_processes(study: Study, warm: Study, count: int) -> float:
    with Workers(count) as workers:
        run(warm, pool=workers)
        return seconds(lambda: in_a_folder(study, workers))


def gain(count: int) -> None:
    study, warm = (parse(LONG.replace("COUNT", str(n)), "long.toml") for n in (count, 4))
    run(warm)
    here = seconds(lambda: in_a_folder(study))
    os.environ.update(dict.fromkeys(THREADS, "1"))
    one, two = (in_processes(study, warm, n) for n in (1, 2))
    print(f"{count} points of {one / count:.2f} s in one worker: {one:.1f} s; in two workers: {two:.1f} s")
    print(f"two workers / one: {one / two:.2f} times as fast; goal: {GOAL_GAIN:g} on two idle cores")
    print(f"two workers / this process with its threads: {here / two:.2f} times as fast")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--long", type=int, default=8)
    chosen = parser.parse_args()
    overhead(chosen.points)
    gain(chosen.long)
