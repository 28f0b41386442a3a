from pipeline.measurements.activations import Activations


def measured(*functions):
    config = Activations(kind="activations", functions=functions, low=-6.0, high=6.0, points=241)
    return config.measure(0).set_index(["case", "quantity"])


def test_values_and_gradients_at_evenly_spaced_points_that_are_rounded_once():
    """Of all functions they are those of torch: training/kernels/test_activations.py."""
    points = [step / 20 for step in range(-120, 121)]
    table = measured("relu").loc["relu"]
    assert table.loc["value", ["x", "value"]].values.tolist() == [[x, max(x, 0)] for x in points]
    assert table.loc["gradient", ["x", "value"]].values.tolist() == [[x, float(x > 0)] for x in points]


def test_the_identity_of_tanh_and_sigmoid_is_measured_if_both_are():
    """tanh(x) + 1 = 2 sigmoid(2x), up to rounding."""
    identity = measured("tanh", "sigmoid").loc[("tanh", "identity"), "value"]
    assert len(identity) == 241
    assert identity.abs().max() < 1e-15
    assert ("tanh", "identity") not in measured("tanh", "relu").index
