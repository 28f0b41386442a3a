import dataclasses
import html
import html.parser
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from report import rendered as read
from report.sections import made, of
from report.tables import column, view

from pipeline.project.metrics import METRICS
from pipeline.report import figures, format, page
from pipeline.report.drawing import Picture


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[Picture]]:
    return figures.draw(made())


@pytest.fixture(scope="module")
def rendered(drawn) -> str:
    return page.render(made(), drawn)


class Elements(html.parser.HTMLParser):
    """Every opening tag, and a check that tags are closed in order."""

    VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def attribute(self, name: str) -> list[str]:
        return [attrs[name] for _, attrs in self.tags if attrs.get(name)]


def text_of(markup: str) -> str:
    return " ".join(re.sub(r"<svg.*?</svg>|<style.*?</style>|<[^>]+>", " ", markup, flags=re.DOTALL).split())


def rows_of(rendered: str, caption: str) -> list[str]:
    """The text of the body of a table, its cells divided by bars, row by row."""
    table = next(part for part in rendered.split("<table")[1:] if f"<caption>{caption}" in part).split("</table>")[0]
    rows = table.split("<tbody>")[1].split("<tr")[1:]
    return [" | ".join(text_of("<td" + cell) for cell in row.split("<td")[1:]) for row in rows]


def rows_of_part(rendered: str, id: str) -> list[dict[str, str]]:
    """The rows of the first table of a section."""
    return read.page(rendered)[id].tables[0].rows()


def test_the_page_is_well_formed_and_links_lead_to_its_own_parts(rendered, drawn):
    elements = Elements(rendered)
    assert elements.open == []
    ids = elements.attribute("id")
    assert len(ids) == len(set(ids))
    written = {f"results/{key}.csv" for key in [*made().project.studies, *made().project.measurements]}
    for folder, files, suffix in zip(
        ("figures", "images", "tables"), page.files(drawn), ("svg", "png", "csv"), strict=True
    ):
        written |= {f"{folder}/{name}.{suffix}" for name in files}
    written |= {
        source.removeprefix("reports/") for listed in drawn.values() for one in listed for source in one.sources
    }
    for target in elements.attribute("href") + elements.attribute("xlink:href"):
        assert target in written or target[1:] in ids or target.startswith("data:image/png;base64,"), target
    assert not [tag for tag, _ in elements.tags if tag in ("script", "link", "img", "iframe")]
    assert not elements.attribute("src")
    assert "@import" not in rendered
    assert "nan" not in text_of(rendered).lower().split()


def test_every_study_has_its_question_figures_tables_and_config(rendered):
    parts = read.page(rendered)
    for section in made().sections:
        part = parts[section.study.id]
        assert section.study.question in part.text
        assert part.answer == read.plain(section.answer)
        assert part.table("verdict", "wins").caption.lower().startswith(section.metric.label)
        labels = [METRICS[metric].label for metric in section.effects if metric != section.study.metric]
        assert part.table("variant", *labels).fold == "Other metrics"
        assert part.tables[-2 if labels else -1].caption == "What differs between the variants"
    assert rendered.count("<summary>Design</summary>") == len(made().sections)
    assert "<dt>training.batch_size</dt><dd>5</dd>" in rendered


def test_every_figure_has_its_words_command_sources_and_files(rendered, drawn):
    for key, figures_ in drawn.items():
        for figure in figures_:
            markup = rendered.split(f'<figure id="{key}-{figure.name}">')[1].split("</figure>")[0]
            assert read.plain(f">{html.escape(figure.caption)}</figcaption>") in read.plain(markup)
            file = f"{key}_{figure.name}"
            links = [f"figures/{file}.svg", f"images/{file}.png", f"tables/{file}.csv", f"#{key}-{figure.name}"]
            sources = [source.removeprefix("reports/") for source in figure.sources if source.startswith("reports/")]
            found = re.findall(r'<a(?: class="permalink")? href="([^"]*)"', markup.split("</svg>")[-1])
            assert found == links + sources
            assert f"<code>ablate figure {key} {figure.name} --svg {file}.svg</code>" in markup
            assert all(source in text_of(markup) for source in figure.sources)


def test_a_cell_is_named_on_a_phone_as_its_column_is(rendered):
    tables = [table for part in read.page(rendered).values() for table in part.tables]
    for table in tables:
        # a row's heading and its verdict need no name
        named = [index for index, heading in enumerate(table.headings) if index and heading != "verdict"]
        for names, cells in zip(table.cards, table.cells, strict=True):
            for index in named:
                name, heading = names[index], table.headings[index]
                assert not cells[index] or (name and (name.startswith(heading) or heading.startswith(name))), heading
            assert not names[0]


def test_a_row_shows_the_numbers_of_the_comparison(rendered):
    row = made().sections[0].effects["test_loss"].iloc[1]
    cells = format.cells(row, METRICS["test_loss"])
    order = ("effect", "effect_interval", "p", "wins", "n", "estimate", "interval")
    shown = " ".join(cells[name] for name in order if cells[name])
    assert shown.replace("\N{NO-BREAK SPACE}", " ") in text_of(rendered).replace("\N{NO-BREAK SPACE}", " ")


def test_a_named_variant_says_what_it_changes_and_how_many_runs_diverged(rendered):
    (row,) = [row for row in read.page(rendered)["named"].table("wins").rows() if row["variant"].startswith("wild")]
    assert row["variant"] == "wild optimizer learning rate 1000000"
    assert row["verdict"] == "not comparable\ndiverged: 3 of 3 against 0 of 3"
    assert (row["effect"], row["n"], row["test loss"]) == ("", "0 of 3", "")


