"""`ablate`: what a person asks of an ablation project besides `dvc`."""

from typing import Annotated

import typer

from pipeline.project import console, params

app = typer.Typer(
    help="Ablations of multilayer perceptrons. Works on the project in the current folder: params.yaml and dvc.yaml.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _ablate() -> None:
    """Makes typer keep the name of the one subcommand."""


@app.command()
def check(
    study: Annotated[str | None, typer.Argument(help="Check this study alone.", show_default=False)] = None,
) -> None:
    """Check params.yaml: every setting, in one go, without running anything.

    Exit status 2 if anything is wrong, with one line for each problem: the dotted key, what was found, what is
    allowed.
    """
    project = params.load(study=study)
    for one in project.studies.values():
        seeds = project.seeds_of(one.dataset)
        runs = sum(len(variant.folds) for variant in one.variants) * len(seeds)
        typer.echo(f"{one.id}: {len(one.variants)} variants, {len(seeds)} seeds, {runs} runs")
    for note in project.notes:
        typer.echo(note)
    typer.echo(f"{params.PATH} is valid")


def main() -> None:
    """Entry point of the console command."""
    console.run(lambda arguments: app(arguments))
