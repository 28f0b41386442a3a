"""Stage `train`: train every run of one study and write one row per run.

For lines of progress alone, it also reads data/configs/studies.json and the parts of the other studies.

Reads   data/params.ok, data/configs/train/<study>.json, data/<dataset>.npz
Writes  reports/results/<study>.csv, reports/metrics/<study>.json, data/curves/<study>.csv, data/diagnostics/<study>.npz
"""

from pipeline.analysis import summary
from pipeline.core import console
from pipeline.execution import outlook, runs
from pipeline.project import artifacts, parts
from pipeline.stages import key_of


def main(arguments: list[str]) -> None:
    """Train the study whose id is the argument."""
    key = key_of(arguments, parts.keys("train"))
    study, seeds = parts.read_study(key)
    console.say(outlook.title(key))
    dataset = artifacts.read_dataset(study.dataset, seeds)
    result = runs.train_study(study, seeds, dataset)
    artifacts.write_results(study, result.results)
    artifacts.write_metrics(key, summary.metrics(study, result.results))
    artifacts.write_curves(key, summary.curves(result.curves, study.split_correlations))
    artifacts.write_diagnostics(key, result.diagnostics)
    console.say(outlook.left(key))


if __name__ == "__main__":
    console.run(main)
