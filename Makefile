# Postern. `make help` lists the targets. One make builds the whole tree and finds each source by its directory
# (lib/*/, milter/, milter/*/, ctl/, ctl/*/, t/*/), so that a new module needs no line here.

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-builtin-variables --no-print-directory

# ---- variables for the command line -----------------------------------------

BUILD = build
SANITIZE =
WERROR =
V =
CONFIGURE_ARGS =
PARTS =
UNIT =
TESTS =
FUZZ_TIME = 2
PYTHON = /usr/bin/python3
JOBS := $(shell nproc 2>/dev/null || echo 2)
export JOBS

.PHONY: all
all:

# ---- configuring ------------------------------------------------------------

# These targets need no configure, and some install what it looks for.
unconfigured = help configure deps deps-% check check-all check-quick check-packages check-package demo clean distclean format format-check

ifneq ($(filter-out $(unconfigured),$(or $(MAKECMDGOALS),all)),)
include config.mk
endif

# `make CC=clang` concerns one build, `./configure CC=clang` all of them.
one_build = $(foreach name,CC CFLAGS CPPFLAGS LDFLAGS LIBS,$(if $(filter command%,$(origin $(name))),unset $(name);))

config.mk: configure config.mk.in config.h.in
	@$(one_build) if [ -x config.status ]; then ./config.status --recheck && ./config.status; \
	else ./configure $(CONFIGURE_ARGS); fi
	@touch $@

configure: configure.ac
	@command -v autoconf >/dev/null || { echo "autoconf is missing: run 'make deps'" >&2; exit 1; }
	autoconf

# ---- flags ------------------------------------------------------------------

warnings = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 \
	-Werror=format-security $(if $(findstring clang,$(CC)),-Wreserved-identifier)

ifeq ($(SANITIZE),)
warnings += $(if $(filter-out 0,$(WERROR)),-Werror)
# glibc warns about _FORTIFY_SOURCE without optimization.
hardening = -U_FORTIFY_SOURCE $(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),-D_FORTIFY_SOURCE=2) $(HARDENING_CFLAGS)
link_hardening = -Wl,-z,relro -Wl,-z,now
else
# Sanitizers make gcc, but not clang, warn of uninitialized values where there are none.
warnings += $(if $(findstring clang,$(CC)),$(if $(filter-out 0,$(WERROR)),-Werror))
# _FORTIFY_SOURCE hides calls from the sanitizers.
hardening = -U_FORTIFY_SOURCE -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer -O1
link_hardening = -fsanitize=$(subst fuzzer-no-link$(comma),,$(SANITIZE))
endif
comma = ,

library_cflags = $(PQ_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS) $(PCRE2_CFLAGS) $(PSL_CFLAGS) $(IDN2_CFLAGS) \
	$(CRYPT_CFLAGS) $(EVENT_CFLAGS) $(MILTER_CFLAGS) $(HS_CFLAGS) $(CHECK_CFLAGS)
preprocess = -std=c11 -D_GNU_SOURCE -DSQL_FOLDER='"$(datadir)/postern/sql"' -DEXAMPLES_FOLDER='"$(docdir)/examples"' -I. $(CPPFLAGS) \
	$(sort $(library_cflags:-I%=-isystem%))
compile = $(CC) $(preprocess) $(CFLAGS) $(hardening) $(warnings) $(tuning) -fPIE -pthread
link = $(CC) $(CFLAGS) $(LDFLAGS) $(link_hardening) -pie -pthread -Wl,--as-needed

lib_libs = $(PCRE2_LIBS) $(PSL_LIBS) $(IDN2_LIBS) $(CRYPT_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS) $(HS_LIBS) $(LIBS)
daemon_libs = $(MILTER_LIBS) $(PQ_LIBS) $(EVENT_LIBS)

# ---- sources and products ---------------------------------------------------

objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)))
programs = $(patsubst %.c,$(BUILD)/%,$(wildcard $(1)))

