import ast
import json
import math
import os
import platform
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from samples import ROOT
from scipy import stats

from pipeline.arithmetic.arrays import decompose, exp, log, normals, pcg64_state, product, solve, total

RANDOM = np.random.default_rng(5)
SHAPES = [(1, 1), (5, 1), (1, 5), (7, 4), (4, 7), (20, 20), (3, 6, 4), (2, 3, 4, 17)]


def stream() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(11))


# --- normal numbers --------------------------------------------------------------------------------------------------


def test_normal_numbers_have_the_moments_and_tails_of_the_distribution():
    n = 1_000_000
    numbers = normals(stream(), n)
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3), (5, 0), (6, 15)):
        spread = (stats.norm.moment(2 * power) - moment**2) ** 0.5
        assert np.mean(numbers**power) == pytest.approx(moment, abs=4 * spread / n**0.5)
    assert stats.kstest(numbers, "norm").pvalue > 1e-3
    # 4 standard deviations out, where 63 are expected
    assert 35 < (np.abs(numbers) > 4).sum() < 95
    assert np.abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 4 / n**0.5


def test_a_normal_number_takes_one_draw_whatever_the_shape():
    drawn, skipped = stream(), stream()
    numbers = normals(drawn, (7, 5))
    assert normals(stream(), 11).tolist() == numbers.ravel()[:11].tolist()
    assert normals(stream(), (2, 3, 4)).ravel().tolist() == numbers.ravel()[:24].tolist()
    assert normals(stream(), (0, 3)).shape == (0, 3)
    skipped.bit_generator.random_raw(35)
    assert pcg64_state(drawn).tolist() == pcg64_state(skipped).tolist()


# --- functions and sums ----------------------------------------------------------------------------------------------


def test_exp_and_log_keep_the_shape_and_the_limits():
    assert exp(np.zeros((2, 1, 3))).tolist() == np.ones((2, 1, 3)).tolist()
    assert exp(2.0).shape == ()
    assert exp([-np.inf, -1e30, 1e30, np.inf]).tolist() == [0, 0, np.inf, np.inf]
    assert log(np.ones((0, 4))).shape == (0, 4)
    assert log(exp(np.arange(-9.0, 9.0))) == pytest.approx(np.arange(-9.0, 9.0), rel=1e-15, abs=0)


@pytest.mark.parametrize("count", [1, 2, 3, 16, 1000])
def test_a_total_is_the_sum_of_the_last_axis(count):
    terms = RANDOM.standard_normal((3, count))
    np.testing.assert_allclose(total(terms), [math.fsum(row) for row in terms], rtol=0, atol=1e-13)


@pytest.mark.parametrize(("rows", "inner", "columns"), [(1, 1, 1), (3, 5, 2), (2, 40, 17), (17, 3, 33)])
def test_every_entry_of_a_product_is_one_sum_in_the_written_order(rows, inner, columns):
    left, right = RANDOM.standard_normal((rows, inner)), RANDOM.standard_normal((inner, columns))
    entry = 0.0
    for a, b in zip(left[-1], right[:, -1], strict=True):
        entry = float(Fraction(a) * Fraction(b) + Fraction(entry))
    assert product(left, right)[-1, -1] == entry
    np.testing.assert_allclose(product(left, right), left @ right, atol=1e-13)


def test_products_of_stacks_are_those_of_their_members_in_any_layout():
    left, right = RANDOM.standard_normal((2, 3, 4, 5)), RANDOM.standard_normal((2, 3, 5, 6))
    products = product(left, right)
    assert products.shape == (2, 3, 4, 6)
    assert products[1, 2].tolist() == product(left[1, 2], right[1, 2]).tolist()
    assert product(left, np.swapaxes(np.swapaxes(right, -1, -2).copy(), -1, -2)).tolist() == products.tolist()


# --- decompositions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_a_decomposition_is_the_singular_value_decomposition(shape):
    matrix, values = RANDOM.standard_normal(shape), RANDOM.standard_normal(shape[:-1])
    parts = decompose(matrix)
    np.testing.assert_allclose(np.swapaxes(parts.right, -1, -2) @ parts.left, matrix, atol=1e-13)
    singular = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(np.sort(np.sqrt(parts.squares))[..., ::-1], singular, rtol=1e-12)
    for rows in (parts.left, parts.right):
        unit = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
        identity = np.broadcast_to(np.eye(rows.shape[-2]), (*rows.shape[:-1], rows.shape[-2]))
        np.testing.assert_allclose(unit @ np.swapaxes(unit, -1, -2), identity, atol=1e-13)
    expected = (np.linalg.pinv(matrix) @ values[..., None])[..., 0]
    np.testing.assert_allclose(solve(matrix, values), expected, atol=1e-12)


