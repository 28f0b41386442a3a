from pipeline.project.metrics import METRICS, measured


def test_losses_are_compared_as_ratios_and_accuracies_as_differences():
    for name, metric in METRICS.items():
        assert metric.name == name
        if name.endswith(("_loss", "_loss_running")) and not name.startswith("closed_form"):
            assert (metric.scale, metric.better) == ("log", "lower")
        if "accuracy" in name and not name.endswith("_gap"):
            assert (metric.scale, metric.better, metric.unit) == ("linear", "higher", "fraction")


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
