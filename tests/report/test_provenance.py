import dataclasses

from report.sections import made

from pipeline.report import provenance
from pipeline.report.provenance import differing, differs, shared
from pipeline.training.config import RunConfig


def of(study: str):
    return next(section for section in made().sections if section.study.id == study)


def test_what_variants_share_and_what_differs_is_the_whole_setting():
    for section in made().sections:
        common, other = shared(section.study), differing(section.study)
        assert not set(common) & set(other.columns)
        for variant in section.study.variants:
            own = {key: value for key, value in other.loc[variant.id].items() if value}
            assert common | own == provenance.configs(variant)


def test_the_factors_are_what_differs():
    assert list(differing(of("weight_decay").study).columns) == ["optimizer.weight_decay"]
    assert differing(of("activation").study).to_numpy().tolist() == [
        ["sigmoid", "0.1"],
        ["sigmoid", "0.5"],
        ["relu", "0.1"],
        ["relu", "0.5"],
    ]
    assert set(shared(of("weight_decay").study)) >= {"model.hidden", "optimizer.learning_rate", "data.validation"}
    assert shared(of("weight_decay").study)["model.initialization.weight"].startswith("normal(std=")


def test_a_named_variant_differs_in_what_it_sets():
    assert differs(of("named").study, "wild") == "optimizer learning rate 1000000"
    assert differs(of("named").study, "plain") == ""


def test_a_variant_with_another_optimizer_differs_in_what_that_has():
    study = of("named").study
    adam = {"name": "adam", "learning_rate": 0.1, "weight_decay": 0.0}
    wild = study.variant("wild")
    other = RunConfig.model_validate({**wild.config.model_dump(mode="json"), "optimizer": adam})
    changed = dataclasses.replace(wild, config=other, factors={"optimizer": adam, "optimizer.learning_rate": None})
    words = differs(dataclasses.replace(study, variants=(study.variant("plain"), changed)), "wild")
    assert words == (
        "optimizer name adam, optimizer learning rate 0.1, optimizer beta1 0.9, optimizer beta2 0.999, "
        "optimizer epsilon 1e-08"
    )


def test_digests_tell_settings_and_data_apart():
    found = {section.study.id: section.provenance for section in made().sections}
    assert len({one.configs for one in found.values()}) == len(found)
    assert {one.code for one in found.values()} == {found["named"].code}
    assert found["weight_decay"].data == found["ridge"].data != found["activation"].data
    assert (found["weight_decay"].data_sets, found["activation"].data_sets) == (3, 1)
    # of one data set the digest is the one that stands in the results
    section = of("activation")
    assert {section.provenance.data} == set(section.results["data"])


def test_a_digest_changes_with_a_seed_and_not_with_another_study():
    whole, section = made(), of("named")
    written = dict(whole.project.written)

    def digest(changed) -> str:
        project = dataclasses.replace(whole.project, written=changed)
        return provenance.provenance(project, section.study, section.results, section.diagnostics).configs

    assert digest(written) == section.provenance.configs
    assert digest({**written, "seeds": {"root": 1, "count": 3}}) != section.provenance.configs
    others = {**written["studies"], "ridge": {"question": "Another?"}}
    assert digest({**written, "studies": others}) == section.provenance.configs
