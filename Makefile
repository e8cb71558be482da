# Two commands do everything: make demo (set-up and main job), make test (set-up and all tests).
.PHONY: setup system samples demo test docs bench clean

PYTHON ?= python3
VENV := .venv
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# Debian packages: libmagic, and for PDF Pango with a font, for tamiz itself; the rest builds the sample evidence and
# checks it, and reports, independently
PACKAGES := libmagic1 libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
	ntfs-3g e2fsprogs dosfstools mtools fdisk ewf-tools sleuthkit qemu-utils xorriso genisoimage makefs exfatprogs poppler-utils
PROGRAMS := mkntfs mke2fs debugfs mkfs.vfat mcopy sfdisk ewfacquire fls icat fiwalk qemu-img \
	xorriso genisoimage makefs mkfs.exfat pdftotext pdfdetach

setup: system $(VENV)/.installed

system:
	@export PATH="$$PATH:/usr/sbin:/sbin"; \
	for program in $(PROGRAMS); do command -v $$program >/dev/null || missing=1; done; \
	for library in libmagic.so.1 libpangoft2-1.0.so.0 libharfbuzz-subset.so.0; do \
		ldconfig -p | grep -qF "$$library " || missing=1; \
	done; \
	if [ -n "$$missing" ]; then \
		$(SUDO) apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $(PACKAGES) >/dev/null; \
	fi

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# volumes that Windows and macOS encrypted, for the tests; without a network those are skipped
samples:
	@sh tests/evidence/fetch_samples.sh .samples

demo: setup
	rm -rf demo
	$(VENV)/bin/tamiz demo demo

test: setup samples
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pytest

# what of the documents is made from the code: the tables of a case
docs: setup
	$(VENV)/bin/python -m forensics.case.schema_page docs/case-schema.md

bench: setup
	$(VENV)/bin/python -m bench

clean:
	rm -rf $(VENV) demo build *.egg-info
