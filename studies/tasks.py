"""All tasks by the name of their table. A new one is one file, and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .charge_scan_task import ChargeScanTask
from .coherence_task import CoherenceTask
from .compare_task import CompareTask
from .crossover_task import CrossoverTask
from .entanglement_task import EntanglementTask
from .flux_task import FluxTask
from .ground_state_task import GroundStateTask
from .lattice_task import LatticeTask
from .pairing_task import PairingTask
from .resonance_task import ResonanceTask
from .spectrum_task import SpectrumTask
from .task import Task
from .thermal_task import ThermalTask

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
