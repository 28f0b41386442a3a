"""`ablate new`: a folder with a new project, from the templates in `ablate/templates/`.

`params.yaml` there is what all projects start from; `sources/` has, for each data source, what differs.
"""

import contextlib
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ablate import names
from pipeline.core.config import LONGEST_ID
from pipeline.core.errors import UserError
from pipeline.project import params
from pipeline.project.params import Params

TEMPLATES = Path(__file__).with_name("templates")
# the template of a table classifies; what differs for a table of numbers
_REGRESSION = {
    "base": {"loss": "half_squared_error", "optimizer": {"learning_rate": 0.02}, "training": {"batch_size": 16}},
    "studies": {"size": {"metric": "test_loss"}},
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
    """Write a project and return the next steps, line by line.

    Args:
        folder: A new or empty folder in a clone of the repository.
        source: Data source.
        file, target: With the source `table`, the CSV or Parquet file, which is copied, and the predicted column.
        missing, categorical, ignore: Config of the table.

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
    variations: list[Mapping[str, Any]] = [_yaml().load(TEMPLATES / "sources" / f"{source}.yaml")]
    with tempfile.TemporaryDirectory(prefix=".ablate-new-", dir=above) as temporary:
        made = Path(temporary) / "project"
        (made / "tables").mkdir(parents=True)
        shutil.copy(root / "tables" / "README.md", made / "tables")
        if file:
            shutil.copyfile(file, made / "tables" / file.name)
            _name_table(variations[0], file, target=target, missing=missing, categorical=categorical, ignore=ignore)
            variations.append(_REGRESSION)
        variations[0] = {**variations[0], "title": _title(path, file)}
        project = _write_params(made, variations)
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


def _name_table(
    template: Any, file: Path, *, categorical: Sequence[str], ignore: Sequence[str], **options: object
) -> None:
    """Put the table of the user, and the user's config of it, into the template of a table."""
    (dataset,), (study,) = template["datasets"].values(), template["studies"].values()
    study["dataset"] = re.sub(r"[^a-z0-9_]+", "_", file.stem.lower())[:LONGEST_ID].strip("_") or "own"
    template["datasets"] = {study["dataset"]: dataset}
    dataset.update(file=f"tables/{file.name}", **options)
    dataset["categorical"].extend(categorical)
    dataset["ignore"].extend(ignore)


def _write_params(project: Path, variations: Sequence[Mapping[str, Any]]) -> Params:
    """Lay variations over the template, one by one, until it is valid; otherwise raise the problems of the first."""
    errors = []
    values = _yaml().load(TEMPLATES / params.PATH)
    with contextlib.chdir(project):
        for changes in variations:
            _lay_over(values, changes)
            _yaml().dump(values, params.PATH)
            try:
                return params.load()
            except UserError as error:
                errors.append(error)
    raise errors[0]


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
