"""Derived numbers rounded, so that the last bits of a library's functions are in no file and decide no comparison.

`log`, the t quantile and their like have other last bits on another processor or C library. What is computed with them
is compared with twelve significant digits and written with seven.
"""

WRITTEN = 7
COMPARED = 12


def rounded(value: float, digits: int = COMPARED) -> float:
    """A number with so many significant digits; zeros, infinities and NaN stay.

    >>> rounded(0.1 + 0.2), rounded(1 - 1e-13), rounded(1234567.89, WRITTEN)
    (0.3, 1.0, 1234568.0)
    """
    return float(f"{value:.{digits}g}")
