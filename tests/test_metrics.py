from pipeline.metrics import METRICS, measured


def test_losses_are_compared_as_ratios_and_accuracies_as_differences():
    for name, metric in METRICS.items():
        assert metric.name == name
        if name.endswith(("_loss", "_loss_running")):
            assert (metric.scale, metric.better) == ("log", "lower")
        if "accuracy" in name:
            assert (metric.scale, metric.better, metric.unit) == ("linear", "higher", "fraction")


def test_a_regression_has_no_accuracy():
    assert {metric.name for metric in measured("classification")} == set(METRICS)
    assert not [metric for metric in measured("regression") if "accuracy" in metric.name]
