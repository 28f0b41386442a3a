import json
from pathlib import Path

import pandas as pd

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


def test_a_study_with_fewer_seeds_than_its_data_set_trains_the_same_runs(params_file, in_folder):
    tables = {}
    for count in (3, 2):
        project = params.load(params_file({"studies.weight_decay.seeds": count}))
        check.main([])
        if count == 3:
            data.main(["linear"])
        train.main(["weight_decay"])
        tables[count] = artifacts.read_results(project, "weight_decay")
    assert len(tables[2]) == 4
    fewer = tables[3][tables[3]["seed_index"] < 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(tables[2], fewer, check_exact=True)
    assert sorted(json.loads((artifacts.METRICS / "weight_decay.json").read_text())) == [
        "weight_decay_0",
        "weight_decay_3",
    ]


def test_a_study_of_images_may_have_more_seeds_than_the_others(params_file, in_folder):
    changes = {"studies.activation.seeds": 5, "studies.activation.base.training.epochs": 1}
    project = params.load(params_file(changes))
    check.main([])
    data.main(["images"])
    train.main(["activation"])
    results = artifacts.read_results(project, "activation")
    assert results["seed_index"].tolist() == [*range(5)] * 4
    # every seed trains another network
    assert results.groupby("variant")["test_loss"].nunique().tolist() == [5] * 4
