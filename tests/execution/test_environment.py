from importlib.metadata import version

from pipeline.execution.store import environment


def test_the_environment_names_what_computes_and_no_machine():
    assert environment() == {name: version(name) for name in ("numpy", "numba", "llvmlite")}
    assert set(environment(["scratch", "concise"])) == {"numpy", "numba", "llvmlite", "torch"}
