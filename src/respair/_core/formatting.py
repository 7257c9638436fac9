"""Formatting of numbers with as many digits as their error bars support."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT = 5e-13
"""Errors below this are not shown; the number is given with twelve decimals."""
SMALL = 1e-6
"""Numbers below this are shown in scientific notation if their error bar is much smaller."""
NOISE = 1e-14
"""Numbers below this are rounding errors of zero, except for tiny units of energy."""
RELATIVE = 1e-3
"""Largest relative error of a small number shown in scientific notation."""
ROUNDINGS = 100
"""Error bars up to this multiple of the precision of the number count as rounding."""
DOUBLE = 15
"""Decimals of a number of order one in double precision."""


def with_error(value: float, error: float) -> str:
    """Return a value with the digits that its error bar supports, the error of the last digit in parentheses.

    Examples
    --------
    >>> with_error(-4.84252626123, 3.1e-8), with_error(-1.0, 0.0), with_error(2.31, 0.4)
    ('-4.84252626(4)', '-1.000000000000', '2.3(4)')
    >>> with_error(-1e-7, 3e-4), with_error(-1e-15, 0.0)
    ('0.0000(3)', '0.000000000000')
    >>> with_error(-4.84252626123e-10, 3.1e-18), with_error(-4.842526e-10, 0.0), with_error(-4.842526e6, 0.0)
    ('-4.84252626(4)e-10', '-4.842526000000e-10', '-4842526.000000000')
    """
    if not math.isfinite(value):
        return "-"
    if not math.isfinite(error):
        return f"{value:.6g}"
    if is_small(value, error):
        power = math.floor(math.log10(abs(value)))
        mantissa = value / 10.0**power
        return f"{with_error(mantissa, error / 10.0**power)}e{power:03d}"
    if error < EXACT:
        return _fixed(value, _decimals_of(value))
    digits = max(0, -math.floor(math.log10(error)))
    last = math.ceil(error * 10**digits - 1e-9)
    if last == 10:
        digits, last = max(0, digits - 1), 1 if digits else 10
    return f"{_fixed(value, digits)}({last})"


def _fixed(value: float, digits: int) -> str:
    """Return a number with `digits` decimals; a rounded zero has no sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def error_bar(error: float, value: float) -> str:
    """Return an error bar, or "rounding" if it is at the level of double precision.

    Examples
    --------
    >>> error_bar(3.1e-8, -4.84), error_bar(8.9e-16, -4.84), error_bar(8.9e-16, -4.84e-12)
    ('3.1e-08', 'rounding', '8.9e-16')
    """
    return "rounding" if 0 <= error <= ROUNDINGS * np.finfo(float).eps * abs(value) else f"{error:.1e}"


def is_small(value: float, error: float) -> bool:
    """True for a small number with a much smaller error bar, which needs scientific notation."""
    return NOISE < abs(value) < SMALL and error < RELATIVE * abs(value)


def _decimals_of(value: float) -> int:
    """Return twelve decimals, or fewer for large numbers limited by double precision."""
    return min(12, max(0, DOUBLE - math.floor(math.log10(max(1.0, abs(value))))))


def decimals(error: float) -> int:
    """Return the number of decimals of an average, 2 to 8, given the error bar of the energy.

    Examples
    --------
    >>> decimals(5e-4), decimals(1e-12), decimals(0.3)
    (3, 8, 2)
    """
    return int(np.clip(math.floor(-math.log10(max(error, 1e-12))), 2, 8)) if math.isfinite(error) else 2


def number(value: complex, digits: int) -> str:
    """Return a real or complex number with `digits` decimals, a dash for NaN."""
    given = complex(value)
    if not np.isfinite(given):
        return "-"
    real, imaginary = (round(part, digits) + 0.0 for part in (given.real, given.imag))
    return f"{real:.{digits}f}{imaginary:+.{digits}f}i" if imaginary else f"{real:.{digits}f}"


def energy(value: float, digits: int, error: float) -> str:
    """Return an energy with `digits` decimals, or in scientific notation if it and its error bar are small.

    Examples
    --------
    >>> energy(-1.5, 8, 1e-15), energy(-1.5e-10, 8, 1e-25), energy(-1.5e-10, 8, 1e-11)
    ('-1.50000000', '-1.50000000e-10', '0.00000000')
    """
    return f"{value:.{digits}e}" if is_small(value, error) else number(value, digits)


def numbers(values: NDArray[Any], digits: int, most: int = 6) -> str:
    """Return the first few of an array of numbers."""
    shown = ", ".join(number(x, digits) for x in np.atleast_1d(values)[:most])
    return shown + (" ..." if values.size > most else "")
