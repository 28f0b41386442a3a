import hashlib
import re

import pytest

from pipeline.execution import outlook
from pipeline.project import artifacts, lock, params, parts


@pytest.fixture
def project(params_file, in_folder):
    project = params.load(params_file())
    artifacts.write_parts(project)
    outlook.write(project)
    return project


def record(*keys: str) -> None:
    """Record in dvc.lock that these studies were trained with their present configs."""
    entries = []
    for key in keys:
        path = parts.path_of(f"train@{key}")
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        entries.append(f"  train@{key}: {{deps: [{{path: {path}, md5: {digest}}}]}}")
    lock.PATH.write_text("\n".join(["stages:", *entries]))


def test_more_work_is_expected_to_take_longer(params_file):
    def seconds(**changes):
        return outlook.expected(params.load(params_file(changes)), "weight_decay")

    epochs = "studies.weight_decay.base.training.epochs"
    assert 0 < seconds() < seconds(**{epochs: 50}) < seconds(**{epochs: 50, "base.implementation": "concise"})
    assert seconds(**{"seeds.count": 6}) == pytest.approx(2 * seconds())
    assert seconds(**{"studies.weight_decay.seeds": 1}) == pytest.approx(seconds() / 3)


def test_a_study_knows_how_many_are_to_be_trained(project):
    first, second = project.studies
    # nothing is recorded yet; then everything is, so that the first one runs by force; then only the first was edited
    for recorded, count in ((), 2), ((first, second), 2), ((second,), 1):
        record(*recorded)
        assert outlook.title(first) == f"study 1 of {count}: {first}"
        expected = r"studies left: 1, about \d+ s" if count == 2 else "studies left: none"
        assert re.fullmatch(expected, outlook.left(first))
