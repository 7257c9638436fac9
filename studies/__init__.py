"""Studies: model files, their runs and sweeps, and what leaves the program."""

from ..solvers.pool import Pool
from .charge_scan_task import ChargeScanTask
from .coherence_task import CoherenceTask
from .dataset import (
    DatasetError,
    FailedPointsError,
    PublishedDataset,
    PublishedStudy,
    Verification,
    build_dataset,
    read_dataset,
    verify_dataset,
)
from .digits import with_error
from .entanglement_task import EntanglementTask
from .flux_task import FluxTask
from .folder import StudyError, StudyFolder, opened
from .ground_state_task import GroundStateTask
from .job import shared
from .lattice_task import LatticeTask
from .measured_names import OBSERVABLES
from .model_file import Axis, Study, at_point, parse, read, sweep_points
from .notebook import NotebookReporter, watching
from .pairing_task import PairingTask
from .plan import Interrupted, Plan, study
from .progress import TerminalReporter
from .record import read_data, records, to_json, write
from .report import failures, show_estimate, show_result
from .runner import Result, check_fits, run
from .scheduler import SchedulerError, connected
from .status import StudyStatus, show_statuses, statuses
from .task import Quiet, Reporter, Task, Watcher
from .tasks import TASKS
from .toml_text import toml_text
from .versions import versions
from .workers import Workers

__all__ = [
    "OBSERVABLES",
    "TASKS",
    "Axis",
    "ChargeScanTask",
    "CoherenceTask",
    "DatasetError",
    "EntanglementTask",
    "FailedPointsError",
    "FluxTask",
    "GroundStateTask",
    "Interrupted",
    "LatticeTask",
    "NotebookReporter",
    "PairingTask",
    "Plan",
    "Pool",
    "PublishedDataset",
    "PublishedStudy",
    "Quiet",
    "Reporter",
    "Result",
    "SchedulerError",
    "Study",
    "StudyError",
    "StudyFolder",
    "StudyStatus",
    "Task",
    "TerminalReporter",
    "Verification",
    "Watcher",
    "Workers",
    "at_point",
    "build_dataset",
    "check_fits",
    "connected",
    "failures",
    "opened",
    "parse",
    "read",
    "read_data",
    "read_dataset",
    "records",
    "run",
    "shared",
    "show_estimate",
    "show_result",
    "show_statuses",
    "statuses",
    "study",
    "sweep_points",
    "to_json",
    "toml_text",
    "verify_dataset",
    "versions",
    "watching",
    "with_error",
    "write",
]
