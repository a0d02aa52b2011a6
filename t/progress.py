"""One line that counts how far a long run is: rewritten in place on a terminal, else printed twice a minute."""

import sys
import time

PAUSE = 30  # seconds between two lines where there is no terminal


class Progress:
    """Counts to total. Everything is printed to standard output; note() prints a line that stays."""

    def __init__(self, name, total):
        self.name, self.total, self.done, self.failed = name, total, 0, 0
        self.began = self.printed = time.monotonic()
        self.terminal = sys.stdout.isatty()

    def text(self):
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.name}: {self.done} of {self.total}{failed}, {time.monotonic() - self.began:.0f} s"

    def count(self, passed=True):
        self.done += 1
        self.failed += not passed
        self.show()

    def show(self):
        """Print the line if it is due. Call this every few seconds while nothing ends."""
        now = time.monotonic()
        if self.terminal:
            print(f"\r\033[K{self.text()}", end="", flush=True)
        elif now - self.printed >= PAUSE:
            self.printed = now
            print(self.text(), flush=True)

    def note(self, line):
        self.clear()
        print(line, flush=True)

    def clear(self):
        """Remove the line from a terminal, before others print."""
        if self.terminal:
            print("\r\033[K", end="", flush=True)
