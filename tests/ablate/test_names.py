import pytest

from ablate import names
from pipeline.core.errors import UserError


def test_an_unknown_study_ends_with_the_one_that_was_meant(params_file, in_folder):
    params_file()
    with pytest.raises(UserError, match=r"studies\.activaton: not found.*; did you mean activation\?$"):
        names.project_with("activaton")
    assert list(names.project_with("activation").studies) == ["activation"]


def test_what_is_wrong_with_a_study_is_said_as_it_is(params_file, in_folder):
    params_file({"studies.activation.metric": "nonsense"})
    with pytest.raises(UserError) as error:
        names.project_with("activation")
    assert "did you mean" not in str(error.value)
    # the file as a whole is wrong, so nothing is known of other names
    with pytest.raises(UserError, match="not found") as error:
        names.project_with("activaton")
    assert "did you mean" not in str(error.value)


def test_a_name_that_is_not_there_is_refused_with_those_that_are():
    names.check("metric", ["test_loss"], ["test_loss", "train_loss"])
    with pytest.raises(UserError) as error:
        names.check("metric", ["test_loss", "tset_loss"], iter(["test_loss", "weight_norm"]), of=" for this study")
    wanted = "metric: found 'tset_loss', allowed for this study: test_loss, weight_norm; did you mean test_loss?"
    assert str(error.value) == wanted
    with pytest.raises(UserError, match="allowed: none, as there are none$"):
        names.check("variant", ["a"], [])
