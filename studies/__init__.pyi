"""Studies: model files, their runs and sweeps, and what leaves the program."""

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
from .definition import Axis, Study
from .execution.averages import averages
from .execution.figures import save_figures
from .execution.folder import StudyError, StudyFolder, opened
from .execution.notebook import NotebookReporter, watching
from .execution.plan import Interrupted, Plan, study
from .execution.pools import Pool, pool_of
from .execution.progress import TerminalReporter
from .execution.report import failures, show_estimate, show_result
from .execution.runner import Result, run
from .execution.scheduler import SchedulerError, connected
from .execution.status import StudyStatus, show_statuses, statuses
from .execution.tables import with_error
from .execution.workers import Workers
from .file.reading import at_point, parse, read, sweep_points
from .file.record import read_data, records, to_json, write
from .file.tables import toml_text
from .file.text_tables import write_text
from .file.versions import versions
from .fits import check_fits, shared
from .interfaces.block2 import to_block2
from .interfaces.codes import CODES
from .interfaces.crosscheck import crosscheck, crosscheck_tables
from .interfaces.fcidump import read_fcidump, write_fcidump
from .interfaces.files import export
from .interfaces.openfermion import to_openfermion
from .interfaces.quspin import to_quspin
from .interfaces.qutip import to_qutip
from .interfaces.tenpy import to_tenpy
from .observables import OBSERVABLES
from .tasks.base import Quiet, Reporter, Task, Watcher
from .tasks.charge_scan import ChargeScanTask
from .tasks.coherence import CoherenceTask
from .tasks.entanglement import EntanglementTask
from .tasks.flux import FluxTask
from .tasks.ground_state import GroundStateTask
from .tasks.lattice import LatticeTask
from .tasks.pairing import PairingTask
from .tasks.table import TASKS

__all__ = [
    "CODES",
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
    "averages",
    "build_dataset",
    "check_fits",
    "connected",
    "crosscheck",
    "crosscheck_tables",
    "export",
    "failures",
    "opened",
    "parse",
    "pool_of",
    "read",
    "read_data",
    "read_dataset",
    "read_fcidump",
    "records",
    "run",
    "save_figures",
    "shared",
    "show_estimate",
    "show_result",
    "show_statuses",
    "statuses",
    "study",
    "sweep_points",
    "to_block2",
    "to_json",
    "to_openfermion",
    "to_quspin",
    "to_qutip",
    "to_tenpy",
    "toml_text",
    "verify_dataset",
    "versions",
    "watching",
    "with_error",
    "write",
    "write_fcidump",
    "write_text",
]
