"""Hostile names and texts in commands, pages, figures, tables and revisions: shown as text, or refused."""

import dataclasses
import html.parser
import json
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import small_project
from markdown_it import MarkdownIt
from report.sections import made
from report.tables import column, view
from revisions_of import results, revision
from samples import SMALL
from typer.testing import CliRunner

from ablate import cli, plan, revisions, text
from pipeline.core.errors import UserError
from pipeline.report import figures, page
from pipeline.report.drawing import Picture

# by the program that might obey them
SHELL = ["; touch pwned #", "$(touch pwned)", "`touch pwned`", "' ; touch pwned '", "\ntouch pwned\n", "${HOME}"]
HTML = ["<script>alert(1)</script>", "</style>", "'\"><b onclick=x>", "<!--", "&lt;i&gt;", "</td></tr>", "]]>", "\x00"]
JINJA = ["{{ 7*7 }}", "{% for x in y %}"]
MARKDOWN = ["![a](https://x.test/b.png)", "**b**", "`c`", "|", "@someone", "#12", "www.x.test", "<https://x.test>"]
MARKDOWN += ["# Title", "- item", "1. item", "---", "> said", "$x^2$", "```", "~~gone~~"]
RICH = ["[bold]", "[/]", "[link=https://x.test]a[/link]", ":smile:"]
TERMINAL = ["\x1b[31m", "\r", "\b", "\x9b2J", "\u202e", "\u200b", "\n", "\t", "\u2028", "\ud800"]
OTHERS = ["$\\frac{", "a_b^c", "=cmd|' /C calc'!A0", '"', ",", "w" * 300, "名前", "👩‍💻", " "]
TEXTS = [*SHELL, *HTML, *JINJA, *MARKDOWN, *RICH, *TERMINAL, *OTHERS]


def mixtures(count: int) -> list[str]:
    """Return all texts, then different mixtures of up to four."""
    random = np.random.default_rng(0)
    found = dict.fromkeys(TEXTS)
    while len(found) < len(TEXTS) + count:
        found["".join(random.choice(np.array(TEXTS, dtype=object), size=random.integers(1, 5)))] = None
    return list(found)


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_an_id_is_never_part_of_a_command(shell, tmp_path, tally):
    """Without `check`, each stage's program gets the id as one word, and nothing else is started."""
    project = small_project(tmp_path / "project")
    # not of studies, whose files a measurement would share
    ids = {"data": SHELL, "train": SHELL, "measure": [f"{id}p" for id in SHELL]}
    keys = {
        "data": ("datasets", "linear"),
        "train": ("studies", "weight_decay"),
        "measure": ("measurements", "product"),
    }
    changes = {kind: dict.fromkeys([one, *ids[stage]], SMALL[kind][one]) for stage, (kind, one) in keys.items()}
    project.write_params(changes)
    parts = [f"configs/{stage}/{id}.json" for stage in ids for id in [keys[stage][1], *ids[stage]]]
    for name in ("params.ok", "linear.npz", *parts):
        path = project.folder / "data" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("as after a run of other parameters")
    # a program that records its arguments, and makes the data set that has a valid id
    programs, record = tmp_path / "programs", tmp_path / "record"
    programs.mkdir()
    (programs / "python").write_text(
        f"#!/bin/sh\nprintf '%s\\0' \"$@\" '' >> '{record}'\n[ \"$3\" = data@linear ] && echo made > data/linear.npz\n"
    )
    (programs / "python").chmod(0o755)
    project.environment |= {"PATH": f"{programs}:{project.environment['PATH']}", "SHELL": f"/bin/{shell}"}
    project.run("dvc", "repro", "-k", "-f", "--single-item", "--glob", "*@*", ok=False)
    calls = {tuple(call.split("\0")) for call in record.read_bytes().decode().split("\0\0")[:-1]}
    assert calls == {
        ("-m", f"pipeline.stages.{stage}", f"{stage}@{id}") for stage in ids for id in [keys[stage][1], *ids[stage]]
    }
    assert not [path for path in tmp_path.rglob("*pwned*") if path.suffix != ".json"]
    tally("names", "id in a command", "one word, nothing executed", len(calls))


