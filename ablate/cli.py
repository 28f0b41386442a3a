"""`ablate`: what a user asks of an ablation project besides `dvc`.

Each command imports its module when it is called: `--help` does not wait for the configs, a check not for pandas, a
table not for DVC.
"""

import io
import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from ablate import names
from pipeline.core import console
from pipeline.core.errors import UserError, escape

app = typer.Typer(
    help="""Ablations of multilayer perceptrons, for the project in the current folder: params.yaml and dvc.yaml.

First steps, in the folder of a project:
    ablate check
    dvc repro
    ablate show STUDY

`ablate COMMAND --help` has examples of each command; docs/index.md leads on.
""",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# an enumeration, because Typer takes no list of literals
Verdict = StrEnum(
    "Verdict",
    {
        "better": "better",
        "worse": "worse",
        "higher": "higher",
        "lower": "lower",
        "undecided": "undecided",
        "not_comparable": "not comparable",
    },
)
List = list[str] | None
Study = Annotated[str, Argument(help="Id of the study.", autocompletion=names.studies)]
Metric = Annotated[str | None, Option(help="Judge by this metric.", autocompletion=names.metrics)]
Markdown = Annotated[bool, Option("--markdown", help="As Markdown, for a pull request.")]
Json = Annotated[bool, Option("--json", help="As JSON, undefined numbers as null.")]


def _of_table(text: str) -> Any:
    return Option(help=text, rich_help_panel="Options of a table")


@app.command()
def check(
    study: Annotated[str | None, Argument(help="Print this study only.", autocompletion=names.studies)] = None,
    resolved: Annotated[bool, Option("--resolved", help="Print complete configs, as YAML.")] = False,
) -> None:
    """Check params.yaml: every config, without running anything.

    Exit status 2 if anything is wrong, with one line per problem: the dotted key, what was found, what is allowed.
    Warns of files that git does not track and of repositories in which DVC's experiments lose files or fail.

    Examples:
        ablate check
        ablate check dropout
        ablate check --resolved dropout
    """
    from ablate import check, repository

    studies = [study] if study else []
    project = names.project(*studies)
    _warn(repository.warnings(project))
    if resolved:
        typer.echo(check.resolved(project, studies or project.studies))
        return
    if any(dataset.source == "table" for dataset in project.datasets.values()):
        from ablate import columns, text

        text.show(columns.of_studies(project, studies or project.studies))
    typer.echo(check.report(project, studies or project.studies))


@app.command()
def plan(
    study: Annotated[List, Argument(help="Only these studies.", autocompletion=names.studies)] = None,
    set_param: Annotated[
        List, Option("--set-param", "-S", help="As for `dvc exp run`: KEY=VALUE or KEY=A,B,C.")
    ] = None,
) -> None:
    """Estimate how many runs the project or a sweep needs, and about how long they take.

    Trains a few epochs of each kind of network on this machine and writes nothing.

    Examples:
        ablate plan
        ablate plan dropout -S seeds.count=20,40
    """
    from ablate import plan, progress, repository, text

    with progress.shown("reading params.yaml"):
        table = plan.table(study or [], set_param or [])
    text.show([table])
    _warn(repository.warnings(names.project()) if set_param else [])


@app.command()
def show(
    study: Study,
    metric: Metric = None,
    markdown: Markdown = False,
    latex: Annotated[bool, Option("--latex", help="As LaTeX, for a paper; needs booktabs and siunitx.")] = False,
    as_csv: Annotated[bool, Option("--csv", help="As CSV: numbers with all digits, undefined ones empty.")] = False,
    as_json: Json = False,
) -> None:
    """Show a study: every variant against its baseline, with intervals and verdicts.

    Examples:
        ablate show dropout
        ablate show dropout --metric test_loss --markdown
        ablate show dropout --latex
    """
    from ablate import show, text

    formats = {"--markdown": markdown, "--latex": latex, "--csv": as_csv, "--json": as_json}
    if sum(formats.values()) > 1:
        found = ", ".join(option for option, given in formats.items() if given)
        raise UserError(f"format: found {found}, allowed: one of {', '.join(formats)}")
    project = names.project(study)
    name, rows = show.judged(project, study, metric)
    if as_json:
        typer.echo(json.dumps(text.records(rows), indent=2))
    elif as_csv:
        typer.echo(rows.to_csv(index=False, lineterminator="\n"), nl=False)
    elif latex:
        from ablate.latex import document

        typer.echo(document(project, study, name, rows), nl=False)
    else:
        text.show([show.table(project, study, name, rows)], markdown=markdown)


@app.command()
def figure(
    study: Annotated[
        str, Argument(help="Id of a study or measurement, or overview.", autocompletion=names.with_figures)
    ],
    name: Annotated[
        str | None, Argument(help="Name of a figure; without it, all are listed.", autocompletion=names.figures)
    ] = None,
    pdf: Annotated[Path | None, Option(help="Write a PDF with embedded fonts, for LaTeX.")] = None,
    svg: Annotated[Path | None, Option(help="Write an SVG.")] = None,
    png: Annotated[Path | None, Option(help="Write a PNG, 192 pixels per inch.")] = None,
    csv: Annotated[Path | None, Option(help="Write what it shows as CSV.")] = None,
    width: Annotated[float, Option(min=2, max=10, help="In inches; text has the same size in every width.")] = 3.5,
) -> None:
    """Draw a figure of a study or measurement for a paper, as wide as a column, or list its figures.

    Examples:
        ablate figure dropout
        ablate figure dropout effects --pdf dropout.pdf
        ablate figure overview ratio --png overview.png
        ablate figure dropout effects --width 7 --svg dropout.svg --csv dropout.csv
    """
    from ablate import figure, progress, text

    files = {kind: path for kind, path in {"pdf": pdf, "svg": svg, "png": png, "csv": csv}.items() if path}
    if bool(files) != bool(name):
        needed = "--pdf, --svg, --png or --csv" if name else f"the name of a figure: `ablate figure {study}` lists them"
        raise UserError(f"figure: found {'no file' if name else 'no name'}, needed: {needed}")
    with progress.shown(f"reading the results of {study}"):
        figures = figure.of(study)
    if name:
        typer.echo("\n".join(figure.write(figures, name, files, width)))
    else:
        text.show([figure.table(figures)])


@app.command()
def compare(
    before: Annotated[str, Argument(metavar="REV_A", help="Branch, tag, commit or DVC experiment.")] = "HEAD",
    now: Annotated[str | None, Argument(metavar="[REV_B]", help="The later state; default: the workspace.")] = None,
    study: Annotated[List, Option(help="Only this study; repeatable.", autocompletion=names.studies)] = None,
    variant: Annotated[List, Option(help="Only this variant; repeatable.", autocompletion=names.variants)] = None,
    metric: Annotated[List, Option(help="Judge by this metric; repeatable.", autocompletion=names.metrics)] = None,
    markdown: Markdown = False,
    as_json: Json = False,
    everything: Annotated[bool, Option("--all", help="Identical variants too, row by row.")] = False,
    fail_on: Annotated[
        list[Verdict] | None,
        Option(help="Exit status 1 if a row has this verdict when all rows are judged together; repeatable."),
    ] = None,
) -> None:
    """Compare two states of the project: which configs and numbers changed, and which changes mean anything.

    Reads params.yaml, dvc.lock and reports/ of both from git; needs no DVC cache and no remote. For --fail-on, all rows
    are one family: if the states differ in seeds alone, at most 5 % (judging.alpha) of calls fail.

    Examples:
        ablate compare
        ablate compare main --study dropout
        ablate compare HEAD~1 HEAD --fail-on worse --markdown
    """
    from ablate import compare, progress, text

    with progress.shown(f"reading {before}"):
        comparison = compare.comparison(before, now, studies=study or [], variants=variant or [], metrics=metric or [])
    if as_json:
        typer.echo(compare.as_json(comparison))
    else:
        text.show(compare.tables(comparison, everything), markdown=markdown)
    if set(fail_on or []) & set(comparison.rows["gate"]):
        raise typer.Exit(1)
    if set(fail_on or []) - {"not comparable"} and comparison.gate_too_few:
        raise UserError(f"--fail-on: {comparison.gate_too_few}; --study selects fewer rows")


@app.command()
def verify(
    commit: Annotated[
        str | None,
        Argument(
            metavar="COMMIT",
            help="Branch, tag, commit or DVC experiment; or URL, URL@REV, PATH or PATH@REV of another repository.",
            autocompletion=names.revisions,
        ),
    ] = None,
    study: Annotated[
        List, Option(help="Only this study or measurement; repeatable.", autocompletion=names.studies_and_measurements)
    ] = None,
    project: Annotated[
        str | None, Option(help="Folder of the project in the repository; default: the current one, for a URL the top.")
    ] = None,
    run: Annotated[bool, Option("--run/--no-run", help="Run it, or check the files in DVC's cache only.")] = True,
    markdown: Markdown = False,
) -> None:
    """Run a commit again in a temporary folder: are its results reproduced, bit for bit?

    Compares all files of reports/, and by dvc.lock the outputs that git does not hold. Runs the code of that commit.
    Without COMMIT, runs HEAD and also checks the files in DVC's cache, byte by byte, which DVC does not.

    Exit status 0: all is reproduced; 1: a file differs or is damaged; 2: no answer, with the reason in one line.

    Examples:
        ablate verify
        ablate verify main --study dropout
        ablate verify https://example.org/user/project.git@v1.0 --markdown
        ablate verify --no-run
    """
    from ablate import progress, text, verify

    if not run and (commit or study or project is not None):
        raise UserError("--no-run: checks the cache of the project in the current folder, without other arguments")
    tables, ok, heading = [], True, ""
    if run:
        verdict = verify.reproduction(commit or "HEAD", study or [], project)
        tables, ok, heading = [verdict.table], verdict.ok, verdict.heading
    if not run or (commit is None and project is None):
        with progress.shown("checking the files that DVC keeps"):
            table, intact = verify.integrity()
        tables, ok = [*tables, table], ok and intact
    text.show(tables, markdown=markdown, heading=heading)
    if not ok:
        raise typer.Exit(1)


@app.command()
def power(
    study: Study,
    metric: Annotated[str | None, Option(help="Judge by this metric.", autocompletion=names.judged_metrics)] = None,
    seeds: Annotated[int | None, Option(min=1, max=100_000, help="Their number; default: that of params.yaml.")] = None,
    effect: Annotated[float | None, Option(help="A difference, for losses a ratio; default: the margin.")] = None,
    sd: Annotated[
        float | None, Option(min=0, help="Of differences within pairs, for losses of log ratios; default: of the runs.")
    ] = None,
    probability: Annotated[float, Option("--power", min=0.01, max=0.9999, help="Of detecting the effect.")] = 0.8,
) -> None:
    """Compute the smallest effect that n seeds detect, and how many seeds an effect needs.

    Examples:
        ablate power dropout
        ablate power dropout --seeds 20
        ablate power dropout --effect 0.01 --sd 0.02
    """
    from ablate import power, progress, text

    with progress.shown(f"computing the power of {study}"):
        table = power.table(study, metric=metric, seeds=seeds, size=effect, sd=sd, probability=probability)
    text.show([table])


@app.command()
def new(
    folder: Annotated[Path, Argument(help="A new or empty folder in a clone of the repository.")],
    source: Annotated[
        str | None, Option(help=f"{', '.join(names.sources())}; default: digits, or with --table table.")
    ] = None,
    table: Annotated[Path | None, Option(help="CSV or Parquet file, which is copied.")] = None,
    target: Annotated[str | None, Option(help="Column that is predicted.")] = None,
    task: Annotated[str | None, _of_table("classification or regression; default: by the target.")] = None,
    missing: Annotated[str | None, _of_table("Imputation: mean, median or most_frequent; default: none.")] = None,
    missing_target: Annotated[str | None, _of_table("drop: rows without a target are left out.")] = None,
    missing_value: Annotated[List, _of_table("Word that stands for a missing value; repeatable.")] = None,
    not_missing: Annotated[List, _of_table("Word such as NA that is a code, not missing; repeatable.")] = None,
    categorical: Annotated[List, _of_table("Column of numbers that are categories; repeatable.")] = None,
    ignore: Annotated[List, _of_table("Column that is left out; repeatable.")] = None,
    date: Annotated[List, _of_table("Column of dates, read as days; repeatable.")] = None,
    separator: Annotated[str | None, _of_table("Between columns: , ; | tab or blank; default: recognised.")] = None,
    decimal: Annotated[str | None, _of_table("Decimal mark: . or , ; default: recognised.")] = None,
    thousands: Annotated[str | None, _of_table("Separator of thousands; default: recognised.")] = None,
    unit: Annotated[List, _of_table("Text beside numbers, such as %; repeatable; default: recognised.")] = None,
    encoding: Annotated[str | None, _of_table("utf-8, utf-16, latin-1 or cp1252.")] = None,
) -> None:
    """Write a new project: params.yaml with one study that runs at once, and dvc.yaml; stage its files in git.

    With a table, prints first how each column is read, and writes the recognised notation into params.yaml.

    Examples:
        ablate new projects/digits
        ablate new projects/powers --source polynomial
        ablate new projects/own --table own.csv --target price
        ablate new projects/own --table own.csv --target price --missing median --ignore name --date sold
    """
    from ablate import new
    from pipeline.data.notation import MISSING

    words = [word for word in MISSING if word not in (not_missing or [])] + (missing_value or [])
    options = {
        "task": task,
        "missing": missing,
        "missing_target": missing_target,
        "missing_values": words if missing_value or not_missing else None,
        "categorical": categorical,
        "ignore": ignore,
        "dates": date,
        "separator": {"tab": "\t", r"\t": "\t", "blank": " "}.get(separator or "", separator),
        "decimal": decimal,
        "thousands": thousands,
        "units": unit,
        "encoding": encoding,
    }
    given = {key: value for key, value in options.items() if value is not None}
    typer.echo("\n".join(new.new(folder, source or ("table" if table else "digits"), table, target, given)))


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(f"warning: {escape(line)}", err=True)


def main() -> None:
    """Run the console command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # with LC_ALL=C the encoding has no arrow or multiplication sign
        sys.stdout.reconfigure(errors="backslashreplace")
    console.run(lambda arguments: app(arguments))
