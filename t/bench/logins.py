#!/usr/bin/env python3
"""
Compare logins per second, first (hashed) and remembered, with Dovecot's auth daemon: the same rows, client and protocol,
by turns. Also measure how long a remembered login takes while the workers are busy hashing.

Usage: t/bench/logins.py [--users N] [--rounds N] [--connections N]
"""

import argparse
import base64
import os
import selectors
import shutil
import statistics
import subprocess
import threading
import time
from pathlib import Path

import benchlib
from harness.box import Box
from harness.logins import Dovecot
from harness.postern import POSTERNCTL

DOVECOT = "/usr/sbin/dovecot"
PASSWORD = "correct horse"
CONF = """
base_dir = @FOLDER@/run
state_dir = @FOLDER@/state
log_path = @FOLDER@/dovecot.log
protocols =
ssl = no
listen = 127.0.0.1
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_cache_size = 64 M
auth_cache_ttl = 1 hour
auth_failure_delay = 0
auth_verbose = no
default_internal_user = dovenull
default_login_user = dovenull
passdb {
  driver = passwd-file
  args = @FOLDER@/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}
service auth {
  client_limit = 2000
  user = root
  unix_listener @FOLDER@/auth {
    mode = 0666
  }
}
service anvil {
  client_limit = 4000
}
"""


def hashes(count):
    """Return count hashes of the password, each with its own salt."""
    argv = [POSTERNCTL, "hash", "-m", "sha512"]
    return [subprocess.run(argv, input=PASSWORD, text=True, capture_output=True,
                           check=True).stdout.strip() for _ in range(count)]


def postern(box, rows):
    store = {"profiles": [{"id": 1, "name": "all", "open": True}],
             "users": [{"id": i, "username": f"user{i}", "password": row, "profileId": 1}
                       for i, row in enumerate(rows)]}
    daemon = box.postern(start=False, store=store, config={"log": {"level": "warning"}})
    path = daemon.run / "auth"

    def restart():
        """Wait until a login succeeds, because the log level hides the line that it is ready."""
        daemon.stop()
        daemon.start(ready=lambda: logs_in(path))

    restart()
    return path, restart


def dovecot(box, rows):
    folder = box.place("dovecot")
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "users").write_text("".join(
        f"user{i}:{{SHA512-CRYPT}}{row}\n" for i, row in enumerate(rows)))
    (folder / "dovecot.conf").write_text(CONF.replace("@FOLDER@", str(folder)))
    child = box.process("dovecot", [DOVECOT, "-F", "-c", folder / "dovecot.conf"],
                        ready=lambda: answers(folder / "auth"))

    def restart():
        child.stop()
        child.start(ready=lambda: answers(folder / "auth"))

    return folder / "auth", restart


def answers(path):
    try:
        Dovecot(path).close()
    except (OSError, AssertionError):
        return False
    return True


def logs_in(path):
    try:
        with Dovecot(path) as conn:
            return conn.plain("user0", PASSWORD)[0] == "OK"
    except (OSError, AssertionError, TypeError):  # TypeError: the daemon closed without an answer
        return False


def request(number, user):
    response = base64.b64encode(f"\0user{user}\0{PASSWORD}".encode()).decode()
    return (f"AUTH\t{number}\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1\trip=192.0.2.7\tsecured\t"
            f"resp={response}\n").encode()


def run(path, users, connections, window=32):
    """Log all users in, spread over the connections, at most window at once on each. Returns logins per second."""
    conns = [Dovecot(path) for _ in range(connections)]
    queues = [[request(n + 1, user) for n, user in enumerate(users[i::connections])]
              for i in range(connections)]
    selector = selectors.DefaultSelector()
    good = bad = 0
    started = time.monotonic()
    for conn, queue in zip(conns, queues):
        conn.socket.sendall(b"".join(queue[:window]))
        del queue[:window]
        selector.register(conn.socket, selectors.EVENT_READ, queue)
    while good + bad < len(users):
        for key, _ in selector.select(30):
            got = key.fileobj.recv(65536)
            assert got, "the daemon closed"
            lines = got.count(b"\n")
            good += got.count(b"OK\t")
            bad += got.count(b"FAIL\t")
            if key.data:
                key.fileobj.sendall(b"".join(key.data[:lines]))
                del key.data[:lines]
    took = time.monotonic() - started
    for conn in conns:
        conn.close()
    assert bad == 0, f"{bad} logins failed"
    return len(users) / took


def latency_while_busy(path, users):
    """Measure remembered logins, one after the other, while others are hashed. Returns the 99th percentile and the median in ms."""
    ends = threading.Event()

    def hash_on():
        with Dovecot(path) as conn:
            n = 0
            while not ends.is_set():
                for _ in range(8):  # failed logins are never remembered
                    n += 1
                    response = base64.b64encode(f"\0nobody{n}\0x".encode()).decode()
                    conn.send(f"AUTH\t{n}\tPLAIN\trip=198.51.{n // 250 % 250}.{n % 250}\tsecured\t"
                              f"resp={response}\n")
                for _ in range(8):
                    conn.line()

    thread = threading.Thread(target=hash_on)
    thread.start()
    times = []
    try:
        with Dovecot(path) as conn:
            for user in users:
                started = time.monotonic()
                assert conn.plain(f"user{user}", PASSWORD)[0] == "OK"
                times.append((time.monotonic() - started) * 1000)
    finally:
        ends.set()
        thread.join()
    return statistics.quantiles(times, n=100)[98], statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=4)
    args = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which(DOVECOT):
        benchlib.skip("root and Dovecot (dovecot-core)")
    box = Box()
    try:
        rows = hashes(args.users)
        peers = {"postern": postern(box, rows), "dovecot": dovecot(box, rows)}
        users = list(range(args.users))
        rates = {(name, kind): [] for name in peers for kind in ("first", "remembered")}
        for _ in range(args.rounds):
            for name, (path, restart) in peers.items():
                restart()
                rates[name, "first"].append(run(path, users, args.connections))
                rates[name, "remembered"].append(run(path, users * 10, args.connections))
        print(f"{args.users} users, sha512crypt of 5000 rounds, {os.cpu_count()} processors, "
              f"median of {args.rounds}")
        for kind in ("first", "remembered"):
            ours, theirs = (statistics.median(rates[name, kind]) for name in ("postern", "dovecot"))
            print(f"{kind:12} postern {ours:9.0f}/s   dovecot {theirs:9.0f}/s   ratio {ours / theirs:.2f}")
        p99, median = latency_while_busy(peers["postern"][0], users)
        print(f"remembered while hashing: postern median {median:.2f} ms, p99 {p99:.2f} ms")
    finally:
        box.close()


if __name__ == "__main__":
    main()
