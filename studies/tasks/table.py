"""All tasks by the name of their table. A new one is one file, and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .base import Task
from .charge_scan import ChargeScanTask
from .coherence import CoherenceTask
from .compare import CompareTask
from .crossover import CrossoverTask
from .entanglement import EntanglementTask
from .flux import FluxTask
from .ground_state import GroundStateTask
from .lattice import LatticeTask
from .pairing import PairingTask
from .resonance import ResonanceTask
from .spectrum import SpectrumTask
from .thermal import ThermalTask

KINDS: tuple[type[Task], ...] = (
    GroundStateTask,
    ChargeScanTask,
    FluxTask,
    PairingTask,
    LatticeTask,
    EntanglementTask,
    CoherenceTask,
    ResonanceTask,
    SpectrumTask,
    ThermalTask,
    CrossoverTask,
    CompareTask,
)
"""In the order in which they run."""
TASKS: Mapping[str, type[Task]] = MappingProxyType({task.name: task for task in KINDS})
"""By the name of the table."""
