from report.sections import made, of

from pipeline.analysis import comparison


def test_the_judged_metric_comes_first_and_it_alone_has_verdicts():
    for section in made().sections:
        assert next(iter(section.effects)) == section.study.metric
        assert set(section.effects) == {metric.name for metric in section.study.metrics}
        for metric, table in section.effects.items():
            judging = made().project.judging if metric == section.study.metric else None
            if not metric.startswith("validation"):
                assert table.equals(comparison.effects(section.study, section.results, metric, judging))
            assert (table["verdict"] != "").any() == (judging is not None)
        assert section.seeds == (5 if section.study.id == "labels" else 3)
        assert len(section.results) == len(section.study.variants) * section.seeds


def test_choices_are_there_if_something_is_validated():
    assert {section.study.id for section in made().sections if len(section.costs)} == {"ridge", "selection"}
    blocks = dict.fromkeys(variant.block for variant in of("selection").study.variants)
    assert of("selection").costs["block"].tolist() == [block for block in blocks for _ in range(2)]


def test_estimates_have_the_position_of_their_variant():
    section = of("activation")
    for block in ("learning rate 0.1", "learning rate 0.5"):
        table = section.estimates("test_loss", block)
        assert table[["position", "label"]].to_numpy().tolist() == [[0, "sigmoid"], [1, "relu"]]
        assert set(table["block"]) == {block}
    assert section.name("activation_relu_learning_rate_0p5") == "learning rate 0.5, relu"
    assert of("named").name("wild") == "wild"


def test_the_report_has_every_study_measurement_claim_and_published_outcome():
    report, project = made(), made().project
    assert [section.study.id for section in report.sections] == list(project.studies)
    assert [section.id for section in report.measurements] == list(project.measurements)
    assert report.claims["id"].tolist() == list(project.claims)
    assert len(report.published) == 4
