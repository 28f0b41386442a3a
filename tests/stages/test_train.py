import json
from pathlib import Path

from pipeline.project import artifacts, params
from pipeline.stages import check, data, train


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_stage_leaves_results_metrics_curves_and_diagnostics_always_with_the_same_bytes(params_file, in_folder):
    project = params.load(params_file())
    check.main([])
    data.main(["linear"])
    train.main(["weight_decay"])
    study = project.studies["weight_decay"]
    assert len(artifacts.read_results(project, study.id)) == 6
    assert set(artifacts.read_curves("weight_decay")["variant"]) == {variant.id for variant in study.variants}
    assert "numba" in artifacts.read_diagnostics("weight_decay").environment
    assert list(json.loads((artifacts.METRICS / "weight_decay.json").read_text())) == [
        "weight_decay_0",
        "weight_decay_3",
    ]
    written = files(in_folder)
    train.main(["weight_decay"])
    assert files(in_folder) == written
