import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ablate import names
from pipeline.core.errors import UserError


def test_an_unknown_study_ends_with_the_one_that_was_meant(params_file, in_folder):
    params_file()
    with pytest.raises(UserError, match=r"^study: found 'activaton', allowed: .*; did you mean activation\?$"):
        names.project("activaton")
    assert list(names.project("activation").studies) == ["weight_decay", "activation"]


def test_an_unknown_name_is_refused_with_the_allowed_ones():
    names.check("metric", ["test_loss"], ["test_loss", "train_loss"])
    with pytest.raises(UserError) as error:
        names.check("metric", ["test_loss", "tset_loss"], iter(["test_loss", "weight_norm"]), of=" for this study")
    wanted = "metric: found 'tset_loss', allowed for this study: test_loss, weight_norm; did you mean test_loss?"
    assert str(error.value) == wanted
    with pytest.raises(UserError, match="allowed: none, as there are none$"):
        names.check("variant", ["a"], [])


def offered(*words: str) -> subprocess.CompletedProcess[str]:
    """What the shell is offered for the last of these words."""
    environment = {
        "_ABLATE_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": f"{len(words) - 1}",
    }
    command = [sys.executable, "-c", "import sys; sys.argv[0] = 'ablate'\nfrom ablate.cli import main\nmain()"]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["co"], ["compare"]),
        (["compare", "--fail-on", "w"], ["worse"]),
        (["show", "a"], ["activation"]),
        (["verify", ""], ["weight_decay", "activation", "product"]),
        (["compare", "--study", "w"], ["weight_decay"]),
        (["compare", "--study", "weight_decay", "--variant", ""], ["weight_decay_0", "weight_decay_3"]),
        (["show", "weight_decay", "--metric", "test_"], ["test_loss"]),
        (["power", "weight_decay", "--metric", "weight_norm"], []),
        (["show", "weight_decay", "--metric", "weight_norm"], ["weight_norm"]),
    ],
)
def test_a_shell_is_offered_the_ids_of_the_project(words, wanted, params_file, in_folder):
    params_file()
    done = offered("ablate", *words)
    assert (done.stdout.split(), done.stderr) == (wanted, "")


def test_without_studies_on_the_command_line_those_of_the_project_are_meant(params_file, in_folder):
    params_file()
    assert "weight_decay_3" in names.variants(SimpleNamespace(params={}, args=[]), "")
    assert names.variants(SimpleNamespace(params={"study": ["gone"]}), "") == []
    assert names.studies("w") == ["weight_decay"]
    assert names.studies_and_measurements("p") == ["product"]
    activation = SimpleNamespace(params={}, args=["activation"])
    assert "test_accuracy" in names.metrics(activation, "test")
    assert names.judged_metrics(activation, "weight") == []


@pytest.mark.parametrize("text", ["studies: [", None])
def test_a_file_that_is_invalid_or_missing_offers_nothing_and_prints_nothing(text, in_folder):
    if text is not None:
        (in_folder / "params.yaml").write_text(text)
    done = offered("ablate", "compare", "--variant", "")
    assert (done.stdout.strip(), done.stderr) == ("", "")
