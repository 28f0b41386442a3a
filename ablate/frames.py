"""For notebooks: the tables of the commands as pandas frames, by one call."""

import pandas as pd

from ablate import compare, show
from pipeline.project import params


def judged(
    study: str | None = None, *, against: str | None = None, revision: str | None = None, metric: str | None = None
) -> pd.DataFrame:
    """What is known of every variant, with verdicts.

    Args:
        study: Its id; all studies where none is given.
        against: Compare with this branch, tag, commit or DVC experiment, as `ablate compare` does. Where none is
            given, variants are compared with their baselines, as `ablate show` and the page do.
        revision: What is compared with it; the workspace where none is given.
        metric: By what, where not by the metric that each study declares.

    Returns:
        One row for each study and variant: `study`, `metric` and the columns of `comparison.COMPARED` or `EFFECTS`.

    Raises:
        UserError: If there is no such study, metric or revision, or no results.

    Run it in the folder of a project:

        from ablate.frames import judged
        judged("dropout")[["label", "estimate", "effect", "effect_low", "effect_high", "p_adjusted", "verdict"]]
        judged(against="HEAD~1").query("verdict == 'worse'")
    """
    if against is not None:
        studies, metrics = ([name] if name else [] for name in (study, metric))
        return compare.compare(against, revision, studies=studies, metrics=metrics).rows
    tables = []
    for key in [study] if study else params.load().studies:
        _, name, table = show.judged(key, metric)
        tables.append(pd.concat([pd.DataFrame({"study": key, "metric": name}, index=table.index), table], axis=1))
    return pd.concat(tables, ignore_index=True)
