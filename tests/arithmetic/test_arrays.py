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


def ulps(found: np.ndarray, exact: list[mpmath.mpf]) -> float:
    """The largest distance in units of the last place of the exact result."""
    pairs = zip(found.tolist(), exact, strict=True)
    return max(float(abs(mpmath.mpf(own) - other)) / math.ulp(float(other)) for own, other in pairs)


# --- normal numbers --------------------------------------------------------------------------------------------------


def test_normal_numbers_are_distributed_so():
    numbers = normals(stream(), 100_000)
    assert stats.kstest(numbers, "norm").pvalue > 0.01


def test_more_normal_numbers_begin_with_the_same_ones_whatever_their_shape():
    numbers = normals(stream(), (7, 5))
    assert normals(stream(), 11).tolist() == numbers.ravel()[:11].tolist()
    assert normals(stream(), (2, 3, 4)).ravel().tolist() == numbers.ravel()[:24].tolist()
    assert normals(stream(), (0, 3)).shape == (0, 3)


def test_the_stream_stands_behind_its_normal_numbers():
    drawn, skipped = stream(), stream()
    normals(drawn, (3, 7))
    skipped.bit_generator.random_raw(21)
    assert pcg64_state(drawn).tolist() == pcg64_state(skipped).tolist()
    assert drawn.random() == skipped.random()


def test_a_normal_number_is_the_quantile_of_a_draw_to_six_units_in_the_last_place():
    raw = stream().bit_generator.random_raw(2000)
    numbers = normals(stream(), 2000)
    with mpmath.workdps(40):
        shares = [(mpmath.mpf(int(draw) >> 12) + 0.5) / 2**52 for draw in raw]
        exact = [mpmath.sqrt(2) * mpmath.erfinv(2 * share - 1) for share in shares]
        assert ulps(numbers, exact) < 6


# --- functions and sums ----------------------------------------------------------------------------------------------


def test_exp_and_log_are_right_to_one_unit_in_the_last_place():
    x = RANDOM.uniform(-700, 700, 500)
    positive = np.concatenate([2.0 ** RANDOM.uniform(-1000, 1000, 500), RANDOM.uniform(0.5, 2, 500)])
    with mpmath.workdps(40):
        assert ulps(exp(x), [mpmath.exp(value) for value in x.tolist()]) < 1
        assert ulps(log(positive), [mpmath.log(value) for value in positive.tolist()]) < 1


def test_functions_keep_the_shape_and_the_limits():
    assert exp(np.zeros((2, 1, 3))).tolist() == np.ones((2, 1, 3)).tolist()
    assert exp(2.0).shape == ()
    assert exp([-np.inf, -1e30, 1e30, np.inf]).tolist() == [0, 0, np.inf, np.inf]
    assert log(np.ones((0, 4))).shape == (0, 4)


@pytest.mark.parametrize("count", [1, 2, 3, 16, 1000])
def test_a_total_is_the_sum_of_the_last_axis(count):
    terms = RANDOM.standard_normal((3, count))
    np.testing.assert_allclose(total(terms), [math.fsum(row) for row in terms], rtol=0, atol=1e-13)


def rounded_once(a: float, b: float, c: float) -> float:
    return float(Fraction(a) * Fraction(b) + Fraction(c))


@pytest.mark.parametrize(("rows", "inner", "columns"), [(1, 1, 1), (3, 5, 2), (2, 40, 17), (17, 3, 33)])
def test_every_entry_of_a_product_is_one_sum_in_the_written_order(rows, inner, columns):
    left, right = RANDOM.standard_normal((rows, inner)), RANDOM.standard_normal((inner, columns))
    entry = 0.0
    for a, b in zip(left[-1], right[:, -1], strict=True):
        entry = rounded_once(a, b, entry)
    found = product(left, right)
    assert found[-1, -1] == entry
    np.testing.assert_allclose(found, left @ right, atol=1e-13)


def test_products_of_stacks_are_those_of_their_members():
    left, right = RANDOM.standard_normal((2, 3, 4, 5)), RANDOM.standard_normal((2, 3, 5, 6))
    found = product(left, right)
    assert found.shape == (2, 3, 4, 6)
    assert found[1, 2].tolist() == product(left[1, 2], right[1, 2]).tolist()
    # in any layout
    assert product(left, np.swapaxes(np.swapaxes(right, -1, -2).copy(), -1, -2)).tolist() == found.tolist()


@pytest.mark.parametrize(("left", "right"), [((3, 4), (3, 4)), ((2, 3, 4), (4, 3)), ((2, 3, 4), (3, 4, 3))])
def test_products_of_shapes_that_do_not_fit_are_refused(left, right):
    with pytest.raises(ValueError, match=r"found the shapes \(.*, allowed: \(..., N, K\)"):
        product(np.zeros(left), np.zeros(right))


