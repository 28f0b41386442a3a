"""`ablate`: what a user asks of an ablation project besides `dvc`."""

import io
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ablate import completion, names
from pipeline.core import console
from pipeline.core.errors import UserError
from pipeline.project import params

app = typer.Typer(
    help="Ablations of multilayer perceptrons. Works on the project in the current folder: params.yaml and dvc.yaml.",
    epilog="""First steps, in the folder of a project:

    ablate check

    dvc repro

    ablate show STUDY

    `ablate COMMAND --help` has examples of each command; docs/index.md leads on.
    """,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class InProject(TyperCommand):
    """A command that works on the project in the current folder, and says so where there is none."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's own class of contexts
        """Run the command.

        Raises:
            UserError: If the current folder holds no project.
        """
        if not params.PATH.exists():
            raise UserError(
                f"{Path.cwd()}: no {params.PATH} here, so no project; change into the folder of one, "
                "such as a clone of mlp-ablations or its folder book, or make one: `ablate new --help`"
            )
        return super().invoke(ctx)


class Verdict(StrEnum):
    """Verdicts that a script may want to stop at."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"
    INCOMPARABLE = "not comparable"


# what a command does is imported when it is called: a check need not wait for torch, nor for DVC

_Markdown = Annotated[bool, typer.Option("--markdown", help="As Markdown, for a pull request.")]
_OTHER_METRIC = "Judge by this metric instead of the study's own."


@app.command(
    cls=InProject,
    epilog="""Examples:

    ablate check

    ablate check dropout
    """,
)
def check(
    study: Annotated[
        str | None,
        typer.Argument(help="Check this study alone.", show_default=False, autocompletion=completion.studies),
    ] = None,
) -> None:
    """Check params.yaml: every config, in one go, without running anything.

    Exit status 2 if anything is wrong, with one line for each problem: the dotted key, what was found, what is
    allowed.
    """
    project = names.project_with(study) if study is not None else params.load()
    for one in project.studies.values():
        seeds = project.seeds_of(one.dataset)
        runs = sum(len(variant.folds) for variant in one.variants) * len(seeds)
        typer.echo(f"{one.id}: {len(one.variants)} variants, {len(seeds)} seeds, {runs} runs")
    for note in project.notes:
        typer.echo(note)
    typer.echo(f"{params.PATH} is valid")


@app.command(
    cls=InProject,
    epilog="""Examples:

    ablate plan

    ablate plan dropout -S seeds.count=20,40
    """,
)
def plan(
    study: Annotated[
        list[str] | None,
        typer.Argument(help="These studies alone.", show_default=False, autocompletion=completion.studies),
    ] = None,
    set_param: Annotated[
        list[str] | None,
        typer.Option(
            "--set-param", "-S", help="As of `dvc exp run`: KEY=VALUE, or a sweep KEY=A,B,C.", show_default=False
        ),
    ] = None,
) -> None:
    """Say how many runs a project or a sweep needs, and about how long they take.

    Trains a few epochs of each kind of network on this machine and writes nothing.
    """
    from ablate import plan, text

    text.show(plan.tables(study or [], set_param or []))


@app.command(
    cls=InProject,
    epilog="""Examples:

    ablate show dropout

    ablate show dropout --metric test_loss --markdown
    """,
)
def show(
    study: Annotated[str, typer.Argument(help="Its id.", autocompletion=completion.studies)],
    metric: Annotated[
        str | None, typer.Option(help=_OTHER_METRIC, show_default=False, autocompletion=completion.metrics)
    ] = None,
    markdown: _Markdown = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, undefined numbers as null.")] = False,
) -> None:
    """Show a study: every variant against its baseline, with intervals and verdicts."""
    from ablate import rows, show, text

    one, name, found = show.judged(study, metric)
    if as_json:
        typer.echo(json.dumps(rows.records(found), indent=2))
    else:
        text.show(show.tables(one, name, found, params.load().judging.alpha), markdown=markdown)


@app.command(
    cls=InProject,
    epilog="""Examples:

    ablate compare

    ablate compare main --study dropout

    ablate compare HEAD~1 HEAD --fail-on worse --markdown
    """,
)
def compare(
    before: Annotated[str, typer.Argument(metavar="REV_A", help="Branch, tag, commit or DVC experiment.")] = "HEAD",
    now: Annotated[
        str | None, typer.Argument(metavar="[REV_B]", help="What is compared with it; the workspace by default.")
    ] = None,
    study: Annotated[
        list[str] | None,
        typer.Option(help="Only this study; may be repeated.", show_default=False, autocompletion=completion.studies),
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this variant; may be repeated.", show_default=False, autocompletion=completion.variants
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="By this metric instead of each study's own; may be repeated.",
            show_default=False,
            autocompletion=completion.metrics,
        ),
    ] = None,
    markdown: _Markdown = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, undefined numbers as null.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Identical variants too, row by row.")] = False,
    fail_on: Annotated[
        list[Verdict] | None,
        typer.Option(help="Exit status 1 if any row has this verdict; may be repeated.", show_default=False),
    ] = None,
) -> None:
    """Compare two states of the project: which numbers changed, and which of the changes mean anything.

    Reads params.yaml, dvc.lock and reports/ of both by git; no DVC cache and no remote is needed.
    """
    from ablate import compare, text

    found = compare.compare(before, now, studies=study or [], variants=variant or [], metrics=metric or [])
    if as_json:
        typer.echo(compare.as_json(found))
    else:
        text.show(compare.tables(found, everything), markdown=markdown)
    if set(fail_on or []) & set(found.rows["verdict"]):
        raise typer.Exit(1)


