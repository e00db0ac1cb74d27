# SPDX-License-Identifier: MIT
# A thin wrapper; the work is done by cmake (CMakePresets.json) and the scripts in ci/.
.PHONY: help drill test long flaws bench lint fuzz valgrind clean build
.NOTPARALLEL:

help:
	@echo 'make drill   install what is missing, build, lose a region on purpose, print the achieved RTO and RPO'
	@echo 'make test    install what is missing, build twice (one with sanitizers), run every test'
	@echo 'make long    the live tests that make test leaves out for their length, about 7 minutes'
	@echo 'make flaws   run every drill with and without the flaw that it is there to find, about 80 minutes'
	@echo 'make build   install what is missing, build build/release/bin/drtest'
	@echo 'make bench   measure drtest itself'
	@echo 'make lint    clang build, clang-tidy, cppcheck'
	@echo 'make fuzz    make up inputs for every parser, SECONDS=60 for each'
	@echo 'make valgrind   memcheck over the unit and sim tests'
	@echo 'make clean   remove build/ (results in runs/ stay)'

drill: build
	@build/release/bin/drtest run scenarios/region-outage.yaml

build:
	@ci/install-deps build
	@cmake --preset release >/dev/null
	@cmake --build --preset release

test:
	@ci/test

long:
	@ci/install-deps test
	@cmake --preset dev >/dev/null
	@cmake --build --preset dev
	@ctest --preset long

flaws: build
	@ci/flaws build/release/bin/drtest

bench: build
	@ci/install-deps bench
	@test -x bench/run || { echo 'make bench: this revision has no bench/run' >&2; exit 1; }
	@bench/run

fuzz:
	@ci/install-deps lint
	@ci/fuzz $(or $(SECONDS),60) $(TARGETS)

valgrind:
	@ci/install-deps test
	@ci/valgrind

lint:
	@ci/install-deps lint
	@ci/lint

clean:
	@rm -rf build
