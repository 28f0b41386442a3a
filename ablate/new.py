"""`ablate new`: a folder with a new project, from the template of its data source in `ablate/templates/`."""

import contextlib
import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.core.config import LONGEST_ID
from pipeline.core.errors import UserError
from pipeline.project import params
from pipeline.project.params import Params

TEMPLATES = Path(__file__).with_name("templates")
# the template of a table classifies; for a table of numbers these values are other ones
_REGRESSION = {"loss": "half_squared_error", "learning_rate": 0.02, "batch_size": 16, "metric": "test_loss"}


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
    """Write a project and return the next steps, line by line.

    Args:
        folder: A new or empty folder in a clone of the repository.
        source: Data source.
        file, target: With the source `table`, the CSV or Parquet file, which is copied, and the predicted column.
        missing, categorical, ignore: Config of the table.

    Raises:
        UserError: If folder, source or table cannot be used; nothing is written then.
    """
    sources = sorted(path.stem for path in TEMPLATES.glob("*.yaml"))
    if source not in sources:
        raise UserError(f"source: found {source!r}, allowed: {', '.join(sources)}")
    if (source == "table") != (file is not None) or (source == "table") != (target is not None):
        raise UserError(f"source: found {source!r}, allowed: table with --table FILE --target COLUMN, others without")
    if file and not file.is_file():
        raise UserError(f"{file}: not found, allowed: a CSV or Parquet file")
    path = folder.resolve()
    root = _root(path)
    nearest = next(above for above in (path, *path.parents) if above.exists())
    if not nearest.is_dir() or (nearest == path and any(path.iterdir())):
        raise UserError(f"{folder}: found a file or a folder that is not empty, allowed: a new or empty folder")
    texts = [(TEMPLATES / f"{source}.yaml").read_text(encoding="utf-8")]
    beside = path.parent if nearest == path else nearest
    with tempfile.TemporaryDirectory(prefix=".ablate-new-", dir=beside) as temporary:
        made = Path(temporary) / "project"
        (made / "tables").mkdir(parents=True)
        shutil.copy(root / "tables" / "README.md", made / "tables")
        if file and target is not None:
            shutil.copyfile(file, made / "tables" / file.name)
            texts = list(_of_table(texts[0], file, target, missing, categorical=categorical, ignore=ignore))
        project = _first_valid(made, texts)
        dvc_yaml = stages((root / "dvc.yaml").read_text(encoding="utf-8"), os.path.relpath(root, path))
        (made / "dvc.yaml").write_text(dvc_yaml, encoding="utf-8")
        (made / ".gitignore").write_text("/data/\n/dvc_plots/\n", encoding="utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        made.rename(path)
    (study,) = project.studies.values()
    return [
        f"{folder / 'params.yaml'}: the study {study.id} on {study.dataset}",
        f"next: cd {shlex.quote(str(folder))} && dvc repro",
        f"the page will be {folder / 'reports' / 'index.html'}",
    ]


def stages(text: str, prefix: str, tables: tuple[str, ...] = ()) -> str:
    """Return the `dvc.yaml` of a project in another folder: that of the root with another path to the code.

    Args:
        text: The root's `dvc.yaml`.
        prefix: Path from the project to the root.
        tables: More files of the project that its report reads.
    """
    text = text[text.index("stages:") :]
    text = text.replace("cmd: ", f"cmd: PYTHONPATH={prefix} ").replace("- pipeline/", f"- {prefix}/pipeline/")
    more = "".join(f"    - {table}\n" for table in tables)
    text = text.replace("    - reports/results\n", f"{more}    - reports/results\n", 1)
    return f"# As {prefix}/dvc.yaml, for the project in this folder.\n{text}"


def _root(path: Path) -> Path:
    """Return the clone that holds a folder; its code runs the stages."""
    for above in path.parents:
        if all((above / name).exists() for name in ("pipeline/stages", "dvc.yaml", ".dvc")):
            return above
    raise UserError(f"{path}: not inside a clone of mlp-ablations, whose code a project runs; allowed: a folder in one")


def _of_table(template: str, file: Path, target: str, missing: str, **columns: Sequence[str]) -> Iterator[str]:
    """Yield the template for a table of classes, and for a table of numbers."""
    yaml: Any = YAML()
    yaml.width = 120
    values = yaml.load(template)
    ((_, dataset),) = values["datasets"].items()
    ((_, study),) = values["studies"].items()
    study["dataset"] = re.sub(r"[^a-z0-9_]+", "_", file.stem.lower())[:LONGEST_ID].strip("_") or "own"
    values["datasets"] = {study["dataset"]: dataset}
    dataset.update({"file": f"tables/{file.name}", "target": target, "missing": missing})
    for option, names in columns.items():
        dataset[option].extend(names)
    base = values["base"]
    for changes in ({}, _REGRESSION):
        for block in (base, base["optimizer"], base["training"], study):
            block.update({key: value for key, value in changes.items() if key in block})
        stream = io.StringIO()
        yaml.dump(values, stream)
        yield stream.getvalue()


def _first_valid(project: Path, texts: Sequence[str]) -> Params:
    """Write the first text that is a valid `params.yaml`; if none is, raise the problems of the first."""
    errors = []
    with contextlib.chdir(project):
        for text in texts:
            params.PATH.write_text(text, encoding="utf-8")
            try:
                return params.load()
            except UserError as error:
                errors.append(error)
    raise errors[0]
