import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ablate import completion

PROGRAM = "import sys; sys.argv[0] = 'ablate'\nfrom ablate.cli import main\nmain()"


def offered(*words: str) -> subprocess.CompletedProcess[str]:
    """What the shell is offered for the last of these words."""
    environment = {
        "_ABLATE_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": f"{len(words) - 1}",
    }
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["check", ""], ["weight_decay", "activation"]),
        (["show", "a"], ["activation"]),
        (["plan", "w"], ["weight_decay"]),
        (["power", "x"], []),
        (["verify", ""], ["weight_decay", "activation", "product"]),
        (["compare", "--study", "w"], ["weight_decay"]),
        (["compare", "--study", "weight_decay", "--variant", ""], ["weight_decay_0", "weight_decay_3"]),
        (["compare", "--variant", "weight_decay_"], ["weight_decay_0", "weight_decay_3"]),
        (["show", "weight_decay", "--metric", "test_"], ["test_loss"]),
        (["show", "activation", "--metric", "test_"], ["test_loss", "test_accuracy"]),
        (["power", "weight_decay", "--metric", "weight_norm"], []),
        (["show", "weight_decay", "--metric", "weight_norm"], ["weight_norm"]),
    ],
)
def test_a_shell_is_offered_the_ids_of_the_project(words, wanted, params_file, in_folder):
    params_file()
    done = offered("ablate", *words)
    assert done.stdout.split() == wanted
    assert done.stderr == ""


@pytest.mark.parametrize("text", ["studies: [", "studies:\n  a: 1\n", None])
def test_a_file_that_is_wrong_or_missing_offers_nothing_and_says_nothing(text, in_folder):
    if text is not None:
        (in_folder / "params.yaml").write_text(text)
    for words in (["show", ""], ["verify", ""], ["compare", "--variant", ""]):
        done = offered("ablate", *words)
        assert (done.stdout.strip(), done.stderr) == ("", "")


def test_commands_and_options_are_offered_as_before(in_folder):
    assert "compare" in offered("ablate", "co").stdout.split()
    assert offered("ablate", "compare", "--fail-on", "w").stdout.split() == ["worse"]


def test_a_variant_of_no_study_that_is_named_is_not_offered(params_file, in_folder):
    params_file()
    assert completion.variants(SimpleNamespace(params={"study": ["gone"]}), "") == []


def test_nothing_slow_is_imported_for_it():
    listed = [sys.executable, "-c", "import sys, ablate.cli, ablate.completion; print(*sys.modules)"]
    loaded = set(subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split())
    assert "ablate.completion" in loaded
    assert not loaded & {"torch", "dvc", "pandas", "scipy", "matplotlib"}