@pytest.mark.slow
def test_an_invalid_id_runs_and_deletes_nothing(tmp_path, tally):
    project = small_project(tmp_path / "project")
    outside = [tmp_path / name for name in ("kept.csv", "kept.npz", "kept/file")]
    for path in outside:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    ids = ["x; touch pwned #", "../../kept", "../../../kept", "x\ntouch pwned"]
    for kind in ("studies", "datasets", "measurements"):
        valid = next(iter(SMALL[kind].values()))
        project.write_params({kind: {**SMALL[kind], **dict.fromkeys(ids, valid)}})
        command = ["exp", "run", "-k", "-S", "+seeds.x=1"] if kind == "studies" else ["repro", "-k", "-f"]
        assert project.run("dvc", *command, ok=False).returncode
        assert all(path.read_text() == "mine" for path in outside)
        assert not list(tmp_path.rglob("*pwned*"))
        tally("names", f"id in a path, {kind}", "refused, nothing deleted", len(ids))


# --- page and figures ------------------------------------------------------------------------------------------------


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


PLACES = 15  # for the user's words, on the page of one study


def worded(words: list[str]) -> str:
    """Render the page of a study, claims and published outcomes with words in every place."""
    question, dataset, label, block, note, finding, claim, where, config, factor, *others = words
    title, about, caveat, caption, name = others
    whole = made()
    section = whole.sections[1]
    effects = {key: table.assign(label=label, block=block, note=note) for key, table in section.effects.items()}
    study = dataclasses.replace(section.study, question=question, dataset=dataset, caveat=caveat)
    measurement = dataclasses.replace(
        whole.measurements[0], findings=whole.measurements[0].findings.assign(label=finding)
    )
    report = dataclasses.replace(
        whole,
        project=dataclasses.replace(whole.project, title=title, about=about),
        sections=[dataclasses.replace(section, study=study, effects=effects)],
        measurements=[measurement],
        claims=whole.claims.assign(claim=claim, where=where),
        published=whole.published.assign(config=config, factor=factor, where=where),
    )
    # sentences about a column have its name inside
    sentence = f"with `{name}`"
    table = view(column(name, f"about {name}"), task=sentence, note=sentence, suspects=(name,))
    report = dataclasses.replace(report, views={dataset: table})
    drawn = Picture("x", caption, (where,), '<svg viewBox="0 0 1 1"></svg>', b"", "")
    figures = {"overview": [drawn], study.id: [drawn], measurement.id: []}
    return page.render(report, figures)


