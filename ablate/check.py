"""`ablate check`: every config of params.yaml, validated or resolved, without running anything."""

import io
from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML

from pipeline.core.nested import flatten, nest
from pipeline.project import params
from pipeline.project.params import Params


def report(project: Params, keys: Iterable[str]) -> str:
    """Return the number of runs of these studies, and notes on claims about variants that do not exist."""
    lines = []
    for key in keys:
        study = project.studies[key]
        seeds = len(project.seeds_of(study))
        runs = seeds * sum(len(variant.folds) for variant in study.variants)
        lines.append(f"{key}: {len(study.variants)} variants, {seeds} seeds, {runs} runs")
    return "\n".join([*lines, *project.notes, f"{params.PATH} is valid"])


def resolved(project: Params, keys: Iterable[str]) -> str:
    """Return the complete configs of these studies as YAML: what all variants share, and what each one adds to that."""
    studies = {}
    for key in keys:
        study = project.studies[key]
        configs = {variant.id: flatten(variant.config.model_dump(mode="json")) for variant in study.variants}
        first, *others = configs.values()
        base = {key: value for key, value in first.items() if all(key in c and c[key] == value for c in others)}
        studies[key] = {
            "dataset": project.datasets[study.dataset].model_dump(mode="json"),
            "base": nest(base),
            "variants": {
                id: nest({key: value for key, value in config.items() if key not in base})
                for id, config in configs.items()
            },
        }
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output, yaml.width = None, False, 120
    stream = io.StringIO()
    yaml.dump(studies, stream)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())
