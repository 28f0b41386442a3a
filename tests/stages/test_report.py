import json

import pytest

from pipeline.core.errors import UserError
from pipeline.project import artifacts
from pipeline.project.metrics import measured
from pipeline.stages import data, measure, report, train


@pytest.fixture
def trained(params_file, in_folder):
    params_file()
    for key in ("images", "linear"):
        data.main([key])
    for key in ("weight_decay", "activation"):
        train.main([key])
    measure.main(["product"])
    return in_folder


def test_the_stage_draws_and_writes_the_page_and_forgets_studies_that_are_gone(trained, params_file):
    report.main([])
    assert "How strongly should large weights be punished?" in artifacts.PAGE.read_text()
    assert {path.name for path in artifacts.FIGURES.iterdir()} == {
        "weight_decay_curves.svg",
        "weight_decay_effects.svg",
        "activation_curves.svg",
        "activation_effects.svg",
        "activation_layers.svg",
        "product_product.svg",
    }
    assert len(json.loads(artifacts.ENVIRONMENT.read_text())) == 1
    params_file({"studies.activation": ...})
    report.main([])
    assert "Which activation?" not in artifacts.PAGE.read_text()
    assert not list(trained.rglob("*activation*"))


def test_results_of_other_params_are_refused(trained, params_file):
    params_file({"studies.weight_decay.grid.optimizer.weight_decay": [0, 1, 3]})
    with pytest.raises(UserError, match="weight_decay.csv: made with other variants or seeds"):
        report.main([])


def test_a_study_of_which_every_run_diverges_is_reported_as_such(params_file, in_folder):
    changes = {"studies.activation": ..., "measurements": {}, "studies.weight_decay.base.optimizer.learning_rate": 1e6}
    params_file(changes | {"studies.weight_decay.base.training.epochs": 30})
    data.main(["linear"])
    train.main(["weight_decay"])
    report.main([])
    # both variants, in the table of every metric that comes from training; the others have a number for every run
    from_training = [metric.name for metric in measured({"regression", "linear"}) if metric.trained]
    assert artifacts.PAGE.read_text().count("(3 diverged)") == 2 * len(from_training)
