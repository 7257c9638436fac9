"""Observables: one table, their operators and averages, their error bars."""
