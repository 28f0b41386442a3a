"""Compute the polynomials of `functions`: `python tests/arithmetic/fit.py` prints them.

Each interpolates its function at Chebyshev nodes in 60 digits of mpmath, which comes within a factor of about two of
the best polynomial of its degree; the coefficients are then rounded to the type that evaluates them. The remaining
errors, including those of evaluation, are measured in tests/arithmetic/test_functions.py.
"""

from typing import Any

import numpy as np
from mpmath import mp

mp.dps = 60
_S = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)  # the largest s = (m - 1) / (m + 1), of m = sqrt(2)

# name: function, interval, degree in single and in double precision
POLYNOMIALS: dict[str, tuple[Any, tuple[float, float], int, int]] = {
    # (exp(r) - 1 - r) / r^2
    "EXP": (lambda r: mp.nsum(lambda n: r**n / mp.factorial(n + 2), [0, 40]), (-0.3475, 0.3475), 4, 10),
    # (2 atanh(s) / s - 2) / w for w = s^2
    "LOG": (lambda w: mp.nsum(lambda n: 2 * w**n / (2 * n + 3), [0, 60]), (0, float(_S**2) * 1.001), 3, 7),
    # (tanh(x) / x - 1) / z and erf(x) / x - 1 for z = x^2
    "TANH": (lambda z: (mp.tanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, (1e-30, 0.3907), 4, 11),
    "ERF": (lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, (1e-30, 1.0001), 6, 13),
    # exp(x^2) erfc(x) for u = 1 / (1 + x)
    "ERFC": (lambda u: mp.exp((1 / u - 1) ** 2) * mp.erfc(1 / u - 1), (1 / 7, 0.5001), 7, 19),
}


def fit(name: str, dtype: type[np.floating]) -> list[float]:
    """Compute the coefficients of a polynomial, the constant last, rounded to a type."""
    function, (low, high), single, double = POLYNOMIALS[name]
    count = (single if dtype is np.float32 else double) + 1
    angles = [mp.pi * (2 * k + 1) / (2 * count) for k in range(count)]
    nodes = [(mp.mpf(low) + high) / 2 + (mp.mpf(high) - low) / 2 * mp.cos(angle) for angle in angles]
    powers = mp.matrix([[node**power for power in reversed(range(count))] for node in nodes])
    coefficients = mp.lu_solve(powers, mp.matrix([function(node) for node in nodes]))
    return [float(dtype(mp.nstr(value, 30))) for value in coefficients]


def main() -> None:
    """Print all coefficients as Python."""
    for name in POLYNOMIALS:
        for dtype in (np.float32, np.float64):
            print(f"{name} {dtype.__name__}: {tuple(fit(name, dtype))}")


if __name__ == "__main__":
    main()
