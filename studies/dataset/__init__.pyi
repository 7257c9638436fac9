"""Datasets for publication: built from model files, verified by computing points again, read back with their models."""

from .build import FailedPointsError, build_dataset
from .comparison import Deviation, deviations
from .formulas import WORDING, Wording
from .integrity import DatasetError
from .published import PublishedDataset, PublishedStudy, read_dataset
from .verify import Recomputed, Verification, verify_dataset

__all__ = [
    "WORDING",
    "DatasetError",
    "Deviation",
    "FailedPointsError",
    "PublishedDataset",
    "PublishedStudy",
    "Recomputed",
    "Verification",
    "Wording",
    "build_dataset",
    "deviations",
    "read_dataset",
    "verify_dataset",
]
