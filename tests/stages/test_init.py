import subprocess
import sys

from samples import ROOT


def test_a_stage_under_the_wrong_python_ends_with_one_line_that_says_so():
    for stage in ("check", "data", "train", "report"):
        # -S leaves out the site-packages: a Python in which nothing was installed
        done = subprocess.run(
            [sys.executable, "-S", "-m", f"pipeline.stages.{stage}", "x"], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        for words in (sys.executable, "torch", "activate", "make"):
            assert words in done.stderr
