"""`ablate new`: a folder with a project of its own - parameters, stages, one study that runs at once."""

import contextlib
import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
from pydantic import ValidationError

from pipeline.core.config import LONGEST_ID, problems
from pipeline.core.errors import UserError
from pipeline.data import columns as table
from pipeline.data.config import Table
from pipeline.project import params


@dataclass(frozen=True)
class _Study:
    """The one study of a new project, as `new.yaml.jinja` writes it."""

    id: str
    question: str
    metric: str
    loss: str
    grid: str
    baseline: str
    hidden: str
    figure: str = ""
    examples: int | str = "all"
    learning_rate: float = 0.1
    epochs: int = 20
    batch_size: int = 32


_SIZE = _Study(
    id="size",
    question="How many hidden units are enough?",
    metric="test_accuracy",
    loss="cross_entropy",
    hidden="\n- 16",
    grid="model:\n  hidden:\n  - []                     # none: a linear model\n  - - 4\n  - - 16\n  - - 64",
    baseline="model:\n  hidden: []",
)
_VALUES = replace(_SIZE, metric="test_loss", loss="half_squared_error", learning_rate=0.02, batch_size=16)
_IMAGES = replace(_SIZE, examples=3000, epochs=10)
_DEGREE = replace(
    _VALUES,
    id="degree",
    question="How many powers of x are too few, enough, too many?",
    hidden=" []",
    grid="model:\n  features:\n  - 2\n  - 4                      # as many as the truth has\n  - 10\n  - all",
    baseline="model:\n  features: 4",
    learning_rate=0.01,
    epochs=100,
)
_DECAY = replace(
    _VALUES,
    id="weight_decay",
    question="How strongly should large weights be punished?",
    figure="ridge",
    hidden=" []",
    grid="optimizer:\n  weight_decay:\n  - 0\n  - 0.3\n  - 1\n  - 3",
    baseline="optimizer:\n  weight_decay: 0",
    learning_rate=0.003,
    epochs=50,
    batch_size=5,
)
_SHIFT = replace(
    _SIZE,
    id="importance_weights",
    question="Do importance weights mend a classifier after the shift?",
    figure="shift",
    hidden=" []",
    grid="data:\n  importance_weights:\n  - name: none\n  - name: estimated\n    clip: 20.0\n  - name: oracle",
    baseline="data:\n  importance_weights:\n    name: none",
    batch_size=50,
)

_DRAWN = "train_examples: {}\ntest_examples: {}            # both drawn anew for every seed"
_SHIFTED = (
    "train_examples: 500\ntarget_examples: 500\ntest_examples: 2000        # all of them drawn anew for every seed"
)
_SOURCES: Mapping[str, tuple[str, _Study]] = {
    "digits": ("scale: unit                # grey values from 0 to 1", replace(_SIZE, batch_size=64)),
    "fashion_mnist": ("scale: unit                # grey values from 0 to 1", _IMAGES),
    "mnist": ("scale: unit                # grey values from 0 to 1", _IMAGES),
    "kmnist": ("scale: unit                # grey values from 0 to 1", _IMAGES),
    "polynomial": (
        "features: 20               # the powers x^i / i!\nweights:                   # of the first of them\n"
        f"- 5.0\n- 1.2\n- -3.4\n- 5.6\nnoise_sd: 0.1\n{_DRAWN.format(100, 100)}",
        _DEGREE,
    ),
    "linear": (f"inputs: 200\nweight: 0.01\nbias: 0.05\nnoise_sd: 0.01\n{_DRAWN.format(20, 100)}", _DECAY),
    "covariate_shift": (f"shift: 1.5                 # of the inputs\nslope: 3.0\n{_SHIFTED}", _SHIFT),
    "label_shift": (
        "proportions:               # of the classes before\n- 0.5\n- 0.3\n- 0.2\n"
        "target_proportions:        # and after\n"
        f"- 0.1\n- 0.2\n- 0.7\nseparation: 1.5\n{_SHIFTED}",
        _SHIFT,
    ),
    "concept_shift": (f"angle: 60.0                # that the boundary turns by\nslope: 1.5\n{_SHIFTED}", _SHIFT),
}


