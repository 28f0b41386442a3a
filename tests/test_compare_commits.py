"""Commits, experiments and the workspace of a project, compared as a user would."""

import json

from samples import Project


def words(out: str) -> list[str]:
    return [" ".join(line.split()) for line in out.splitlines()]


def test_a_project_and_what_became_of_it(project):
    project.write_params({"seeds.count": 8, "studies.activation": ..., "datasets.images": ...})
    project.run("dvc", "repro", "train@weight_decay")
    project.commit("first")

    # nothing has changed
    found = words(project.run("ablate", "compare").stdout)
    assert found[0] == "HEAD → workspace"
    assert "weight_decay (2)" in found
    assert "2 equivalent" in found

    # other seeds: every row is comparable, unpaired, and nothing is better or worse
    project.run("dvc", "exp", "run", "-n", "other-seeds", "-S", "seeds.root=1", "train@weight_decay")
    done = project.run("ablate", "compare", "HEAD", "other-seeds", "--json")
    rows = json.loads(done.stdout)["rows"]
    assert [(row["paired"], row["note"]) for row in rows] == [(False, "other seeds: not paired")] * 2
    assert not {row["verdict"] for row in rows} & {"better", "worse", "not comparable"}
    # the same state by its name and as the workspace
    again = json.loads(project.run("ablate", "compare", "--json").stdout)
    assert again["rows"] == rows
    assert {"study": None, "key": "seeds.root", "before": "0", "now": "1"} in again["changes"]
    project.run("git", "checkout", "--", ".")

    # a real factor: more epochs of training lower the loss of both variants
    longer = "studies.weight_decay.base.training.epochs"
    project.run("dvc", "exp", "run", "-n", "longer", "-S", f"{longer}=20", "train@weight_decay")
    done = project.run("ablate", "compare", "main", "longer", "--fail-on", "worse")
    found = words(done.stdout)
    assert f"{longer}: 5 → 20" in found
    assert [line.split()[-1] for line in found if line.startswith("weight_decay_")] == ["better", "better"]
    # and the other way round it is a regression
    done = project.run("ablate", "compare", "longer", "main", "--fail-on", "worse", ok=False)
    assert done.returncode == 1
    assert "2 worse" in words(done.stdout)
    done = project.run("ablate", "compare", "longer", "main", "--variant", "weight_decay_3", "--markdown")
    assert "| weight\\_decay\\_3 | 8 |" in done.stdout
    assert "weight\\_decay\\_0 |" not in done.stdout

    # mistakes are lines
    for arguments in (["nowhere"], ["main", "nowhere"], ["--study", "gone"], ["--metric", "gone"]):
        done = project.run("ablate", "compare", *arguments, ok=False)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_from_book_it_compares_book(project):
    project.run("dvc", "repro", "book/dvc.yaml:train@weight_decay")
    project.commit("results")
    book = Project(project.folder / "book")
    found = words(book.run("ablate", "compare").stdout)
    assert "weight_decay (3)" in found
    # the default project has no results yet
    found = words(project.run("ablate", "compare").stdout)
    assert "– 0 not comparable no results in workspace" in found
    assert "2 not comparable" in found
