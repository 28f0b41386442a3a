from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML
from samples import ROOT

from pipeline import params
from pipeline.errors import UserError
from pipeline.seeding import Seed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seeds: {root: 0", "params.yaml: line"),
        ("a: 1\na: 2\n", "params.yaml: line 2: found duplicate key"),
        ("a: &x 1\nb: *x\n", "line 1: found the anchor or alias 'x'"),
        ("- 1\n", "found [1], allowed: the keys"),
        ("", "found None, allowed: the keys"),
        ("a:\n\tb: 1\n", "params.yaml: line 2"),
    ],
)
def test_text_that_is_no_project_is_named(text, words, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match="params.yaml") as caught:
        params.load(path=path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        params.load(path=tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        params.load(path=tmp_path / "params.yaml")


def test_seeds_are_the_product_of_root_and_count(params_file):
    loaded = params.load(path=params_file({"seeds.root": 5, "seeds.count": 2}))
    assert loaded.seeds == (Seed(5, 0), Seed(5, 1))


def test_a_stage_checks_its_own_part_alone(params_file):
    path = params_file({"studies.activation.metric": "nonsense", "datasets.images.scale": "nonsense"})
    assert list(params.load(path=path, study="weight_decay").studies) == ["weight_decay"]
    assert list(params.load(path=path, dataset="linear").datasets) == ["linear"]
    for part in ({"study": "activation"}, {"dataset": "images"}, {}):
        with pytest.raises(UserError, match="nonsense"):
            params.load(path=path, **part)


@pytest.mark.parametrize("part", [{"study": "missing"}, {"dataset": "missing"}])
def test_a_part_that_is_not_there_is_named(part, params_file):
    with pytest.raises(UserError, match="missing: not found, allowed: "):
        params.load(path=params_file(), **part)


def test_the_default_project_reads_the_same_in_yaml_1_1():
    """DVC reads YAML 1.2; a person's other tools may not."""
    path = ROOT / "params.yaml"
    assert yaml.safe_load(path.read_text()) == YAML(typ="safe", pure=True).load(path)


def test_the_default_project_is_in_block_style_without_anchors():
    """`dvc exp run -S` rewrites the file; in this style a change of one value is a change of one line."""
    lines = (ROOT / "params.yaml").read_text().splitlines()
    values = [line.split("#")[0].replace("[]", "").replace("{}", "") for line in lines]
    assert not [value for value in values if set(value) & set("[{&*")]
    assert max(map(len, lines)) <= 80


def test_the_file_is_where_the_process_stands(params_file, monkeypatch):
    monkeypatch.chdir(Path(params_file()).parent)
    assert set(params.load().studies) == {"weight_decay", "activation"}
