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


@pytest.mark.parametrize("change", [{"studies.weight_decay.base.training.epochs": 2}, None])
def test_params_that_change_while_the_stage_trains_are_noticed(change, params_file, in_folder, monkeypatch):
    """As `dvc exp run -S` in the same folder changes them for a moment."""
    train_study = train.runs.train_study

    def changing(*arguments):
        params.PATH.unlink() if change is None else params_file(change)
        return train_study(*arguments)

    params_file()
    data.main(["linear"])
    monkeypatch.setattr(train.runs, "train_study", changing)
    with pytest.raises(UserError, match="changed while this stage ran" if change else "params.yaml: not found"):
        train.main(["weight_decay"])
    assert not artifacts.results_path("weight_decay").exists()
