# The one way in. `make` lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc)
BUILD := build/release
NPM := npm --silent
DATA ?= .sep/devnet
HTTP ?= 127.0.0.1:8080
TIDY_SECONDS ?= 90
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 3600
BENCH_SECONDS ?= 10

WEB := web/out/pages.json
WEB_SOURCES := $(shell git ls-files -co --exclude-standard web schema/generated package-lock.json)

.PHONY: help setup build web run test test-asan fuzz unit e2e lint tidy fmt gen bench bench-check bench-baseline bench-ui lighthouse soak clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

setup: ## install what is missing (Debian 12; asks for root only when something is)
	@tools/setup.sh

build: web ## build everything: programs into build/release, pages into web/out
	@cmake --preset release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS)

web: setup ## build the pages
	@$(MAKE) $(WEB)

$(WEB): $(WEB_SOURCES)
	@$(NPM) run web

run: web ## build, and run the platform with a chain of its own: DATA=.sep/devnet HTTP=127.0.0.1:8080
	@cmake --preset release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target sep
	@exec $(BUILD)/sep up --data-dir $(DATA) --http $(HTTP)

test: build ## lint, unit, property, integration and browser tests, simulation, the fuzz targets' corpora
	@cmake --build $(BUILD) -j $(JOBS) --target benches
	@$(MAKE) lint tidy
	@$(NPM) test
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)
	@$(NPM) run e2e
	@tools/skipped.sh $(BUILD)

e2e: build ## the pages in Chromium, on a platform of their own
	@$(NPM) run e2e

unit: build ## unit and property tests only
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS) -L unit
	@tools/skipped.sh $(BUILD)

test-asan: setup ## unit and property tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake --preset asan >/dev/null
	@cmake --build build/asan -j $(JOBS) --target unit_tests
	@ctest --test-dir build/asan --output-on-failure -j $(JOBS) -L unit
	@tools/skipped.sh build/asan

fuzz: setup ## libFuzzer on everything that is read from outside: FUZZ_SECONDS=60 a target
	@cmake --preset fuzz >/dev/null
	@cmake --build build/fuzz -j $(JOBS) --target fuzz
	@tools/fuzz.sh build/fuzz $(FUZZ_SECONDS)

lint: web ## format, include rules, TypeScript
	@git ls-files -co --exclude-standard '*.h' '*.cpp' | xargs clang-format-19 --dry-run -Werror
	@tools/check_includes.sh
	@$(NPM) run lint
	@echo "lint: format, include rules and TypeScript are in order"

tidy: build ## clang-tidy over what has changed, for at most TIDY_SECONDS=90
	@tools/tidy.sh $(BUILD) $(TIDY_SECONDS)

fmt: ## format C++
	@git ls-files -co --exclude-standard '*.h' '*.cpp' | xargs clang-format-19 -i

gen: setup ## regenerate what is made from schema/
	@$(NPM) run gen

bench: build ## micro-benchmarks beside their peers, then the whole path: BENCH_SECONDS=10 of load each, on paper and on a chain
	@cmake --build $(BUILD) -j $(JOBS) --target benches
	@$(BUILD)/bench_pricing --cases=$(BUILD)/pricing_cases.json --benchmark_out=$(BUILD)/pricing.json \
	  --benchmark_repetitions=5 --benchmark_min_time=0.05 --benchmark_report_aggregates_only=true
	@$(NPM) run bench-pricing -- $(BUILD)/pricing_cases.json $(BUILD)/pricing.json
	@$(BUILD)/bench_routing --json $(BUILD)/routing_markets.json
	@$(NPM) run bench-routing -- $(BUILD)/routing_markets.json
	@for program in $(BUILD)/bench_*; do \
	  case $$program in */bench_pricing|*/bench_routing|*/bench_counted|*/bench_fill) continue;; esac; [ ! -x $$program ] || $$program; done
	@tools/bench.sh $(BUILD) $(BENCH_SECONDS)

bench-check: setup ## count instructions of pricing and validation; fails where one grew by more than 5 %
	@cmake --preset release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target bench_counted
	@tools/bench_check.sh $(BUILD) check

bench-baseline: setup ## record those counts anew, in bench/baseline.json
	@cmake --preset release >/dev/null
	@cmake --build $(BUILD) -j $(JOBS) --target bench_counted
	@tools/bench_check.sh $(BUILD) record

lighthouse: build ## Lighthouse on every page, in Chromium
	@LIGHTHOUSE=1 $(NPM) run e2e -- lighthouse

bench-ui: build ## from an event to the page that shows it, in Chromium
	@$(NPM) run bench-ui

soak: build ## search for faults, each way for SOAK_SECONDS=3600: simulation, kill matrix (500 faults at least), then fuzzing
	@$(BUILD)/simulation --seconds $(SOAK_SECONDS) --jobs $(JOBS)
	@KILL_MATRIX_SECONDS=$(SOAK_SECONDS) KILL_MATRIX_FAULTS=500 KILL_MATRIX_LONGEST_MS=8000 $(BUILD)/kill_matrix_test
	@$(MAKE) fuzz FUZZ_SECONDS=60

clean: ## remove what was built; data in .sep stays
	@rm -rf build .cache web/out web/.next
