"""Names of observables allowed in several tables of model files."""

from __future__ import annotations

from .. import analysis

OBSERVABLES = tuple(analysis.OBSERVABLES)
"""Names of the built-in observables."""
