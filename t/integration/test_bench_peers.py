"""
The parts of t/bench/peers.py that could be wrong unnoticed: each program's configuration contains all lists, the proof
finds a set-up that decides otherwise, and the load client and the CPU time count what they should.
"""

import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
sys.path.insert(0, str(BENCH))

import benchlib  # noqa: E402
import peer_lists  # noqa: E402
import peer_proof  # noqa: E402
import peer_setups  # noqa: E402
from harness.box import needs_root  # noqa: E402
from harness.wait import wait_until  # noqa: E402
from peer_lists import LIMIT, LOGIN_DOMAIN, Lists, login, searched  # noqa: E402

NAMES = ("senders", "domains", "recipients", "sender_regexes", "recipient_regexes")
LISTS = Lists(entries=40, regexes=40)


def matched(lists, sender, recipient):
    """The names of the lists that refuse this message."""
    def any_regex(regexes, address):
        return any(re.fullmatch(regex, address, re.I) for regex in regexes)

    sender, recipient = sender.strip("<>").lower(), recipient.strip("<>").lower()
    found = {"senders": sender in lists.senders, "domains": sender.partition("@")[2] in lists.domains,
             "recipients": recipient in lists.recipients,
             "sender_regexes": any_regex(lists.sender_regexes, sender),
             "recipient_regexes": any_regex(lists.recipient_regexes, recipient)}
    return [name for name in NAMES if found[name]]


# ---- the lists ---------------------------------------------------------------------------------

def test_each_sample_is_refused_by_its_list_alone_and_its_neighbour_by_none():
    seen = []
    for samples in LISTS.samples():
        seen.append(samples.name)
        assert len(samples.refused) > len(samples.accepted) == peer_lists.SAMPLES
        for pair in samples.refused:
            assert matched(LISTS, *pair) == [samples.name], pair
        for pair in samples.accepted:
            assert matched(LISTS, *pair) == [], pair
    assert seen == list(NAMES)


@pytest.mark.parametrize("entries, regexes", [(1, 1), (3, 10), (1000, 10), (10, 1000)])
def test_the_lists_have_the_sizes_that_are_printed(entries, regexes):
    lists = Lists(entries, regexes)
    assert [len(set(getattr(lists, name))) for name in NAMES] == [entries] * 3 + [regexes] * 2


def test_the_samples_contain_the_first_and_the_last_entry_of_each_list():
    lists = Lists(100, 100)
    samples = {found.name: [sender if "sender" in found.name or found.name == "domains" else recipient
                            for sender, recipient in found.refused] for found in lists.samples()}
    for at, which in ((0, 0), (-2, -1)):  # the very last sample is in capital letters
        assert samples["senders"][at] == f"<{lists.senders[which]}>"
        assert samples["recipients"][at] == f"<{lists.recipients[which]}>"
        assert samples["domains"][at].endswith(f"@{lists.domains[which]}>")
        for name in ("sender_regexes", "recipient_regexes"):
            assert re.fullmatch(getattr(lists, name)[which], samples[name][at].strip("<>"))


def test_a_searched_regex_matches_the_same_addresses():
    chance = random.Random(7)
    lists = Lists(10, 60)
    texts = [*lists.sender_examples.values(), *lists.recipient_examples.values()]
    for _ in range(300):
        text = list(chance.choice(texts))
        text[chance.randrange(len(text))] = chance.choice("abz.-@17")
        texts.append("".join(text) + chance.choice(["", "x", ".com"]))
    hits = 0
    for regex in lists.sender_regexes + lists.recipient_regexes:
        whole, part = re.compile(regex, re.I), re.compile(searched(regex), re.I)
        for text in texts:
            assert bool(whole.fullmatch(text)) == bool(part.search(text)), (regex, text)
            hits += bool(part.search(text))
    assert hits >= 120  # at least the example of each regex


def test_no_session_of_the_runs_is_listed_and_none_repeats_a_sender(tmp_path):
    peer_lists.write_sessions(tmp_path, LISTS)
    for name in ("passing.jsonl", "logins.jsonl"):
        sessions = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        assert len({session["mail"] for session in sessions}) == len(sessions) == peer_lists.SESSIONS
        assert not [session for session in sessions[::97] if matched(LISTS, session["mail"], session["rcpts"][0])]
    assert {session["login"] for session in sessions} == {login(number) for number in range(peer_lists.LOGINS)}
    refused = [json.loads(line) for line in (tmp_path / "refused.jsonl").read_text().splitlines()]
    assert {session["mail"] for session in refused} == {f"<{sender}>" for sender in LISTS.senders}


# ---- the programs' configurations --------------------------------------------------------------

def read(path):
    return path.read_text().splitlines()


