import pytest

from pipeline.project import artifacts
from pipeline.project.errors import UserError
from pipeline.stages import probe


def test_the_stage_writes_what_the_probe_measured(params_file, in_folder):
    params_file()
    probe.main(["product"])
    measured = artifacts.read_measured("product")
    assert (measured["quantity"] == "log10_largest").sum() == 20


def test_a_probe_that_is_not_there_is_named(params_file, in_folder):
    params_file()
    with pytest.raises(UserError, match="probes.missing: not found, allowed: product"):
        probe.main(["missing"])


def test_another_probe_s_mistake_does_not_matter(params_file, in_folder):
    params_file({"probes.wrong": {"kind": "sum"}, "studies.activation.metric": "nonsense"})
    probe.main(["product"])
    with pytest.raises(UserError, match="probes.wrong.kind"):
        probe.main(["wrong"])