def new(
    folder: Path,
    source: str,
    file: Path | None = None,
    target: str | None = None,
    *,
    missing: str = "refuse",
    categorical: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> list[str]:
    """Write a project.

    Args:
        folder: A new or an empty one, in a clone of the repository.
        source: Of its data set.
        file: With the source `table`: the CSV or Parquet file, which is copied into the project.
        target: With the source `table`: the column that is predicted.
        missing, categorical, ignore: Config of a table, as of `configs.Table`.

    Returns:
        What to do next, line by line.

    Raises:
        UserError: If the place, the source or the table is not one that a project can be made of; nothing is written.
    """
    if source not in (*_SOURCES, "table"):
        raise UserError(f"source: found {source!r}, allowed: {', '.join((*_SOURCES, 'table'))}")
    if source != "table" and (file is not None or target is not None):
        raise UserError(f"source: found {source!r} with a table or a target, allowed with them: table")
    place = folder.resolve()
    root = _root(place)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise UserError(f"{folder}: holds something already, allowed: a new or an empty folder")
    prefix = os.path.relpath(root, place)
    template = Path(__file__).with_name("new.yaml.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701  # no HTML
    nearest = next(above for above in place.parents if above.exists())
    if not nearest.is_dir():
        raise UserError(f"{folder}: {os.path.relpath(nearest)} is no folder, allowed: a new or an empty folder")
    with tempfile.TemporaryDirectory(prefix=".ablate-new-", dir=nearest) as temporary:
        made = Path(temporary) / "project"
        (made / "tables").mkdir(parents=True)
        shutil.copy(root / "tables" / "README.md", made / "tables")
        if source == "table":
            chosen = {"missing": missing, "categorical": list(categorical), "ignore": list(ignore)}
            dataset, data, study = _table(made, file, target, chosen)
        else:
            dataset, (data, study) = source, _SOURCES[source]
        data = f"source: {source}\n{data}"
        text = environment.from_string(template).render(prefix=prefix, dataset=dataset, data=data, study=study)
        (made / "params.yaml").write_text(text, encoding="utf-8")
        (made / "dvc.yaml").write_text(
            stages((root / "dvc.yaml").read_text(encoding="utf-8"), prefix), encoding="utf-8"
        )
        (made / ".gitignore").write_text("/data/\n/dvc_plots/\n", encoding="utf-8")
        with contextlib.chdir(made):
            params.load()
        place.parent.mkdir(parents=True, exist_ok=True)
        made.rename(place)
    shown = shlex.quote(str(folder))
    return [
        f"{folder / 'params.yaml'}: the study {study.id} on {dataset}",
        f"next: cd {shown} && dvc repro",
        f"the page will be {folder / 'reports' / 'index.html'}",
    ]


def stages(text: str, prefix: str, tables: tuple[str, ...] = ()) -> str:
    """The `dvc.yaml` of a project in another folder: that of the root but for the way to the code.

    Args:
        text: The root's `dvc.yaml`.
        prefix: The way from the project to the root.
        tables: Files of the project that its report reads besides.
    """
    text = text[text.index("stages:") :]
    text = text.replace("cmd: ", f"cmd: PYTHONPATH={prefix} ").replace("- pipeline/", f"- {prefix}/pipeline/")
    more = "".join(f"    - {table}\n" for table in tables)
    text = text.replace("    - reports/results\n", f"{more}    - reports/results\n", 1)
    return f"# As {prefix}/dvc.yaml, for the project in this folder.\n{text}"


def _root(place: Path) -> Path:
    """The clone that a folder lies in, whose code its stages will run."""
    for above in place.parents:
        if all((above / one).exists() for one in ("pipeline/stages", "dvc.yaml", ".dvc")):
            return above
    raise UserError(
        f"{place}: not inside a clone of mlp-ablations, whose code a project runs; allowed: a folder in one"
    )


def _table(project: Path, file: Path | None, target: str | None, chosen: Mapping[str, Any]) -> tuple[str, str, _Study]:
    """Copies the table; the id of the data set, its block and the study of it."""
    if file is None or target is None:
        raise UserError("source: found table without a file and its target, allowed: --table FILE --target COLUMN")
    if not file.is_file():
        raise UserError(f"{file}: no such file, allowed: a CSV or Parquet file")
    if file.suffix not in (".csv", ".parquet"):
        raise UserError(f"{file}: found {file.suffix or 'no ending'}, allowed: a file that ends with .csv or .parquet")
    shutil.copyfile(file, project / "tables" / file.name)
    key = re.sub(r"[^a-z0-9_]+", "_", file.stem.lower())[:LONGEST_ID].strip("_") or "own"
    place = f"tables/{file.name}"
    values = {"source": "table", "file": place, "target": target, **chosen}
    try:
        configs = Table.model_validate(values)
    except ValidationError as error:
        raise UserError(
            "\n".join(f"{'.'.join(one[0])}: found {one[1]}, allowed: {one[2]}" for one in problems(error, values))
        ) from None
    with contextlib.chdir(project):
        found = table.facts(configs)
    block = [
        f"# {found.train_examples + found.test_examples} rows, {found.features} features, {found.task}",
        f"file: {json.dumps(place)}",
        f"target: {json.dumps(target)}",
        "test_fraction: 0.25        # of the rows, drawn anew for every seed",
        f"missing: {configs.missing}            # or the mean, median, most_frequent value of the column",
    ]
    for name in ("categorical", "ignore"):
        block += [f"{name}:", *(f"- {json.dumps(one)}" for one in chosen[name])] if chosen[name] else []
    return key, "\n".join(block), _SIZE if found.task == "classification" else _VALUES
