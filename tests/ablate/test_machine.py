import platform
from importlib.metadata import version

from ablate import machine


def test_the_machine_is_described_in_two_lines(monkeypatch):
    monkeypatch.setenv("ABLATE_THREADS", "1")
    system, packages = machine.description()
    assert system.startswith(f"Python {platform.python_version()}, {platform.system()} ")
    assert system.endswith(f"{machine.processor()}, 1 thread")
    assert f"numpy {version('numpy')}, " in packages
    assert "None" not in packages


def test_packages_of_other_versions_than_pinned_are_named():
    pins = {"numpy": version("numpy"), "torch": version("torch").split("+")[0], "pandas": "0.1", "not-installed": "3"}
    text = "".join(f"{name}=={pin} \\\n    --hash=sha256:0\n" for name, pin in pins.items())
    assert list(machine.other_than_pinned(text)) == [f"pandas {version('pandas')} (pinned: 0.1)"]
    assert list(machine.other_than_pinned("# pandas==0.1\nscipy==0.1; python_version < '3'\nseaborn==0.1")) == [
        f"seaborn {version('seaborn')} (pinned: 0.1)"
    ]