def test_postfixs_maps_contain_all_lists(tmp_path):
    peer_setups.write_maps(tmp_path, LISTS)
    assert read(tmp_path / "domains") == [f"{domain} REJECT" for domain in LISTS.domains]
    for name in ("sender_regexes", "recipient_regexes"):
        assert read(tmp_path / name) == [f"/{searched(regex)}/ REJECT" for regex in getattr(LISTS, name)]


def test_the_database_of_postfixs_maps_contains_all_addresses(box):
    server = box.postgres()
    peer_setups.fill_tables(server, LISTS)
    for table in ("senders", "recipients"):
        assert {row[0] for row in server.query(f"SELECT address FROM {table}")} == set(getattr(LISTS, table))


def test_rspamd_loads_a_map_with_each_list(tmp_path):
    settings = peer_setups.rspamd_maps(tmp_path, LISTS)
    kinds = {"senders": 'type = "from";', "domains": 'type = "from"; filter = "email:domain";',
             "recipients": 'type = "rcpt";', "sender_regexes": 'type = "from"; regexp = true;',
             "recipient_regexes": 'type = "rcpt"; regexp = true;'}
    for name in NAMES:
        path = tmp_path / f"{name}.map"
        wanted = getattr(LISTS, name)
        assert read(path) == (wanted if "regex" not in name else [f"/{searched(regex)}/i" for regex in wanted])
        (line,) = [line for line in settings.splitlines() if f'"{path}"' in line]
        assert f"{{ {kinds[name]} prefilter = true; action = \"reject\";" in line


def test_postfwd_has_a_rule_for_each_list(tmp_path):
    rules = read(peer_setups.postfwd_rules(tmp_path, LISTS))
    items = {"senders": "sender==", "domains": "sender_domain==", "recipients": "recipient==",
             "sender_regexes": "sender=~", "recipient_regexes": "recipient=~"}
    for name in NAMES:
        wanted = getattr(LISTS, name)
        assert read(tmp_path / name) == (wanted if "regex" not in name else list(map(searched, wanted)))
        assert f"id={name}; {items[name]}file:{tmp_path / name}; action=REJECT" in rules
    assert f"rate(sasl_username/{LIMIT}/3600/450 " in rules[-1] and len(rules) == len(NAMES) + 1


# ---- the proof ---------------------------------------------------------------------------------

def front(box, lists, limit=LIMIT):
    """Postern with these lists behind a Postfix. Returns the port."""
    daemon = box.postern(
        config={"profile": {"default_domain": LOGIN_DOMAIN}}, lists=peer_setups.postern_lists(lists),
        store={"profiles": [{"id": 1, "name": "all", "open": True, "limits": limit and f"{limit}/1h"}],
               "users": [{"id": number, "username": login(number), "froms": f"@{LOGIN_DOMAIN}", "profileId": 1}
                         for number in (peer_lists.LOGINS, peer_lists.LOGINS + 1)]})
    return box.postfix(milter=daemon.postfix_milter).port


def test_the_proof_passes_a_set_up_that_decides_as_it_must(box):
    port = front(box, LISTS)
    assert peer_proof.prove_lists("Postern", port, LISTS) == 5 * (2 * peer_lists.SAMPLES + 1)
    peer_proof.prove_limit("Postern", port)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", [0, -1], ids=["first", "last"])
def test_the_proof_finds_a_missing_entry(box, name, at):
    lists = Lists(entries=40, regexes=40)
    del getattr(lists, name)[at]
    with pytest.raises(peer_proof.NotProved, match=rf"Postern answers 250 .*its list {name} refuses"):
        peer_proof.prove_lists("Postern", front(box, lists), LISTS)


def test_the_proof_finds_a_set_up_without_lists_or_that_refuses_everything(box):
    port = box.postfix().port
    assert peer_proof.prove_lists("Postfix", port, LISTS, refuses=False)
    with pytest.raises(peer_proof.NotProved, match="answers 250"):
        peer_proof.prove_lists("Postfix", port, LISTS)
    port = box.postfix(parameters={"smtpd_sender_restrictions": "reject"}).port
    with pytest.raises(peer_proof.NotProved, match="answers 554 .* does not contain"):
        peer_proof.prove_lists("Postfix", port, LISTS)


@pytest.mark.parametrize("limit", [None, LIMIT - 1, LIMIT + 1])
def test_the_proof_finds_another_limit(box, limit):
    with pytest.raises(peer_proof.NotProved, match="of a login that may send"):
        peer_proof.prove_limit("Postern", front(box, LISTS, limit))


# ---- the figures -------------------------------------------------------------------------------

def smtp_load(port, file, *options):
    return benchlib.run_program(benchlib.BUILD / "t/bench/smtp_load", "-p", port, "--file", file, "-t", 0.2, *options)


