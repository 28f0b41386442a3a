from report.sections import made

from pipeline.analysis import comparison


def of(study: str):
    return next(section for section in made().sections if section.study.id == study)


def test_the_study_s_own_metric_comes_first_and_all_others_follow():
    for section in made().sections:
        assert next(iter(section.effects)) == section.study.metric
        assert set(section.effects) == {metric.name for metric in section.study.metrics}
        for metric, table in section.effects.items():
            if not metric.startswith("validation"):
                # verdicts are of the study's own metric alone
                judging = made().project.judging if metric == section.study.metric else None
                assert table.equals(comparison.effects(section.study, section.results, metric, judging))
                assert (table["verdict"] != "").any() == (judging is not None)
        assert section.seeds == (5 if section.study.id == "labels" else 3)
        assert len(section.results) == len(section.study.variants) * section.seeds


def test_layers_are_shown_where_the_question_is_about_them():
    assert {section.study.id for section in made().sections if section.shows_layers} == {
        "activation",
        "selection",
        "predictions",
    }


def test_what_validation_chooses_is_there_where_something_is_validated():
    assert {section.study.id for section in made().sections if len(section.costs)} == {"ridge", "selection"}
    blocks = [variant.block for variant in of("selection").study.variants]
    assert of("selection").costs["block"].tolist() == [block for block in dict.fromkeys(blocks) for _ in range(2)]


def test_centres_have_the_place_of_their_variant():
    section = of("activation")
    for block in ("learning rate 0.1", "learning rate 0.5"):
        table = section.placed("test_loss", block)
        assert table["place"].tolist() == [0, 1]
        assert table["label"].tolist() == ["sigmoid", "relu"]
        assert set(table["block"]) == {block}


def test_a_variant_is_named_with_its_block():
    assert of("activation").name("activation_relu_learning_rate_0p5") == "learning rate 0.5, relu"
    assert of("named").name("wild") == "wild"


def test_the_report_has_every_study_probe_claim_and_published_outcome():
    whole = made()
    assert [one.study.id for one in whole.sections] == list(whole.project.studies)
    assert [one.id for one in whole.measurements] == list(whole.project.measurements)
    assert whole.claims["id"].tolist() == list(whole.project.claims)
    assert len(whole.published) == 4
