import numpy as np

from pipeline.execution.runs import train_study
from pipeline.project import params
from pipeline.project.metrics import METRICS, measured


def test_losses_are_compared_as_ratios_and_accuracies_as_differences():
    for name, metric in METRICS.items():
        assert metric.name == name
        if name.endswith(("_loss", "_loss_running")) and not name.startswith("closed_form"):
            assert (metric.scale, metric.better) == ("log", "lower")
        if "accuracy" in name and not name.endswith("_gap"):
            assert (metric.scale, metric.better, metric.unit) == ("linear", "higher", "fraction")
            assert metric.bounds == (0.0, 1.0)
    assert METRICS["loss_gap"].bounds == (-np.inf, np.inf)


def test_what_follows_from_the_config_alone_is_not_random():
    assert [name for name, metric in METRICS.items() if not metric.random] == ["parameters"]


def test_half_the_squared_norm_is_that_of_the_weights(params_file):
    project = params.load(params_file())
    for key in ("weight_decay", "activation"):
        study, seeds = project.studies[key], project.seeds
        runs = train_study(study, seeds, project.datasets[study.dataset].make(seeds)).results
        assert len(runs) == len(study.variants) * len(seeds)
        np.testing.assert_allclose(runs["half_squared_norm"], runs["weight_norm"] ** 2 / 2, rtol=1e-14)
        assert runs["weight_norm"].gt(0).all()


def test_a_metric_is_measured_in_studies_with_the_traits_that_it_needs():
    everything = {"classification", "validation", "hidden", "linear", "shift", "stopping"}
    assert {metric.name for metric in measured(everything)} == set(METRICS)
    assert not [metric for metric in measured(everything - {"classification"}) if "accuracy" in metric.name]
    always = {metric.name for metric in measured({"regression"})}
    for trait, name in (
        ("validation", "validation_loss"),
        ("hidden", "unit_spread"),
        ("linear", "closed_form_test_loss"),
        ("shift", "effective_examples"),
        ("stopping", "best_epoch"),
    ):
        assert name not in always
        assert name in {metric.name for metric in measured({"regression", trait})}
