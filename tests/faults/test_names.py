"""Names and words of people who mean harm, in commands, pages, figures, tables and revisions: shown or refused."""

import dataclasses
import html.parser
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from conftest import small_project
from markdown_it import MarkdownIt
from report.sections import made
from revisions_of import results, revision
from samples import SMALL, laid_over, write_params
from typer.testing import CliRunner

from ablate import cli, plan, revisions, text
from ablate.text import Table
from pipeline.core.errors import UserError
from pipeline.report import page
from pipeline.report.drawing import Picture

# what somebody reads, and what a program that reads it might do
SHELL = [
    "; touch pwned #",
    "$(touch pwned)",
    "`touch pwned`",
    "' ; touch pwned '",
    '" ; touch pwned "',
    "\ntouch pwned\n",
]
SHELL += [
    " | touch pwned",
    " && touch pwned",
    " > pwned",
    "$IFS",
    "~",
    "*",
    "\\",
    "${HOME}",
    "!!",
    "%s",
    " -c ",
    "{a,b}",
]
HTML = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</style>",
    "</title>",
    "'\"><b onclick=x>",
    "<!--",
]
HTML += [
    "&lt;i&gt;",
    "</td></tr></table>",
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "]]>",
    "<?xml?>",
    "\x00",
    "&#0;",
]
JINJA = ["{{ 7*7 }}", "{% for x in y %}", "{# gone #}", "{{ ''.__class__.__mro__ }}"]
MARKDOWN = [
    "[a](https://x.test)",
    "![a](https://x.test/b.png)",
    "**b**",
    "`c`",
    "|",
    "@someone",
    "#12",
    "https://x.test",
]
MARKDOWN += [
    "www.x.test",
    "<https://x.test>",
    "~~gone~~",
    "# Title",
    "- item",
    "1. item",
    "---",
    "===",
    "> said",
    "$x^2$",
    "```",
]
RICH = ["[bold]", "[/]", "[link=https://x.test]a[/link]", ":smile:", "[@click=x]"]
TERMINAL = [
    "\x1b[31m",
    "\x1b]0;title\x07",
    "\x1b]8;;https://x.test\x1b\\",
    "\r",
    "\b",
    "\x9b2J",
    "\u202e",
    "\u2066",
    "\u200b",
]
TERMINAL += ["\n", "\t", "\u2028", "\ud800", "\x7f"]
MATHTEXT = ["$", "$\\frac{", "\\alpha", "a_b^c", "$$", "\\"]
CELLS = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", '"', ",", ";"]
LONG = ["w" * 300, "é" * 50, "名前", "👩‍💻", " "]
WORDS = [*SHELL, *HTML, *JINJA, *MARKDOWN, *RICH, *TERMINAL, *MATHTEXT, *CELLS, *LONG]


def mixtures(count: int, fragments: list[str] = WORDS, seed: int = 0) -> list[str]:
    """So many texts of one to four fragments, every one another; fewer are the first of more."""
    random = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(random.choice(np.array(fragments, dtype=object), size=random.integers(1, 5)))] = None
    return list(found)


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_an_id_is_never_part_of_a_command(shell, tmp_path, many, tally):
    """Whatever DVC is told to leave out: each stage's program gets the id as one word, and nothing else is started."""
    project = small_project(tmp_path / "project")
    ids = [*SHELL[:6], *mixtures(many(200), [*SHELL, "a", " ", "="])]
    stages = {"data": ("datasets", "linear", ids), "train": ("studies", "weight_decay", ids)}
    stages |= {
        "measure": ("measurements", "product", [f"{id}p" for id in ids])
    }  # not those of studies, whose files they have
    changes = {kind: dict.fromkeys([one, *own], SMALL[kind][one]) for kind, one, own in stages.values()}
    write_params(project.folder, laid_over(SMALL, changes))
    for name in ("params.ok", "linear.npz"):
        (project.folder / "data").mkdir(exist_ok=True)
        (project.folder / "data" / name).write_text("as after a run of other parameters")
    # a program that writes down what it is given, and makes the data set that is one
    programs, record = tmp_path / "programs", tmp_path / "record"
    programs.mkdir()
    (programs / "python").write_text(
        f"#!/bin/sh\nprintf '%s\\0' \"$@\" '' >> '{record}'\n[ \"$3\" = data@linear ] && echo made > data/linear.npz\n"
    )
    (programs / "python").chmod(0o755)
    project.environment |= {"PATH": f"{programs}:{project.environment['PATH']}", "SHELL": f"/bin/{shell}"}
    for command in (["--single-item", "--glob", "*@*"], ["--downstream", "data@linear"]):
        record.write_text("")
        project.run("dvc", "repro", "-k", "-f", *command, ok=False)
        calls = {tuple(call.split("\0")) for call in record.read_bytes().decode().split("\0\0")[:-1]}
        tried = stages if "--glob" in command else ["train"]
        asked = {
            ("-m", f"pipeline.stages.{stage}", f"{stage}@{id}")
            for stage in tried
            for id in [stages[stage][1], *stages[stage][2]]
        }
        assert calls == asked | {("-m", "pipeline.stages.data", "data@linear")}
        assert not list(tmp_path.rglob("*pwned*"))
        tally("names", "id in a command", "one word, nothing executed", len(asked))


