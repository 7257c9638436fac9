"""Libraries of other codes, which are imported when they are needed and need not be installed."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ...clusters import InvalidValue


class LibraryMissing(InvalidValue):
    """A library that an interface needs is not installed; the message says how to install it."""


def library(module: str, package: str = "") -> Any:
    """Return a module of another code.

    Parameters
    ----------
    module : str
        What is imported.
    package : str
        Its name for pip, where it has another one.

    Raises
    ------
    LibraryMissing
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = package or module.partition(".")[0]
        raise LibraryMissing(
            f"{name} is not installed, or cannot be loaded ({error}); pip install '{name}', or all of the other codes "
            "with pip install 'respair[crosscheck]'"
        ) from None


def version_of(package: str) -> str:
    """Return the version of a package; empty where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
