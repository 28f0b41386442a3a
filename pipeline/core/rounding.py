"""Rounding of derived numbers, so that the last bits of library functions reach no file and decide no comparison.

`log`, the t quantile and similar functions differ in their last bits between processors and C libraries. Numbers
computed with them are compared with twelve significant digits and written with seven.
"""

WRITTEN = 7
COMPARED = 12


def rounded(value: float, digits: int = COMPARED) -> float:
    """Round to significant digits; zeros, infinities and NaN stay.

    >>> rounded(0.1 + 0.2), rounded(1 - 1e-13), rounded(1234567.89, WRITTEN)
    (0.3, 1.0, 1234568.0)
    """
    return float(f"{value:.{digits}g}")
