import pytest

from pipeline.project import params
from pipeline.project.errors import UserError


@pytest.fixture
def refused(params_file):
    """The lines with which `params.yaml` is refused after these changes."""

    def lines(changes):
        with pytest.raises(UserError) as caught:
            params.load(path=params_file(changes))
        found = str(caught.value).splitlines()
        assert all(line.count("params.yaml: ") == 1 for line in found)
        return found

    return lines
