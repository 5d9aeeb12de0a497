# usher. `make run` tries it out, `make check` runs the unit tests, `make test` everything; `make help` lists the rest.
#
# Every .c file is found by wildcard: a new file needs no change here. A room becomes an archive, so a program or a test
# is linked with its own room and those below it, and nothing else.

VERSION := 0.3.0
PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif

PACKAGES := rdkafka libmicrohttpd gnutls libcurl jansson libpq libsodium libcrypto zlib
# Recursive on purpose: on a fresh machine the packages are only there after `deps`.
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES) cmocka)
PKG_LIBS   = $(shell pkg-config --libs $(PACKAGES)) -lunistring -lm -lpthread

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wformat=2 -Wno-format-zero-length -Wvla -Wundef -Wpointer-arith $(WERROR)
# The folder of the build is in no program, so that another folder gives the same bytes.
BASE := -std=gnu11 -g -ffile-prefix-map=$(CURDIR)=. -fno-omit-frame-pointer -pthread -I. -D_GNU_SOURCE $(WARN)
FLAGS_release := -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
FLAGS_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan    := -O1 -fsanitize=thread
FLAGS_fuzz    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -Wno-format-nonliteral

# Rooms, and the archives each may use, in link order.
ROOMS := runtime schemas sql ingest workers livekit ctl broker support fuzz
DIR_runtime := ops/runtime
DIR_schemas := schemas
DIR_sql     := sql
DIR_ingest  := ingest
DIR_workers := workers
DIR_livekit := workers/livekit
DIR_ctl     := ops/ctl
DIR_broker  := ops/broker
DIR_support := tests/support
DIR_fuzz    := tests/fuzz
USE_runtime := runtime
USE_schemas := schemas runtime
USE_sql     := sql schemas runtime
USE_ingest  := ingest sql schemas runtime
USE_workers := workers sql schemas runtime
USE_livekit := livekit schemas runtime
USE_ctl     := ctl sql schemas runtime
USE_broker  := broker runtime
USE_fuzz    := fuzz support sql schemas runtime
USE_diff    := support schemas runtime
USE_all     := support ingest workers livekit ctl broker sql schemas runtime

PROGRAMS := usher-ingest usher-worker usher-livekit usherctl usher-broker
ROOM_usher-ingest := ingest
ROOM_usher-worker := workers
ROOM_usher-livekit := livekit
ROOM_usherctl     := ctl
ROOM_usher-broker := broker

