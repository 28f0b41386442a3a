"""The project in `book/`, trained again with fewer seeds: each run has the bits of its committed row."""

import os

import pytest
from ruamel.yaml import YAML
from samples import ROOT, write_params


@pytest.mark.slow
@pytest.mark.skipif("ABLATE_MIRROR" not in os.environ, reason="needs Fashion-MNIST in the folder ABLATE_MIRROR")
def test_every_variant_of_the_book_has_its_committed_numbers(project):
    fewer = YAML(typ="safe", pure=True).load(ROOT / "book" / "params.yaml")
    fewer["seeds"]["count"] = 1
    for dataset in fewer["datasets"].values():
        if "seeds" in dataset:
            dataset["seeds"] = 10
    write_params(project.folder / "book", fewer)
    project.run("dvc", "repro", "--glob", "book/dvc.yaml:*@*")
    for name in [*fewer["studies"], *fewer["measurements"]]:
        path = f"book/reports/results/{name}.csv"
        trained, committed = (folder.joinpath(path).read_text().splitlines() for folder in (project.folder, ROOT))
        # the header, too
        assert set(trained) <= set(committed), path
        assert {row.split(",")[0] for row in trained} == {row.split(",")[0] for row in committed}, path
