# `make`       environment, check of params.yaml, dvc repro: the report is then in reports/index.html
# `make test`  what the tests need, linter, type checker, tests
# `make coverage`  the tests once more, with the share of lines that they reach
# `make check` what CI does, in a clean working tree: the project made from nothing and held to git, then `make test`
# `make docs`  the documentation as a site, docs/_build/html/index.html; whatever is doubtful in it is an error
# `make reference`  the pages in docs/reference/, from the code
# `make soak`  the faults of tests/faults, ten times as many as the tests try: half an hour; docs/reliability.md gets the counts
# `make mutants`  every guard against a fault taken out once, and its test seen to fail; MUTANTS="word" for some
# `make benchmark`  speed beside other ways to train the same, as ratios: half an hour; BENCHMARK="--row NAME" for some
PYTHON ?= python3
# On Linux the package index serves torch with gigabytes of CUDA. TORCH_INDEX names an index with CPU builds.
TORCH_INDEX ?=

BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: report test coverage check docs reference soak mutants benchmark format clean

# the second repro: in a fresh clone DVC finds the committed page up to date, but the user's page is made from this very run
report: .venv/installed .dvc/plots/page.html
	$(BIN)/ablate check
	$(BIN)/dvc repro
	$(BIN)/dvc repro --force --single-item report
	@echo "The report is in $(CURDIR)/reports/index.html"

# named in the local configuration: a committed one would break every `dvc plots` wherever the page is not made yet
.dvc/plots/page.html: .venv/installed ablate/plots_page.py
	$(BIN)/python -m ablate.plots_page
	$(BIN)/dvc config --local plots.html_template plots/page.html

test: .venv/installed-test .venv/installed-docs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -n auto --dist loadgroup

# apart from the tests: it follows every process that they start, hundreds of them
coverage: .venv/installed-test .venv/installed-docs
	$(BIN)/pytest -n auto --dist loadgroup --cov --cov-report=term

check:
	.ci/run

docs: .venv/installed-docs
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --fresh-env docs docs/_build/html
	@echo "The documentation is in $(CURDIR)/docs/_build/html/index.html"

reference: .venv/installed
	$(BIN)/python -m docs.generate

soak: .venv/installed-test
	$(BIN)/pytest tests/faults -n auto --dist loadgroup --soak --counts docs/reliability.md

mutants: .venv/installed-test
	PYTHONPATH=.:tests $(BIN)/python -m faults.mutants $(MUTANTS)

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
