"""How much memory the searches take for their vectors."""

FIRST_CYCLE = 60
"""Steps of a first cycle with stored vectors; each further one is twice as long, while memory allows."""
STORED_BYTES = 2 << 20
"""Lanczos vectors are kept orthogonal where a first cycle of them fits; beyond, two passes cost less."""
KEPT_BYTES = 128 << 20
"""Room for the first Lanczos vectors of the first of two passes, which the second one then need not repeat."""
