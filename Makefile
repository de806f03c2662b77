# A short front of the Meson build. `make run` and `make test` work on a bare Debian 12 as root or with sudo.
#   CC=clang make ...   another compiler (for a new build folder)      DEPS=no   install nothing
ifeq ($(origin CC),default)
CC := gcc
endif
B            ?= build
PYTHON       := /usr/bin/python3
FUZZ_SECONDS ?= 30
PYTEST_JOBS  ?= 4
PYTEST_ARGS  ?=
BENCH_ARGS   ?=
PREFIX       ?= /usr/local
deps         = $(if $(filter no,$(DEPS)),@:,@tools/deps)
pytest       = $(PYTHON) -m pytest -c tests/pytest.ini -n $(PYTEST_JOBS) tests $(PYTEST_ARGS)
sanitizers   = ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 \
	UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

all: $(B)/build.ninja
	@ninja -C $(B)

$(B)/build.ninja:
	$(deps) build
	CC=$(CC) meson setup $(B) --prefix $(PREFIX) $(MESON_ARGS)

run:
	$(deps) build run
	@$(MAKE) --no-print-directory all
	$(B)/scgate demo

# Unit tests and the fuzzers' corpora, then everything over real sockets: protocol, golden captures, real programs.
test:
	$(deps) build test
	@test -f $(B)/build.ninja || $(MAKE) --no-print-directory $(B)/build.ninja
	@test -f $(B)/.tests || { meson configure $(B) -Dtests=enabled && touch $(B)/.tests; }
	@ninja -C $(B)
	@failed=0; meson test -C $(B) --no-rebuild --print-errorlogs || failed=1; \
	SCGATE=$(B)/scgate $(pytest) || failed=1; exit $$failed

# The same tests under the address and undefined-behaviour sanitizers (not the real programs and captures).
asan:
	$(deps) build test
	@test -f build-asan/build.ninja || \
		CC=$(CC) meson setup build-asan -Dtests=enabled -Db_sanitize=address,undefined -Db_lundef=false
	@ninja -C build-asan
	@failed=0; $(sanitizers) meson test -C build-asan --no-rebuild --print-errorlogs || failed=1; \
	$(sanitizers) SCGATE=build-asan/scgate $(pytest) -m 'not real and not golden' || failed=1; exit $$failed

lint:
	$(deps) build lint
	@tools/lint

format:
	$(deps) lint
	clang-format-14 -i $$(find src fuzz -name '*.[ch]')

# Each fuzzer for FUZZ_SECONDS, from its corpus; what it finds is left in build-fuzz/.
fuzz:
	$(deps) build fuzz
	@tools/fuzz $(FUZZ_SECONDS)

# Lines of the parsers that the corpora reach.
coverage:
	$(deps) build fuzz
	@tools/fuzz-coverage

bench: all
	$(deps) bench
	@$(MAKE) --no-print-directory -C bench CC=$(CC)
	SCGATE=$(B)/scgate $(PYTHON) bench/bench.py $(BENCH_ARGS)

install: all
	meson install -C $(B) --no-rebuild

clean:
	rm -rf build build-asan build-lint build-clang build-fuzz build-coverage
	@$(MAKE) --no-print-directory -C bench clean

.PHONY: all run test asan lint format fuzz coverage bench install clean
