"""The figures that a study may name (`figure:` in params.yaml), each with the traits that a study must have for it.

Each is drawn by the function of the same name in `pipeline/report/study_figures.py`. The names stand here, apart from
the functions, because `params.yaml` is checked by commands and stages that draw nothing.
"""

from collections.abc import Mapping

from pipeline.project.metrics import Trait

NAMED: Mapping[str, frozenset[Trait]] = {
    "predictions": frozenset(["images"]),
    "weights": frozenset(["linear"]),
    "ridge": frozenset(["linear"]),
    "selection": frozenset(["validation"]),
    "capacity": frozenset(),
    "shift": frozenset(["shift"]),
    "layers": frozenset(["hidden"]),
}
