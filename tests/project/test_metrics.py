from pipeline.project.metrics import METRICS, measured


def test_losses_are_compared_as_ratios_and_accuracies_as_differences():
    for name, metric in METRICS.items():
        assert metric.name == name
        if name.endswith(("_loss", "_loss_running")) and not name.startswith("closed_form"):
            assert (metric.scale, metric.better) == ("log", "lower")
        if "accuracy" in name and not name.endswith("_gap"):
            assert (metric.scale, metric.better, metric.unit) == ("linear", "higher", "fraction")


def test_only_classification_has_accuracies():
    everything = {"classification", "validation", "hidden", "linear", "shift", "stopping"}
    assert {metric.name for metric in measured(everything)} == set(METRICS)
    assert not [metric for metric in measured(everything - {"classification"}) if "accuracy" in metric.name]


def test_a_metric_is_measured_in_studies_with_the_traits_that_it_needs():
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


def test_metrics_that_do_not_come_from_training():
    untrained = {name for name, metric in METRICS.items() if not metric.trained}
    assert untrained == {
        "parameters",
        "activation_ratio",
        "gradient_ratio",
        "closed_form_test_loss",
        "closed_form_weight_norm",
        "effective_examples",
    }
