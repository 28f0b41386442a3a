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
