"""Studies: model files, their runs and sweeps, and what leaves the program."""

from .model_file import (
    Axis,
    ChargeScanTask,
    FluxTask,
    GroundStateTask,
    Study,
    at_point,
    parse,
    read,
    sweep_points,
)
from .progress import TerminalReporter
from .record import read_data, records, to_json, versions, write
from .report import show_estimate, show_result, with_error
from .runner import Quiet, Reporter, Result, check_fits, run
from .schema import OBSERVABLES

__all__ = [
    "OBSERVABLES",
    "Axis",
    "ChargeScanTask",
    "FluxTask",
    "GroundStateTask",
    "Quiet",
    "Reporter",
    "Result",
    "Study",
    "TerminalReporter",
    "at_point",
    "check_fits",
    "parse",
    "read",
    "read_data",
    "records",
    "run",
    "show_estimate",
    "show_result",
    "sweep_points",
    "to_json",
    "versions",
    "with_error",
    "write",
]
