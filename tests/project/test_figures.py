import pytest

from pipeline.project.figures import NAMED

DECAY, ACTIVATION = "studies.weight_decay", "studies.activation"


@pytest.mark.parametrize("figure", [name for name, needed in NAMED.items() if needed])
def test_a_figure_is_refused_for_a_study_without_the_traits_that_it_needs(refused, figure):
    # a linear regression and a classifier of images with hidden layers, both without validation and shift
    study = ACTIVATION if NAMED[figure] & {"linear", "validation", "shift"} else DECAY
    (line,) = refused({f"{study}.figure": figure})
    assert f"{study}.figure: found '{figure}', allowed for this study: " in line
    allowed = line.rpartition(": ")[2].split(", ")
    assert figure not in allowed
    assert "capacity" in allowed
