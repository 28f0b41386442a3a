from pipeline.core.nested import flatten, nest, value_at

VALUES = {"model": {"bias": True, "weight": {"name": "normal", "std": 1.0}}, "hidden": [8, 8], "penalty": {}}


def test_leaves_by_dotted_key_and_back():
    leaves = flatten(VALUES)
    assert list(leaves) == ["model.bias", "model.weight.name", "model.weight.std", "hidden", "penalty"]
    assert nest(leaves) == VALUES
    assert all(value_at(VALUES, dotted) == value for dotted, value in leaves.items())
    whole = flatten(VALUES, lambda dotted, value: "name" in value)
    assert whole["model.weight"] == VALUES["model"]["weight"]
    assert nest(whole) == VALUES


def test_no_value_is_none():
    for dotted in ("", "model.depth", "model.bias.x", "hidden.0", "x.y"):
        assert value_at(VALUES, dotted) is None
