"""Stage `train`: train every run of one study and write one row per run.

Reads   data/params.ok, params.yaml (seeds, base, datasets.<dataset>, studies.<study>), data/<dataset>.npz
Writes  reports/results/<study>.csv, reports/metrics/<study>/, data/curves/<study>.csv, data/diagnostics/<study>.npz
"""

from pipeline.analysis import summary
from pipeline.core import console
from pipeline.execution import runs
from pipeline.project import artifacts, params
from pipeline.stages import key_of


def main(arguments: list[str]) -> None:
    """Train the study whose id is the argument."""
    project = params.load()
    key = key_of(arguments, project.studies)
    study = project.studies[key]
    seeds = project.seeds_of(study.dataset)
    dataset = artifacts.read_dataset(study.dataset, seeds)
    result = runs.train_study(study, seeds, dataset)
    params.check_unchanged(project, "seeds", "base", f"datasets.{study.dataset}", f"studies.{key}")
    artifacts.write_results(study, result.results)
    artifacts.write_metrics(key, summary.metrics(study, result.results))
    artifacts.write_curves(key, summary.curves(result.curves, study.split_correlations))
    artifacts.write_diagnostics(key, result.diagnostics)


if __name__ == "__main__":
    console.run(main)
