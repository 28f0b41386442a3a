import pytest
from ruamel.yaml import YAML
from samples import CLAIM

from ablate import check
from pipeline.project import params


def test_the_runs_of_each_study_and_claims_about_what_does_not_exist(params_file):
    claim = {**CLAIM, "variant": "weight_decay_4"}
    project = params.load(params_file({"studies.weight_decay.claims.c": claim}))
    first, second, note, last = check.report(project, project.studies).splitlines()
    assert (first, second) == ("weight_decay: 2 variants, 3 seeds, 6 runs", "activation: 4 variants, 3 seeds, 12 runs")
    assert check.report(project, ["activation"]).splitlines()[0] == second
    assert "variant: found 'weight_decay_4', there is weight_decay_0, weight_decay_3; not measured" in note
    assert last == "params.yaml is valid"


def laid_over(base, changes):
    """`base` with nested `changes`."""
    whole = dict(base)
    for key, value in changes.items():
        deeper = isinstance(value, dict) and isinstance(whole.get(key), dict)
        whole[key] = laid_over(whole[key], value) if deeper else value
    return whole


CHOICES = [{"name": "none"}, {"name": "hold_out", "fraction": 0.2}, {"name": "hold_out", "fraction": 0.5}]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        # a choice whose options differ, and one value alone
        {"studies.activation.grid": {"data": {"validation": CHOICES}}},
        {"studies.activation.grid": {"data": {"validation": CHOICES[:1]}}},
    ],
)
def test_resolved_configs_are_those_that_are_trained(changes, params_file):
    if changes:
        changes["studies.activation.baseline"] = {"data": {"validation": CHOICES[0]}}
    project = params.load(params_file(changes))
    text = check.resolved(project, project.studies)
    assert all(line == line.rstrip() for line in text.split("\n"))
    studies = YAML(typ="safe", pure=True).load(text)
    assert list(studies) == list(project.studies)
    for key, study in project.studies.items():
        assert studies[key]["dataset"] == project.datasets[study.dataset].model_dump(mode="json")
        assert list(studies[key]["variants"]) == [variant.id for variant in study.variants]
        for variant in study.variants:
            config = laid_over(studies[key]["base"], studies[key]["variants"][variant.id])
            assert config == variant.config.model_dump(mode="json")


def test_what_all_variants_share_stands_once(params_file):
    text = check.resolved(params.load(params_file()), ["weight_decay"])
    studies = YAML(typ="safe", pure=True).load(text)
    assert list(studies) == ["weight_decay"]
    assert studies["weight_decay"]["variants"] == {
        "weight_decay_0": {"optimizer": {"weight_decay": 0.0}},
        "weight_decay_3": {"optimizer": {"weight_decay": 3.0}},
    }
    assert studies["weight_decay"]["base"]["optimizer"]["learning_rate"] == 0.003
