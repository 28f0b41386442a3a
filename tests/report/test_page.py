import dataclasses
import html.parser
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from report.sections import made

from pipeline.data.config import Table
from pipeline.project.metrics import METRICS
from pipeline.report import numbers, page

LOSS, ACCURACY, NORM = METRICS["test_loss"], METRICS["test_accuracy"], METRICS["weight_norm"]


@pytest.fixture(scope="module")
def rendered() -> str:
    return page.render(made(), page.draw(made()))


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
        tables = {f"results/{key}.csv" for key in [*made().project.studies, *made().project.measurements]}
        assert target in tables or target[1:] in ids or target.startswith("data:image/png;base64,"), target


def test_the_page_needs_nothing_from_outside(rendered):
    elements = Elements(rendered)
    assert not [tag for tag, _ in elements.found if tag in ("script", "link", "img", "iframe")]
    assert not elements.attribute("src")
    for place in elements.attribute("xlink:href") + elements.attribute("href"):
        assert place.startswith(("#", "results/", "data:image/png;base64,"))
    assert "@import" not in rendered


def test_every_study_has_its_question_figures_and_tables(rendered):
    drawn = page.draw(made())
    for section in made().sections:
        assert section.study.question in rendered
        for one in drawn[section.study.id]:
            assert f'id="{section.study.id}-{one.name}"' in rendered
        for metric in section.effects:
            assert f"<caption>{METRICS[metric].label.capitalize()}" in rendered


def test_the_table_shows_the_numbers_of_the_comparison(rendered):
    section = made().sections[0]
    row = section.effects["test_loss"].iloc[1]
    cells = " ".join(re.sub(r"<[^>]+>", " ", rendered).split())
    expected = (
        f"{numbers.number(row.estimate, LOSS)} {numbers.interval(row.low, row.high, LOSS)} "
        f"{numbers.effect(row.effect, LOSS)} {numbers.effect_interval(row.effect_low, row.effect_high, LOSS)} "
        f"{numbers.p_value(row.p_adjusted)} {numbers.digits(100 * row.wins, 3)} % {row.verdict}"
    )
    assert expected in cells


def test_diverged_runs_are_counted_where_the_variant_stands(rendered):
    assert "(3 diverged)" in rendered
    assert "nan" not in re.sub(r"<[^>]+>", " ", rendered).lower().split()


def test_a_named_variant_says_what_it_sets(rendered):
    assert "wild optimizer learning rate 1000000" in " ".join(re.sub(r"<[^>]+>", " ", rendered).split())


def cells(rendered: str, caption: str) -> list[list[str]]:
    """The words of a table's body, row by row."""
    table = next(part for part in rendered.split("<table")[1:] if f"<caption>{caption}" in part).split("</table>")[0]
    rows = table.split("<tbody>")[1].split("<tr")[1:]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row.split("<td")[1:]] for row in rows]


def words(rendered: str, caption: str) -> list[str]:
    return [" | ".join(cell.split(">", 1)[-1].strip() for cell in row) for row in cells(rendered, caption)]


def test_the_ledger_says_what_came_of_every_claim(rendered):
    lines = words(rendered, "Claims and what came of them")
    verdicts = [re.search(r"\| (holds|fails|undecided|not measured) \|", line)[1] for line in lines]
    assert verdicts == made().claims["verdict"].tolist() == ["holds", "fails", "undecided", "not measured", "holds"]
    assert "Weight decay shrinks the weights norm of all weights; weight_decay: 3 against 0" in lines[0]
    assert "the same, within × 1.00100" in lines[1]
    assert "2 hold, 1 fail, 1 are undecided, 1 not measured" in " ".join(re.sub(r"<[^>]+>", " ", rendered).split())


