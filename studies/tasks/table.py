"""All tasks by the name of their table, each loaded when it is first used: a new one is one file, and one name here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from ..._core.lazy import LateTable
from .base import Task

NAMES = (
    "ground_state", "operators", "charge_scan", "flux", "pairing", "lattice", "entanglement", "coherence", "resonance",
    "spectrum", "evolution", "thermal", "crossover", "compare",
)  # fmt: skip
"""Tables, and files in this folder, in the order in which they run."""


def _task(name: str) -> type[Task]:
    found: type[Task] = getattr(import_module(f".{name}", __package__), f"{name.title().replace('_', '')}Task")
    return found


TASKS: Mapping[str, type[Task]] = LateTable(NAMES, _task)
"""By the name of the table."""
