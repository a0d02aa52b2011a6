"""
make check finds faults: for each planted fault, the command that make check uses fails and reports the reason.

The planted programs are compiled with the flags of this tree, as make prints them, and run by t/run-programs.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# How the programs of each kind are built.
BUILDS = {
    "unit": [],
    "valgrind": [],
    "replay": [],
    "asan": ["CC=clang", "SANITIZE=fuzzer-no-link,address,undefined"],
    "tsan": ["CC=clang", "SANITIZE=thread"],
    "fuzz": ["CC=clang", "SANITIZE=fuzzer-no-link,address,undefined"],
}

PROGRAM = """
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "t/unit/unit.h"
#include "t/fuzz/fuzz.h"

static volatile int sink, one = 1;
static int shared_count;

static __attribute__((unused)) void *count_up(void *unused)
{
	shared_count++;
	return unused;
}

START_TEST(planted)
{
	FAULT
}
END_TEST

static __attribute__((unused)) Suite *make_suite(void)
{
	Suite *suite = suite_create("planted");
	TCase *tests = tcase_create("planted");

	tcase_add_test(tests, planted);
	suite_add_tcase(suite, tests);
	return suite;
}
"""
MAIN = "UNIT_MAIN(make_suite)\n"
TARGET = """
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	FAULT
	return 0;
}
"""

UNINITIALISED = "int *box = malloc(sizeof(*box)); if (box[one - 1] > 7) sink = 1; free(box);"
LEAK = "char *volatile lost = malloc(77); sink = lost != NULL; lost = NULL; sink = lost != NULL;"
HEAP = "char *box = malloc(8); memset(box, 1, (size_t)(8 + one)); sink = box[0]; free(box);"
PAST = "char *box = malloc(8); box[7 + one] = 1; sink = box[0]; free(box);"
STACK = "char box[8]; memset(box, 0, (size_t)(8 + one)); sink = box[0];"
SIGNED = "sink = 2147483647; sink = sink + one;"
RACE = """pthread_t other; pthread_create(&other, NULL, count_up, NULL); shared_count++;
	pthread_join(other, NULL); sink = shared_count;"""
ENDLESS = "while (one) { }"
BEHIND = "sink = bytes[size];"

FAULTS = [
    ("valgrind", UNINITIALISED, "uninitialised value"),
    ("valgrind", PAST, "Invalid write of size"),
    ("asan", LEAK, "LeakSanitizer: detected memory leaks"),
    ("asan", HEAP, "heap-buffer-overflow"),
    ("asan", STACK, "stack-buffer-overflow"),
    ("asan", SIGNED, "signed integer overflow"),
    ("tsan", RACE, "ThreadSanitizer: data race"),
    ("unit", "ck_assert_int_eq(one, 2);", "Assertion 'one == 2' failed"),
    ("unit", "abort();", "Received signal 6"),
    ("unit", ENDLESS, "timeout: a test used more than 1 s of CPU time"),
    ("asan", ENDLESS, "timeout: it used more than 1 s of CPU time"),
]


def make(*args):
    command = ["make", "-s", "--no-print-directory", *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.fixture(name="build", scope="session")
def fixture_build(tmp_path_factory):
    """A function that compiles a planted fault as a program of a kind. It returns the program's path."""
    commands = {}

    def build(kind, fault, name="test_planted", others=None):
        if kind not in commands:
            commands[kind] = make(*BUILDS[kind], "WERROR=", "print-compile", "print-link").splitlines()
        compile_command, link = map(shlex.split, commands[kind])
        folder = tmp_path_factory.mktemp(kind)
        source, program = folder / "planted.c", folder / name
        mains = {"replay": ["t/fuzz/replay.c"], "fuzz": []}
        sources = [source, *(ROOT / path for path in mains.get(kind, ["t/unit/unit_main.c"]))]
        if kind in ("replay", "fuzz"):
            source.write_text(PROGRAM.replace("FAULT", "") + TARGET.replace("FAULT", fault))
        else:
            source.write_text(PROGRAM.replace("FAULT", fault) + MAIN)
            for other, text in (others or {}).items():
                sources.append(folder / f"{other}.c")
                sources[-1].write_text(PROGRAM.replace("FAULT", text) + MAIN)
        objects = []
        for one in sources:
            objects.append(folder / f"{one.stem}.o")
            subprocess.run([*compile_command, "-c", "-o", objects[-1], one], cwd=ROOT, check=True, capture_output=True)
        at = link.index("OBJECTS")
        extra = ["-fsanitize=fuzzer"] if kind == "fuzz" else []
        subprocess.run([*link[:at], *extra, "-o", program, *objects, *link[at + 1:]], cwd=ROOT, check=True)
        return program

    return build


