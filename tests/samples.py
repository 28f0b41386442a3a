"""Small configs, data sets and projects for all tests."""

import copy
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from pipeline.core.dataset import Dataset, Split
from pipeline.core.seeding import Seed
from pipeline.training.config import RunConfig

ROOT = Path(__file__).parent.parent

SGD: dict[str, Any] = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}
ADAM: dict[str, Any] = {
    "name": "adam",
    "learning_rate": 0.01,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 0.0,
}
BASE: dict[str, Any] = {
    "implementation": "scratch",
    "data": {"examples": "all", "validation": {"name": "none"}, "importance_weights": {"name": "none"}},
    "model": {
        "features": "all",
        "hidden": [33, 20],
        "activation": "tanh",
        "bias": True,
        "dropout": 0.0,
        "initialization": {"weight": {"name": "xavier_normal"}, "bias": {"name": "torch_linear"}},
    },
    "loss": "cross_entropy",
    "label_smoothing": 0.0,
    "penalty": {"l1": 0.0, "l2": 0.0},
    "optimizer": SGD,
    "training": {
        "epochs": 3,
        "batch_size": 17,
        "evaluations": 2,
        "lr_schedule": {"name": "constant"},
        "early_stopping": {"name": "none"},
    },
}


def laid_over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with values at dotted keys replaced or added; `...` deletes."""
    values = copy.deepcopy(dict(base))
    for dotted, value in changes.items():
        *path, last = dotted.split(".")
        node = values
        for key in path:
            node = node.setdefault(key, {})
        if value is ...:
            del node[last]
        else:
            node[last] = copy.deepcopy(value)
    return values


def config(changes: Mapping[str, Any] | None = None) -> RunConfig:
    """`BASE` with changes at dotted keys; a change of `training` keeps its other keys."""
    changes = dict(changes or {})
    training = {f"training.{key}": value for key, value in changes.pop("training", {}).items()}
    return RunConfig.model_validate(laid_over(BASE, training | changes))


def classes(seeds: int = 3, features: int = 13, outputs: int = 7, train: int = 44, test: int = 30) -> Dataset:
    """Clusters with an awkward number of features, classes and examples; other examples for every seed."""
    random = np.random.default_rng(7)
    estimates = random.standard_normal((outputs, features))

    def split(examples: int) -> Split:
        labels = random.integers(outputs, size=(seeds, examples))
        return Split(estimates[labels] + 0.8 * random.standard_normal((seeds, examples, features)), labels)

    kinds = {name: random.gamma(2.0, size=(seeds, train)) for name in ("oracle", "estimated")}
    names = tuple(f"class {label}" for label in range(outputs))
    return Dataset(
        "classification", outputs, split(train), split(test), seeds=tuple(_seeds(seeds)), weights=kinds, names=names
    )


def values(seeds: int = 3, features: int = 13, train: int = 44, test: int = 30) -> Dataset:
    """A noisy linear function; other examples for every seed."""
    random = np.random.default_rng(8)
    weights = random.standard_normal(features)

    def split(examples: int) -> Split:
        inputs = random.standard_normal((seeds, examples, features))
        return Split(inputs, inputs @ weights + 0.1 * random.standard_normal((seeds, examples)))

    return Dataset("regression", 1, split(train), split(test), seeds=tuple(_seeds(seeds)))


def seeds(count: int, root: int = 0) -> list[Seed]:
    return [Seed(root, index) for index in range(count)]


_seeds = seeds  # for functions whose argument has that name


SMALL: dict[str, Any] = {
    "seeds": {"root": 0, "count": 3},
    "judging": {"alpha": 0.05, "margins": {"test_accuracy": 0.005, "test_loss": 1.05}},
    "base": BASE,
    "datasets": {
        "images": {"source": "digits", "scale": "unit"},
        "linear": {
            "source": "linear",
            "inputs": 30,
            "weight": 0.01,
            "bias": 0.05,
            "noise_sd": 0.01,
            "train_examples": 20,
            "test_examples": 20,
        },
    },
    "measurements": {"product": {"kind": "matrix_product", "size": 3, "factors": 5, "repetitions": 20}},
    "studies": {
        "weight_decay": {
            "question": "How strongly should large weights be punished?",
            "dataset": "linear",
            "metric": "test_loss",
            "base": {
                "model": {
                    "hidden": [],
                    "activation": "identity",
                    "initialization": {"weight": {"name": "normal", "std": 1.0}},
                },
                "loss": "half_squared_error",
                "optimizer": {"learning_rate": 0.003},
                "training": {"epochs": 5, "batch_size": 5, "evaluations": 5},
            },
            "grid": {"optimizer": {"weight_decay": [0, 3]}},
            "baseline": {"optimizer": {"weight_decay": 0}},
        },
        "activation": {
            "question": "Which activation?",
            "dataset": "images",
            "metric": "test_accuracy",
            "base": {"model": {"hidden": [8, 8]}, "training": {"batch_size": 128, "epochs": 2}},
            "grid": {"model": {"activation": ["sigmoid", "relu"]}, "optimizer": {"learning_rate": [0.1, 0.5]}},
            "baseline": {"model": {"activation": "sigmoid"}},
        },
    },
}

# under the study weight_decay
CLAIM: dict[str, Any] = {
    "claim": "?",
    "metric": "test_loss",
    "variant": "weight_decay_3",
    "against": "weight_decay_0",
    "expect": "lower",
}

# changes that leave the study weight_decay, with a claim: git does not keep `reports/claims` if it is empty
ONE_STUDY: dict[str, Any] = {
    "studies.activation": ...,
    "datasets.images": ...,
    "studies.weight_decay.claims.shrinks": CLAIM,
}


def write_params(folder: Path, values: Mapping[str, Any]) -> Path:
    path = folder / "params.yaml"
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.representer.ignore_aliases = lambda _: True
    with path.open("w") as file:
        yaml.dump(dict(values), file)
    return path


class Project:
    """A project in a repository of its own; commands run as a user would type them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "ABLATE_STORE": "off",
            "DASK_SCHEDULER_ADDRESS": "",
            "GIT_AUTHOR_NAME": "A user",
            "GIT_AUTHOR_EMAIL": "person@example.org",
            "GIT_COMMITTER_NAME": "A user",
            "GIT_COMMITTER_EMAIL": "person@example.org",
        }

    def run(self, *command: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if ok and done.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def finish_queue(self, jobs: int = 2, seconds: float = 300) -> list[str]:
        """Start workers of DVC's queue until no task is left; return how the tasks ended."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.run("dvc", "queue", "status").stdout
            states = re.findall(r"^[0-9a-f]{7} .* (\w+) *$", status, flags=re.MULTILINE)
            if not {"Queued", "Running"} & set(states):
                return states
            assert time.monotonic() < deadline, status
            if "0 active, 0 idle" in status:  # also if they ended before the tasks did
                # workers outlive the command and would keep a pipe open
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                start = ["dvc", "queue", "start", "-j", str(jobs)]
                subprocess.run(start, cwd=self.folder, env=self.environment, check=False, **quiet)
            time.sleep(2)

    def copy(self, folder: Path) -> "Project":
        """Copy everything, DVC's cache included, to another folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        made = Project(folder)
        made.environment = dict(self.environment)
        return made

    def write_params(self, changes: Mapping[str, Any] | None = None) -> None:
        write_params(self.folder, laid_over(SMALL, changes or {}))

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", message)

    def read(self, path: str) -> str:
        return (self.folder / path).read_text()

    def files(self) -> dict[str, bytes]:
        """Return everything in `data/` and `reports/`, by path."""
        paths = [path for top in ("data", "reports") for path in (self.folder / top).rglob("*") if path.is_file()]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}

    def lock(self) -> Any:
        return YAML(typ="safe", pure=True).load(self.read("dvc.lock"))