def test_published_outcomes_stand_beside_ours_with_rule_and_verdict(rendered):
    lines = words(rendered, "Published and measured")
    third = "inside" if abs(made().published.loc[2, "ours"] - 2) <= 0.2 else "outside"
    verdicts = ["inside range", "outside 2 sd", f"{third} 10 %", "not measured 10 %"]
    assert [line.split(" | ")[1] for line in lines] == verdicts
    assert "decay, lambda=0: weight norm weight_decay: weight_decay_0" in lines[0]
    assert lines[0].split(" | ")[2] == "5 mean of 30, sd 0.5, 1 to 100"
    assert re.fullmatch(r"[\d.]+ n = 3, sd [\d.]+, [\d.]+ to [\d.]+", lines[0].split(" | ")[3])
    assert lines[3].split(" | ")[3] == "–"


def test_findings_of_a_probe_stand_beside_theory(rendered):
    tables = [part for part in rendered.split("<table")[1:] if "<caption>Measured, and what theory says" in part]
    assert len(tables) == 3
    assert "largest gradient of sigmoid</td><td>9</td><td>0.25</td>\n<td>exact</td>" in rendered


def test_what_a_choice_by_validation_costs_is_said_for_every_rule(rendered):
    lines = words(rendered, "What choosing by validation costs")
    assert len(lines) == len(made().sections[3].costs)
    assert lines[0].startswith("best in validation | 3 | × ")


def test_sentences_are_apart_also_where_there_is_a_table():
    whole = made()
    first = whole.sections[0]
    own = dataclasses.replace(first, study=dataclasses.replace(first.study, table=Table.model_construct()))
    for sections, there in (([first], False), ([own], True)):
        text = page.render(dataclasses.replace(whole, sections=sections), page.draw(whole))
        words = re.sub(r"<svg.*?</svg>|<style.*?</style>|<[^>]+>", "", text, flags=re.DOTALL)
        assert not re.search(r"[a-z][.;:][A-Z]", words)
        assert ("corrected resampled t test" in words) == there


def test_text_from_the_parameters_is_escaped():
    whole, evil = made(), "<script>alert(1)</script>?"
    section = whole.sections[0]
    changed = dataclasses.replace(section, study=dataclasses.replace(section.study, question=evil))
    claims, published = whole.claims.assign(claim=evil, where=evil), whole.published.assign(config=evil, where=evil)
    report = dataclasses.replace(whole, sections=[changed], claims=claims, published=published)
    text = page.render(report, page.draw(whole))
    assert "<script>" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;?") == 2 + 2 * len(claims) + 2 * len(published)


def test_the_summary_says_the_same_beside_the_figures_files():
    whole = made()
    drawn = page.draw(whole)
    text = page.summary(whole, drawn)
    html = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    headings = re.findall(r"<h2>(.*?)</h2>", html)
    assert len(headings) == len(set(headings)) == 3 + len(whole.sections) + len(whole.measurements)
    assert re.findall(r'<img src="figures/(.*?).svg"', html) == list(page.files(drawn))
    for section in whole.sections:
        assert section.answer in re.sub(r"<!-- -->|&quot;", "", html)
        row = section.effects[section.study.metric].iloc[-1]
        assert f'<td style="text-align:right">{numbers.number(row.estimate, section.metric)}</td>' in html
        assert f'href="#{section.study.id.replace("_", "-")}"' in html
    assert "nan" not in re.sub(r"<[^>]+>", " ", html).lower().split()


def test_text_from_the_parameters_is_no_markup_in_the_summary():
    whole, evil = made(), "<script>alert(1)</script> [a](http://b.c) | *d*?"
    section = whole.sections[0]
    changed = dataclasses.replace(section, study=dataclasses.replace(section.study, question=evil))
    claims, published = whole.claims.assign(claim=evil, where=evil), whole.published.assign(config=evil, where=evil)
    report = dataclasses.replace(whole, sections=[changed], claims=claims, published=published)
    html = MarkdownIt("gfm-like", {"linkify": False}).render(page.summary(report, page.draw(whole)))
    assert "<script" not in html
    assert "http://b.c" not in re.findall(r'href="(.*?)"', html)
    for lines in html.split("<table>")[1:]:
        rows = [row.count("<td") for row in lines.split("</table>")[0].split("<tr>")[2:]]
        assert len(set(rows)) == 1


def test_the_committed_page_is_small_enough():
    assert (Path(__file__).parents[2] / "reports" / "index.html").stat().st_size < 3e6
