import dataclasses

import numpy as np
import pandas as pd
import pytest
from report.sections import of

from pipeline.report.digest import digest

TABLE = pd.DataFrame({"name": ["a", "b"], "value": [1.0, np.nan], "pixels": [np.zeros(2), np.ones(2)]})
DISTINCT = [
    *(None, False, 0, 0.0, -0.0, "0", b"0", [], (), {}, set(), [[], []], [[[]]], ["ab", "c"], ["a", "bc"]),
    *(["a', 'b"], ["a", "b"], np.array(["a", "b"], dtype=object), np.array(["a', 'b"], dtype=object)),
    *({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": {"b": 2}}, np.zeros(2), np.zeros((1, 2)), np.zeros(2, dtype=np.int64)),
    *(TABLE, TABLE[["value", "name", "pixels"]], TABLE[:1], TABLE.rename(columns={"value": "values"})),
    *(TABLE.assign(value=[1.0, 0.0]), TABLE.assign(pixels=[np.zeros(2), np.zeros(2)]), TABLE.set_index("name")),
]


def test_values_with_the_same_content_have_the_same_digest_and_no_others():
    assert len({digest(value) for value in DISTINCT}) == len(DISTINCT)
    assert digest(TABLE.copy()) == digest(TABLE)
    assert digest({"x", "y"}) == digest({"y", "x"})
    with pytest.raises(TypeError):
        digest([object()])


def test_every_field_of_a_section_counts():
    section = of("selection")
    before = digest(section)
    study = section.study
    model = study.variants[0].config.model.model_copy(update={"hidden": (9,)})
    config = study.variants[0].config.model_copy(update={"model": model})
    variants = (dataclasses.replace(study.variants[0], config=config), *study.variants[1:])
    changes = {
        "study": dataclasses.replace(study, variants=variants),
        "margin": 0.1,
        "data": section.data.model_copy(update={"scale": "standard"}),
        "answer": "no",
        "power": section.power.assign(detectable=0.5),
        "interactions": section.interactions.assign(more=1),
        "updates": dict.fromkeys(section.updates, "1"),
        "effects": section.effects | {study.metric: section.effects[study.metric].assign(estimate=0.5)},
        "diagnostics": dataclasses.replace(section.diagnostics, code="0"),
        "provenance": dataclasses.replace(section.provenance, data="0"),
        **{name: getattr(section, name)[1:] for name in ("results", "curves", "layers", "choices", "costs")},
        "weights": section.weights.assign(more=1),
    }
    assert changes.keys() == {field.name for field in dataclasses.fields(section)}
    for name, value in changes.items():
        assert digest(dataclasses.replace(section, **{name: value})) != before, name
    assert digest(dataclasses.replace(section, results=section.results.copy())) == before
