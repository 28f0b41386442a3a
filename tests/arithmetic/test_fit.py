import ast

import numpy as np
import pytest
from arithmetic import fit
from samples import ROOT


def flat(table: ast.expr) -> list[float]:
    """The numbers of a tuple in whose place, for the sake of line breaks, may stand `*(...)`."""
    terms = ast.literal_eval(ast.unparse(table).replace("*", ""))
    return [number for term in terms for number in (term if isinstance(term, tuple) else (term,))]


SOURCE = ast.parse((ROOT / "pipeline" / "arithmetic" / "functions.py").read_text())
# name in `fit`: coefficients in single and in double precision, as `functions` has them
WRITTEN = {
    node.targets[0].id.strip("_").removesuffix("_series").upper(): [flat(table) for table in node.value.args]
    for node in SOURCE.body
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith("_series")
}


@pytest.mark.parametrize("name", fit.POLYNOMIALS)
@pytest.mark.parametrize(("place", "dtype"), [(0, np.float32), (1, np.float64)])
def test_the_coefficients_in_the_code_are_those_that_are_computed(name, place, dtype):
    assert WRITTEN[name][place] == fit.fit(name, dtype)


def test_all_polynomials_in_the_code_are_tested():
    assert set(WRITTEN) == set(fit.POLYNOMIALS)


@pytest.mark.parametrize("name", fit.POLYNOMIALS)
def test_a_polynomial_is_close_to_its_function(name):
    function, (low, high), *_ = fit.POLYNOMIALS[name]
    coefficients = fit.fit(name, np.float64)
    for x in np.linspace(low, high, 50):
        exact = float(function(fit.mpmath.mpf(float(x))))
        assert np.polyval(coefficients, x) == pytest.approx(exact, rel=1e-13, abs=1e-13)


def test_main_prints_what_the_code_has(capsys):
    fit.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * len(fit.POLYNOMIALS)
    assert lines[0] == f"EXP float32: {tuple(WRITTEN['EXP'][0])}"
