"""Studies that span several programs, made without a file."""

import dataclasses
import itertools

from samples import config

from pipeline.project.variants import Study, Variant


def study(task: str = "classification", **changes) -> Study:
    """Variants of three programs: two activations, one of them by both implementations, two learning rates each."""
    variants = []
    for name, rate in itertools.product(("tanh", "relu", "concise"), (0.1, 0.2)):
        own = {"optimizer.learning_rate": rate, "training.epochs": 2, **changes}
        own |= {"implementation": "concise"} if name == "concise" else {"model.activation": name}
        own_id = f"{name}_{rate}".replace(".", "p")
        factors = {"model.activation": name, "model.hidden": [33, 20], "optimizer.learning_rate": rate}
        variants.append(Variant(own_id, own_id, "", "tanh_0p1", factors, config(own)))
    return Study(
        id="study",
        question="?",
        dataset="some",
        metric="test_loss",
        traits=frozenset([task, "hidden"]),
        figure=None,
        split_correlation=0.0,
        simplest_first=True,
        compared=tuple(variants[0].factors),
        blocked=(),
        variants=tuple(variants),
    )


def with_folds(**changes) -> Study:
    """Two variants, each with the whole and three folds."""
    own = {"data.validation": {"name": "k_fold", "folds": 3}, "training.epochs": 2, **changes}
    plain = study()
    variants = [
        dataclasses.replace(variant, config=config({**own, "optimizer.learning_rate": rate}))
        for variant, rate in zip(plain.variants[:2], (0.1, 0.2), strict=True)
    ]
    return dataclasses.replace(plain, variants=tuple(variants), traits=plain.traits | {"validation"})
