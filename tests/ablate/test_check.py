from ruamel.yaml import YAML
from samples import CLAIM
from typer.testing import CliRunner

from ablate import check, cli
from pipeline.core.nested import flatten
from pipeline.project import params


def printed(*options: str) -> str:
    return CliRunner().invoke(cli.app, ["check", *options]).stdout


def test_the_runs_of_each_study_and_claims_about_what_does_not_exist(params_file, in_folder):
    params_file({"studies.weight_decay.claims.c": {**CLAIM, "variant": "weight_decay_4"}})
    first, second, note, last = printed().splitlines()
    assert (first, second) == ("weight_decay: 2 variants, 3 seeds, 6 runs", "activation: 4 variants, 3 seeds, 12 runs")
    assert printed("activation").splitlines()[0] == second
    assert "variant: found 'weight_decay_4', there is weight_decay_0, weight_decay_3; not measured" in note
    assert last == "params.yaml is valid"


# their options differ
CHOICES = [{"name": "none"}, {"name": "hold_out", "fraction": 0.2}, {"name": "hold_out", "fraction": 0.5}]


def test_resolved_configs_are_those_that_are_trained(params_file):
    changes = {"grid": {"data": {"validation": CHOICES}}, "baseline": {"data": {"validation": CHOICES[0]}}}
    project = params.load(params_file({f"studies.activation.{key}": value for key, value in changes.items()}))
    studies = YAML(typ="safe", pure=True).load(check.resolved(project, project.studies))
    assert list(studies) == list(project.studies)
    for key, study in project.studies.items():
        assert studies[key]["dataset"] == project.datasets[study.dataset].model_dump(mode="json")
        assert list(studies[key]["variants"]) == [variant.id for variant in study.variants]
        for variant in study.variants:
            config = flatten(studies[key]["base"]) | flatten(studies[key]["variants"][variant.id])
            assert config == flatten(variant.config.model_dump(mode="json"))


def test_what_all_variants_share_stands_once(params_file, in_folder):
    params_file()
    studies = YAML(typ="safe", pure=True).load(printed("--resolved", "weight_decay"))
    assert list(studies) == ["weight_decay"]
    assert studies["weight_decay"]["variants"] == {
        "weight_decay_0": {"optimizer": {"weight_decay": 0.0}},
        "weight_decay_3": {"optimizer": {"weight_decay": 3.0}},
    }
    assert studies["weight_decay"]["base"]["optimizer"]["learning_rate"] == 0.003
