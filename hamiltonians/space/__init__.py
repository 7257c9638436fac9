"""The Hilbert space of a sector: charge configurations, phonon occupations, frames, and their product."""
