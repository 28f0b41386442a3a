import hashlib
import re

import pytest

from pipeline.project import artifacts, lock, outlook, params, parts


@pytest.fixture
def project(params_file, in_folder):
    project = params.load(params_file())
    artifacts.write_parts(project)
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


def test_a_study_knows_its_place_and_which_later_ones_are_to_be_trained(project):
    first, second = project.studies
    assert [outlook.title(key) for key in (first, second)] == [f"study 1 of 2: {first}", f"study 2 of 2: {second}"]
    # nothing is recorded yet; then everything is, so that the first one runs by force; then the first was edited
    for recorded, left in ((), 1), ((first, second), 1), ((second,), 0):
        record(*recorded)
        assert bool(re.fullmatch(r"studies left: 1, about \d+ s", outlook.left(first))) == bool(left)
    assert outlook.left(second) == "studies left: none"
