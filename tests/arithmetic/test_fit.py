import re

import numpy as np
import pytest
from arithmetic import fit
from samples import ROOT

CODE = re.sub(r"\s", "", (ROOT / "pipeline" / "arithmetic" / "functions.py").read_text())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", fit.POLYNOMIALS)
def test_the_code_has_the_computed_coefficients(name, dtype):
    assert f"({','.join(map(repr, fit.fit(name, dtype)))})" in CODE


def test_all_series_of_the_code_are_computed(capsys):
    fit.main()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2 * CODE.count("_series=polynomial(")
