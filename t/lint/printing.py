#!/usr/bin/env python3
"""Check that everything a person sees goes through lib/base/print.h, and that no text is cut inside a character.

In lib, milter and ctl, functions that write to a stream may be called only where PRINTERS allows it, because text
from outside could control the terminal. getopt() must not print either (opterr). A precision in "%.80s" and the
buffer of snprintf() cut inside a character of UTF-8: TEXT_CUT() and text_format() of lib/base/text.h do not.

Usage: t/lint/printing.py [ROOT]
Prints one line, file:line: reason, for each violation; exits with 1 if there is one.
"""

import pathlib
import re
import sys

import command

TOPS = ("lib", "milter", "ctl")

# The functions that may be called in a file, and their output there.
PRINTERS = {
    "lib/base/print.c": {"fputs", "fputc", "fwrite"},  # the printer itself
    "ctl/terminal.c": {"fputs", "fputc"},  # colours, and JSON of printable ASCII
    "ctl/control_client.c": {"fputc", "json_dumpf"},  # requests on the control socket
    "milter/process.c": {"dprintf"},  # the process id in its file
}

STREAM = re.compile(
    r"\b(v?f?printf(?:_unlocked)?|v?dprintf|f?puts(?:_unlocked)?|f?put(?:c|char|wc)(?:_unlocked)?|fwrite(?:_unlocked)?|"
    r"fput(?:s|c)_unlocked|putc|perror|psignal|psiginfo|v?warnx?|v?errx?|error(?:_at_line)?|"
    r"json_dumpf|json_dumpfd|json_dump_file|PQprint|backtrace_symbols_fd)\s*\(")
STANDARD = re.compile(r"\bwrite(?:v)?\s*\(\s*(STDERR_FILENO|STDOUT_FILENO|[12]\b|fileno)")
STDERR_WRITER = "milter/log/log.c"  # lines of printable ASCII
FORMATS = re.compile(r"\b(v?snprintf)\s*\(([^;]*);", re.S)
FORMATTERS = ("lib/base/text.c", "lib/base/strbuf.c")
PRECISION = re.compile(r"%[-+ #0]*\d*\.\d+s")
GETOPT = re.compile(r"\bgetopt(?:_long(?:_only)?)?\s*\(")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def violations(path, text):
    """(offset, reason) of each violation in a source."""
    text = COMMENT.sub(lambda comment: blank(comment), text)
    code = STRING.sub(lambda string: '"' + " " * (len(string.group()) - 2) + '"', text)
    for call in STREAM.finditer(code):
        name = call.group(1)
        if name not in PRINTERS.get(path, ()):
            yield call.start(), f"{name}() prints past lib/base/print.h"
    if path != STDERR_WRITER:
        for call in STANDARD.finditer(code):
            yield call.start(), f"write() to {call.group(1)} prints past lib/base/print.h"
    for call in GETOPT.finditer(code):
        if not re.search(r"\bopterr = 0;", code):
            yield call.start(), "getopt() prints arguments as they are: set opterr = 0 and print the error"
    for string in STRING.finditer(text):
        for precision in PRECISION.finditer(string.group()):
            yield string.start(), f"{precision.group()} cuts inside a character: write %.*s with TEXT_CUT()"
    if path not in FORMATTERS:
        for call in FORMATS.finditer(code):
            shown = text[call.start(2):call.end(2)]
            if call.group(1) == "vsnprintf" or re.search(r"%[-\d.*]*s", shown) or '"' not in shown:
                yield call.start(), f"{call.group(1)}() cuts inside a character: use text_format() of lib/base/text.h"


def check_tree(root):
    """One line for each violation under root."""
    lines = []
    for top in TOPS:
        for source in sorted((root / top).rglob("*.[ch]")):
            path = source.relative_to(root).as_posix()
            text = source.read_text(encoding="utf-8")
            for offset, reason in sorted(violations(path, text)):
                lines.append(f"{path}:{text.count(chr(10), 0, offset) + 1}: {reason}")
    return lines


if __name__ == "__main__":
    sys.exit(command.run(check_tree, sys.argv[1:]))
