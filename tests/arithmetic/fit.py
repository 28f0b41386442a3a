"""Compute the polynomials of `functions`: `python tests/arithmetic/fit.py` prints them.

Each interpolates its function at Chebyshev nodes, which comes within a factor of two or so of the best polynomial of
its degree, in 60 digits of mpmath; the coefficients are then rounded to the type that evaluates them. What is left
of the error, rounding of the evaluation included, is measured in tests/arithmetic/test_functions.py.
"""

from collections.abc import Callable

import mpmath
import numpy as np

mpmath.mp.dps = 60
_ROOT_HALF = mpmath.sqrt(2) - 1  # (m - 1) / (m + 1) for m = sqrt(2)
_LARGEST_S = _ROOT_HALF / (_ROOT_HALF + 2)


def _exp(r: mpmath.mpf) -> mpmath.mpf:
    """(exp(r) - 1 - r) / r^2."""
    return mpmath.nsum(lambda n: r**n / mpmath.factorial(n + 2), [0, 40])


def _log(w: mpmath.mpf) -> mpmath.mpf:
    """(2 atanh(s) / s - 2) / w for w = s^2."""
    return mpmath.nsum(lambda n: 2 * w**n / (2 * n + 3), [0, 60])


def _tanh(z: mpmath.mpf) -> mpmath.mpf:
    """(tanh(x) / x - 1) / z for z = x^2."""
    x = mpmath.sqrt(z)
    return (mpmath.tanh(x) / x - 1) / z


def _erf(z: mpmath.mpf) -> mpmath.mpf:
    """erf(x) / x - 1 for z = x^2."""
    x = mpmath.sqrt(z)
    return mpmath.erf(x) / x - 1


def _erfc(u: mpmath.mpf) -> mpmath.mpf:
    """exp(x^2) erfc(x) for u = 1 / (1 + x)."""
    x = 1 / u - 1
    return mpmath.exp(x * x) * mpmath.erfc(x)


# name: function, interval, degree in single and in double precision
POLYNOMIALS: dict[str, tuple[Callable[[mpmath.mpf], mpmath.mpf], tuple[float, float], int, int]] = {
    "EXP": (_exp, (-0.3475, 0.3475), 4, 10),
    "LOG": (_log, (0, float(_LARGEST_S**2) * 1.001), 3, 7),
    "TANH": (_tanh, (1e-30, 0.3907), 4, 11),
    "ERF": (_erf, (1e-30, 1.0001), 6, 13),
    "ERFC": (_erfc, (1 / 7, 0.5001), 7, 19),
}


def fit(name: str, dtype: type[np.floating]) -> list[float]:
    """Coefficients of one polynomial, the constant last, as numbers of this type."""
    function, (low, high), single, double = POLYNOMIALS[name]
    count = (single if dtype is np.float32 else double) + 1
    angles = [mpmath.pi * (2 * k + 1) / (2 * count) for k in range(count)]
    nodes = [(mpmath.mpf(low) + high) / 2 + (mpmath.mpf(high) - low) / 2 * mpmath.cos(angle) for angle in angles]
    powers = mpmath.matrix([[node**power for power in reversed(range(count))] for node in nodes])
    coefficients = mpmath.lu_solve(powers, mpmath.matrix([function(node) for node in nodes]))
    return [float(dtype(mpmath.nstr(value, 30))) for value in coefficients]


def main() -> None:
    """Print all of them as Python."""
    for name in POLYNOMIALS:
        for dtype in (np.float32, np.float64):
            print(f"{name} {dtype.__name__}: {tuple(fit(name, dtype))}")


if __name__ == "__main__":
    main()