def test_words_on_the_page_are_words(many, tally):
    plain = worded(["plain"] * PLACES)
    texts = mixtures(many(200))
    for first in range(0, len(texts), PLACES // 2):  # so that each comes to two places
        words = [texts[number % len(texts)].replace("_", " ") for number in range(first, first + PLACES)]
        found = Read(worded(words))
        # in sentences about a column, words between backticks become code
        tags, expected = ([one for one in read.elements if one != ("code", ())] for read in (found, Read(plain)))
        assert tags == expected
        assert not [one for one in words if one not in found.words]
    # whatever got through could load and execute nothing
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', plain)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == "'none'"
    assert rules.keys() == {"style-src", "img-src", "base-uri", "form-action"}
    tally("names", "words on the page", "shown as words", len(texts))


def test_no_words_of_the_user_reach_a_figure(tally):
    """Labels are ids and values of configs, which are checked; so no mathematics, markup or script gets in."""
    section = made().sections[0]
    plain = dataclasses.replace(made(), sections=[section], measurements=[])
    study = dataclasses.replace(section.study, question="".join(TEXTS))
    worded = dataclasses.replace(plain, sections=[dataclasses.replace(section, study=study)])
    assert figures.draw(worded) == figures.draw(plain)
    tally("names", "words in a figure", "not part of it", len(TEXTS))


# --- tables ----------------------------------------------------------------------------------------------------------


def compared(monkeypatch, name: str, variants: list[str], *options: str) -> str:
    """Return what `ablate compare` prints about a commit with this name and these variants."""
    values = np.linspace(0.8, 0.9, 8)
    sides = {
        "old": revision(name, {"s": results({"a": values, **dict.fromkeys(variants, values)})}),
        None: revision("new", {"s": results({"a": values - 0.1})}),
    }
    monkeypatch.setattr(revisions, "read", lambda name=None: sides[name])
    shown = CliRunner().invoke(cli.app, ["compare", "old", *options])
    assert shown.exit_code == 0, shown.exception
    return shown.output


@pytest.mark.parametrize("output", ["terminal", "markdown", "json"])
def test_words_of_another_commit_are_shown(output, monkeypatch, many, tally):
    """Its variants and its name have passed no check."""
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    texts = [words for words in mixtures(many(200)) if words.strip()]
    options = [] if output == "terminal" else [f"--{output}"]
    plain = compared(monkeypatch, "plain", [f"plain {number}" for number in range(7)], *options)
    for first in range(0, len(texts) - 7, 8):
        name, *variants = texts[first : first + 8]
        out = compared(monkeypatch, name, variants, *options)
        if output == "json":
            assert out.isascii()
            assert set(variants) <= {row["variant"] for row in json.loads(out)["rows"]}
            continue
        assert all(letter.isprintable() for line in out.split("\n") for letter in line)
        assert out.count("\n") == plain.count("\n")
        if output == "terminal":
            assert all(text.escape(words).rstrip() in out for words in (name, *variants))
        else:
            # as GitHub would show it
            found = Read(reader.render(out))
            assert found.elements == Read(reader.render(plain)).elements, variants
            shown = " ".join(found.words.split())
            assert all(" ".join(text.escape(words).split()) in shown for words in (name, *variants))
            # what GitHub makes of plain words: links, users who are notified, issues, formulas
            assert not re.search(r"[@#]\w|://|www\.|(?<!\\)\$", out, re.IGNORECASE)
    tally("names", f"words of another commit, {output}", "shown, not obeyed", len(texts))


# --- the command line ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    return small_project(tmp_path_factory.mktemp("names") / "project").folder


@pytest.fixture
def unchanged(repository, monkeypatch):
    """Make a repository the current folder and check that no file in it is made or deleted."""
    monkeypatch.chdir(repository)
    before = sorted(repository.rglob("*"))
    yield
    assert sorted(repository.rglob("*")) == before


REVISIONS = ["--output=x", "HEAD; touch pwned", "HEAD..HEAD", "HEAD:params.yaml", "HEAD^{tree}", "x" * 100_000, "", "-"]
REVISIONS += ["a\nb", "\x1b[31m", "\ud800", "main@{u}", "../../etc/passwd", "HEAD^@", "HEAD^{/((", "refs/*", "[link=x]"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "command",
    [["compare", "--", "{}"], ["compare", "HEAD", "--", "{}"], ["verify", "--", "{}"]]
    + [["compare", f"--{option}={{}}"] for option in ("study", "metric", "variant")],
    ids=" ".join,
)
def test_a_name_of_nothing_is_refused_in_a_line(command, tally):
    for name in REVISIONS:
        done = CliRunner().invoke(cli.app, [word.replace("{}", name) for word in command])
        assert isinstance(done.exception, UserError), (name, done.output)
        assert str(done.exception).isprintable()
    tally("names", " ".join(command), "refused, one line", len(REVISIONS))


OVERRIDES = ["seeds.count=${oc.env:HOME}", "+_target_=os.system", "seeds.root=???", "seeds.count=${seeds.count}", ""]
OVERRIDES += ["seeds.count=" + "9" * 5000, "seeds.count=range(1,10,0)", "seeds.count=" + "[" * 300, "hydra.run.dir=x"]
OVERRIDES += ["+studies.x={_target_:os.system,command:'touch pwned'}", "../other.yaml:a=1", "seeds.count=glob(*)"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("override", OVERRIDES, ids=range(len(OVERRIDES)))
def test_an_invalid_override_is_refused(override, tally):
    with pytest.raises(UserError):
        plan.table(["weight_decay"], [override])
    tally("names", "override of a config", "refused")
