import pytest

from pipeline.core import cores
from pipeline.core.errors import UserError


def test_as_many_threads_as_the_process_may_use_cores(monkeypatch):
    monkeypatch.delenv("ABLATE_THREADS", raising=False)
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda process: {0, 3, 5}, raising=False)
    assert cores.threads() == 3
    monkeypatch.setenv("ABLATE_THREADS", "2")
    assert cores.threads() == 2
    for wrong in ("0", "many", ""):
        monkeypatch.setenv("ABLATE_THREADS", wrong)
        with pytest.raises(UserError, match="ABLATE_THREADS: found .*, allowed: a number of threads"):
            cores.threads()
