from pipeline.project.metrics import METRICS, measured


def test_losses_are_compared_as_ratios_and_accuracies_as_differences():
    for name, metric in METRICS.items():
        assert metric.name == name
        if name.endswith(("_loss", "_loss_running")) and not name.startswith("closed_form"):
            assert (metric.scale, metric.better) == ("log", "lower")
        if "accuracy" in name and not name.endswith("_gap"):
            assert (metric.scale, metric.better, metric.unit) == ("linear", "higher", "fraction")


def test_a_regression_has_no_accuracy():
    everything = {"classification", "validation", "hidden", "linear", "shift", "stopping"}
    assert {metric.name for metric in measured(everything)} == set(METRICS)
    assert not [metric for metric in measured(everything - {"classification"}) if "accuracy" in metric.name]


def test_a_metric_is_measured_only_where_its_study_has_what_it_needs():
    plain = {metric.name for metric in measured({"regression"})}
    for trait, name in (
        ("validation", "validation_loss"),
        ("hidden", "unit_spread"),
        ("linear", "closed_form_test_loss"),
        ("shift", "effective_examples"),
        ("stopping", "best_epoch"),
    ):
        assert name not in plain
        assert name in {metric.name for metric in measured({"regression", trait})}


def test_only_metrics_of_training_are_lost_when_training_diverges():
    kept = {name for name, metric in METRICS.items() if not metric.trained}
    assert kept == {
        "parameters",
        "activation_ratio",
        "gradient_ratio",
        "closed_form_test_loss",
        "closed_form_weight_norm",
        "effective_examples",
    }
