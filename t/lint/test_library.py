"""Rules of the tree that a compiler can show: headers stand alone, and the library keeps to itself."""

import os
import pathlib
import re
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("POSTERN_BUILD", "build")
TOPS = ("lib", "milter", "ctl", "t")
READ_FILES = ("conf", "store")  # the two rooms of lib that do
HEADERS = sorted(path.relative_to(ROOT).as_posix() for top in TOPS for path in (ROOT / top).rglob("*.h"))

# A function of the library never logs, never exits, never reads a clock, and opens nothing. Only one file starts threads.
STARTS_THREADS = "base/thread.o"
NOT_CALLED = re.compile(
    r"(_?exit|v?syslog|openlog|v?f?printf|puts|perror|time|clock|clock_gettime|gettimeofday|"
    r"socket|connect|accept4?|bind|listen|getaddrinfo|open(at)?|f(re)?open|creat|opendir|unlink|rename|"
    r"fork|execv\w*|system|popen|pthread_create|getenv|setenv)"
)


def make(*args):
    command = ["make", "-s", "--no-print-directory", *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.fixture(name="compile_command", scope="session")
def fixture_compile_command():
    return shlex.split(make("print-compile"))


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_compiles_alone(compile_command, header, tmp_path):
    source = tmp_path / "alone.c"
    source.write_text(f'#include "{header}"\n#include "{header}"\n')
    result = subprocess.run([*compile_command, "-Werror", "-fsyntax-only", source], cwd=ROOT,
                            capture_output=True, text=True, check=False)
    assert result.stderr == ""


def test_the_library_calls_nothing_of_the_world():
    objects = [path for path in (BUILD / "lib").glob("*/*.o") if path.parent.name not in READ_FILES]
    listing = subprocess.run(["nm", "-A", "-u", *objects], capture_output=True, text=True, check=True).stdout
    calls = []
    for line in listing.splitlines():
        where, _, symbol = line.rpartition(" U ")
        name = re.sub(r"^__(\w+)_chk$", r"\1", symbol.removesuffix("64"))
        if where.split(":")[0].endswith(STARTS_THREADS) and name == "pthread_create":
            continue
        if where and NOT_CALLED.fullmatch(name):
            calls.append(f"{where.rsplit(':', 1)[0]} calls {symbol}")
    assert not calls
