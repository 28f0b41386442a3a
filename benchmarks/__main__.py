"""Measure the engine against its peers and print one table: `python -m benchmarks`."""

import os

# before anything is imported: every run is trained, all sides use the processor, and every library uses the kernels
# that it finds fastest
os.environ["ABLATE_STORE"] = "off"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ.pop("ATEN_CPU_CAPABILITY", None)
os.environ.pop("MKL_CBWR", None)
os.environ.pop("NPY_DISABLE_CPU_FEATURES", None)
os.environ.pop("OPENBLAS_CORETYPE", None)
os.environ.pop("OPENBLAS_L2_SIZE", None)

import sys
from pathlib import Path
from typing import Annotated, Protocol

import torch
import typer

from benchmarks import many, repro, starts, table
from benchmarks.comparisons import COMPARISONS
from benchmarks.options import Options
from benchmarks.results import Row
from pipeline.core.cores import threads


class _Measure(Protocol):
    def __call__(self, options: Options) -> list[Row]: ...


ROWS: dict[str, _Measure] = {
    **{comparison.name: comparison.measure for comparison in COMPARISONS},
    starts.JAX: starts.against_jax,
    starts.COMPILATION: starts.compilation,
    starts.START: starts.start,
    many.NAME: many.measure,
    repro.NAME: repro.measure,
}
# rows of the default project, which has no small version
WHOLE = (starts.COMPILATION, repro.NAME)


def main(
    row: Annotated[list[str] | None, typer.Option(help=f"Only this row; may be repeated: {', '.join(ROWS)}.")] = None,
    quick: Annotated[bool, typer.Option(help="Tiny sizes: does every side run, and do the losses agree?")] = False,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds of each row; at most 3 of those that take minutes.")] = 7,
    json: Annotated[Path | None, typer.Option(help="Write the table to this file as well.")] = None,
    docs: Annotated[Path | None, typer.Option(help="Write the table into this page, docs/speed.md.")] = None,
) -> None:
    """Measure and print; exit with 1 if a side failed or ended at other losses, not if a target was missed."""
    for name in row or ():
        if name not in ROWS:
            raise typer.BadParameter(f"found {name!r}, allowed: {', '.join(ROWS)}", param_hint="--row")
    torch.set_num_threads(threads())
    options = Options(quick=quick, repeats=1 if quick else repeats)
    wanted = row or [name for name in ROWS if not (quick and name in WHOLE)]
    rows: list[Row] = []
    environment = table.environment()
    for name in ROWS:
        if name in wanted:
            print(f"{name} ...", file=sys.stderr, flush=True)
            measured = _measured(name, options)
            rows += measured
            # written after every row, so that an interrupt loses no measurement
            for result in measured:
                print(f"  {result.row}: {result.summary}", file=sys.stderr, flush=True)
            if json is not None:
                table.write(json, environment, rows)
    table.show(environment, rows)
    if docs is not None:
        table.write_docs(docs, environment, rows)
    raise typer.Exit(1 if any(result.verdict == "error" for result in rows) else 0)


def _measured(name: str, options: Options) -> list[Row]:
    try:
        return ROWS[name](options)
    except Exception as error:  # one side that fails must not cost the other rows
        return [Row(name, "", "", None).failed(f"{type(error).__name__}: {error}")]


if __name__ == "__main__":
    typer.run(main)