@app.command(
    cls=InProject,
    epilog="""Examples:

    ablate verify

    ablate verify dropout

    ablate verify --no-run
    """,
)
def verify(
    study: Annotated[
        list[str] | None,
        typer.Argument(
            help="These studies and measurements alone.",
            show_default=False,
            autocompletion=completion.studies_and_measurements,
        ),
    ] = None,
    revision: Annotated[str, typer.Option("--rev", help="Branch, tag, commit or DVC experiment.")] = "HEAD",
    run: Annotated[bool, typer.Option("--run/--no-run", help="Or check the files that DVC keeps alone.")] = True,
) -> None:
    """Run a commit again in a clean place, without store and cache, and hold the results to what is committed.

    Also checks the files in DVC's cache against dvc.lock, bit by bit, which DVC itself does not. Exit status 1 if
    anything is not reproduced or damaged.
    """
    from ablate import text, verify

    found = verify.verify(revision, study or [], run)
    text.show(verify.tables(found, revision))
    if not found.ok:
        raise typer.Exit(1)


@app.command(
    cls=InProject,
    epilog="""Examples:

    ablate power dropout

    ablate power dropout --seeds 20

    ablate power dropout --effect 0.01 --sd 0.02
    """,
)
def power(
    study: Annotated[str, typer.Argument(help="Its id.", autocompletion=completion.studies)],
    metric: Annotated[
        str | None, typer.Option(help=_OTHER_METRIC, show_default=False, autocompletion=completion.judged_metrics)
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="How many; default: those of params.yaml.", show_default=False),
    ] = None,
    effect: Annotated[
        float | None,
        typer.Option(help="Looked for: a difference, or of a loss a ratio; default: the margin.", show_default=False),
    ] = None,
    sd: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Of differences within pairs, of losses of log ratios; default: of the runs.",
            show_default=False,
        ),
    ] = None,
    probability: Annotated[float, typer.Option("--power", min=0.01, max=0.9999, help="Of finding it.")] = 0.8,
) -> None:
    """Say what so many seeds can show: the smallest effect that they find, and how many seeds an effect needs."""
    from ablate import power, text

    text.show(power.tables(study, metric=metric, seeds=seeds, size=effect, sd=sd, wanted=probability))


@app.command(
    epilog="""Examples:

    ablate new projects/digits

    ablate new projects/powers --source polynomial

    ablate new projects/own --table own.csv --target price
    """
)
def new(
    folder: Annotated[Path, typer.Argument(help="A new or an empty folder in a clone of the repository.")],
    source: Annotated[
        str | None,
        typer.Option(
            help="digits, fashion_mnist, mnist, kmnist, polynomial, linear, covariate_shift, label_shift, "
            "concept_shift or table; default: digits, or with --table table.",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="A CSV or Parquet file, which is copied into the project.", show_default=False)
    ] = None,
    target: Annotated[str | None, typer.Option(help="The column that is predicted.", show_default=False)] = None,
    missing: Annotated[
        str, typer.Option(help="What takes the place of a missing number: mean, median or most_frequent.")
    ] = "refuse",
    categorical: Annotated[
        list[str] | None,
        typer.Option(help="A column of numbers that are categories; may be repeated.", show_default=False),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="A column that is left out; may be repeated.", show_default=False)
    ] = None,
) -> None:
    """Write a project of your own: params.yaml with one study that runs at once, and dvc.yaml."""
    from ablate import new

    chosen = source or ("digits" if table is None else "table")
    said = new.new(folder, chosen, table, target, missing=missing, categorical=categorical or [], ignore=ignore or [])
    typer.echo("\n".join(said))


def main() -> None:
    """Entry point of the console command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a locale may have no letter for what is shown: `LC_ALL=C` none for an arrow
        sys.stdout.reconfigure(errors="backslashreplace")
    console.run(lambda arguments: app(arguments))