def test_the_load_client_counts_each_outcome_and_goes_on_with_the_next_session(box, tmp_path):
    sink = box.sink()
    port = box.postfix(sink=sink, parameters={"smtpd_sender_restrictions":
                       "check_sender_access inline:{refused@a.example=REJECT, {deferred@a.example = 450 later}}"}).port
    kinds = ["refused", "deferred"] + ["accepted"] * 6
    file = tmp_path / "sessions"
    file.write_text("".join(json.dumps(
        {"ip": "127.0.0.1", "helo": "c.example", "mail": f"<{kind}@a.example>", "rcpts": [f"<r{number}@b.example>"],
         **({"login": "alice"} if number % 2 else {})}) + "\n" for number, kind in enumerate(kinds)))
    first = smtp_load(port, file, "-c", 2)
    assert first["ok"] and first["error"] == "" and first["seconds"] > 0
    assert first["sent"] == first["messages"]["count"] == sum(first[kind] for kind in ("accepted", "refused", "deferred"))
    second = smtp_load(port, file, "--first", first["sent"], "--warmup", 0.1)
    assert second["messages"]["count"] <= second["sent"]
    total = first["sent"] + second["sent"]
    wanted = {kind: sum(kinds[number % 8] == kind for number in range(total)) for kind in set(kinds)}
    assert {kind: first[kind] + second[kind] for kind in wanted} == wanted
    wait_until(lambda: len(sink.messages) >= wanted["accepted"], "all messages have arrived")
    assert len(sink.messages) == wanted["accepted"]


def test_the_load_client_reports_a_server_that_closes(box, tmp_path):
    file = tmp_path / "sessions"
    file.write_text(json.dumps({"ip": "127.0.0.1", "helo": "c.example", "mail": "<a@a.example>", "rcpts": ["<b@b.example>"]}))
    port = box.postfix(parameters={"smtpd_sender_restrictions": "check_sender_access inline:{{a@a.example = 521 bye}}"}).port
    assert smtp_load(port, file)["refused"] > 0
    done = smtp_load(1, file)
    assert not done["ok"] and done["broken"] == 1 and "refused" in done["error"]


BURN = "import time\nwhile time.process_time() < 0.3: pass"


def test_the_cpu_time_of_a_set_up_counts_children_of_children_that_run_or_have_ended(box):
    script = f"""
import os, subprocess, sys, time
if os.fork() == 0:
    subprocess.run([sys.executable, "-c", {BURN!r}])
    {BURN.splitlines()[0]}
    while time.process_time() < 0.3: pass
    print("done", flush=True)
    time.sleep(600)
time.sleep(600)
"""
    child = box.process("burning", [sys.executable, "-c", script])
    wait_until(lambda: "done" in child.text(), "both have used their time", deadline=120)
    assert 0.55 < benchlib.cpu_seconds(child.pid)
    assert benchlib.memory_mb(benchlib.family(child.pid)) > 1
    assert benchlib.cpu_seconds(os.getpid()) >= benchlib.cpu_seconds(child.pid)


def test_a_program_that_becomes_a_daemon_ends_with_its_set_up(box, tmp_path):
    daemon = tmp_path / "daemon"
    daemon.write_text(f"setsid sh -c 'sleep 600 & echo $! >{tmp_path}/below; echo $$ >{tmp_path}/pid; wait' &\n")
    child = box.process("daemon", [sys.executable, BENCH / "stay.py", "sh", daemon])
    pids = [int(wait_until(lambda path=tmp_path / name: path.exists() and path.read_text().strip(), f"{name} is there"))
            for name in ("pid", "below")]
    assert set(pids) < set(benchlib.family(child.pid))
    assert child.stop() == 0
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_what_is_missing_is_named_with_the_command_that_installs_it(tmp_path):
    needs_root()
    (tmp_path / "dpkg-query").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "dpkg-query").chmod(0o755)
    done = subprocess.run([sys.executable, BENCH / "peers.py"], capture_output=True, text=True, check=False,
                          env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == 1
    for text in ("rspamd", "postfwd", "redis-server", "postfix-cdb", "postfix-pcre", "make deps-bench"):
        assert text in done.stderr


def test_a_slow_set_up_gets_fewer_turns():
    import peers  # pylint: disable=import-outside-toplevel
    now = [0.0]
    before, time.monotonic = time.monotonic, lambda: now[0]
    try:
        def measure(name):
            now[0] += {"quick": 1, "slow": peers.ENOUGH}[name]
            return now[0]

        turns = peers.take_turns(["quick", "slow"], 3, measure)
    finally:
        time.monotonic = before
    assert [len(turns[name]) for name in ("quick", "slow")] == [3, 1]
