"""Spatial symmetries: groups, orbits of charge configurations, symmetry blocks."""
