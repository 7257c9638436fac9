"""Solvers: states of an operator, always with a statement of how exact they are."""

from .block_size import DoesNotFit
from .blocks import symmetry_sectors
from .by_symmetry import levels_by_symmetry
from .caps import CutoffError
from .certificate import Certificate, Certifier
from .checkpoint import CheckpointError, how_far
from .costs import Estimate
from .engines.dense import block_isometry
from .estimate_cutoff import estimate, forecast
from .evolution.configuration import Configuration
from .ground_state import ground_state
from .infinite.levels import InfiniteLevels, infinite_levels
from .krylov.eigenpairs import ConvergenceError, Levels, is_degenerate, lowest_levels
from .levels_file import load
from .linear import solve, unfolded
from .options import Options
from .results import Eigenstates, LabelledLevels, State
from .starting import starting_from
from .work import Progress, silent

__all__ = [
    "Certificate",
    "Certifier",
    "CheckpointError",
    "Configuration",
    "ConvergenceError",
    "CutoffError",
    "DoesNotFit",
    "Eigenstates",
    "Estimate",
    "InfiniteLevels",
    "LabelledLevels",
    "Levels",
    "Options",
    "Progress",
    "State",
    "block_isometry",
    "estimate",
    "forecast",
    "ground_state",
    "how_far",
    "infinite_levels",
    "is_degenerate",
    "levels_by_symmetry",
    "load",
    "lowest_levels",
    "silent",
    "solve",
    "starting_from",
    "symmetry_sectors",
    "unfolded",
]