OUTSIDE = ("kept", "kept.csv", "kept.npz", "kept/file")


@pytest.mark.parametrize(
    "command",
    [
        ["repro"],
        ["repro", "-k"],
        ["repro", "--downstream", "data@linear"],
        ["repro", "-k", "-f"],
        ["exp", "run"],
        ["exp", "run", "-k", "-S", "+seeds.x=1"],
        ["status"],
    ],
    ids=" ".join,
)
def test_an_id_that_is_none_runs_and_deletes_nothing(command, tmp_path, tally):
    ids = ["x; touch pwned #", "../../kept", "../../../kept", "x\ntouch pwned"]
    for kind, one in (("studies", "weight_decay"), ("datasets", "linear"), ("measurements", "product"))[
        : 3 if command == ["repro", "-k"] else 1
    ]:
        (tmp_path / kind).mkdir()
        project = small_project(tmp_path / kind / "project")
        for name in OUTSIDE:
            path = tmp_path / kind / name
            path.mkdir() if name == "kept" else path.write_text("mine")
        write_params(
            project.folder, laid_over(SMALL, {kind: {one: SMALL[kind][one], **dict.fromkeys(ids, SMALL[kind][one])}})
        )
        done = project.run("dvc", *command, ok=False)
        assert done.returncode or command == ["status"]
        assert all((tmp_path / kind / name).exists() for name in OUTSIDE)
        assert not list(tmp_path.rglob("*pwned*"))
    tally("names", "id in a path", "refused, nothing deleted", len(ids))


# --- the page --------------------------------------------------------------------------------------------------------


class Read(html.parser.HTMLParser):
    """What a browser makes of a page: elements with their attributes, and words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data):
        self.words += data


PLACES = 10  # for words, on the page of one study


def worded(words: list[str]) -> str:
    """The page of a study, claims and published outcomes, with words in every place that holds the user's."""
    question, dataset, label, block, note, finding, claim, where, config, factor = words
    whole = made()
    section = whole.sections[1]
    effects = {key: table.assign(label=label, block=block, note=note) for key, table in section.effects.items()}
    study = dataclasses.replace(section.study, question=question, dataset=dataset)
    report = dataclasses.replace(
        whole,
        sections=[dataclasses.replace(section, study=study, effects=effects)],
        measurements=[
            dataclasses.replace(one, findings=one.findings.assign(label=finding)) for one in whole.measurements[:1]
        ],
        claims=whole.claims.assign(claim=claim, where=where),
        published=whole.published.assign(config=config, factor=factor, where=where),
    )
    figures = {study.id: [Picture("x", claim, '<svg viewBox="0 0 1 1"></svg>')], report.measurements[0].id: []}
    return page.render(report, figures)


