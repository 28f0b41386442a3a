import json
from pathlib import Path

import pytest

from pipeline.core.errors import UserError
from pipeline.project import artifacts, params
from pipeline.stages import data, train


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_stage_leaves_results_metrics_curves_and_diagnostics_always_with_the_same_bytes(params_file, in_folder):
    params_file()
    data.main(["linear"])
    train.main(["weight_decay"])
    project = params.load()
    study = project.studies["weight_decay"]
    assert len(artifacts.read_results(project, study.id)) == 6
    assert set(artifacts.read_curves("weight_decay")["variant"]) == {variant.id for variant in study.variants}
    assert "numba" in artifacts.read_diagnostics("weight_decay").environment
    for variant in study.variants:
        metrics = json.loads((artifacts.METRICS / "weight_decay" / f"{variant.id}.json").read_text())
        assert metrics["runs"] == 3
        assert metrics["test_loss"]["ci_low"] < metrics["test_loss"]["estimate"] < metrics["test_loss"]["ci_high"]
    written = files(in_folder)
    train.main(["weight_decay"])
    assert files(in_folder) == written


def test_data_of_other_seeds_are_refused(params_file, in_folder):
    params_file()
    data.main(["linear"])
    params_file({"seeds.count": 4})
    with pytest.raises(UserError, match="data/linear.npz"):
        train.main(["weight_decay"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"studies.weight_decay.base.training.epochs": 2}, "changed while this stage ran"),
        ({"seeds.root": 1}, "changed while this stage ran"),
        (None, "params.yaml: not found"),
        # what the study does not depend on may change
        ({"studies.activation": ..., "judging.alpha": 0.01}, ""),
    ],
)
def test_params_that_change_while_the_stage_trains_are_noticed(change, message, params_file, in_folder, monkeypatch):
    """As `dvc exp run -S` in the same folder changes them for a moment."""
    train_study = train.runs.train_study

    def changing(*arguments):
        params.PATH.unlink() if change is None else params_file(change)
        return train_study(*arguments)

    params_file()
    data.main(["linear"])
    monkeypatch.setattr(train.runs, "train_study", changing)
    if message:
        with pytest.raises(UserError, match=message):
            train.main(["weight_decay"])
    else:
        train.main(["weight_decay"])
    assert artifacts.results_path("weight_decay").exists() == (not message)
