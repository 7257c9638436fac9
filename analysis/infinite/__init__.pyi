from .mass import effective_mass

__all__ = ["effective_mass"]