def test_small_singular_values_are_as_exact_as_large_ones():
    matrix = RANDOM.standard_normal((30, 8)) * 10.0 ** -np.arange(0, 160, 20)
    with mpmath.workdps(200):
        exact = mpmath.svd_r(mpmath.matrix(matrix.tolist()), compute_uv=False)
        values = sorted(np.sqrt(decompose(matrix).squares), reverse=True)
        np.testing.assert_allclose(values, [float(value) for value in exact], rtol=1e-13)


def test_directions_without_a_singular_value_have_no_part_in_a_solution():
    matrix = RANDOM.standard_normal((20, 3))[:, [0, 1, 1, 2, 0]]
    values = RANDOM.standard_normal(20)
    assert np.count_nonzero(decompose(matrix).kept(1e-12)) == 3
    np.testing.assert_allclose(solve(matrix, values), np.linalg.pinv(matrix) @ values, atol=1e-13)
    assert solve(np.zeros((4, 3)), values[:4]).tolist() == [0, 0, 0]


# --- on other processors ---------------------------------------------------------------------------------------------

# digests of everything that is computed before and beside training, by made.py
GOLDEN = json.loads((Path(__file__).parent / "made.json").read_text())
SUPPORTED = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
PROCESSORS = {
    "this one": {},
    "NumPy without AVX-512, another OpenBLAS": {
        "NPY_DISABLE_CPU_FEATURES": " ".join(name for name in SUPPORTED if name != "X86_V3"),
        "OPENBLAS_CORETYPE": "Sandybridge",
    },
    "NumPy's baseline, kernels for Haswell": {
        "NPY_DISABLE_CPU_FEATURES": " ".join(SUPPORTED),
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt",
    },
}


@pytest.mark.parametrize("processor", PROCESSORS)
def test_numbers_have_the_same_bits_on_other_processors(processor, tmp_path):
    changes = PROCESSORS[processor]
    if changes and platform.machine() != "x86_64":
        pytest.skip("these variables name processors of x86-64")
    inherited = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    environment = {**inherited, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), **changes}
    command = [sys.executable, str(ROOT / "tests" / "arithmetic" / "made.py")]
    made = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(made.stdout) == GOLDEN


# functions whose last bits belong to the processor or the C library
INEXACT = {
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "power", "pow", "float_power", "cbrt"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "hypot", "deg2rad", "erf"),
    *("sum", "nansum", "mean", "nanmean", "average", "std", "var", "reduce", "trace", "cov", "corrcoef", "convolve"),
    *("dot", "vdot", "inner", "outer", "matmul", "einsum", "tensordot", "linalg", "fft", "interp", "polyfit"),
    *("normal", "standard_normal", "exponential", "gamma", "beta", "binomial", "poisson", "scipy", "sklearn", "torch"),
}
EXACT = [
    *("arithmetic/arrays.py", "arithmetic/logistic.py"),
    *(f"data/{name}.py" for name in ("__init__", "linear", "polynomial", "shift", "table")),
    *(f"measurements/{name}.py" for name in ("base", "activations", "matrix_product", "shift_detector")),
    *(f"training/{name}.py" for name in ("closed_form", "draws", "initializers", "importance_weights", "subsets")),
]


@pytest.mark.parametrize("file", EXACT)
def test_numbers_are_computed_by_what_rounds_once(file):
    """By the exp and log of `arrays`, which are imported by name, not by those of NumPy, math, SciPy or BLAS."""
    for node in ast.walk(ast.parse((ROOT / "pipeline" / file).read_text())):
        names = set()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names = set(ast.unparse(node.func).split("."))
        elif isinstance(node, ast.Import | ast.ImportFrom) and not getattr(node, "module", "").startswith("pipeline"):
            names = {part for alias in node.names for part in f"{getattr(node, 'module', '')}.{alias.name}".split(".")}
        elif isinstance(node, ast.BinOp):
            names = {"matmul"} if isinstance(node.op, ast.MatMult) else set()
        assert not names & INEXACT, f"{file}:{node.lineno}"
