"""Approximations, one method a file, called like the exact solvers, and their comparison with the exact answer."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