def test_words_on_the_page_are_words(many, tally):
    plain = Read(worded(["plain"] * PLACES))
    texts = [*WORDS, *mixtures(many(200))]
    for first in range(0, len(texts), PLACES // 2):  # so that each comes to two places
        words = [texts[number % len(texts)].replace("_", " ") for number in range(first, first + PLACES)]
        found = Read(worded(words))
        assert found.elements == plain.elements
        assert not [one for one in words if one not in found.words]
    tally("names", "words on the page", "shown as words", len(texts))


def test_the_page_lets_nothing_be_executed_or_loaded(tally):
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', worded(["plain"] * PLACES))
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    tally("names", "page as a whole", "no script, no request")


def test_no_id_of_a_study_is_that_of_another_part_of_the_page(tally):
    whole = made()
    for id in ("claims", "published"):
        study = dataclasses.replace(whole.sections[0].study, id=id)
        report = dataclasses.replace(
            whole, sections=[dataclasses.replace(whole.sections[0], study=study)], measurements=[]
        )
        ids = re.findall(r'\bid="([^"]+)"', page.render(report, page.draw(report)))
        assert len(ids) == len(set(ids))
        tally("names", "page as a whole", "every id once")


# --- figures ---------------------------------------------------------------------------------------------------------


def test_no_person_s_words_reach_a_figure(tally):
    """So no mathematics, markup or script can be in it: labels are ids and values of configs, which are checked."""
    whole = made()
    section = whole.sections[0]
    study = dataclasses.replace(section.study, question="".join(WORDS))
    worded = dataclasses.replace(
        whole, sections=[dataclasses.replace(section, study=study)], measurements=whole.measurements[:1]
    )
    plain = dataclasses.replace(worded, sections=[section])
    assert page.draw(worded) == page.draw(plain)
    tally("names", "words in a figure", "not part of it", len(WORDS))


def test_labels_in_a_figure_are_words(tally):
    section = made().sections[0]
    labels = [*HTML, "a", "b"]
    labels.remove("\x00")
    for number, label in enumerate(labels[:-2]):
        one, other = section.study.variants
        study = dataclasses.replace(section.study, variants=(dataclasses.replace(one, label=label), other))
        effects = {key: table.assign(label=[label, other.label]) for key, table in section.effects.items()}
        changed = dataclasses.replace(section, study=study, effects=effects)
        report = dataclasses.replace(made(), sections=[changed], measurements=[])
        svg = page.draw(report)[section.study.id][number % 2].svg
        elements = list(ET.fromstring(svg).iter())  # noqa: S314  # drawn just before
        assert not [one for one in elements if one.tag.rpartition("}")[2] in ("script", "b", "img", "i")]
        assert not [name for one in elements for name in one.attrib if name.startswith("on")]
    tally("names", "label in a figure", "well-formed, no script", len(labels) - 2)


# --- tables ----------------------------------------------------------------------------------------------------------


def table(words: str) -> Table:
    return Table(words, ["variant", words], [[words, "1"], ["b", words]], frozenset([0]), [words], [words])


def test_a_terminal_obeys_no_word_of_a_table(capsys, many, tally):
    texts = [*WORDS, *mixtures(many(200))]
    for words in texts:
        text.show([table(words)])
        out = capsys.readouterr().out
        lines = out.removesuffix("\n").split("\n")
        assert len(lines) == 6
        assert all(letter.isprintable() for line in lines for letter in line)
        assert out.count(text.escape(words).rstrip()) >= 6
    tally("names", "words in a terminal", "shown, not obeyed", len(texts))


def test_a_page_of_markdown_obeys_no_word_of_a_table(capsys, many, tally):
    """As GitHub would show it, by another reader of Markdown."""
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    text.show([table("plain")], markdown=True)
    plain = Read(reader.render(capsys.readouterr().out))
    texts = [*WORDS, *mixtures(many(200))]
    for words in filter(str.strip, texts):
        text.show([table(words)], markdown=True)
        out = capsys.readouterr().out
        found = Read(reader.render(out))
        assert found.elements == plain.elements, words
        assert " ".join(found.words.split()) == " ".join(plain.words.replace("plain", text.escape(words)).split())
        # what GitHub makes of plain words: links, people who are told, issues, formulas
        assert not re.search(r"[@#]\w|://|www\.|(?<!\\)\$", out, re.IGNORECASE)
    tally("names", "words in Markdown", "shown, not obeyed", len(texts))


def test_what_another_commit_holds_is_shown(monkeypatch, many, tally):
    """Its configs, names of variants and its own name have passed no check."""
    values = np.linspace(0.8, 0.9, 8)
    texts = [*WORDS, *mixtures(many(200))]
    for first in range(0, len(texts), 8):
        name, *variants = texts[first : first + 8]
        sides = {
            "old": revision(name, {"s": results({"a": values, **dict.fromkeys(filter(None, variants), values)})}),
            None: revision("new", {"s": results({"a": values - 0.1})}),
        }
        monkeypatch.setattr(revisions, "read", lambda name=None, sides=sides: sides[name])
        for options in ([], ["--markdown"]):
            shown = CliRunner().invoke(cli.app, ["compare", "old", *options])
            assert shown.exit_code == 0, shown.exception
            assert all(letter.isprintable() for line in shown.output.split("\n") for letter in line)
    tally("names", "words of another commit", "shown, not obeyed", len(texts))


def test_json_is_the_same_in_every_locale(monkeypatch, capsys, tally):
    monkeypatch.setattr("ablate.names.project", lambda study: None)
    monkeypatch.setattr("ablate.show.judged", lambda project, study, metric: ("", results({"\ud800→": np.ones(2)})))
    cli.app(["show", "x", "--json"], standalone_mode=False)
    out = capsys.readouterr().out
    assert out.isascii()
    assert {row["variant"] for row in json.loads(out)} == {"\ud800→"}
    tally("names", "words in JSON", "ASCII, the same back")


# --- revisions and configs on the command line ----------------------------------------------------------------------

REVISIONS = [
    "--output=x",
    "-u",
    "--upload-pack=touch pwned",
    "HEAD; touch pwned",
    "$(touch pwned)",
    "a..b",
    "HEAD..HEAD",
]
REVISIONS += ["HEAD:params.yaml", "HEAD^{tree}", "HEAD:", "x" * 100_000, "", "a\nb", "\x1b[31m", "\ud800"]
REVISIONS += [
    "@{upstream}",
    "main@{u}",
    "@{-1}",
    "é",
    "../../etc/passwd",
    "^HEAD",
    "HEAD^@",
    "HEAD^!",
    "*",
    "refs/*",
    "-",
    "--",
]
REVISIONS += [
    ":0:params.yaml",
    "HEAD^{/(((((}",
    "HEAD~99999999999",
    "HEAD^99999999999999999999",
    "stash@{0}",
    "[link=x]",
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    return small_project(tmp_path_factory.mktemp("revisions") / "project").folder


def test_a_revision_that_is_none_is_refused(repository, monkeypatch, tally):
    monkeypatch.chdir(repository)
    before = sorted(repository.rglob("*"))
    for name in REVISIONS:
        for command in (["compare", "--", name], ["compare", "HEAD", "--", name], ["verify", f"--rev={name}"]):
            done = CliRunner().invoke(cli.app, command)
            assert isinstance(done.exception, UserError), (command, done.output)
            assert len(str(done.exception).split("\n")) == 1
            tally("names", "revision", "refused, one line")
    for command in (["compare", "--output=x"], ["compare", "HEAD", "-u"], ["verify", "--upload-pack=x"]):
        assert CliRunner().invoke(cli.app, command).exit_code == 2
        tally("names", "revision", "refused, one line")
    assert sorted(repository.rglob("*")) == before


def test_a_study_metric_or_variant_that_is_none_is_refused(repository, monkeypatch, many, tally):
    monkeypatch.chdir(repository)
    values = np.linspace(0.8, 0.9, 8)
    monkeypatch.setattr(revisions, "read", lambda name=None: revision("a", {"s": results({"a": values})}))
    texts = mixtures(many(200))
    for words in texts:
        for option in ("study", "metric", "variant"):
            done = CliRunner().invoke(cli.app, ["compare", f"--{option}={words}"])
            assert isinstance(done.exception, UserError), done.output
            assert str(done.exception).startswith(f"{option}: found ")
            assert all(letter.isprintable() for letter in str(done.exception))
    tally("names", "study, metric or variant that is none", "refused, one line", len(texts))


OVERRIDES = [
    "seeds.count=${oc.env:HOME}",
    "+studies.x=${oc.env:HOME}",
    "+_target_=os.system",
    "studies.weight_decay._target_=x",
]
OVERRIDES += ["seeds.count=${oc.env:NO_SUCH}", "seeds.count=${x:1}", "seeds.root=???", "seeds.count=${seeds.count}"]
OVERRIDES += ["seeds.count=" + "9" * 5000, "seeds.count=range(1,10,0)"]
OVERRIDES += [
    "+studies.x={_target_:os.system,command:'touch pwned'}",
    "seeds.count=$(touch pwned)",
    "seeds.count=glob(*)",
]
OVERRIDES += [
    "../../x=1",
    "../other.yaml:a=1",
    "--config-dir=x",
    "hydra.run.dir=x",
    "+studies.x; touch pwned #={}",
    "=",
    "",
    "~",
]
OVERRIDES += ["+studies.a/b={}", "seeds.count=interval(1,2)", "~studies", "@x", "seeds.count=" + "[" * 300]


def test_an_override_that_is_none_is_refused(repository, monkeypatch, tally):
    monkeypatch.chdir(repository)
    before = sorted(repository.rglob("*"))
    for words in OVERRIDES:
        with pytest.raises(UserError):
            plan.table(["weight_decay"], [words])
        tally("names", "override of a config", "refused")
    assert sorted(repository.rglob("*")) == before
