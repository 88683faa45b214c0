# make run          sets up and trains the notes' network on the bundled digits; pictures in out/
# make test         sets up and runs the tests (without PyTorch)
# make lint         style, and types of the programs in practice/, against the generated stubs
# make conformance  a second environment with PyTorch and torchvision, and the live comparisons
# make bench        the measured table, beside PyTorch
PYTHON ?= python3
VENV := .venv
ORACLE := .venv-oracle
TORCH := torch==2.13.0
TORCHVISION := torchvision==0.28.0

.PHONY: run test lint conformance bench clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test,practice]'
	touch $@

# torchvision alone: its wheel asks for another build of PyTorch (tests/oracle/torchvision_cpu.py)
$(ORACLE)/.installed: pyproject.toml Makefile
	$(PYTHON) -m venv $(ORACLE)
	$(ORACLE)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test,practice]' $(TORCH) expecttest scipy
	$(ORACLE)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $(TORCHVISION)
	touch $@

run: $(VENV)/.installed
	$(VENV)/bin/python practice/cifar10_classifier.py --out out $(ARGS)

test: $(VENV)/.installed
	$(VENV)/bin/python -m pytest -n 2 -m 'not oracle' $(ARGS)

lint: $(VENV)/.installed
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[lint]'
	$(VENV)/bin/python -m ruff check suiren tests practice bench docs
	$(VENV)/bin/python -m pyright --pythonpath $(VENV)/bin/python

conformance: $(ORACLE)/.installed
	$(ORACLE)/bin/python -m pytest -n 2 tests/oracle --ignore tests/oracle/test_operators.py $(ARGS)
	$(ORACLE)/bin/python -m pytest -n 0 tests/oracle/test_operators.py

bench: $(ORACLE)/.installed
	$(ORACLE)/bin/python -m bench $(ARGS)

clean:
	rm -rf $(VENV) $(ORACLE) out
