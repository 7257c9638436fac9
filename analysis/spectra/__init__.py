"""Spectral functions, conductivity, their sum rules and what is read off them."""
