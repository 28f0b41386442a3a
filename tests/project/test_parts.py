from dataclasses import replace

import pytest
from samples import ROOT

from pipeline.core.errors import UserError
from pipeline.core.seeding import Seed
from pipeline.project import artifacts, params, parts

ORDER = [
    f"activation_{name}" for name in ("sigmoid_learning_rate_0p1", "relu_learning_rate_0p1", "relu_learning_rate_0p5")
]
CLAIMS = {"trend": {"claim": "?", "trend": ORDER, "expect": "higher"}}
STAGES = ["data@images", "data@linear", "measure@product", "train@activation", "train@weight_decay"]


@pytest.mark.parametrize("project", [ROOT, ROOT / "book"], ids=["default", "book"])
def test_a_stage_reads_what_params_yaml_says(project, in_folder):
    whole = params.load(project / "params.yaml")
    artifacts.write_parts(whole)
    for key, config in whole.datasets.items():
        seeds = tuple(Seed(whole.seeds[0].root, index) for index in range(config.seeds or len(whole.seeds)))
        assert parts.read_dataset(key) == (config, seeds)
    for key, measurement in whole.measurements.items():
        assert parts.read_measurement(key) == (measurement, whole.seeds[0].root)
    for key, study in whole.studies.items():
        read, seeds = parts.read_study(key)
        only_reported = ("question", "asks", "margin", "caveat", "simplest_first")
        assert replace(read, **{name: getattr(study, name) for name in only_reported}) == study
        assert seeds == whole.seeds_of(study)
    assert parts.keys("train") == sorted(whole.studies)


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        ({"seeds.count": 4}, ["data@images", "data@linear", "train@activation", "train@weight_decay"]),
        ({"seeds.root": 4}, STAGES),
        ({"base.optimizer.learning_rate": 0.2}, ["train@activation", "train@weight_decay"]),
        ({"datasets.linear.noise_sd": 0.2}, ["data@linear", "train@weight_decay"]),
        ({"studies.weight_decay.base.training.epochs": 2}, ["train@weight_decay"]),
        ({"studies.weight_decay.metric": "train_loss"}, ["train@weight_decay"]),
        ({"studies.weight_decay.seeds": 2}, ["train@weight_decay"]),
        ({"studies.weight_decay.question": "Why?", "studies.activation.simplest": "last"}, []),
        ({"studies.activation.asks": "agreement", "studies.activation.caveat": "One data set."}, []),
        ({"studies.activation.margin": 0.01, "studies.activation.claims": CLAIMS}, []),
        ({"judging.alpha": 0.01}, []),
    ],
)
def test_an_edit_changes_the_parts_of_the_stages_that_it_concerns(changes, stages, params_file):
    before, after = params.load(params_file()), params.load(params_file(changes))
    changed = [stage for stage in STAGES if parts.text_of(stage, before.written) != parts.text_of(stage, after.written)]
    assert changed == stages


def test_the_parts_of_studies_that_are_gone_are_deleted(params_file, in_folder):
    project = params.load(params_file())
    artifacts.write_parts(project)
    artifacts.write_parts(replace(project, written={**project.written, "measurements": {}}))
    with pytest.raises(UserError, match=r"^data/configs/measure: missing; `dvc repro check` writes it$"):
        parts.keys("measure")
    assert parts.read_study("weight_decay")[1] == (Seed(0, 0), Seed(0, 1), Seed(0, 2))
