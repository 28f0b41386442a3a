"""`ablate new`: a folder with a new project, from the templates in `ablate/templates/`.

`params.yaml` there is what all projects start from; `sources/` has, for each data source, what differs.
"""

import contextlib
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from ablate import columns, names, repository, text
from pipeline.core.config import LONGEST_ID, problems
from pipeline.core.errors import UserError
from pipeline.data import table
from pipeline.data.base import Facts
from pipeline.data.table import Table
from pipeline.data.table_columns import UnreadableError
from pipeline.project import params
from pipeline.project.params import Params

TEMPLATES = Path(__file__).with_name("templates")
# the template of a table classifies; what differs for a table of numbers
_REGRESSION = {
    "base": {"loss": "half_squared_error", "optimizer": {"learning_rate": 0.02}, "training": {"batch_size": 16}},
    "studies": {"size": {"metric": "test_loss"}},
}

# the option of `ablate new` for a key of a table
_OPTIONS = {
    "dates": "--date",
    "missing_target": "--missing-target",
    "missing_values": "--missing-value",
    "units": "--unit",
    **{key: f"--{key}" for key in ("target", "task", "missing", "categorical", "ignore", "separator")},
    **{key: f"--{key}" for key in ("decimal", "thousands", "encoding")},
}


def new(
    folder: Path,
    source: str,
    file: Path | None = None,
    target: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[str]:
    """Print the columns of the table, write a project and return the next steps, line by line.

    Args:
        folder: A new or empty folder in a clone of the repository.
        source: Data source.
        file, target: With the source `table`, the CSV or Parquet file, which is copied, and the predicted column.
        options: Keys of the table in `params.yaml`; other keys of its notation are recognised.

    Raises:
        UserError: If folder, source or table cannot be used; nothing is written then.
    """
    if source not in names.sources():
        raise UserError(f"source: found {source!r}, allowed: {', '.join(names.sources())}")
    if not (source == "table") == (file is not None) == (target is not None):
        raise UserError(f"source: found {source!r}, allowed: table with --table FILE --target COLUMN, others without")
    if file and not file.is_file():
        raise UserError(f"{file}: not found, allowed: a CSV or Parquet file")
    path = folder.resolve()
    root = _root(path)
    above = next(above for above in path.parents if above.exists())
    if not above.is_dir() or (path.exists() and (not path.is_dir() or any(path.iterdir()))):
        raise UserError(f"{folder}: found a file or a folder that is not empty, allowed: a new or empty folder")
    template = _yaml().load(TEMPLATES / "sources" / f"{source}.yaml")
    template["title"] = _title(path, file)
    with tempfile.TemporaryDirectory(prefix=".ablate-new-", dir=above) as temporary:
        made = Path(temporary) / "project"
        (made / "tables").mkdir(parents=True)
        shutil.copy(root / "tables" / "README.md", made / "tables")
        variations = [template]
        if file:
            own = Path("tables", file.name).with_suffix(file.suffix.lower())
            shutil.copyfile(file, made / own)
            with contextlib.chdir(made):
                keys = _table_keys(own, str(target), options or {})
                config = Table.model_validate(keys)
                variations += [_REGRESSION] if _shown(config).task == "regression" else []
            _name_table(template, own, keys)
        project = _write_params(made, variations)
        dvc_yaml = stages((root / "dvc.yaml").read_text(encoding="utf-8"), os.path.relpath(root, path))
        (made / "dvc.yaml").write_text(dvc_yaml, encoding="utf-8")
        (made / ".gitignore").write_text("/data/\n/dvc_plots/\n", encoding="utf-8")
        # with nothing but tracked files, DVC's stash would delete the folder in which `dvc` runs
        (made / "data").mkdir()
        path.parent.mkdir(parents=True, exist_ok=True)
        made.rename(path)
    (study,) = project.studies.values()
    return [
        f"{folder / 'params.yaml'}: the study {study.id} on {study.dataset}",
        *_stage(path, folder),
        f"next: cd {shlex.quote(str(folder))} && dvc repro",
        f"the page will be {folder / 'reports' / 'index.html'}",
    ]


def _stage(path: Path, folder: Path) -> list[str]:
    """Stage the files of a new project in git, except a large table, and return the next steps.

    DVC's first queued experiment deletes an unstaged `params.yaml`.
    """
    large = [table for table in sorted((path / "tables").iterdir()) if table.stat().st_size > repository.LARGE]
    tables = [shlex.quote(str(folder / "tables" / table.name)) for table in large]
    # the commit below leaves out what git does not track
    steps = [f"next: dvc add {' '.join(tables)} && git add -- {shlex.quote(str(folder / 'tables'))}"] if tables else []
    try:
        repository.git("add", "--", ".", *(f":(exclude,literal)tables/{table.name}" for table in large), folder=path)
    except UserError as error:
        steps.append(f"not staged in git: {error}")
        steps.append(f"next: git add --force -- {shlex.quote(str(folder))}")
    name = shlex.quote(str(folder))
    return [*steps, f"next: git commit --message {shlex.quote(f'New project {folder.name}')} -- {name}"]


def stages(root: str, prefix: str, tables: tuple[str, ...] = ()) -> str:
    """Return the `dvc.yaml` of a project in another folder: that of the root with another path to the code.

    Args:
        root: The root's `dvc.yaml`.
        prefix: Path from the project to the root.
        tables: More files of the project that its report reads.
    """
    text = root[root.index("stages:") :]
    text = text.replace("cmd: ", f"cmd: PYTHONPATH={prefix} ").replace("- pipeline/", f"- {prefix}/pipeline/")
    more = "".join(f"    - {table}\n" for table in tables)
    text = text.replace("    - reports/results\n", f"{more}    - reports/results\n", 1)
    return f"# As {prefix}/dvc.yaml, for the project in this folder.\n{text}"


def _title(folder: Path, file: Path | None) -> str:
    """Return the title of a new project: what the table or the folder is called."""
    name = re.sub(r"[^\w .-]+", " ", file.stem if file else folder.name)[:80].strip()
    return f"Ablations on {name}" if name else "Ablation report"


def _root(path: Path) -> Path:
    """Return the clone that holds a folder; its code runs the stages."""
    for above in path.parents:
        if all((above / name).exists() for name in ("pipeline/stages", "dvc.yaml", ".dvc")):
            return above
    raise UserError(f"{path}: not inside a clone of mlp-ablations, whose code a project runs; allowed: a folder in one")


def _table_keys(file: Path, target: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a table: those of the user, and the recognised ones."""
    given = {"source": "table", "file": file.as_posix(), "target": target, **options}
    try:
        Table.model_validate(given)
    except ValidationError as error:
        mistakes = problems(error, given)
        lines = [f"{_OPTIONS.get(keys[0], keys[0])}: found {found}, allowed: {ok}" for keys, found, ok in mistakes]
        raise UserError("\n".join(lines)) from None
    return {**given, **table.proposed(file, options)}


def _shown(config: Table) -> Facts:
    """Print the columns of a table and read it; the error ends with the options with which it can be read."""
    try:
        text.show([columns.of(config)])
        sys.stdout.flush()  # before an error about a column
        return config.facts()
    except UnreadableError as error:
        options = " ".join(f"{_OPTIONS[key]} {shlex.quote(value)}" for key, value in error.remedies)
        raise UserError(f"{error}\nto go on: {options}" if options else str(error)) from None


def _name_table(template: Any, file: Path, keys: Mapping[str, Any]) -> None:
    """Put the table of the user into the template of a table; a Parquet file has no separator."""
    (dataset,), (study,) = template["datasets"].values(), template["studies"].values()
    study["dataset"] = re.sub(r"[^a-z0-9_]+", "_", file.stem.lower())[:LONGEST_ID].strip("_") or "own"
    template["datasets"] = {study["dataset"]: dataset}
    if file.suffix == ".parquet":
        for key in ("separator", "decimal"):
            del dataset[key]
    for key, value in keys.items():
        if isinstance(value, list | tuple) and key in dataset:
            dataset[key].extend(value)  # keeps the style of the template
        else:
            dataset[key] = list(value) if isinstance(value, tuple) else value


def _write_params(project: Path, variations: Sequence[Mapping[str, Any]]) -> Params:
    """Lay variations over the template and return the project."""
    values = _yaml().load(TEMPLATES / params.PATH)
    for changes in variations:
        _lay_over(values, changes)
    with contextlib.chdir(project):
        _yaml().dump(values, params.PATH)
        return params.load()


def _lay_over(values: Any, changes: Mapping[str, Any]) -> None:
    """Replace and add values of nested mappings in place; comments stay."""
    for key, value in changes.items():
        if isinstance(value, Mapping) and key in values:
            _lay_over(values[key], value)
        else:
            values[key] = value


def _yaml() -> Any:
    yaml = YAML()
    yaml.width = 120
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    return yaml
