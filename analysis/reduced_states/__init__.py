"""Reduced states: cuts of a cluster, and the entanglement between the parts."""
