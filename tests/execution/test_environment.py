import platform

import pytest
import torch

from pipeline.execution import environment
from pipeline.project.errors import UserError


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    environment.demand("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="device: found 'cuda', but torch finds no such device here; allowed: cpu"):
        environment.demand("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    environment.demand("cuda")


def test_the_environment_names_what_bits_depend_on_and_nothing_else():
    found = environment.environment("cpu")
    assert set(found) == {"processor", "device", "torch", "numpy"}
    assert found["processor"].startswith(platform.machine())


def test_a_machine_without_linux_s_list_of_processors_has_a_name_too(monkeypatch):
    def refuse(path):
        raise FileNotFoundError

    monkeypatch.setattr(environment.Path, "read_text", refuse)
    assert environment._processor().startswith(platform.machine())