# --- decompositions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_a_decomposition_is_the_singular_value_decomposition(shape):
    matrix = RANDOM.standard_normal(shape)
    parts = decompose(matrix)
    np.testing.assert_allclose(np.swapaxes(parts.right, -1, -2) @ parts.left, matrix, atol=1e-13)
    values = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(np.sort(np.sqrt(parts.squares))[..., ::-1], values, rtol=1e-12)
    for rows in (parts.left, parts.right):
        products = rows @ np.swapaxes(rows, -1, -2)
        norms = np.sqrt(np.diagonal(products, axis1=-2, axis2=-1))
        cosines = products / (norms[..., None, :] * norms[..., :, None])
        np.testing.assert_allclose(cosines, np.broadcast_to(np.eye(rows.shape[-2]), cosines.shape), atol=1e-13)


def test_small_singular_values_are_as_exact_as_large_ones():
    matrix = RANDOM.standard_normal((30, 8)) * 10.0 ** -np.arange(0, 160, 20)
    with mpmath.workdps(200):
        exact = mpmath.svd_r(mpmath.matrix(matrix.tolist()), compute_uv=False)
        values = sorted(np.sqrt(decompose(matrix).squares), reverse=True)
        np.testing.assert_allclose(values, [float(value) for value in exact], rtol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_solution_is_that_of_least_squares_of_smallest_norm(shape):
    matrix, values = RANDOM.standard_normal(shape), RANDOM.standard_normal(shape[:-1])
    expected = (np.linalg.pinv(matrix) @ values[..., None])[..., 0]
    np.testing.assert_allclose(solve(matrix, values), expected, atol=1e-12)


def test_directions_without_a_singular_value_have_no_part_in_a_solution():
    matrix = RANDOM.standard_normal((20, 3))[:, [0, 1, 1, 2, 0]]
    values = RANDOM.standard_normal(20)
    assert np.count_nonzero(decompose(matrix).kept(1e-12)) == 3
    np.testing.assert_allclose(solve(matrix, values), np.linalg.pinv(matrix) @ values, atol=1e-13)
    assert solve(np.zeros((4, 3)), values[:4]).tolist() == [0, 0, 0]


def test_a_penalty_makes_it_ridge_regression():
    matrix, values = RANDOM.standard_normal((20, 4)), RANDOM.standard_normal(20)
    parts = decompose(matrix)
    coordinates = parts.coordinates(values, parts.kept(0.0), np.array([[0.5], [3.0]]))
    for found, penalty in zip(coordinates @ parts.left, (0.5, 3.0), strict=True):
        expected = np.linalg.solve(matrix.T @ matrix + penalty * np.eye(4), matrix.T @ values)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(5, 6, 4), (5, 4, 6)])
def test_what_is_decomposed_beside_others_has_the_bits_that_it_has_alone(shape):
    matrices = RANDOM.standard_normal(shape)
    stacked, alone = decompose(matrices), decompose(matrices[3])
    for found, expected in zip(stacked, alone, strict=True):
        assert found[3].tolist() == expected.tolist()


# --- on other processors ---------------------------------------------------------------------------------------------

# of all that is made before and beside training (arithmetic/made.py)
GOLDEN = json.loads((Path(__file__).parent / "made.json").read_text())
HASWELL = "+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt,+movbe,+cx16"
ELSEWHERE = {
    "as it is": {},
    "NumPy without AVX-512, OpenBLAS as on another processor": {
        "NPY_DISABLE_CPU_FEATURES": " ".join(
            name for name in __cpu_dispatch__ if name != "X86_V3" and __cpu_features__.get(name)
        ),
        "OPENBLAS_CORETYPE": "Sandybridge",
    },
    "NumPy with its baseline alone, kernels for Haswell": {
        "NPY_DISABLE_CPU_FEATURES": " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name)),
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": HASWELL,
    },
}


@pytest.mark.parametrize("environment", ELSEWHERE)
def test_what_is_made_has_the_same_bits_as_on_other_processors(environment, tmp_path):
    changes = ELSEWHERE[environment]
    if changes and platform.machine() != "x86_64":
        pytest.skip("these variables name processors of x86-64")
    inherited = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    made = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "arithmetic" / "made.py")],
        cwd=tmp_path,
        env={**inherited, "PYTHONPATH": paths, **changes},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(made.stdout) == GOLDEN


# functions whose last bits belong to the processor or the C library
INEXACT = {
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "power", "pow", "float_power", "cbrt"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "hypot", "deg2rad", "erf"),
    *("sum", "nansum", "mean", "nanmean", "average", "std", "var", "reduce", "trace", "cov", "corrcoef", "convolve"),
    *("dot", "vdot", "inner", "outer", "matmul", "einsum", "tensordot", "linalg", "fft", "interp", "polyfit"),
    *("normal", "standard_normal", "exponential", "gamma", "beta", "binomial", "poisson", "scipy", "sklearn", "torch"),
}
MADE_BY = [
    *("arithmetic/arrays.py", "arithmetic/logistic.py"),
    *(f"data/{name}.py" for name in ("__init__", "linear", "polynomial", "shift", "table")),
    *(f"measurements/{name}.py" for name in ("__init__", "activations", "matrix_product", "shift_detector")),
    *(f"training/{name}.py" for name in ("closed_form", "draws", "initializers", "subsets", "weights")),
]


@pytest.mark.parametrize("file", MADE_BY)
def test_numbers_are_made_by_what_rounds_once(file):
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
