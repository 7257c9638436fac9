"""The names that ``observables`` takes in several tables."""

from __future__ import annotations

from .. import analysis

OBSERVABLES = tuple(analysis.OBSERVABLES)
"""Names that ``observables`` takes, without those that are added later."""
