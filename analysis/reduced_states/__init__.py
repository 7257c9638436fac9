"""Reduced states: bipartitions of a cluster, and the entanglement between the parts."""