# Unit tests: tests/<room>/test_*.c and one level deeper; tests/ops/*.c is ops/runtime, tests/ops/ctl/ and tests/ops/broker/ the
# programs there. Programs under integration, crash and bench (files with a main) may use every room and tests/support.
UNIT_DIRS := ops schemas sql ingest workers
UNITS := $(basename $(foreach d,$(UNIT_DIRS),$(wildcard tests/$(d)/test_*.c tests/$(d)/*/test_*.c)))
# Fuzz targets are unit tests that run the inputs kept (tests/fuzz/replay.c); `make fuzz` builds them with clang and its fuzzer.
FUZZERS := $(basename $(wildcard tests/fuzz/fuzz_*.c))
UNITS += $(FUZZERS)
TOOL_DIRS := integration crash bench
# Prints the tables of the code, which facts.py holds the documents against.
FACTS := tests/facts/print
# The example of a reader of the streams: librdkafka, jansson, and nothing of ours.
READER := schemas/readers/reader
TOOLS := $(basename $(shell grep -lE '^int main' $(wildcard $(TOOL_DIRS:%=tests/%/*.c)) /dev/null))
unit_room = $(or $(filter ctl broker livekit,$(word 3,$(subst /, ,$(1)))),$(patsubst ops,runtime,$(word 2,$(subst /, ,$(1)))))

SOURCES = $(filter-out %/main.c tests/fuzz/fuzz_% schemas/readers/% $(if $(filter workers,$(1)),$(DIR_livekit)/%),$(wildcard $(DIR_$(1))/*.c $(DIR_$(1))/*/*.c)) $(GEN_$(1))
GEN_runtime := build/gen/version.c
GEN_sql := build/gen/statements.c build/gen/migrations.c build/gen/functions.c
GEN_schemas := build/gen/openapi.c
GEN_ingest := build/gen/portal_files.c
# What the bridge holds is what the example of a reader holds.
GEN_livekit := schemas/readers/rooms.c

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help deps units tools programs check coverage facts test upgrade-test three-brokers model neighbour voice voice-latency fuzz analytics conformance bench bench-scale lint format dist install install-units clean run start stop reset FORCE

all: $(PROGRAMS:%=build/release/bin/%)

# $(1) flavour
define flavour
build/$(1)/obj/%.o: %.c | build/gen/statements.h
	@mkdir -p $$(@D)
	@echo "  CC      $(1) $$<"
	@$$(CC) $$(BASE) $$(FLAGS_$(1)) $$(PKG_CFLAGS) -MMD -MP $$(CPPFLAGS) $$(CFLAGS) -c $$< -o $$@
$(foreach r,$(ROOMS),$(call room,$(1),$(r)))
$(foreach p,$(PROGRAMS),$(call program,$(1),$(p),$(ROOM_$(p))))
$(foreach t,$(UNITS),$(call test,$(1),$(t),$(USE_$(call unit_room,$(t))) $(if $(filter %_http %_bulk,$(t)),ingest) $(if $(filter tests/workers/%,$(t)),support)))
$(call test,$(1),$(FACTS),$(USE_all))
build/$(1)/$(READER): $(patsubst %.c,build/$(1)/obj/%.o,$(wildcard schemas/readers/*.c))
	@mkdir -p $$(@D); echo "  LINK    $$@"; \
	$$(CC) $$(FLAGS_$(1)) -pthread $$(LDFLAGS) -o $$@.$$$$PPID $$^ $$(shell pkg-config --libs rdkafka jansson) && mv $$@.$$$$PPID $$@
$(foreach t,$(TOOLS),$(call test,$(1),$(t),$(if $(findstring /diff_,$(t)),$(USE_diff),$(USE_all))))
endef
define room
build/$(1)/lib$(2).a: $(patsubst %.c,build/$(1)/obj/%.o,$(call SOURCES,$(2)))
	@rm -f $$@.$$$$PPID; ar qcs $$@.$$$$PPID $$^ && mv $$@.$$$$PPID $$@

endef
define program
build/$(1)/bin/$(2): build/$(1)/obj/$(DIR_$(3))/main.o $(USE_$(3):%=build/$(1)/lib%.a)
	@$(call LINK,$(1))

endef
define test
build/$(1)/$(2): build/$(1)/obj/$(2).o $(3:%=build/$(1)/lib%.a)
	@$(call LINK,$(1),-lcmocka)

endef
LINK = mkdir -p $$(@D); echo "  LINK    $$@"; \
	$$(CC) $$(FLAGS_$(1)) -pthread $$(LDFLAGS) -o $$@.$$$$PPID $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(PKG_LIBS) $(2) && mv $$@.$$$$PPID $$@
$(foreach f,release asan tsan fuzz,$(eval $(call flavour,$(f))))
build/fuzz/%: CC := clang
build/fuzz/%: LDFLAGS += -fsanitize=fuzzer

# SQL goes into the programs, so that an installed one needs no files. $(1) a folder of sql/
define embed
SQL_$(1) := $(sort $(wildcard sql/$(1)/*.sql))
build/gen/$(1).c: ops/build/embed_sql.py $$(SQL_$(1)) $$(if $$(filter-out $$(SQL_$(1)),$$(shell cat build/gen/$(1).list 2>/dev/null))$$(filter-out $$(shell cat build/gen/$(1).list 2>/dev/null),$$(SQL_$(1))),FORCE)
	@mkdir -p build/gen; /usr/bin/python3 -B $$< build/gen $(1) $$(SQL_$(1)) && echo $$(SQL_$(1)) > build/gen/$(1).list

endef
$(foreach d,statements migrations functions,$(eval $(call embed,$(d))))
# Written anew only where it says something else, so that a changed text compiles no more than it must.
build/gen/statements.h: build/gen/statements.c
	@:
FORCE:

build/gen/openapi.c: ops/build/embed_text.sh schemas/openapi.json Makefile
	@mkdir -p $(@D); bash $< schemas/api/openapi.h openapi_json schemas/openapi.json VERSION=$(VERSION) > $@

build/gen/version.c: Makefile
	@mkdir -p $(@D); printf '#include "ops/runtime/version.h"\n\nconst char usher_version[] = "%s";\n' '$(VERSION)' > $@

# The pages of the portal: npm builds them, from what package-lock.json names. A release tarball carries them, so that it
# needs no npm. Where npm or its registry is missing, the script says so, and the next make tries again: until then the
# portal's page says the same.
WEB := ingest/portal/web
WEB_FILES := $(wildcard $(WEB)/package*.json $(WEB)/*.mjs $(WEB)/.npmrc $(WEB)/src/* $(WEB)/src/*/*)
BUNDLE := $(if $(wildcard ingest/portal/bundle/files.json),ingest/portal/bundle,build/portal)
ifeq ($(BUNDLE),build/portal)
build/portal/files.json: ops/build/portal.sh $(WEB_FILES)
	@bash $< $(WEB) $(@D)
endif
build/gen/portal_files.c: ops/build/embed_portal.py $(BUNDLE)/files.json
	@mkdir -p $(@D); /usr/bin/python3 -B $< $(BUNDLE) > $@

FLAVOUR ?= asan
units: $(UNITS:%=build/$(FLAVOUR)/%) build/$(FLAVOUR)/$(FACTS) build/$(FLAVOUR)/bin/usherctl
tools: $(TOOLS:%=build/release/%) build/release/$(READER)
programs: $(PROGRAMS:%=build/$(FLAVOUR)/bin/%)

# Installs missing Debian packages, says which; at once if none is missing. Groups: build run test kafka.
deps:
	@ops/local/deps.sh build run test

# All unit tests, that each rule has one, and that documents say what the code says; with T a room, a folder or a test alone.
# A program that cannot be built counts as failed, so the build goes on (-k) and the runner looks for each.
check:
	@ops/local/deps.sh build
	@picked=$$(bash ops/build/pick_units.sh '$(T)' $(UNITS)) || exit 1; \
	picked=$$(printf 'build/$(FLAVOUR)/%s\n' $$picked); \
	$(MAKE) --no-print-directory -k $(if $(T),$$picked,units) || true; \
	$(if $(T),,FACTS=build/$(FLAVOUR)/$(FACTS)) bash ops/build/run_units.sh $$picked

# The table of rules and the tests that prove them; check fails where it is out of date.
coverage:
	@ops/local/deps.sh build
	@/usr/bin/python3 -B tests/support/coverage.py

# What documents repeat of the code: tables in schemas/README.md, lists in schemas/json, the sample configurations. check fails where one is
# out of date, or where ops/settings.md or ops/metrics.md says something else than the code.
facts:
	@ops/local/deps.sh build
	@$(MAKE) --no-print-directory build/$(FLAVOUR)/$(FACTS) build/$(FLAVOUR)/bin/usherctl
	@/usr/bin/python3 -B tests/facts/facts.py build/$(FLAVOUR)/$(FACTS)

# The stages' makes are not called through $(MAKE), or `make -n test` would run them.
STAGE_MAKE = make --no-print-directory $(MAKEOVERRIDES)
test:
	@ops/local/deps.sh build run test model
	@bash ops/build/run_stages.sh "$(STAGE_MAKE) check" "$(STAGE_MAKE) programs all tools && echo 0 passed, 0 failed" \
		"[" tests/model/run "tests/integration/run embedded" tests/browser/run "|" "tests/integration/run real" tests/crash/run "]" \
		"tests/neighbour/run --short" "tests/voice/run --short"

# From a release (UPGRADE_FROM=tag, commit or folder; the newest tag) to this version and back, under load, behind a proxy.
upgrade-test:
	@ops/local/deps.sh build run test kafka
	@$(MAKE) --no-print-directory all
	@tests/upgrade/run

# Three brokers: one is killed, all are rolled, a replica is lost, two are away; then everything that clients were told is judged.
three-brokers:
	@ops/local/deps.sh build run test kafka
	@$(MAKE) --no-print-directory all
	@tests/brokers/run

# The model of the way from the log to the streams, with the large state spaces: tests/model/README.md.
model:
	@ops/local/deps.sh model
	@tests/model/run all

# What two tenants notice of a third one's worst, with a large directory; the short form is a stage of `test`.
neighbour:
	@ops/local/deps.sh build run test
	@$(MAKE) --no-print-directory all
	@tests/neighbour/run

# A real LiveKit, which is built from its Go module once, with real clients; the short form is a stage of `test` where there is Go.
voice:
	@ops/local/deps.sh build run test kafka voice
	@$(MAKE) --no-print-directory all
	@tests/voice/run

# How long somebody is still heard after the request that takes him out: a table.
voice-latency:
	@ops/local/deps.sh build run test kafka voice
	@$(MAKE) --no-print-directory all
	@tests/voice/latency

# FUZZ_SECONDS of each target; what it finds is kept in tests/fuzz/regressions and run by `check` from then on.
fuzz:
	@ops/local/deps.sh build fuzz
	@$(MAKE) --no-print-directory $(FUZZERS:%=build/fuzz/%)
	@tests/fuzz/run $(FUZZERS:%=build/fuzz/%)

# The paths of the audit into analytics, with kills in the middle: ops/analytics.md. The part with DuckDB is in `test` as well.
analytics:
	@tests/integration/run real analytics spark

# Other people's suites, installed from the package registries; USHER_ENV=RUN_DIR/env takes a stack that runs, SCIM_POSTMAN=folder has Microsoft's.
conformance:
	@tests/conformance/run

bench:
	@ops/local/deps.sh build run test bench
	@$(MAKE) --no-print-directory all tools
	@tests/bench/run

bench-scale:
	@ops/local/deps.sh build run test bench
	@$(MAKE) --no-print-directory all tools
	@tests/bench/scale

C_FILES = $(shell find ingest workers schemas sql tests ops -name '*.[ch]' | sort)
lint: build/gen/statements.h
	@ops/local/deps.sh build lint
	@bash ops/build/lint.sh "$(BASE) $(PKG_CFLAGS)" $(C_FILES)

format:
	@clang-format -i $(C_FILES)

# A release tarball: what git has at HEAD, and the pages of the portal beside it, so that whoever builds it needs no npm.
dist: $(BUNDLE)/files.json
	@grep -q '"name"' $< || { echo "dist: the pages of the portal are not built (see above)" >&2; exit 1; }
	@git archive --format=tar.gz -o build/usher-$(VERSION).tar.gz --prefix=usher-$(VERSION)/ingest/portal/bundle/ \
		$(foreach f,$(wildcard $(BUNDLE)/*),--add-file=$(f)) --prefix=usher-$(VERSION)/ HEAD && echo build/usher-$(VERSION).tar.gz

# systemd units with the folder of the programs, the alerts for Prometheus and the dashboard for Grafana.
install-units:
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/usher
	for unit in ops/systemd/*; do \
		sed 's|@bindir@|$(PREFIX)/bin|' $$unit >$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} && \
		chmod 644 $(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit 1; done
	install -m 644 ops/prometheus/usher.rules.yml ops/grafana/usher.json $(DESTDIR)$(PREFIX)/share/usher

# Manual pages, and what completes the commands of usherctl in bash and zsh.
.PHONY: install-manuals
install-manuals: build/release/bin/usherctl
	for page in ops/man/*; do install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page || exit 1; done
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions
	$< completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/usherctl
	$< completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_usherctl
	chmod 644 $(DESTDIR)$(PREFIX)/share/bash-completion/completions/usherctl $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_usherctl

install: all install-units install-manuals
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(PROGRAMS:%=build/release/bin/%) $(DESTDIR)$(PREFIX)/bin

clean:
	rm -rf build

run start:
	@ops/local/deps.sh build run
	@$(MAKE) --no-print-directory all
	@KAFKA='$(KAFKA)' RUN_DIR='$(RUN_DIR)' PORT='$(PORT)' ops/local/usher-local $@

stop reset:
	@KAFKA='$(KAFKA)' RUN_DIR='$(RUN_DIR)' PORT='$(PORT)' ops/local/usher-local $@

help:
	@echo "run start stop reset [KAFKA=real RUN_DIR=.run PORT=8080]   all  test  conformance  bench  fuzz"
	@echo "check [T=ingest | T=ingest/request | T=ingest/request/route | T=route]: the unit tests, a room, a folder, a test"
	@echo "coverage  facts  upgrade-test  three-brokers  model  neighbour  voice  voice-latency  analytics  bench-scale  lint  format  dist  package  package-lint  package-test  runbook-test  sbom  image  reproduce [WHAT=\"install package image\"]  install [DESTDIR= PREFIX=/usr/local]  deps  clean"

include ops/packaging/package.mk

-include $(shell find build/*/obj -name '*.d' -type f 2>/dev/null)
