# `make`            create the environment, check params.yaml, run dvc repro: the report is then in reports/index.html
# `make test`       linter, type checker, unit tests and a small project from end to end: about two minutes
# `make test-slow`  the other tests: faults, documents, a browser, emulated processors, the runs of book/
# `make check`      what CI does, in a clean working tree: `make`, compare with git, `make test`, `make test-slow`
# `make coverage`   run all tests and measure their coverage
# `make docs`       build the documentation as a site, docs/_build/html/index.html; every warning is an error
# `make reference`  write the pages in docs/reference/ from the code
# `make soak`       try ten times as many faults as `make check`, and write the counts to docs/reliability.md: half an hour
# `make benchmark`  compare the speed with other libraries, as ratios: half an hour; BENCHMARK="--row NAME" selects rows
PYTHON ?= python3
# on Linux, the package index serves torch with gigabytes of CUDA; TORCH_INDEX names an index with CPU builds
TORCH_INDEX ?=

BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

# one worker per core; the tests of a file share a worker, and so the projects that they start from
PYTEST := $(BIN)/pytest -n auto --dist loadfile

.PHONY: report test test-slow coverage check docs reference soak benchmark format clean

# the second repro renders the page from this run: in a fresh clone, DVC considers the committed page up to date
report: .venv/installed .dvc/plots/page.html
	$(BIN)/ablate check
	$(BIN)/dvc repro
	$(BIN)/dvc repro --force --single-item report
	@echo "The report is in $(CURDIR)/reports/index.html"

# set in the local configuration: in a committed one it would break `dvc plots` in every clone without this file
.dvc/plots/page.html: .venv/installed ablate/plots_page.py
	$(BIN)/python -m ablate.plots_page
	$(BIN)/dvc config --local plots.html_template plots/page.html

test: .venv/installed-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(PYTEST) -m "not slow"

test-slow: .venv/installed-test .venv/installed-docs
	$(PYTEST) -m slow

# traces hundreds of processes that the tests start
coverage: .venv/installed-test .venv/installed-docs
	$(PYTEST) --cov --cov-report=term

check:
	.ci/run

docs: .venv/installed-docs
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --fresh-env docs docs/_build/html
	@echo "The documentation is in $(CURDIR)/docs/_build/html/index.html"

reference: .venv/installed
	$(BIN)/python -m docs.generate

soak: .venv/installed-test
	$(PYTEST) tests/faults --soak --counts docs/reliability.md

benchmark: .venv/installed-benchmark
	$(BIN)/python -m benchmarks $(BENCHMARK)

format: .venv/installed-test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache data docs/_build dvc_plots

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python %d.%d found, 3.11 or newer needed: make PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/installed-test: .venv/installed requirements-test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-test.txt
	@touch $@

.venv/installed-docs: .venv/installed requirements-docs.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-docs.txt
	@touch $@

.venv/installed-benchmark: .venv/installed requirements-benchmark.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements-benchmark.txt
	@touch $@