def run(kind, program, **environment):
    """Run t/run-programs. Returns (exit status, output)."""
    done = subprocess.run(["t/run-programs", f"{kind}:{program}"], cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})
    return done.returncode, done.stdout


@pytest.mark.parametrize("kind, fault, words", FAULTS)
def test_a_planted_fault_is_found(build, kind, fault, words):
    limit = {"CPU_LIMIT": "1"} if fault == ENDLESS else {}
    status, output = run(kind, build(kind, fault), **limit)
    assert status == 1
    assert words in output
    assert output.splitlines()[-1] == "0 passed, 1 failed"


def test_a_read_past_an_input_is_found_in_the_corpus(build):
    status, output = run("replay", build("replay", BEHIND, "replay_address"))
    assert status == 1
    assert "Invalid read of size 1" in output
    assert output.splitlines()[-1] == "0 passed, 1 failed"


@pytest.mark.parametrize("fault, words", [(BEHIND, "heap-buffer-overflow"), (ENDLESS, "libFuzzer: timeout after")])
def test_a_fuzzer_finds_a_planted_fault(build, fault, words):
    status, output = run("fuzz", build("fuzz", fault, "fuzz_cidr"), FUZZ_TIME="0", INPUT_LIMIT="1")
    for kept in ROOT.glob("build-fuzz/cidr-*"):
        kept.unlink()
    assert status == 1
    assert words in output
    assert output.splitlines()[-1] == "0 passed, 1 failed"


@pytest.mark.parametrize("kind", ["unit", "valgrind", "asan", "tsan"])
def test_without_a_fault_it_passes(build, kind):
    status, output = run(kind, build(kind, "ck_assert_int_eq(one, 1);"))
    assert (status, output.splitlines()[-1]) == (0, "1 passed, 0 failed"), output


@pytest.mark.parametrize("kind, fault, words", [fault for fault in FAULTS if fault[1] not in (HEAP, SIGNED)])
def test_a_fault_is_found_in_one_of_many_files(build, kind, fault, words):
    """The files of one program: the fault of one is reported under its name, and the others pass."""
    good = "ck_assert_int_eq(one, 1);"
    limit = {"CPU_LIMIT": "1"} if fault == ENDLESS else {}
    status, output = run(kind, build(kind, good, "tests", {"test_bad": fault, "test_good": good}), **limit)
    assert status == 1
    assert f"FAILED test_bad ({kind})" in output and words in output and output.count("FAILED") == 1
    assert output.splitlines()[-1] == "2 passed, 1 failed"


def test_what_a_program_of_many_files_does_not_end_has_failed(build):
    """The program itself is killed, which no test can do by a fault."""
    program = build("unit", "kill(getppid(), SIGKILL); _exit(1);", "tests", {"test_good": "ck_assert_int_eq(one, 1);"})
    status, output = run("unit", program, CK_FORK="no")
    assert (status, output.splitlines()[-1]) == (1, "0 passed, 2 failed"), output


@pytest.mark.parametrize("name", ["test_workers", "test_log", "test_auth", "test_line_worker", "test_store_sync"])
def test_tsan_watches_unit_tests_that_start_threads(name):
    """By themselves, by NAME_start(), by a helper, and by a source without NAME_start()."""
    assert name in make("print-threaded").split()


def test_a_failed_part_fails_the_whole_and_names_its_log(tmp_path):
    """t/run-all is run with a fake make, whose parts have known results."""
    fake = tmp_path / "make"
    fake.write_text("""#!/bin/sh
case $2 in
check-good) echo '2 skipped'; echo '5 passed, 0 failed' ;;
check-bad) echo 'why it failed'; echo '3 passed, 1 failed'; exit 1 ;;
check-silent) exit 2 ;;
esac
""")
    fake.chmod(0o755)
    done = subprocess.run(["t/run-all", "good", "bad", "silent"], cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, "MAKE": str(fake), "BUILD": str(tmp_path)})
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "8 passed, 2 failed"
    assert "why it failed" in done.stdout and str(tmp_path / "check" / "bad.log") in done.stdout
    assert (tmp_path / "check" / "summary").read_text() == "8 passed, 2 failed\n"
    assert (tmp_path / "check" / "skipped").read_text() == "2\n"
    assert re.search(r"^good +5 +0 +2 ", done.stdout, re.M)


