# `make`            create the environment, check params.yaml, run dvc repro: the report is then in reports/index.html
# `make test`       linter, type checker, unit tests and a small project from end to end: two to five minutes
# `make test-slow`  the other tests: faults, documents, a browser, emulated processors, the runs of book/
# `make check`      what CI does, in a clean working tree: `make`, compare with git, `make test`, `make test-slow`
# `make coverage`   run all tests and measure their coverage
# `make docs`       build the documentation as a site, docs/_build/html/index.html; every warning is an error
# `make reference`  write the pages in docs/reference/ from the code
# `make notebook`   execute the example notebook, docs/how-to/notebook.ipynb, and keep its outputs
# `make soak`       try ten times more faults than `make check`, and write the counts to docs/reliability.md: seven minutes
# `make locks`      look up the hashes of the versions in requirements*.txt, after a version was changed by hand
# `make benchmark`  compare the speed with other libraries, as ratios: half an hour; BENCHMARK="--row NAME" selects rows
PYTHON ?= python3
# an index with another build of torch: by default, on Linux, CPU builds; `make TORCH_INDEX=` for that of the package index
CPU_INDEX := https://download.pytorch.org/whl/cpu

BIN := .venv/bin
# Python compiles a module at its first import, unless this variable forbids it; pip would compile 340 MB in advance
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install $(if $(PYTHONDONTWRITEBYTECODE),,--no-compile)
# the files are complete and have hashes, so nothing is resolved, and a file with other bytes is refused
HASHED := $(PIP) --no-deps --require-hashes --requirement
LOCKS := $(addprefix requirements,-build.txt .txt -test.txt -docs.txt -benchmark.txt)
export PATH := $(CURDIR)/$(BIN):$(PATH)
# does an index of packages answer within ten seconds?
export PROBE := import signal, sys, urllib.request; signal.alarm(10); urllib.request.urlopen(sys.argv[1] + '/torch/')

# refuses a Python or system for which the packages have no wheels and would need compilers, in a syntax that every Python
# reads
define SUITABLE
import platform, sys, sysconfig
def refuse(found, allowed):
    sys.exit("%s: found %s, allowed: %s" % (sys.executable, found, allowed))
found = "%s %d.%d" % ((platform.python_implementation(),) + sys.version_info[:2])
if sys.maxsize < 2 ** 32:
    found += " of 32 bits"
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    found += ", free-threaded"
if found not in ["CPython 3.%d" % minor for minor in (11, 12, 13, 14)]:
    refuse(found, "CPython 3.11 to 3.14, 64 bits, not free-threaded: make PYTHON=python3.13")
try:
    import ensurepip, venv
except ImportError:
    refuse("no module ensurepip", "a complete Python; on Debian and Ubuntu: apt install python3-venv")
mac, libc = platform.mac_ver()[0], platform.libc_ver()
if mac and (platform.machine() != "arm64" or int(mac.split(".")[0]) < 14):
    refuse("macOS %s on %s" % (mac, platform.machine()), "macOS 14 or newer on arm64")
if sys.platform == "linux" and (libc[0] != "glibc" or [int(part) for part in libc[1].split(".")] < [2, 28]):
    refuse(" ".join(libc).strip() or "an unknown C library", "glibc 2.28 or newer")
endef
export SUITABLE

# the scripts in .venv contain the paths of its folder and its Python: after a move or a copy they do not start, or run
# the code elsewhere. A link to another .venv is allowed.
ifneq ($(filter-out clean,$(or $(MAKECMDGOALS),report)),)
STALE := $(shell { [ ! -L .venv ] && read -r made < .venv/installed && { [ "$$made" = "$(CURDIR)" ] && $(BIN)/python -c "" || echo "$$made"; }; } 2>/dev/null)
ifneq ($(STALE),)
$(error .venv: found the environment of $(STALE), which was moved, copied or lost its Python: rm -rf .venv, then make again)
endif
endif

# one worker per core; the tests of a file share a worker, and so the projects that they start from
PYTEST := $(BIN)/pytest -n auto --dist loadfile

.PHONY: report test test-slow coverage check docs reference notebook soak benchmark format clean locks

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

notebook: .venv/installed-test
	$(BIN)/python -m docs.notebook

soak: .venv/installed-test
	$(PYTEST) tests/faults --soak --counts docs/reliability.md

benchmark: .venv/installed-benchmark
	$(BIN)/python -m benchmarks $(BENCHMARK)

format: .venv/installed-test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache data docs/_build dvc_plots

.venv/installed: requirements.txt requirements-build.txt requirements-torch.txt pyproject.toml
	@$(PYTHON) -c "$$SUITABLE"
	$(PYTHON) -m venv .venv
	$(HASHED) requirements-build.txt
	$(HASHED) requirements.txt --no-build-isolation --use-pep517
	@index="$(TORCH_INDEX)"; \
	if [ "$(origin TORCH_INDEX) $$(uname -s)" = "undefined Linux" ]; then \
	  index=$(CPU_INDEX); $(BIN)/python -c "$$PROBE" $$index 2>/dev/null || \
	    { echo "$$index does not answer: torch comes from the default index, which may have gigabytes of CUDA"; index=; }; \
	fi; \
	$(PIP) $${index:+--extra-index-url $$index} --requirement requirements-torch.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@echo "$(CURDIR)" > $@

.venv/installed-%: requirements-%.txt .venv/installed
	$(HASHED) $<
	@touch $@

locks:
	$(PYTHON) -m venv .venv/locks
	.venv/locks/bin/python -m pip --quiet --disable-pip-version-check install uv==0.13.8
	for lock in $(LOCKS); do \
	  { sed -n '/^#/p' $$lock; sed -n 's/^\([^# ]*==[^ ]*\).*/\1/p' $$lock | \
	    .venv/locks/bin/uv pip compile --quiet --no-header --no-annotate --no-deps --universal --python-version 3.11 \
	      --generate-hashes -; } > $$lock.new && mv $$lock.new $$lock || exit; \
	done
