"""Commits, experiments and the workspace of a project, compared as a user would."""

import json

from samples import ONE_STUDY


def lines(out: str) -> list[str]:
    return [" ".join(line.split()) for line in out.splitlines()]


def test_a_project_and_what_became_of_it(project):
    project.write_params({**ONE_STUDY, "seeds.count": 8})
    project.run("dvc", "repro", "train@weight_decay")
    project.commit("first")
    shown = lines(project.run("ablate", "compare").stdout)
    assert shown[0] == "HEAD → workspace"
    assert {"weight_decay (2)", "2 equivalent"} <= set(shown)

    # other seeds: every row is comparable, unpaired, and nothing is better or worse
    project.run("dvc", "exp", "run", "-n", "other-seeds", "-S", "seeds.root=1", "train@weight_decay")
    done = project.run("ablate", "compare", "HEAD", "other-seeds", "--json")
    rows = json.loads(done.stdout)["rows"]
    assert [(row["paired"], row["note"]) for row in rows] == [(False, "no seeds in common: not paired")] * 2
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
    shown = lines(done.stdout)
    assert "training.epochs: 5 → 20" in shown
    assert [line.split()[-1] for line in shown if line.startswith("weight_decay_")] == ["better", "better"]
    # and the other way round it is a regression
    done = project.run("ablate", "compare", "longer", "main", "--fail-on", "worse", ok=False)
    assert done.returncode == 1
    assert "2 worse" in lines(done.stdout)
    done = project.run("ablate", "compare", "longer", "main", "--variant", "weight_decay_3", "--markdown")
    assert "| weight\\_decay\\_3 | 8 |" in done.stdout
    assert "weight\\_decay\\_0 |" not in done.stdout
