"""`ablate show --latex`: the table of a study for a paper.

It needs booktabs and siunitx, and the width of a page (`table*` spans two columns). A study with more rows than a page
has several tables.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ablate import text
from ablate.tex import escape
from pipeline.analysis.interactions import interactions
from pipeline.analysis.judging import why_underpowered
from pipeline.analysis.significance import name_of_test
from pipeline.project import artifacts, lock
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.params import Params
from pipeline.project.variants import Study
from pipeline.report import format
from pipeline.report.format import within
from pipeline.report.provenance import provenance

_SHORT = 16  # letters of a name that need no column of fixed width
_LONGEST = 22  # letters of a name that fit on one line of such a column
_LINES = 40  # of rows that fit on a page with caption and note
_NAMES = r">{\raggedright\arraybackslash}p{0.2\textwidth}"
_NUMBER = re.compile(r"([+-]?)(\d+)(?:\.(\d+))?(?:e([+-]?)(\d+))?")

_Row = dict[str, str]  # cells by name
_Groups = dict[str, list[_Row]]  # rows by heading


def document(project: Params, key: str, name: str, rows: pd.DataFrame) -> str:
    """Return the table of a study as LaTeX source.

    Args:
        project: The project.
        key: Id of the study.
        name: Name of the metric.
        rows: `comparison.EFFECTS`, judged by this metric.
    """
    study, metric = project.studies[key], METRICS[name]
    results, judging = artifacts.read_results(project, key), project.judging_of(study)
    groups: _Groups = {}
    for row in rows.itertuples():
        groups.setdefault(row.block, []).append(_row(row, row.label, metric))
    products = interactions(study, results, name, judging) if metric.random else pd.DataFrame()
    if len(products):
        kind = "ratios of ratios" if metric.scale == "log" else "differences of differences"
        # their estimates are effects, which the column of estimates does not hold
        without = {"n": "", "estimate": "", "interval": ""}
        groups[f"interactions, {kind}"] = [_row(row, row.term, metric) | without for row in products.itertuples()]
    note = list(_note(study, metric, rows, len(products), judging.margins.get(name)))
    note += [f"{reason}." for reason in [why_underpowered(rows, project.judging.alpha)] if reason]
    note += [f"Caveat: {study.caveat}"] if study.caveat else []
    columns = _columns(groups, metric)
    pages = list(_pages(groups))
    sources = ["\n".join(f"% {line}" for line in _source(project, study, name, results))]
    for number, page in enumerate(pages, 1):
        part = f" Part {number} of {len(pages)}." if len(pages) > 1 else ""
        caption = f"{study.question} Metric: {text.direction(metric)}.{part}"
        label = f"tab:{key}" + (f"-{number}" if number > 1 else "")
        sources.append("\n".join(_float(page, columns, caption, label, " ".join(note))))
    return "\n\n".join(sources) + "\n"


def _source(project: Params, study: Study, name: str, results: pd.DataFrame) -> Iterator[str]:
    """Yield what the numbers come from."""
    option = "" if name == study.metric else f" --metric {name}"
    yield f"mlp-ablations, study {study.id}, metric {name}: ablate show {study.id}{option} --latex"
    digests = provenance(project, study, results)
    yield f"config {digests.config}, data {digests.data}, code {_code(study.id)} (first digits of SHA-256)"
    path = artifacts.results_path(study.id)
    yield f"{path.as_posix()}: md5 {lock.digests(lock.read()).get(path.as_posix(), 'not in dvc.lock')}"
    yield r"needs \usepackage{booktabs,siunitx}"


def _code(study: str) -> str:
    """Return the digest of the code that trained, which a clone without DVC's files does not have."""
    path = artifacts.diagnostics_path(study)
    return artifacts.read_diagnostics(study).code if path.is_file() else f"unknown without {path.as_posix()}"


def _note(study: Study, metric: Metric, rows: pd.DataFrame, products: int, margin: float | None) -> Iterator[str]:
    """Yield the sentences that say what the numbers are."""
    unit = " in percentage points" if metric.unit == "fraction" else ""
    effect = "Ratio: to" if metric.scale == "log" else f"Effect: difference{unit} from"
    baseline = "the baseline of the same group" if len(study.blocks) > 1 else "the baseline"
    if not metric.random:
        yield f"{effect} {baseline}. Nothing is random: no intervals."
        return
    mean = "Geometric mean" if metric.scale == "log" else "Mean"
    yield f"{mean} over n seeds. {effect} {baseline}, paired by seed. CI: confidence interval."
    family, verdicts = int(rows["p"].notna().sum()), set(rows["verdict"])
    if family:
        test = name_of_test(int(rows["n"].max()), study.split_correlation_of(metric))
        diverged = "; where runs diverged, exact McNemar test of how often" if rows["diverged"].any() else ""
        plural = "s" if family > 1 else ""
        yield f"p: {test}{diverged}; adjusted by Holm’s procedure for {family} comparison{plural}."
    if margin is not None:
        yield f"Equivalent: the interval lies within {within(margin, metric)}."
    if "undecided" in verdicts:
        yield "Undecided is no evidence of equality."
    if products:
        yield "Interactions are a family of their own."


# --- cells ------------------------------------------------------------------------------------------------------------


