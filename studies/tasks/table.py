"""All tasks by the name of their table, each loaded when it is first used: a new one is one file, and one name here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from .base import Task

NAMES = (
    "ground_state", "charge_scan", "flux", "pairing", "lattice", "entanglement", "coherence", "resonance", "spectrum",
    "thermal", "crossover", "compare",
)  # fmt: skip
"""Tables, and files in this folder, in the order in which they run."""


class _Tasks(Mapping[str, type[Task]]):
    def __getitem__(self, name: str) -> type[Task]:
        if name not in NAMES:
            raise KeyError(name)
        found: type[Task] = getattr(import_module(f".{name}", __package__), f"{name.title().replace('_', '')}Task")
        return found

    def __contains__(self, name: object) -> bool:
        return name in NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


TASKS: Mapping[str, type[Task]] = _Tasks()
"""By the name of the table."""
