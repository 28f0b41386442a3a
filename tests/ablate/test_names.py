import pytest
from samples import SMALL
from typer.testing import CliRunner

from ablate import cli, names
from pipeline.core.errors import UserError
from pipeline.project import artifacts


def test_an_unknown_name_is_refused_with_the_allowed_ones(params_file, in_folder):
    params_file()
    with pytest.raises(UserError, match=r"^study: found 'activaton', allowed: .*; did you mean activation\?$"):
        names.project("activaton")
    assert list(names.project("activation").studies) == ["weight_decay", "activation"]
    with pytest.raises(UserError) as error:
        names.check("metric", ["test_loss", "tset_loss"], iter(["test_loss", "weight_norm"]), of=" for this study")
    wanted = "metric: found 'tset_loss', allowed for this study: test_loss, weight_norm; did you mean test_loss?"
    assert str(error.value) == wanted
    with pytest.raises(UserError, match="allowed: none, as there are none$"):
        names.check("variant", ["a"], [])


def offered(*words: str) -> list[str]:
    """What bash is offered for the last of these words of a command line."""
    asked = {"_ABLATE_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": f"{len(words) - 1}"}
    done = CliRunner().invoke(cli.app, env=asked, prog_name="ablate")
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("compare --fail-on w", ["worse"]),
        ("show a", ["activation"]),
        ("verify --study ", ["weight_decay", "activation", "product"]),
        ("figure ", ["overview", "weight_decay", "activation", "product"]),
        ("compare --study w", ["weight_decay"]),
        ("compare --study weight_decay --variant ", ["weight_decay_0", "weight_decay_3"]),
        ("show weight_decay --metric test_", ["test_loss"]),
        ("show activation --metric test_", ["test_loss", "test_accuracy"]),
        ("power weight_decay --metric weight_norm", ["weight_norm"]),
        # computed, not sampled
        ("power weight_decay --metric param", []),
        ("show weight_decay --metric weight_norm", ["weight_norm"]),
    ],
)
def test_a_shell_is_offered_the_ids_of_the_project(line, wanted, params_file, in_folder):
    params_file()
    assert offered("ablate", *line.split(" ")) == wanted


def test_a_shell_is_offered_branches_and_tags(project, monkeypatch, tmp_path):
    project.run("git", "tag", "v1")
    project.run("git", "branch", "feature/x")
    monkeypatch.chdir(project.folder)
    assert offered("ablate", "verify", "") == ["feature/x", "main", "v1"]
    assert offered("ablate", "verify", "fe") == ["feature/x"]
    monkeypatch.chdir(tmp_path)
    assert offered("ablate", "verify", "") == []


def test_a_shell_is_offered_the_figures_of_the_last_report(params_file, in_folder):
    params_file({"studies.weight_decay_again": SMALL["studies"]["weight_decay"]})
    drawn = ["weight_decay_effects", "weight_decay_curves", "weight_decay_again_effects", "product_product"]
    drawn.append("overview_ratio")
    artifacts.write_figures(dict.fromkeys(drawn, b"<svg/>"), {}, {})
    assert offered("ablate", "figure", "weight_decay", "") == ["curves", "effects"]
    assert offered("ablate", "figure", "weight_decay", "e") == ["effects"]
    assert offered("ablate", "figure", "weight_decay_again", "") == ["effects"]
    assert offered("ablate", "figure", "product", "--pdf", "product.pdf", "") == ["product"]
    assert offered("ablate", "figure", "overview", "") == ["ratio"]


def test_without_studies_on_the_command_line_those_of_the_project_are_meant(params_file, in_folder):
    params_file()
    variants = offered("ablate", "compare", "--variant", "")
    assert {"weight_decay_3", "activation_relu_learning_rate_0p1"} <= set(variants)


@pytest.mark.parametrize("text", ["studies: [", None])
def test_a_file_that_is_invalid_or_missing_offers_nothing_and_prints_nothing(text, in_folder):
    if text is not None:
        (in_folder / "params.yaml").write_text(text)
    assert offered("ablate", "compare", "--variant", "") == []
