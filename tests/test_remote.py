"""Results that go to a remote and come back in another clone, with nothing trained again."""

import pytest
from samples import CLAIM, Project

pytestmark = pytest.mark.xdist_group("remote")


def test_what_was_pushed_is_pulled_and_trains_nothing(project, tmp_path):
    project.write_params({"studies.activation": ..., "datasets.images": ..., "studies.weight_decay.claims.c": CLAIM})
    project.run("dvc", "repro")
    # a folder stands for any storage that DVC knows
    project.run("dvc", "remote", "add", "--default", "storage", str(tmp_path / "storage"))
    project.commit("results, and where their data are")
    project.run("dvc", "push", "dvc.yaml")

    clone = Project(tmp_path / "clone")
    project.run("git", "clone", "-q", str(project.folder), str(clone.folder))
    assert not (clone.folder / "data").exists()
    clone.run("dvc", "pull", "dvc.yaml")
    for path in ("data/linear.npz", "data/curves/weight_decay.csv", "data/diagnostics/weight_decay.npz"):
        assert (clone.folder / path).read_bytes() == (project.folder / path).read_bytes()
    assert "up to date" in clone.run("dvc", "status", "dvc.yaml").stdout
    assert "Running stage" not in clone.run("dvc", "repro").stdout
    assert clone.run("git", "status", "--porcelain").stdout == ""