def _row(row: Any, name: str, metric: Metric) -> _Row:
    """Return the cells of a row of `judging.COLUMNS` as text without units, and its name."""
    cells = format.cells(row, metric)
    if getattr(row, "is_baseline", False):
        cells["verdict"] = "baseline"
        cells["note"] = f"diverged: {row.diverged} of {row.runs}" if row.diverged else ""
    for column in ("estimate", "interval", "effect", "effect_interval"):
        cells[column] = re.sub("^× | %| points$", "", cells[column]).replace("−", "-")
    # columns of a paper are narrow
    cells["n"], cells["p"] = cells["n"].replace(" of ", "/"), cells["p"].replace("< ", "<")
    return {"name": name, **cells}


def _columns(groups: _Groups, metric: Metric) -> dict[str, tuple[str, str]]:
    """Return the specification and the heading of every column that is not empty."""
    rows = [row for group in groups.values() for row in group]
    percent = r" (\%)" if metric.unit == "fraction" else ""
    headings = {
        "n": "$n$",
        "estimate": f"{{Mean{percent}}}",
        "interval": r"95\,\% CI",
        "effect": "{Ratio}" if metric.scale == "log" else "{Effect}",
        "effect_interval": r"95\,\% CI",
        "p": "{$p$}",
        "verdict": "Verdict",
    }
    left = _NAMES if any(len(row["name"]) > _SHORT for row in rows) else "l"
    columns = {"name": (left, "Variant")}
    for name, heading in headings.items():
        cells = [row[name] for row in rows if row[name]]
        if heading.startswith("{"):
            specification = f"S[table-format={_table_format(cells)}]"
        else:
            specification = "l" if name == "verdict" else "r"
        columns |= {name: (specification, heading)} if cells else {}
    return columns


def _table_format(cells: Sequence[str]) -> str:
    """Return siunitx's format of a column: the digits that its numbers need, `+1.2e-1`.

    >>> _table_format(["12.5", "-0.25", "<0.0001"]), _table_format(["1.20e-07", "3"])
    ('+2.2', '1.2e-2')
    """
    numbers = [match.groups(default="") for match in map(_NUMBER.fullmatch, cells) if match]
    longest = [max(map(len, parts)) for parts in zip(*numbers, strict=True)] or [0, 1, 0, 0, 0]
    sign, whole, decimals, exponent_sign, exponent = longest
    return f"{'+' * sign}{whole}.{decimals}" + (f"e{'-' * exponent_sign}{exponent}" if exponent else "")


def _tex(row: _Row, name: str, heading: str, notes: Sequence[str]) -> str:
    """Return a cell as LaTeX source."""
    cell = row[name]
    if name == "name":
        # at the beginning of a row, TeX would read [ and * as options of the line end before it
        return ("{}" if cell[:1] in {"[", "*"} else "") + escape(cell)
    if name == "verdict":
        mark = rf"\textsuperscript{{{1 + notes.index(row['note'])}}}" if row["note"] else ""
        return escape(cell) + mark
    if heading.startswith("{"):
        return cell if _NUMBER.fullmatch(cell) or not cell else f"{{{escape(cell)}}}"
    return _NUMBER.sub(r"\\num{\g<0>}", cell) if "interval" in name else escape(cell)


# --- tables -----------------------------------------------------------------------------------------------------------


def _pages(groups: _Groups) -> Iterator[_Groups]:
    """Yield the rows of each page; a group that fits on one page is not split, another one repeats its heading."""
    page: _Groups = {}
    filled = 0
    for heading, rows in groups.items():
        heights = [math.ceil(len(row["name"]) / _LONGEST) for row in rows]
        whole = 1 + sum(heights)
        for row, height in zip(rows, heights, strict=True):
            starts = row is rows[0] and whole <= _LINES < filled + whole
            if page and (starts or filled + height > _LINES):
                yield page
                page, filled = {}, 0
            filled += height + (heading not in page)
            page.setdefault(heading, []).append(row)
    yield page


def _float(
    groups: _Groups, columns: Mapping[str, tuple[str, str]], caption: str, label: str, note: str
) -> Iterator[str]:
    """Yield the lines of a table."""
    notes = list(dict.fromkeys(row["note"] for rows in groups.values() for row in rows if row["note"]))
    yield r"\begin{table*}"
    yield r"  \centering"
    yield f"  \\caption{{{escape(caption)}}}"
    yield f"  \\label{{{label}}}"
    yield r"  \par\smallskip"
    yield r"  \footnotesize"
    yield r"  \setlength{\tabcolsep}{3pt}"
    yield r"  \sisetup{retain-explicit-plus, group-minimum-digits=9}"
    yield f"  \\begin{{tabular}}{{@{{}}{' '.join(specification for specification, _ in columns.values())}@{{}}}}"
    yield r"    \toprule"
    yield f"    {' & '.join(heading for _, heading in columns.values())} \\\\"
    for number, (heading, rows) in enumerate(groups.items()):
        yield r"    \addlinespace" if number else r"    \midrule"
        if heading:
            yield f"    \\multicolumn{{{len(columns)}}}{{@{{}}l@{{}}}}{{\\itshape {escape(heading)}}} \\\\"
        for row in rows:
            yield f"    {' & '.join(_tex(row, name, title, notes) for name, (_, title) in columns.items())} \\\\"
    yield r"    \bottomrule"
    yield r"  \end{tabular}"
    marked = [f"\\textsuperscript{{{number}}}{escape(words)}." for number, words in enumerate(notes, 1)]
    yield r"  \par\smallskip"
    yield f"  \\parbox{{\\linewidth}}{{\\raggedright {' '.join([escape(note), *marked])}}}"
    yield r"\end{table*}"
