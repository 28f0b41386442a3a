import html.parser
import re
from pathlib import Path

import pytest
from report.sections import made

from pipeline.metrics import METRICS
from pipeline.report import figures, page

LOSS, ACCURACY, NORM = METRICS["test_loss"], METRICS["test_accuracy"], METRICS["weight_norm"]


@pytest.fixture(scope="module")
def rendered() -> str:
    project, sections = made()
    return page.render(project, [(section, figures.svgs(section)) for section in sections])


class Elements(html.parser.HTMLParser):
    """Every opening tag, and a check that tags are closed in order."""

    VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def attribute(self, name: str) -> list[str]:
        return [attrs[name] for _, attrs in self.found if attrs.get(name)]


def test_the_page_is_well_formed_and_its_ids_are_unique(rendered):
    elements = Elements(rendered)
    assert elements.stack == []
    ids = elements.attribute("id")
    assert len(ids) == len(set(ids))


def test_every_link_leads_somewhere(rendered):
    elements = Elements(rendered)
    ids = set(elements.attribute("id"))
    for target in elements.attribute("href") + elements.attribute("xlink:href"):
        assert target in {f"results/{section.study.id}.csv" for section in made()[1]} or target[1:] in ids, target


def test_the_page_needs_nothing_from_outside(rendered):
    elements = Elements(rendered)
    assert not [tag for tag, _ in elements.found if tag in ("script", "link", "img", "iframe")]
    assert not elements.attribute("src")
    assert "@import" not in rendered


def test_every_study_has_its_question_figures_and_tables(rendered):
    for section in made()[1]:
        assert section.study.question in rendered
        for name, _ in figures.captions(section):
            assert f'id="{section.study.id}-{name}"' in rendered
        for metric in section.effects:
            assert f"<caption>{METRICS[metric].label.capitalize()}" in rendered


def test_the_table_shows_the_numbers_of_the_comparison(rendered):
    section = made()[1][0]
    row = section.effects["test_loss"].iloc[1]
    cells = " ".join(re.sub(r"<[^>]+>", " ", rendered).split())
    expected = (
        f"{page.number(row.centre, LOSS)} {page.interval(row.low, row.high, LOSS)} {page.effect(row.effect, LOSS)} "
        f"[{page.effect(row.effect_low, LOSS)}, {page.effect(row.effect_high, LOSS)}]"
    )
    assert expected in cells


def test_diverged_runs_are_counted_where_the_variant_stands(rendered):
    assert "(3 diverged)" in rendered
    assert "nan" not in re.sub(r"<[^>]+>", " ", rendered).lower().split()


def test_a_named_variant_says_what_it_sets(rendered):
    assert "wild learning rate 1000000" in " ".join(re.sub(r"<[^>]+>", " ", rendered).split())


def test_text_from_the_parameters_is_escaped():
    project, sections = made()
    section = sections[0]
    evil = section.study.__class__(**{**section.study.__dict__, "question": "<script>alert(1)</script>?"})
    changed = section.__class__(**{**section.__dict__, "study": evil})
    text = page.render(project, [(changed, figures.svgs(section))])
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;?" in text


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (0.91234, ACCURACY, "91.2 %"),
        (1.0, ACCURACY, "100.0 %"),
        (0.0123456, LOSS, "0.0123"),
        (0.00012345, LOSS, "0.000123"),
        (1.2345e-9, LOSS, "1.23e-09"),
        (12345.678, NORM, "12346"),
        (1.5e22, LOSS, "1.50e+22"),
        (0.0, NORM, "0"),
        (float("nan"), LOSS, "–"),
    ],
)
def test_numbers_have_three_significant_digits(value, metric, text):
    assert page.number(value, metric) == text


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (0.5, LOSS, "× 0.500"),
        (-0.012, ACCURACY, "−1.20 points"),
        (0.012, ACCURACY, "+1.20 points"),
        (float("nan"), LOSS, "–"),
    ],
)
def test_effects_are_factors_or_points(value, metric, text):
    assert page.effect(value, metric) == text


def test_an_undefined_interval_is_left_out():
    assert page.interval(float("nan"), float("nan"), LOSS) == ""


def test_the_committed_page_is_small_enough():
    assert (Path(__file__).parents[2] / "reports" / "index.html").stat().st_size < 3e6
