"""The tables of the commands as pandas frames, for notebooks."""

import pandas as pd

from ablate import compare, names, show


def judged(
    study: str | None = None, *, against: str | None = None, revision: str | None = None, metric: str | None = None
) -> pd.DataFrame:
    """Return the estimates, effects and verdicts of all variants, for the project in the current folder.

    Args:
        study: Id of a study; default: all studies.
        against: Compare each variant with itself in this branch, tag, commit or DVC experiment, as `ablate compare`
            does. By default variants are compared with their baselines, as by `ablate show`.
        revision: The state that is compared with `against`; default: the workspace.
        metric: Judge by this metric; default: the metric of each study.

    Returns:
        One row per study and variant: `study`, `metric` and the columns of `between.COMPARED` or `EFFECTS`.

    Raises:
        UserError: If there is no such study, metric or revision, or no results.

    Examples:
        judged("dropout")[["label", "estimate", "effect", "effect_low", "effect_high", "p_adjusted", "verdict"]]
        judged(against="HEAD~1").query("verdict == 'worse'")
    """
    studies, metrics = ([name] if name else [] for name in (study, metric))
    if against is not None:
        return compare.comparison(against, revision, studies=studies, metrics=metrics).rows
    project = names.project(*studies)
    tables = []
    for key in studies or project.studies:
        name, table = show.judged(project, key, metric)
        table.insert(0, "study", key)
        table.insert(1, "metric", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
