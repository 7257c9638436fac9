"""Common parts of the benchmarks: a fresh process for each row, its peak memory, timing, Markdown tables.

The parent process imports no large libraries: on Linux the peak memory of a new process starts at that of its parent.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

JOB = "--job"
Result = TypeVar("Result")


def row_of(script: str, name: str, *numbers: object) -> dict:
    """Run one row of a benchmark in a fresh process; return its measurements with the peak memory in MiB."""
    command = [sys.executable, script, JOB, name, *map(json.dumps, numbers)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} {numbers} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def serve(jobs: Mapping[str, Callable[..., dict]], main: Callable[[], None]) -> None:
    """Run the job requested by `row_of`, or start the whole benchmark."""
    if len(sys.argv) < 3 or sys.argv[1] != JOB:
        main()
        return
    result = jobs[sys.argv[2]](*(json.loads(number) for number in sys.argv[3:]))
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    result["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps(result))


def best_time(action: Callable[[], object], seconds: float = 2.0, least: int = 7) -> float:
    """Return the shortest of repeated wall times of an action, after one run that does not count."""
    action()
    best, runs, begin = float("inf"), 0, time.perf_counter()
    while runs < least or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        action()
        best, runs = min(best, time.perf_counter() - start), runs + 1
    return best


def timed(
    action: Callable[[], Result], runs: int = 3, enough: float = 10.0, clock: Callable[[], float] = time.perf_counter
) -> tuple[float, Result]:
    """Return the time of a long action, the shortest of a few runs where they take no time, and its result.

    The clock tells wall time; `time.process_time` does not count what other processes take.
    """
    best, spent = float("inf"), 0.0
    for _ in range(runs):
        start = clock()
        result = action()
        took = clock() - start
        best, spent = min(best, took), spent + took
        if spent > enough:
            break
    return best, result


def describe(*packages: str) -> None:
    """Print where the numbers come from: cores that this process may use, versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    named = [f"{name} {_version(name)}" for name in packages]
    print(f"{cores} cores, Python {sys.version.split()[0]}, " + ", ".join(named) + "\n")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def header(*columns: str) -> None:
    """Start a Markdown table."""
    line(columns)
    line(["---"] * len(columns))


def line(cells: Sequence[object]) -> None:
    """Print one line of a Markdown table."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
