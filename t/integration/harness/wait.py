"""Waiting for events that must happen soon, with a deadline that a slow machine does not miss."""

import time

DEADLINE = 20  # seconds; most events take a fraction of it

took = []  # (seconds, what) of every wait; printed at the end of the run


def wait_until(condition, what, deadline=DEADLINE):
    """
    Call condition() until it returns a true value, and return that value. An AssertionError means "not yet". Prints
    the time that it took. Raises AssertionError after the deadline.
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