def test_a_part_beside_others_fails_the_whole(tmp_path):
    """
    finds and bench run beside tsan, package from clang to units, whichever of them ends first, and tidy from clang to
    tsan, with the lowest priority.
    """
    fake = tmp_path / "make"
    fake.write_text("""#!/bin/sh
case $2 in
check-package) echo '1 passed, 2 failed'; exit 1 ;;
check-finds) sleep 1; echo '4 passed, 1 failed'; exit 1 ;;
check-tidy) test "$(nice)" = 19 && echo '5 passed, 0 failed' ;;
*) echo '5 passed, 0 failed' ;;
esac
""")
    fake.chmod(0o755)
    parts = ["build", "clang", "tidy", "units", "tsan", "finds", "bench", "package"]
    done = subprocess.run(["t/run-all", *parts], cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, "MAKE": str(fake), "BUILD": str(tmp_path)})
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "35 passed, 3 failed")
    began = [line.split()[1].rstrip(",") for line in done.stdout.splitlines() if re.match("== [^,]*(, beside|$)", line)]
    assert began == ["build", "tidy", "package", "clang", "units", "finds", "bench", "tsan"]
    assert all(re.search(f"^{part} +", done.stdout, re.M) for part in parts)


def test_tidy_runs_beside_others_only_when_everything_is_built(tmp_path):
    fake = tmp_path / "make"
    fake.write_text("#!/bin/sh\necho '5 passed, 0 failed'\n")
    fake.chmod(0o755)
    for parts, beside in (["build", "tidy", "units"], True), (["tidy", "units"], False):
        done = subprocess.run(["t/run-all", *parts], cwd=ROOT, capture_output=True, text=True, check=False,
                              env={**os.environ, "MAKE": str(fake), "BUILD": str(tmp_path)})
        assert done.returncode == 0
        assert ("== tidy, beside the next parts" in done.stdout) == beside


FLAKY = """
import pytest

@pytest.fixture(name="folder", scope="module")
def fixture_folder():
    return MARKS

def fail_once(mark):
    was_there = mark.exists()
    mark.touch()
    assert was_there

@pytest.mark.parametrize("address", ["<a@b.example>", "plain"])
def test_in_a_group(folder, address):
    fail_once(folder / f"group {address}")

@pytest.mark.parametrize("address", ["<a@b.example>"])
def test_without_a_group(address):
    fail_once(MARKS / f"alone {address}")
"""


def run_flaky(folder, text, workers="1"):
    """Run a file of tests with t/run-pytest. MARKS is its directory. Returns (exit status, output)."""
    (folder / "t").mkdir()
    for name in ("conftest.py", "progress.py", "pytest.ini"):
        shutil.copy(ROOT / "t" / name, folder / "t")
    (folder / "t/test_flaky.py").write_text(f"import pathlib\nMARKS = pathlib.Path({str(folder)!r})\n{text}")
    done = subprocess.run([ROOT / "t/run-pytest", sys.executable, "t"], cwd=folder, capture_output=True, text=True,
                          check=False, env={**os.environ, "WORKERS": workers})
    return done.returncode, done.stdout


@pytest.mark.parametrize("workers", ["1", "2"])
def test_failed_tests_run_once_more_whatever_their_names(tmp_path, workers):
    status, output = run_flaky(tmp_path, FLAKY, workers)
    assert "3 failed at first and passed when they ran alone" in output
    assert (status, output.splitlines()[-1]) == (0, "3 passed, 0 failed")


def test_a_race_that_does_not_show_again_is_a_failure(tmp_path):
    status, output = run_flaky(tmp_path, """
import pytest

@pytest.fixture(name="server")
def fixture_server():
    yield
    was_there = (MARKS / "race").exists()
    (MARKS / "race").touch()
    assert was_there, "postern: WARNING: ThreadSanitizer: data race"

def test_with_a_race(server):
    pass
""")
    assert "Once more" not in output
    assert (status, output.splitlines()[-1]) == (1, "1 passed, 1 failed")


def test_a_benchmark_that_cannot_run_is_skipped_by_name():
    """smtp-source, which that of Postfix needs, is in /usr/sbin."""
    done = subprocess.run([sys.executable, "t/bench/run", "--small", "postfix"], cwd=ROOT, capture_output=True, text=True,
                          check=False, env={**os.environ, "PATH": "/usr/bin:/bin"})
    assert "postfix.py: skipped, needs " in done.stdout, done
    assert (done.returncode, done.stdout.splitlines()[-2:]) == (0, ["1 skipped", "0 passed, 0 failed"])
