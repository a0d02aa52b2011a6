"""Waiting for what must happen soon, without a limit that a slow machine breaks."""

import time

DEADLINE = 20  # seconds; generous: what is awaited takes a fraction of it

took = []  # (seconds, what) of all that was awaited; printed at the end of the run


def wait_until(condition, what, deadline=DEADLINE):
    """
    Call condition() until it answers something true, and return that; an AssertionError counts as
    not yet. Prints how long it took. Raises AssertionError when the deadline passes.
    """
    start = time.monotonic()
    pause = 0.001
    while True:
        why = ""
        try:
            answer = condition()
        except AssertionError as error:
            answer, why = None, f": {error}"
        passed = time.monotonic() - start
        if answer:
            took.append((passed, what))
            print(f"[{passed:7.3f} s] {what}")
            return answer
        if passed > deadline:
            raise AssertionError(f"not within {deadline} s: {what}{why} (last answer: {answer!r})")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
