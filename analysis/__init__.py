"""Analysis: what a physicist reads off a state. Every function returns labelled xarray objects."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