def test_claims_have_verdict_number_of_seeds_and_interval(rendered):
    tables = read.page(rendered)["all-claims"].tables
    lines = [*rows_of(rendered, "Claims that fail"), *rows_of(rendered, "Claims that hold")]
    assert [len(table.cells) for table in tables] == [4, 1]
    lines = [lines[4], *lines[:4]]
    verdicts = made().claims["verdict"].tolist()
    # three seeds cannot decide that decay shrinks weights, nor that what diverges is worse
    assert verdicts == ["holds", "undecided", "fails", "not measured", "undecided"]
    found = [line.split(" | ")[1] for line in lines]
    assert all(text.startswith(verdict) for text, verdict in zip(found, verdicts, strict=True))
    assert found[4] == "undecided not comparable; diverged: 3 of 3 against 0 of 3"
    cells = [line.split(" | ") for line in lines]
    assert cells[1][0] == "Decay shrinks weights weight decay ; norm of all weights: 3 against 0"
    # number of seeds, effect with interval, p with the number of tests of its family
    assert cells[0][3:] == ["", "0", "computed"]
    assert cells[1][3] == "3"
    assert re.fullmatch(r"× [\d.]+ \[[\d.]+, [\d.]+\]", cells[1][4])
    assert cells[1][5].endswith("of 2 tests")
    assert cells[4][5].endswith("the study’s verdict")
    assert "the same, within × 0.99900 to × 1.00100" in lines[2]
    assert "1 holds, 1 fails and 2 are undecided , 1 not measured" in text_of(rendered)


def test_published_outcomes_stand_beside_measured_ones_with_rule_and_verdict(rendered):
    open, folded = (rows_of(rendered, f"Published {words}") for words in ("outcomes", "and measured"))
    cells = [line.split(" | ") for line in [*folded, *open]]
    third = "inside" if abs(made().published.loc[2, "measured"] - 2) <= 0.2 else "outside"
    verdicts = ["inside range", "outside 2 sd", f"{third} 10 %", "not measured 10 %"]
    assert [verdict.replace("\N{NO-BREAK SPACE}", " ") for _, verdict, *_ in cells] == verdicts
    assert cells[0][0] == "decay, lambda=0: weight norm weight_decay: weight_decay_0"
    assert cells[0][2] == "5 mean of 30, sd 0.5, 1 to 100"
    assert re.fullmatch(r"[\d.]+ n = 3, sd [\d.]+, [\d.]+ to [\d.]+", cells[0][3])
    assert cells[3][3] == "–"


def test_findings_stand_beside_theory_and_the_cost_of_a_choice_is_said_for_every_rule(rendered):
    assert rendered.count("<caption>Measured and theoretical values") == 3
    (row,) = [row for row in rows_of_part(rendered, "functions") if row["quantity"] == "largest gradient of sigmoid"]
    assert list(row.values())[1:] == ["", "0.25", "computed", "", "0.25"]
    costs = read.page(rendered)["ridge"].table("rule", "cost").rows()
    assert len(costs) == len(of("ridge").costs)
    assert (costs[0]["rule"], costs[0]["n"]) == ("best score", "3")
    assert costs[0]["cost"].startswith("× ")


def test_sentences_are_apart_also_for_a_study_on_a_table(drawn):
    first = made().sections[0]
    on_table = dataclasses.replace(first, study=dataclasses.replace(first.study, split_correlations={"test": 0.25}))
    for section, corrected in ((first, False), (on_table, True)):
        text = page.render(dataclasses.replace(made(), sections=[section]), drawn)
        words = re.sub(r"<svg.*?</svg>|<style.*?</style>|<[^>]+>", "", text, flags=re.DOTALL)
        assert not re.search(r"[a-z][.;:][A-Z]", words)
        assert ("corrected resampled t test" in words) == corrected


def test_text_from_the_parameters_is_no_markup_in_the_summary(drawn):
    """tests/faults/test_names.py tries the page, this the summary."""
    section, text = made().sections[0], "<script>alert(1)</script> [a](http://b.c) | *d*?"
    changed = dataclasses.replace(section, study=dataclasses.replace(section.study, question=text))
    claims, published = made().claims.assign(claim=text, where=text), made().published.assign(config=text, where=text)
    hostile = view(column(text, text), task=text, note=text, suspects=(text,))
    report = dataclasses.replace(
        made(), sections=[changed], claims=claims, published=published, views={changed.study.dataset: hostile}
    )
    assert "Possible leak" in page.summary(report, drawn)
    html = MarkdownIt("gfm-like", {"linkify": False}).render(page.summary(report, drawn))
    assert "<script" not in html
    assert "http://b.c" not in re.findall(r'href="(.*?)"', html)
    for lines in html.split("<table>")[1:]:
        cells = [row.count("<td") for row in lines.split("</table>")[0].split("<tr>")[2:]]
        assert len(set(cells)) == 1


def test_the_summary_says_the_same_beside_the_figures_files(drawn):
    html = MarkdownIt("gfm-like", {"linkify": False}).render(page.summary(made(), drawn))
    headings = re.findall(r"<h2>(.*?)</h2>", html)
    assert len(headings) == len(set(headings)) == 5 + len(made().sections) + len(made().measurements)
    assert re.findall(r'<img src="figures/(.*?).svg"', html) == list(page.files(drawn)[0])
    for section in made().sections:
        assert section.answer in re.sub(r"<!-- -->|&quot;", "", html)
        row = section.effects[section.study.metric].iloc[-1]
        assert f'<td style="text-align:right">{format.number(row.estimate, section.metric)}</td>' in html
        assert f'href="#{section.study.id.replace("_", "-")}"' in html
    assert "nan" not in text_of(html).lower().split()


def test_the_committed_page_is_small_enough():
    assert (Path(__file__).parents[2] / "reports" / "index.html").stat().st_size < 3e6
