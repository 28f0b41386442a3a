import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from documentation.blocks import blocks
from samples import ROOT, SMALL
from trained import fill

from ablate import figure, latex, show
from ablate.tex import escape
from pipeline.project import artifacts, params

AWKWARD = {
    "seeds.count": 10,
    "studies.activation.question": r"Is 50 % of α_1 & [β] ≤ {γ}^2 — “so”? #1 ~ \end{table*} 字 é " + "w" * 200,
    "studies.activation.caveat": "−1 × $x$ " * 25,
    "studies.weight_decay.grid.optimizer.weight_decay": [index / 7 for index in range(60)],
    "studies.named": {
        **SMALL["studies"]["weight_decay"],
        "grid": None,
        "variants": {"plain": None, "l" * 40 + "_" + "o" * 19: {"optimizer": {"learning_rate": 0.001}}},
        "baseline": "plain",
    },
    "studies.widths": {
        **SMALL["studies"]["activation"],
        "grid": {"model": {"hidden": [[], [4], [4] * 60]}, "optimizer": {"learning_rate": [0.1, 1e-9]}},
        "baseline": {"model": {"hidden": []}},
    },
}


def source(key: str, metric: str | None = None) -> str:
    project = params.load()
    return latex.document(project, key, *show.judged(project, key, metric))


def cells(text: str, name: str) -> list[list[str]]:
    """The cells of the rows that begin with a name."""
    rows = [line.strip().removesuffix(r" \\").split(" & ") for line in text.splitlines() if line.endswith(r"\\")]
    return [row for row in rows if row[0] == name]


def numbers(*texts: str) -> list[str]:
    return re.findall(r"[+-]?\d[\d.]*", " ".join(texts).replace("−", "-"))


@pytest.fixture
def awkward(params_file, in_folder):
    params_file(AWKWARD)
    fill()


def test_a_product_of_factors_has_its_blocks_and_interactions(awkward):
    text = source("activation")
    assert re.findall(r"\\itshape (.*)} ", text) == [
        "learning rate 0.1",
        "learning rate 0.5",
        "interactions, differences of differences",
    ]
    assert [row[-1] for row in cells(text, "sigmoid")] == ["baseline", "baseline"]
    # the numbers are those of the terminal
    project = params.load()
    shown = show.table(project, "activation", *show.judged(project, "activation")).rows
    wanted = [numbers(*row[1:6], row[-2]) for row in shown if "relu" in row[0]]
    assert [numbers(*row[1:]) for row in cells(text, "relu")] == wanted
    for row in cells(text, "relu"):
        assert re.fullmatch(r"\[\\num\{\S+\}, \\num\{\S+\}\]", row[5])
    assert re.search(r"r S\[table-format=[23].1\] r S\[table-format=\+2.2\] r S\[table-format=1.4\] l", text)
    (interaction,) = cells(text, "relu and learning rate 0.5")
    assert interaction[1:4] == ["", "", ""]
    assert "exact sign flips; adjusted by Holm's procedure for 2 comparisons" in text
    assert r"within \ensuremath{\pm}~0.50 points" in text
    assert r"\label{tab:activation}" in text


def test_the_source_names_command_and_digests(awkward):
    head = source("activation", "test_loss").splitlines()[:4]
    assert all(line.startswith("% ") for line in head)
    assert head[0].endswith("ablate show activation --metric test_loss --latex")
    assert re.search(r"config [0-9a-f]{12}, data fixed, code unknown without data/diagnostics", head[1])


def test_a_long_study_is_split_and_no_row_is_lost(awkward):
    text = source("weight_decay")
    labels = re.findall(r"\\label{(.*)}", text)
    assert labels == ["tab:weight_decay", "tab:weight_decay-2"]
    assert len(re.findall(r"^    [\d.]+ & 10 &", text, flags=re.MULTILINE)) == 60
    assert text.count("Part 1 of 2.") == text.count("Part 2 of 2.") == 1


def test_diverged_runs_have_a_note_and_a_metric_without_chance_has_no_intervals(awkward):
    path = artifacts.results_path("activation")
    runs = pd.read_csv(path)
    lost = (runs["variant"] == "activation_relu_learning_rate_0p1") & (runs["seed_index"] > 0)
    runs["status"] = runs["status"].mask(lost, "diverged")
    runs["test_accuracy"] = runs["test_accuracy"].mask(lost)
    runs.to_csv(path, index=False)
    text = source("activation")
    first, _ = cells(text, "relu")
    assert first[1] == "1/10"
    assert first[3:6] == ["", "", ""]
    assert first[-1] == r"worse\textsuperscript{1}"
    assert r"\textsuperscript{1}diverged: 9 of 10 against 0 of 10." in text
    computed = source("activation", "parameters")
    assert "CI &" not in computed
    assert "Nothing is random" in computed


@pytest.mark.slow
def test_the_document_of_the_page_compiles_with_every_table(finished, params_file, in_folder, monkeypatch):
    """Its own table and figure, all tables of the default project, and text that TeX reads as commands."""
    if not shutil.which("kpsewhich") or subprocess.run(["kpsewhich", "siunitx.sty"], check=False).returncode:
        pytest.skip("LaTeX or siunitx is missing: apt-get install texlive-science")
    monkeypatch.chdir(finished.folder)
    # at the width that the page tells for this document
    (width,) = re.findall(r"--width ([\d.]+) --pdf", (ROOT / "docs/how-to/paper.md").read_text())
    figure.write(figure.of("weight_decay"), "effects", {"pdf": in_folder / "dropout.pdf"}, float(width))
    monkeypatch.chdir(ROOT)
    tables = {key: source(key) for key in params.load().studies}
    monkeypatch.chdir(in_folder)
    params_file(AWKWARD)
    fill()
    tables |= {f"awkward_{key}": source(key).replace("{tab:", "{tab:awkward_") for key in params.load().studies}
    for key, text in tables.items():
        Path(f"{key}.tex").write_text(text)
    (document,) = (block.text for block in blocks("docs/how-to/paper.md") if block.language == "latex")
    own = r"\input{dropout.tex}"
    assert own in document
    others = [f"\\input{{{key}.tex}}" for key in tables if key != "dropout"]
    every = escape(" ".join(map(chr, [*range(32, 0x250), *range(0x370, 0x400), *range(0x2000, 0x2300)])))
    Path("paper.tex").write_text(document.replace(own, "\n".join([own, *others, r"\clearpage\sloppy", every])))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "TEXINPUTS": ""})
        assert done.returncode == 0, done.stdout[-3000:]
    log = Path("paper.log").read_text(errors="replace")
    assert "awkward_widths.tex" in log
    problems = re.findall(
        r"^(?:Overfull|LaTeX (?:Font )?Warning|Package \w+ Warning).*(?:\n.+)*", log, flags=re.MULTILINE
    )
    assert problems == [], problems
