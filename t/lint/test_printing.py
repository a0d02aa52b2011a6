"""t/lint/printing.py finds output past the printer, and text that is cut inside a character."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "t/lint/printing.py"

# A file, a line of it, and a word of the complaint.
VIOLATIONS = [
    ("ctl/planted.c", 'printf("%s", login);', "printf() prints past"),
    ("ctl/planted.c", "(void)puts(text);", "puts() prints past"),
    ("ctl/planted.h", "#define SAY(text) fputs(text, stdout)", "fputs() prints past"),
    ("ctl/planted.c", "fputc(c, out);", "fputc() prints past"),
    ("ctl/planted.c", "putchar(c);", "putchar() prints past"),
    ("ctl/planted.c", "fwrite(text, 1, len, stdout);", "fwrite() prints past"),
    ("ctl/planted.c", "json_dumpf(answer, stdout, 0);", "json_dumpf() prints past"),
    ("ctl/planted.c", "write(STDOUT_FILENO, text, len);", "write() to STDOUT_FILENO"),
    ("milter/planted.c", 'fprintf(stderr, "%s\\n", err->text);', "fprintf() prints past"),
    ("milter/log/planted.c", "vfprintf(stderr, format, args);", "vfprintf() prints past"),
    ("milter/planted.c", 'dprintf(2, "%s", text);', "dprintf() prints past"),
    ("milter/planted.c", "perror(path);", "perror() prints past"),
    ("milter/planted.c", "write(2, text, len);", "write() to 2"),
    ("lib/store/planted.c", 'warn("%s", path);', "warn() prints past"),
    ("ctl/planted.c", 'while ((c = getopt(argc, argv, "x")) != -1) {', "opterr"),
    ("lib/rules/planted.c", 'finding_rule(finding, "user %.80s", name);', "%.80s cuts inside"),
    ("milter/auth/planted.c", 'f("%-5.7s");', "%-5.7s cuts inside"),
    ("lib/rules/planted.c", '(void)snprintf(rule_r, RULE_SIZE, "user %s", name);', "snprintf() cuts inside"),
    ("lib/rules/planted.c", '(void)snprintf(rule_r, RULE_SIZE,\n\t"%.*s", len, name);', "snprintf() cuts inside"),
    ("lib/rules/planted.c", "(void)snprintf(rule_r, RULE_SIZE, format, name);", "snprintf() cuts inside"),
    ("lib/base/planted.c", "(void)vsnprintf(text, size, format, args);", "vsnprintf() cuts inside"),
]

ALLOWED = [
    ("lib/base/print.c", "(void)fputs(text, out);"),
    ("milter/log/log.c", "write(STDERR_FILENO, out, at);"),
    ("milter/ledger/planted.c", "write(fd, text, len);"),
    ("ctl/planted.c", 'print_line(stdout, "%s", text);'),
    ("ctl/planted.c", "/* printf() is not called */"),
    ("ctl/planted.c", 'print_line(stdout, "see printf(3) and puts(3)");'),
    ("ctl/planted.c", 'opterr = 0;\nwhile ((c = getopt(argc, argv, "x")) != -1) {'),
    ("lib/rules/planted.c", 'finding_rule(finding, "user %.*s", TEXT_CUT(name, 80));'),
    ("lib/rules/planted.c", '(void)snprintf(text_r, 16, "%u%c", number, unit);'),
    ("lib/rules/planted.c", '(void)snprintf(text_r, 32, "never");'),
    ("lib/rules/planted.c", "errmsg_print(err); footprint(x); reprintf_count(y);"),
    ("t/unit/planted.c", 'printf("%s", text);'),
]


def plant(root, path, line):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(f"/* planted */\n{line}\n")
    return subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True, check=False)


def test_this_tree_keeps_the_rules():
    result = subprocess.run([sys.executable, SCRIPT, ROOT], capture_output=True, text=True, check=False)
    assert result.stdout == ""
    assert result.returncode == 0


@pytest.mark.parametrize("path, line, complaint", VIOLATIONS)
def test_a_planted_violation_is_found(tmp_path, path, line, complaint):
    result = plant(tmp_path, path, line)
    found = result.stdout.splitlines()
    assert result.returncode == 1 and len(found) == 1, result
    assert found[0].startswith(f"{path}:2: ") and complaint in found[0]


@pytest.mark.parametrize("path, line", ALLOWED)
def test_what_is_allowed_passes(tmp_path, path, line):
    result = plant(tmp_path, path, line)
    assert (result.returncode, result.stdout) == (0, "")
