import dataclasses

from report.sections import made, of
from samples import ADAM

from pipeline.report.provenance import configs, differs, provenance, resolved
from pipeline.training.config import RunConfig


def test_the_shared_and_the_differing_part_are_the_whole_config():
    for section in made().sections:
        common, other = configs(section.study)
        assert not set(common) & set(other.columns)
        for variant in section.study.variants:
            differences = {key: value for key, value in other.loc[variant.id].items() if value}
            assert common | differences == resolved(variant)
    config, _ = configs(of("weight_decay").study)
    assert set(config) >= {"model.hidden", "optimizer.learning_rate", "data.validation", "training.epochs"}
    assert config["model.initialization.weight"].startswith("normal(std=")


def test_the_factors_are_what_differs():
    _, other = configs(of("activation").study)
    assert list(other.columns) == ["model.activation", "optimizer.learning_rate"]
    assert other.to_numpy().tolist() == [["sigmoid", "0.1"], ["sigmoid", "0.5"], ["relu", "0.1"], ["relu", "0.5"]]


def test_a_named_variant_says_what_it_changes_also_if_its_optimizer_has_other_options():
    study = of("named").study
    assert differs(study, "wild") == "optimizer learning rate 1000000"
    assert differs(study, "plain") == ""
    plain, wild = study.variants
    adam = {**ADAM, "learning_rate": 0.1}
    config = RunConfig.model_validate({**wild.config.model_dump(mode="json"), "optimizer": adam})
    changed = dataclasses.replace(study, variants=(plain, dataclasses.replace(wild, config=config)))
    assert differs(changed, "wild") == (
        "optimizer name adam, optimizer learning rate 0.1, optimizer beta1 0.9, optimizer beta2 0.999, "
        "optimizer epsilon 1e-08"
    )


def test_digests_tell_configs_and_data_apart():
    digests = {section.study.id: section.provenance for section in made().sections}
    assert len({digest.config for digest in digests.values()}) == len(digests)
    assert digests["weight_decay"].data == digests["ridge"].data != digests["activation"].data
    assert (digests["weight_decay"].data_sets, digests["activation"].data_sets) == (3, 1)
    # a single data set has the digest of the results
    assert {digests["activation"].data} == set(of("activation").results["data"])


def test_the_digest_of_a_config_changes_with_a_seed_and_not_with_another_study():
    project, section = made().project, of("named")

    def digest(**changes) -> str:
        changed = dataclasses.replace(project, written={**project.written, **changes})
        return provenance(changed, section.study, section.results).config

    assert digest() == section.provenance.config != digest(seeds={"root": 1, "count": 3})
    assert digest(base={}) != digest()
    assert digest(studies={**project.written["studies"], "ridge": {"question": "Another?"}}) == digest()
