"""Software versions for the provenance of results."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version


def versions() -> dict[str, str]:
    """Return the versions of the relevant software."""
    found = {name: version_of(name) for name in ("respair", "quspin", "numpy", "scipy")}
    return found | {"python": platform.python_version()}


@cache
def version_of(package: str) -> str:
    """Return the version of an installed package, or "unknown"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
