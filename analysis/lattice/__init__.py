"""The lattice: displacements, distributions, response."""
