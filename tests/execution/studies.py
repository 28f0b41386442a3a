"""Small studies, made without a file."""

import dataclasses
import itertools

from samples import config

from pipeline.project.variants import Study, Variant


def study(task: str = "classification", **changes) -> Study:
    """Two activations, one of them by both implementations, with two learning rates each."""
    variants = []
    for name, rate in itertools.product(("tanh", "relu", "concise"), (0.1, 0.2)):
        changed = {"optimizer.learning_rate": rate, "training.epochs": 2, **changes}
        changed |= {"implementation": "concise"} if name == "concise" else {"model.activation": name}
        id = f"{name}_{rate}".replace(".", "p")
        factors = {"model.activation": name, "model.hidden": [33, 20], "optimizer.learning_rate": rate}
        variants.append(Variant(id, id, "", "tanh_0p1", factors, config(changed)))
    return Study(
        id="study",
        question="?",
        dataset="some",
        metric="test_loss",
        asks="difference",
        margin=None,
        caveat="",
        seeds=None,
        traits=frozenset([task, "hidden"]),
        figure=None,
        split_correlations=dict.fromkeys(("train", "validation", "test", "none"), 0.0),
        simplest_first=True,
        compared=tuple(variants[0].factors),
        blocked=(),
        variants=tuple(variants),
    )


def with_folds(**changes) -> Study:
    """Two variants, each with the whole training set and three folds."""
    folds = {"data.validation": {"name": "k_fold", "folds": 3}, "training.epochs": 2, **changes}
    whole = study()
    variants = [
        dataclasses.replace(variant, config=config({**folds, "optimizer.learning_rate": rate}))
        for variant, rate in zip(whole.variants[:2], (0.1, 0.2), strict=True)
    ]
    return dataclasses.replace(whole, variants=tuple(variants), traits=whole.traits | {"validation"})
