import json

import pytest

from pipeline.core.errors import UserError
from pipeline.project import artifacts, params
from pipeline.stages import data, train


def test_the_stage_leaves_results_metrics_curves_and_probes(params_file, in_folder):
    params_file()
    data.main(["linear"])
    train.main(["weight_decay"])
    project = params.load()
    study = project.studies["weight_decay"]
    results = artifacts.read_results(project, study.id)
    assert len(results) == 6
    assert set(artifacts.read_curves("weight_decay")["variant"]) == {variant.id for variant in study.variants}
    assert "numba" in artifacts.read_diagnostics("weight_decay").environment
    for variant in study.variants:
        written = json.loads((artifacts.METRICS / "weight_decay" / f"{variant.id}.json").read_text())
        assert written["runs"] == 3
        assert written["test_loss"]["ci_low"] < written["test_loss"]["estimate"] < written["test_loss"]["ci_high"]


def test_the_same_parameters_give_the_same_bytes(params_file, in_folder):
    params_file()
    data.main(["linear"])
    found = []
    for _ in range(2):
        train.main(["weight_decay"])
        found.append({path: path.read_bytes() for path in in_folder.rglob("*") if path.is_file()})
    assert found[0] == found[1]


def test_data_of_other_seeds_are_refused(params_file, in_folder):
    params_file()
    data.main(["linear"])
    params_file({"seeds.count": 4})
    with pytest.raises(UserError, match="data/linear.npz"):
        train.main(["weight_decay"])


@pytest.mark.parametrize("changes", [{"studies.weight_decay.base.training.epochs": 2}, {"seeds.root": 1}])
def test_settings_that_change_while_it_trains_are_not_recorded(params_file, in_folder, monkeypatch, changes):
    """As `dvc exp run -S` in the same folder changes them for a moment."""
    of_runs = train.runs.train

    def training_while(others):
        def meanwhile(*arguments):
            params_file(others)
            return of_runs(*arguments)

        params_file()
        monkeypatch.setattr(train.runs, "train", meanwhile)
        train.main(["weight_decay"])

    params_file()
    data.main(["linear"])
    with pytest.raises(UserError, match="changed while this stage ran"):
        training_while(changes)
    assert not artifacts.results_path("weight_decay").exists()
    params_file()
    monkeypatch.setattr(train.runs, "train", lambda *arguments: [of_runs(*arguments), params.PATH.unlink()][0])
    with pytest.raises(UserError, match="params.yaml: missing"):
        train.main(["weight_decay"])
    # what the study does not depend on may change
    training_while({"studies.activation": ..., "judging.alpha": 0.01})
    assert artifacts.results_path("weight_decay").exists()


def test_with_a_store_only_what_is_new_is_trained_and_every_byte_is_the_same(
    params_file, in_folder, tmp_path_factory, monkeypatch, caplog
):
    """One more value and more seeds of the real generators of data, against a run that takes nothing."""
    grown = {"studies.weight_decay.grid.optimizer.weight_decay": [0, 1, 3], "seeds.count": 5}

    def written(changes):
        params_file(changes)
        data.main(["linear"])
        caplog.clear()
        with caplog.at_level("INFO"):
            train.main(["weight_decay"])
        return {path: path.read_bytes() for path in in_folder.rglob("*") if path.is_file()}

    off = written(grown)
    monkeypatch.setenv("ABLATE_STORE", str(tmp_path_factory.mktemp("store")))
    written({})
    assert "6 runs to train, 0 taken" in caplog.text
    warm = written(grown)
    assert "9 runs to train, 6 taken" in caplog.text
    assert warm == off
    assert written(grown) == off
    assert "0 runs to train, 15 taken" in caplog.text
