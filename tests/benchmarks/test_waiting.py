import subprocess

import pytest

from benchmarks import waiting


def test_the_longest_silence_is_that_of_the_stage_that_ran():
    lines = [(2.0, "check"), (3.0, "Running stage 'data@images':"), (7.0, "images"), (8.0, "")]
    assert waiting.longest_silence(lines) == (4.0, "data@images")
    assert waiting.longest_silence([(5.0, "check"), (6.0, "")]) == (5.0, "before the first stage")


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone of a repository with one file of parameters."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "params.yaml").write_text("seeds: {count: 30}\ndatasets: {a: {seeds: {count: 9}, size: 1}}\n")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one"],
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    monkeypatch.setattr(waiting, "ROOT", root)
    return waiting.Clone(tmp_path / "measured", 3)


def test_a_clone_has_few_seeds_and_its_lines_their_times(clone):
    assert (clone.project / "params.yaml").read_text() == "seeds: {count: 3}\ndatasets: {a: {size: 1}}\n"
    program = "import time; print('one'); time.sleep(0.5); print('two')"
    (first, one), (second, two), (end, _) = clone.lines("python", "-c", program)
    assert (one, two) == ("one", "two")
    assert first + 0.4 < second <= end
    with pytest.raises(waiting.CommandError, match=r"ended with 3\nwrong"):
        clone.lines("python", "-c", "print('wrong'); raise SystemExit(3)")


def test_processor_time_is_that_of_all_processes_and_of_what_comes_before_the_first_line(clone):
    busy = "import time\nwhile time.process_time() < 0.5: pass\n"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    assert 0.5 <= clone.processor_time("python", "-c", child) < 3
    assert clone.processor_time("python", "-c", "import time; time.sleep(1)") < 0.5
    # another process sees it in hundredths
    assert 0.45 <= clone.first_line("python", "-c", f"{busy}print('line')\nwhile True: pass") < 3
    with pytest.raises(waiting.CommandError, match="expected a line"):
        clone.first_line("python", "-c", "")
