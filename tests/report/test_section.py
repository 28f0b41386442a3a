from report.sections import made

from pipeline.analysis import comparison


def test_the_study_s_own_metric_comes_first_and_all_others_follow():
    for section in made()[1]:
        assert next(iter(section.effects)) == section.study.metric
        for metric, table in section.effects.items():
            assert table.equals(comparison.effects(section.study, section.results, metric))
        assert section.seeds == 3


def test_layers_are_shown_where_the_question_is_about_them():
    assert {section.study.id: section.shows_layers for section in made()[1]} == {
        "weight_decay": False,
        "activation": True,
        "named": False,
    }
