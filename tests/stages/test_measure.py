import pytest

from pipeline.core.errors import UserError
from pipeline.project import artifacts
from pipeline.stages import measure as measurement


def test_the_stage_writes_what_the_probe_measured(params_file, in_folder):
    params_file()
    measurement.main(["product"])
    measured = artifacts.read_measured("product")
    assert (measured["quantity"] == "log10_largest").sum() == 20


def test_a_probe_that_is_not_there_is_named(params_file, in_folder):
    params_file()
    with pytest.raises(UserError, match="measurements.missing: not found, allowed: product"):
        measurement.main(["missing"])


def test_another_probe_s_mistake_does_not_matter(params_file, in_folder):
    params_file({"measurements.wrong": {"kind": "sum"}, "studies.activation.metric": "nonsense"})
    measurement.main(["product"])
    with pytest.raises(UserError, match="measurements.wrong.kind"):
        measurement.main(["wrong"])
