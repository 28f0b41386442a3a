"""`ablate check`: every config of params.yaml, validated or resolved, without running anything."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML

from pipeline.project import params
from pipeline.project.params import Params


def report(project: Params, keys: Iterable[str]) -> str:
    """Return the number of runs of these studies, and notes on claims about variants that do not exist."""
    lines = []
    for key in keys:
        study = project.studies[key]
        seeds = len(project.seeds_of(study.dataset))
        runs = seeds * sum(len(variant.folds) for variant in study.variants)
        lines.append(f"{key}: {len(study.variants)} variants, {seeds} seeds, {runs} runs")
    return "\n".join([*lines, *project.notes, f"{params.PATH} is valid"])


def resolved(project: Params, keys: Iterable[str]) -> str:
    """Return the complete configs of these studies as YAML: what all variants share, and what each one adds to that."""
    studies = {}
    for key in keys:
        study = project.studies[key]
        configs = {variant.id: variant.config.model_dump(mode="json") for variant in study.variants}
        base = _shared(list(configs.values()))
        studies[key] = {
            "dataset": project.datasets[study.dataset].model_dump(mode="json"),
            "base": base,
            "variants": {id: _without(config, base) for id, config in configs.items()},
        }
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output, yaml.width = None, False, 120
    stream = io.StringIO()
    yaml.dump(studies, stream)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def _shared(configs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what nested mappings have in common."""
    shared: dict[str, Any] = {}
    for key, value in configs[0].items():
        values = [config.get(key) for config in configs]
        if all(value == other for other in values):
            shared[key] = value
        elif all(isinstance(other, Mapping) for other in values) and (inner := _shared(values)):  # type: ignore[arg-type]
            shared[key] = inner
    return shared


def _without(config: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a nested mapping has beyond the shared values."""
    rest = {}
    for key, value in config.items():
        if key not in shared:
            rest[key] = value
        elif value != shared[key]:
            rest[key] = _without(value, shared[key])
    return rest