lib_objects := $(call objects,lib/*/*.c)
daemon_objects := $(filter-out %/main.o,$(call objects,milter/*.c milter/*/*.c))
ctl_objects := $(filter-out %/main.o,$(call objects,ctl/*.c ctl/*/*.c))
# The sources that test programs share: t/ANY/lib/*.c
test_objects := $(call objects,t/*/lib/*.c)

libpostern = $(BUILD)/libpostern.a
libdaemon = $(BUILD)/libdaemon.a
libctl = $(BUILD)/libctl.a
libtest = $(BUILD)/libtest.a
all_archives = $(libtest) $(libctl) $(libdaemon) $(libpostern)

postern := $(if $(wildcard milter/main.c),$(BUILD)/postern)
posternctl := $(if $(wildcard ctl/main.c),$(BUILD)/posternctl)

# Each unit test can be a program by itself. For `make check`, one program has all of them, but for those that take the
# place of other functions.
unit_tests := $(if $(filter yes,$(HAVE_CHECK)),$(basename $(notdir $(wildcard t/unit/test_*.c))))
single_programs = $(patsubst %,$(BUILD)/t/unit/%,$(unit_tests))
alone := $(basename $(notdir $(shell grep -l '^UNIT_MAIN_ALONE' t/unit/test_*.c)))
# The tests of these programs: fewer for TSan.
MEMBERS = $(unit_tests)
together = $(filter-out $(alone),$(MEMBERS))
unit_programs = $(patsubst %,$(BUILD)/t/unit/%,$(if $(together),tests) $(filter $(alone),$(MEMBERS)))
unit_main = $(BUILD)/t/unit/unit_main.o
fuzz_programs := $(call programs,t/fuzz/fuzz_*.c)
replay_programs := $(fuzz_programs:$(BUILD)/t/fuzz/fuzz_%=$(BUILD)/t/fuzz/replay_%)
helper_programs := $(call programs,t/bench/*.c t/integration/*.c t/cases/*.c)

man_pages := $(wildcard milter/*.[1-8] ctl/*.[1-8] lib/*/*.[1-8])
c_files := $(wildcard lib/*/*.[ch] milter/*.[ch] milter/*/*.[ch] ctl/*.[ch] ctl/*/*.[ch] t/*/*.[ch] t/*/lib/*.[ch])

all: $(libpostern) $(postern) $(posternctl)

ifeq ($(V),)
say = @printf '  %-5s %s\n' '$(1)' '$@';
else
say =
endif

# These files change only when their text does, so that other flags or a removed source leave no stale objects.
stamp = @mkdir -p $(@D); printf '%s\n' '$(strip $(1))' | cmp -s - $@ || printf '%s\n' '$(strip $(1))' >$@
.PHONY: FORCE
$(BUILD)/flags: FORCE
	$(call stamp,$(compile) $(link))
$(BUILD)/sources: FORCE
	$(call stamp,$(lib_objects) $(daemon_objects) $(ctl_objects) $(test_objects))

# A unit test takes longer to be optimized than to run. No fuzzer follows its branches.
$(BUILD)/t/unit/%.o: private tuning = -U_FORTIFY_SOURCE -O0 $(if $(findstring fuzzer,$(SANITIZE)),-fno-sanitize=fuzzer-no-link)

$(BUILD)/%.o: %.c $(BUILD)/flags | config.mk
	@mkdir -p $(@D)
	$(call say,CC) $(compile) -MMD -MP -c -o $@ $<

$(libpostern): $(lib_objects)
$(libdaemon): $(daemon_objects)
$(libctl): $(ctl_objects)
$(libtest): $(test_objects)
$(all_archives): $(BUILD)/sources
	@rm -f $@
	$(call say,AR) $(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/postern: $(BUILD)/milter/main.o $(libdaemon) $(libpostern)
	$(call say,LINK) $(link) -o $@ $(filter %.o %.a,$^) $(daemon_libs) $(lib_libs)

$(BUILD)/posternctl: $(BUILD)/ctl/main.o $(libctl) $(libpostern)
	$(call say,LINK) $(link) -o $@ $(filter %.o %.a,$^) $(lib_libs)

link_test = $(call say,LINK) $(link) -o $@ $(filter %.o %.a,$^) $(CHECK_LIBS) $(daemon_libs) $(lib_libs)
$(helper_programs): %: %.o $(all_archives)
	$(link_test)
$(single_programs): %: %.o $(unit_main) $(all_archives)
	$(link_test)
$(BUILD)/members: FORCE
	$(call stamp,$(together))
$(BUILD)/t/unit/tests: $(together:%=$(BUILD)/t/unit/%.o) $(unit_main) $(all_archives) $(BUILD)/members
	@if nm -A --defined-only --extern-only $(together:%=$(BUILD)/t/unit/%.o) | grep ' T '; then \
		echo 'these would take the place of the same functions in all tests: use UNIT_MAIN_ALONE' >&2; exit 1; fi
	$(link_test)

$(fuzz_programs): %: %.o $(all_archives)
	$(call say,LINK) $(link) -fsanitize=fuzzer -o $@ $(filter %.o %.a,$^) $(daemon_libs) $(lib_libs)

$(replay_programs): $(BUILD)/t/fuzz/replay_%: $(BUILD)/t/fuzz/fuzz_%.o $(BUILD)/t/fuzz/replay.o $(all_archives)
	$(call say,LINK) $(link) -o $@ $(filter %.o %.a,$^) $(daemon_libs) $(lib_libs)

-include $(patsubst $(BUILD)/%.o,$(BUILD)/%.d,$(lib_objects) $(daemon_objects) $(ctl_objects) $(BUILD)/milter/main.o $(BUILD)/ctl/main.o \
	$(test_objects) $(addsuffix .o,$(single_programs) $(fuzz_programs) $(helper_programs) $(BUILD)/t/fuzz/replay $(BUILD)/t/unit/unit_main))

.PHONY: unit-programs helper-programs fuzz-programs replay-programs print-compile print-link print-threaded
unit-programs: $(unit_programs)
helper-programs: $(helper_programs)
fuzz-programs: $(fuzz_programs)
replay-programs: $(replay_programs)
# For tests that compile: the commands of this build, the second with OBJECTS in the place of a program's objects.
print-compile:
	@echo '$(compile)'
print-link:
	@echo '$(link) OBJECTS $(CHECK_LIBS)'
# The unit tests that check-tsan runs.
print-threaded:
	@echo '$(threaded)'

# ---- tests ------------------------------------------------------------------

submake = $(MAKE) -j$(JOBS)
# clang builds what the sanitizers watch: its own are faster than gcc's, and no build is for its warnings alone.
# The fuzz targets share the objects of the programs for ASan. A report needs lines, not variables.
clang = CC=clang CFLAGS=-gline-tables-only LDFLAGS=-fuse-ld=lld WERROR=1
asan = BUILD=build-asan SANITIZE=fuzzer-no-link,address,undefined $(clang)
tsan = BUILD=build-tsan SANITIZE=thread $(clang)

# UNIT=test_NAME... chooses unit programs, TESTS='FILE -k NAME' integration tests.
units = $(if $(UNIT),$(UNIT:%=$(BUILD)/t/unit/%),$(unit_programs))
units_in = $(patsubst $(BUILD)/%,$(1)/%,$(units))
# Those that start threads, for TSan: by themselves, by NAME_start(), or by a source or helper whose header they
# include. (Most tests include log.h and file.h without starting threads.)
starts_threads = include <pthread|[a-z]_start\b
thread_headers := $(patsubst %.c,"%.h",$(filter-out milter/log/log.c lib/conf/file.c,$(shell grep -lE 'pthread_create|thread_start|parallel_run|job_start|look_start' \
		lib/*/*.c milter/*/*.c) \
	$(shell grep -lE '$(starts_threads)' t/unit/lib/*.c)))
threaded := $(basename $(notdir $(sort $(shell grep -lE '$(starts_threads)' t/unit/test_*.c) \
	$(shell grep -lF $(thread_headers:%=-e '%') t/unit/test_*.c))))
tsan_units = $(if $(UNIT)$(if $(TESTS),,all),$(call units_in,build-tsan))
replays = $(if $(UNIT),,$(replay_programs))
integration_tests = $(or $(TESTS),t/integration)
# Integration tests wait more than they compute.
integration = WORKERS=$(if $(TESTS),1,$(shell expr $(JOBS) '*' 4)) t/run-pytest $(PYTHON)

.PHONY: check check-all check-quick check-build check-unit check-asan check-valgrind check-units check-tsan check-tsan-build check-clang \
	check-cases check-integration check-integration-quick check-package check-in-step check-lint check-tidy check-finds check-bench \
	check-fuzz deps
run_parts = @MAKE='$(MAKE)' BUILD='$(BUILD)' $(PYTHON) t/run-all
parts = build clang lint tidy in-step units tsan-build cases integration tsan fuzz finds bench

check: check-packages
	$(run_parts) $(or $(PARTS),$(parts))

# What CI runs: also valgrind, which seldom finds an error that ASan misses, and package, which installs what it needs.
# clang-tidy follows more paths.
check-all: check-packages
	$(run_parts) $(parts:cases=valgrind cases) package
check-all: export ANALYZER_NODES = 50000

check-quick: check-packages
	$(run_parts) build lint unit cases integration-quick

.PHONY: check-packages
check-packages:
	@t/deps.sh check
	@if grep -qs '^HAVE_.* = no' config.mk; then rm config.mk; fi # configure again: the library may be there now

deps: deps-build
deps-%:
	t/deps.sh $*

check-build:
	@$(submake) WERROR=1 all unit-programs helper-programs replay-programs

.PHONY: need-check
need-check:
	@if [ '$(HAVE_CHECK)' != yes ]; then \
		echo 'configure found no check library: run t/deps.sh check, then remove config.mk' >&2; exit 1; fi

check-unit: need-check $(units)
	@t/run-programs $(units:%=unit:%)

check-asan: need-check
	@$(submake) $(asan) $(call units_in,build-asan)
	@t/run-programs $(patsubst %,asan:%,$(call units_in,build-asan))

check-valgrind: need-check $(units) $(replays)
	@t/run-programs $(units:%=valgrind:%) $(replays:%=replay:%)

# check-unit and check-asan in one pool, which leaves no processor idle between them.
check-units: need-check $(units)
	@$(submake) $(asan) $(call units_in,build-asan)
	@t/run-programs $(units:%=unit:%) $(patsubst %,asan:%,$(call units_in,build-asan))

check-clang:
	@$(submake) $(asan) all unit-programs helper-programs

# The daemon's threads are the same behind Sendmail as behind Postfix.
check-tsan check-tsan-build: MEMBERS = $(threaded)
check-tsan-build: need-check
	@$(submake) $(tsan) MEMBERS='$(MEMBERS)' all helper-programs $(tsan_units)
check-tsan: check-tsan-build
	@$(if $(tsan_units),t/run-programs $(tsan_units:%=tsan:%))
	@$(if $(UNIT),,POSTERN_BUILD=build-tsan $$(t/run-programs --environment tsan) $(integration) \
		$(if $(TESTS),,-m threads -k "not sendmail") $(integration_tests))

check-cases: all helper-programs
	@t/run-pytest $(PYTHON) t/cases

check-integration: all helper-programs
	@$(integration) $(integration_tests)

check-integration-quick: all helper-programs
	@$(integration) -m quick t/integration

# IN_STEP_SECONDS=3600 makes histories for an hour, IN_STEP='--seed 7 --history 31' repeats one.
check-in-step: all
	@$(PYTHON) t/faults/in_step $(IN_STEP)

# Two of its tests read the objects.
check-lint: all
	@WORKERS=$(JOBS) t/run-pytest $(PYTHON) t/lint

check-tidy:
	@$(submake) -k format-check tidy cppcheck lint-man

# Show that the commands above find a planted uninitialised read, leak, race and overflow.
check-finds:
	@t/run-pytest $(PYTHON) t/finds

# The Debian package: built twice, and installed in a Debian that debootstrap makes once for a set of dependencies.
check-package:
	@t/deps.sh package
	@t/run-pytest $(PYTHON) t/package

check-bench: all helper-programs
	@$(PYTHON) t/bench/run --small

check-fuzz: fuzz

export POSTERN_BUILD = $(BUILD)

.PHONY: fuzz bench demo
fuzz:
	@$(submake) $(asan) fuzz-programs
	@FUZZ_TIME='$(FUZZ_TIME)' t/run-programs $(fuzz_programs:$(BUILD)/%=fuzz:build-asan/%)

bench: all helper-programs
	@$(PYTHON) t/bench/run

demo:
	@[ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null || { \
		echo "'make demo' starts a Postfix: run it as root, or with sudo without a password" >&2; exit 1; }
	@t/quietly $(BUILD)/demo.log 'Installing and building what the demonstration needs' \
		sh -c 't/deps.sh demo && $(submake) all'
	@if [ "$$(id -u)" = 0 ]; then $(PYTHON) t/demo.py; \
	else sudo -n POSTERN_BUILD=$(BUILD) $(PYTHON) t/demo.py; fi

# ---- how the code reads -----------------------------------------------------

.PHONY: format format-check lint tidy cppcheck lint-man
format:
	@clang-format -i $(c_files)
format-check:
	@clang-format --dry-run -Werror $(c_files)

lint: check-lint check-tidy

# The states that the analyzer follows in a function. Some functions of many paths have more. With 50000, which CI takes,
# clang-tidy needs twice the time; with the analyzer's own limit, six times: make tidy ANALYZER_NODES=225000
ANALYZER_NODES ?= 12000
tidy_stamps = $(patsubst %.c,$(BUILD)/tidy/%.ok,$(filter %.c,$(c_files)))
tidy: $(tidy_stamps)
$(BUILD)/tidy/nodes: FORCE
	$(call stamp,$(ANALYZER_NODES))
$(BUILD)/tidy/%.ok: $(BUILD)/%.o .clang-tidy $(BUILD)/tidy/nodes
	@mkdir -p $(@D)
	$(call say,TIDY) clang-tidy --quiet $*.c -- $(preprocess) $(filter-out -Werror%,$(warnings)) \
		-Xclang -analyzer-config -Xclang max-nodes=$(ANALYZER_NODES) 2>&1 >$@.out \
		| { grep -v '^[0-9]* warnings\? \(generated\|treated\)' || :; } >&2; \
		if [ -s $@.out ]; then cat $@.out; exit 1; fi
	@mv $@.out $@

# variableScope, redundantInitialization: variables are declared and initialized at the top of a block.
# unusedStructMember: cppcheck does not look into START_TEST, which uses the tables of cases.
cppcheck:
	@cppcheck --quiet --std=c11 --enable=style --inline-suppr --error-exitcode=1 \
		--suppress=variableScope --suppress=redundantInitialization '--suppress=unusedStructMember:t/*' \
		--library=posix,gnu -I. -j$(JOBS) $(filter %.c,$(c_files))

lint-man:
	@for page in $(man_pages); do mandoc -T lint -W warning "$$page" || exit 1; done

# ---- installing -------------------------------------------------------------

# NAME.in is installed as NAME, with the directories of this installation.
templates := $(wildcard etc/*.in)
examples := $(filter-out $(templates),$(shell find etc -type f 2>/dev/null))
settings := $(wildcard etc/postern.conf etc/lists/*)
pages := README.md $(wildcard docs/*.md)
completions = $(DESTDIR)$(datadir)/bash-completion/completions
substitute = sed $(foreach name,sbindir bindir sysconfdir localstatedir runstatedir,-e 's|@$(name)@|$($(name))|g')

.PHONY: install uninstall
install: all
	install -d $(DESTDIR)$(sbindir) $(DESTDIR)$(bindir)
	$(if $(postern),install -m 755 $(postern) $(DESTDIR)$(sbindir)/)
	$(if $(posternctl),install -m 755 $(posternctl) $(DESTDIR)$(bindir)/)
	install -d $(completions)
	$(posternctl) completion >$(completions)/posternctl
	set -e; for page in $(man_pages); do \
		install -D -m 644 $$page $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}; done
	set -e; for file in $(wildcard sql/*.sql); do \
		install -D -m 644 $$file $(DESTDIR)$(datadir)/postern/sql/$${file##*/}; done
	set -e; for file in $(examples); do \
		install -D -m 644 $$file $(DESTDIR)$(docdir)/examples/$${file#etc/}; done
	set -e; for file in $(pages); do \
		install -D -m 644 $$file $(DESTDIR)$(docdir)/$$file; done
	set -e; for file in $(templates); do name=$${file#etc/}; \
		$(substitute) $$file | install -D -m 644 /dev/stdin $(DESTDIR)$(docdir)/examples/$${name%.in}; done
	set -e; for file in $(settings); do to=$(DESTDIR)$(sysconfdir)/postern/$${file#etc/}; \
		[ -e $$to ] || install -D -m 644 $$file $$to; done
	$(if $(systemdsystemunitdir),$(substitute) etc/postern.service.in \
		| install -D -m 644 /dev/stdin $(DESTDIR)$(systemdsystemunitdir)/postern.service)

# The configuration stays, as with a package.
uninstall:
	rm -f $(DESTDIR)$(sbindir)/postern $(DESTDIR)$(bindir)/posternctl
	set -e; for page in $(man_pages); do rm -f $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}; done
	rm -rf $(DESTDIR)$(datadir)/postern $(DESTDIR)$(docdir)/examples $(DESTDIR)$(docdir)/docs
	rm -f $(DESTDIR)$(docdir)/README.md
	rm -f $(completions)/posternctl
	[ ! -d $(DESTDIR)$(docdir) ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(docdir)
	$(if $(systemdsystemunitdir),rm -f $(DESTDIR)$(systemdsystemunitdir)/postern.service)

# The committed files and configure, so that a user of the tarball needs neither git nor autoconf.
.PHONY: dist
dist: configure
	@[ -e .git ] || { echo 'make dist packs the committed files and needs a git clone' >&2; exit 1; }
	@git diff --quiet HEAD || echo 'dist: uncommitted changes are left out' >&2
	git archive --format=tar.gz --prefix=postern-$(VERSION)/ --add-file=configure -o postern-$(VERSION).tar.gz HEAD
	@echo postern-$(VERSION).tar.gz

# ---- tidying up -------------------------------------------------------------

.PHONY: clean distclean help
clean:
	rm -rf $(BUILD) build build-asan build-clang build-fuzz build-tsan
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf autom4te.cache config.h config.log config.mk config.status configure configure~ postern-*.tar.gz

help:
	@echo 'make                  build postern and posternctl in $(BUILD)/; configure first, if needed'
	@echo 'make check            install missing packages and run the tests, about 12 minutes'
	@echo 'make check-all        the same, check-valgrind and check-package, about 17 minutes: what CI runs'
	@echo 'make check-quick      build, lint, unit tests, cases, main integration tests, under 2 minutes'
	@echo 'make demo             run a private Postfix with Postern and show what it answers'
	@echo 'make install          install; DESTDIR= and prefix= as usual; uninstall keeps the configuration'
	@echo 'make dist             make postern-VERSION.tar.gz from the committed files'
	@echo 'make deps             install the packages for building (deps-demo, deps-check, deps-bench: for those)'
	@echo
	@echo 'Parts of check (make check PARTS="lint unit" runs several):'
	@echo '  check-build         compile everything with warnings as errors; check-clang: with clang'
	@echo '  check-lint          rules about includes, calls, headers and opening comments'
	@echo '  check-tidy          clang-format, clang-tidy, cppcheck, man pages'
	@echo '  check-unit          unit tests; check-asan: under ASan and UBSan; check-valgrind: under valgrind,'
	@echo '                      with the inputs of fuzz targets; check-units: the first two in one pool'
	@echo '  check-cases         recorded decisions'
	@echo '  check-integration   the daemon with real servers'
	@echo '  check-package       the Debian package: built, installed, upgraded and purged in a Debian of its own'
	@echo '  check-in-step       random histories of databases and lists for IN_STEP_SECONDS=60; IN_STEP=--help'
	@echo '  check-tsan          what runs in several threads, under TSan'
	@echo '  check-finds         planted faults are found'
	@echo '  check-bench         each benchmark with small sizes'
	@echo '  fuzz                each fuzz target for FUZZ_TIME=2 seconds (0: its corpus only)'
	@echo
	@echo 'One test:'
	@echo '  make check-unit UNIT=test_limits (also check-asan, check-valgrind, check-tsan)'
	@echo '  CK_RUN_CASE=limits build/t/unit/test_limits (one test case of it)'
	@echo '  make check-integration TESTS="t/integration/test_daemon.py -k signals" (also check-tsan)'
	@echo
	@echo 'make bench            run the benchmarks and print tables'
	@echo 'make lint             check-lint and check-tidy'
	@echo 'make format           format the C sources; format-check changes nothing'
	@echo 'make clean, distclean'
	@echo
	@echo 'Variables: BUILD=build-NAME SANITIZE=address,undefined WERROR=1 CC=clang V=1 CONFIGURE_ARGS=... JOBS=2'
