"""Regexes that are costly to compile delay nothing, and are reported with their line or column."""

import os
import resource
import shutil
import signal
import subprocess

import pytest

from harness.postern import POSTERN, POSTERNCTL
from harness.tables import may, problem_of, status, wait_may, wait_may_not, wait_source
from harness.wait import wait_until

COSTLY = "((((a{1,9}|b|c){1,20}z){1,20}){1,5})x"  # 150 KB with its repeats written out
LIST = "rcpt_to.access.blacklist_regex"
CPU_SECONDS = 10  # far more than the daemon needs, and less than costly regexes would take
ALICE = ("alice", "alice@example.com", "czx1@example.com")


def rows(enabled):
    costly = ",".join(f"^{COSTLY}{number}" for number in range(40))
    return {"profiles": [{"id": 1, "name": "costly", "rcpt_re": costly},
                         {"id": 2, "name": "cheap", "rcpt_re": "^czx1@example\\.com$"}],
            "users": [{"id": 1, "username": "alice", "froms": "alice@example.com", "profileId": 2,
                       "enabled": enabled},
                      {"id": 2, "username": "bob", "froms": "bob@example.com", "profileId": 1}]}


def many_rows(enabled, extra=""):
    """A thousand profiles, whose regexes take much longer to prepare than the test."""
    profiles = [{"id": number, "name": f"p{number}", "rcpt_re": extra + ",".join(
        f"^[a-z]+{number}x{each}.*@(a|b)+[0-9]*\\.example$" for each in range(40))} for number in range(1, 1001)]
    return {"profiles": profiles,
            "users": [{"id": 1, "username": "alice", "froms": "alice@example.com", "profileId": 1000,
                       "enabled": enabled}]}


def limit_cpu():
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def start_limited(daemon):
    """Start a daemon that ends if it takes much CPU time; alice may send."""
    daemon.process.argv[:0] = ["prlimit", f"--cpu={CPU_SECONDS}", "--"]
    daemon.start()
    wait_source(daemon, "store")
    assert may(daemon, *ALICE)


def follow_the_end_of_alice(daemon, store):
    """Start such a daemon, and have it follow a store in which alice is disabled."""
    start_limited(daemon)
    daemon.write_store(store)
    wait_may_not(daemon, *ALICE)


@pytest.fixture(name="daemon")
def fixture_daemon(box):
    lines = "".join(f"{COSTLY}{number}\n" for number in range(1, 5))
    return box.postern(lists={LIST: lines + "bad@.*\n"}, store=rows(True), start=False)


@pytest.mark.threads
def test_costly_regexes_delay_nothing(daemon):
    start_limited(daemon)
    assert may(daemon, "bob", "bob@example.com", "czx1@example.com")
    assert not may(daemon, "bob", "bob@example.com", "czx5@example.com")  # past the profile's bound
    assert not may(daemon, "alice", "alice@example.com", "bad@example.com")
    daemon.write_store(rows(False))
    wait_may_not(daemon, *ALICE)
    wait_until(lambda: status(daemon)["cache"]["unprepared_regex_lists"] == 0, "all regexes are prepared")
    cache = status(daemon)["cache"]
    assert any("profiles id 1 (costly): rcpt_re[4]: " in text for text in cache["problems"])
    for number in range(1, 5):
        assert any(text.startswith(f"{LIST}:{number}: ") for text in cache["notes"])


def test_long_columns_delay_nothing(box):
    """Names that IDNA converts, in the megabytes that a short SQL statement can write."""
    def long_rows(enabled):
        table = rows(enabled)
        for column, item in (("host", "\u00e9" * 60), ("rcpt", "x@" + "\u00e9" * 60)):
            table["profiles"].append({"id": column, "name": column, column: f"{item}," * 40000})
        table["users"].append({"id": 3, "username": "eve", "froms": "x@\u00e9.a," * 400000, "profileId": 2})
        return table

    daemon = box.postern(store=long_rows(True), start=False)
    follow_the_end_of_alice(daemon, long_rows(False))
    problems = status(daemon)["cache"]["problems"]
    for column in ("host", "rcpt"):
        assert any(text.startswith(f"profiles id {column} ({column}): host, rcpt: ") for text in problems), problems
    assert any(text.startswith("users id 3 (eve): froms has ") for text in problems), problems


def test_names_that_idna_refuses_delay_nothing(box):
    """Just below the bounds; IDNA replaces U+FDFA by 18 characters."""
    label = "\ufdfa\u00fc\ufdfa\ufdfa"

    def long_rows(enabled):
        table = rows(enabled)
        for column, item in (("host", f"{label}.a,"), ("rcpt", f"x@{label}.a,")):
            table["profiles"].append({"id": column, "name": column, column: item * (450000 // len(item.encode()))})
        item = f"x@{label}.a,"
        table["users"] += [{"id": number, "username": f"u{number}", "froms": item * (240000 // len(item.encode())),
                            "profileId": 2} for number in range(10, 14)]
        return table

    daemon = box.postern(store=long_rows(True), start=False)
    follow_the_end_of_alice(daemon, long_rows(False))
    assert not any("host, rcpt" in text or "froms" in text for text in status(daemon)["cache"]["problems"])


@pytest.mark.parametrize("count", [2000, 120])
@pytest.mark.parametrize("part", ["@" + "\u0661\u00fc" * 12 + "$|", "@\u00fc\ufdfa\ufdfax\ufdfa$|"])
def test_domains_outside_of_ascii_delay_nothing(box, part, count):
    """Each alternative has a label that IDNA converts. 2,000 such profiles exceed the bound, 120 do not."""
    begin = part * (4000 // len(part.encode()))

    def store(enabled):
        return {"profiles": [*rows(enabled)["profiles"][1:], *({"id": each, "name": f"p{each}", "rcpt_re": f"{begin}z{each}@x"}
                                                               for each in range(10, 10 + count))],
                "users": rows(enabled)["users"][:1]}

    daemon = box.postern(store=store(True), start=False)
    follow_the_end_of_alice(daemon, store(False))
    problems = status(daemon)["cache"]["problems"]
    assert any("rcpt_re: the regexes of all profiles" in text for text in problems) == (count == 2000)


def test_dead_alternatives_delay_nothing(box):
    """The probable meaning of each takes time, and so many would not be shown."""
    begin = r"|<\@|@<" * 570

    def store(enabled):
        return {"profiles": [{"id": 2, "name": "cheap", "rcpt_re": "czx1@example\\.com"},
                             *({"id": each, "name": f"p{each}", "rcpt_re": f"{begin}z{each}@x"} for each in range(10, 1800))],
                "users": rows(enabled)["users"][:1]}

    daemon = box.postern(store=store(True), start=False, config={"profile": {"rcpt_re_anchored": "yes"}})
    follow_the_end_of_alice(daemon, store(False))


@pytest.mark.parametrize("part", [".*" * 9 + "x@.*.*", ".*" * 8 + "[a]" * 25 + "@x"])
def test_remedies_that_are_slow_to_try_delay_nothing(box, part):
    """Each of these regexes lacks only its <, and matches nothing even so."""
    def store(enabled):
        return {"profiles": [*rows(enabled)["profiles"][1:],
                             {"id": 10, "name": "slow", "rcpt_re": ",".join(f"<{part}{each}(?!)" for each in range(1000))}],
                "users": rows(enabled)["users"][:1]}

    daemon = box.postern(store=store(True), start=False)
    follow_the_end_of_alice(daemon, store(False))
    assert any("profiles id 10 (slow): rcpt_re[1]: " in text for text in status(daemon)["cache"]["problems"])


def test_deep_groups_need_no_large_limit_of_the_stack(box):
    """PCRE2 calls itself for each level."""
    deep = "(" * 249 + "a" + ")" * 249 + "@x\\.example\n"
    daemon = box.postern(lists={LIST: deep + "bad@.*\n"}, store=rows(True), start=False)
    daemon.process.argv[:0] = ["prlimit", f"--stack={128 * 1024}"]
    daemon.start()
    wait_source(daemon, "store")
    assert not may(daemon, "alice", "alice@example.com", "a@x.example")
    wait_until(lambda: status(daemon)["cache"]["unprepared_regex_lists"] == 0, "all regexes are prepared")
    assert not may(daemon, "alice", "alice@example.com", "bad@example.com")
    for argv in ([POSTERN, "-n", "-c", daemon.conf],
                 [POSTERNCTL, "-c", daemon.conf, "explain", "--mail", "a@b.example", "--rcpt", "a@x.example"]):
        done = subprocess.run(["prlimit", f"--stack={128 * 1024}", *argv], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (argv, done)


def test_the_check_of_the_configuration_reports_them_at_once(daemon):
    done = subprocess.run([POSTERN, "-n", "-c", daemon.conf], capture_output=True, text=True, check=False,
                          preexec_fn=limit_cpu)  # pylint: disable=subprocess-popen-preexec-fn
    assert done.returncode in (0, 78), done.stderr
    assert "profiles id 1 (costly): rcpt_re[4]: with repeats written out" in done.stdout + done.stderr


NAMES = ["helo.checks.regexps", "mail_from.access.blacklist_regex", LIST]
LOOSE = "".join(f"a{number}[b-d\\W]*@x\\.example\n" for number in range(20000))


def kinds_of(log):
    """The lines of a log that tell of a file read, a policy in force or a reload's answer: their kinds, in order."""
    words = [line.split(" ", 3) for line in log.splitlines()]
    return [line[2] for line in words if len(line) > 3 and line[1] in ("info:", "notice:") and
            (line[2] in ("policy", "store") or (line[2] == "reload" and "asked-by=" not in line[3]) or
             (line[2] == "list" and " entries=" in line[3]))]


def test_a_costly_list_does_not_delay_other_files(box):
    """The store comes into force before a list; a reload is answered after all."""
    daemon = box.postern(store=rows(True))
    wait_source(daemon, "store")
    os.kill(daemon.process.pid, signal.SIGSTOP)
    since = daemon.mark()
    for name in NAMES:
        daemon.write_list(name, LOOSE)
    daemon.write_store(rows(False))
    with subprocess.Popen([POSTERNCTL, "-c", daemon.conf, "reload"], stdout=subprocess.DEVNULL) as reload:
        os.kill(daemon.process.pid, signal.SIGCONT)
        wait_may_not(daemon, *ALICE)
        assert reload.wait() == 0
    daemon.wait_log("reload done", since)
    kinds = kinds_of(daemon.log(since))
    last = kinds.index("reload")
    assert kinds[:last].count("list") == 3, daemon.log(since)
    assert kinds[last - 1] == "policy" and "policy" in kinds[kinds.index("store"):kinds.index("list")], daemon.log(since)


@pytest.mark.parametrize("how", ["reload", "link"])
def test_another_directory_comes_into_force_as_a_whole(box, how):
    """A reload names it, or it is swapped by a link, with inotify's events of neither file."""
    daemon = box.postern(lists={LIST: "old@.*\n"}, store=rows(True), start=False)
    link, other = daemon.lists.with_name("link"), daemon.lists.with_name("other")
    link.symlink_to(daemon.lists.name)
    daemon.configure({"lists": {"directory": "link"}})
    daemon.start()
    wait_source(daemon, "store")
    shutil.copytree(daemon.lists, other)
    for name in NAMES:
        (other / name).write_text(LOOSE)
    since = daemon.mark()
    if how == "reload":
        daemon.configure({"lists": {"directory": "other"}})
        assert daemon.ctl("reload") is not None
    else:
        beside = link.with_name("beside")
        beside.symlink_to(other.name)
        beside.rename(link)
    for name in NAMES:
        daemon.wait_log(f"list {name} entries=20000", since)
    wait_until(lambda: kinds_of(daemon.log(since))[::-1].index("list") > 0, "the lists are in force")
    kinds = kinds_of(daemon.log(since))
    del kinds[:kinds.index("list")]  # the settings and the store may be in force before
    assert kinds.count("list") >= 3 and kinds.count("policy") == 1, daemon.log(since)
    assert kinds.index("policy") > len(kinds) - kinds[::-1].index("list") - 1, daemon.log(since)


def test_profiles_above_the_bound_delay_nothing(box):
    """Each class takes a hundred times as long to read as its text suggests, and the profiles are read often."""
    regexes = [f"z{number}" + r"[\S]" * 1000 for number in range(2000)]

    def store(enabled):
        return {"profiles": [*rows(enabled)["profiles"][1:], *({"id": number, "name": f"p{number}", "rcpt_re": regex}
                                                               for number, regex in enumerate(regexes, 10))],
                "users": rows(enabled)["users"][:1]}

    daemon = box.postern(store=store(True), start=False)
    follow_the_end_of_alice(daemon, store(False))
    assert any("id 10 (p10): rcpt_re: the regexes of all profiles" in text for text in status(daemon)["cache"]["problems"])


@pytest.mark.parametrize("part, count, number", [(r"[^\d\D]", 550, 1900), (r"[\s\S]", 600, 1200), (r"[\S]", 8, 200000)])
def test_classes_of_nearly_all_characters_delay_nothing(box, part, count, number):
    """A few letters make a class of all characters, or of none. In the last case, many short profiles exceed the bound."""
    def store(enabled):
        return {"profiles": [*rows(enabled)["profiles"][1:], *({"id": each, "name": f"p{each}", "rcpt_re": f"z{each}" + part * count}
                                                               for each in range(10, 10 + number))],
                "users": rows(enabled)["users"][:1]}

    daemon = box.postern(store=store(True), start=False)
    follow_the_end_of_alice(daemon, store(False))


def test_the_reason_of_a_refusal_delays_nothing(box):
    """To JavaScript this is one class; to PCRE2, a lookbehind whose length takes long to find."""
    calls = "".join(f"((?{number})(?{number}))" for number in range(3, 14)) + "(a)(?<=(?2))"
    columns = [",".join(rf"\Q[\E(?|(q)){'b' * 3000}{calls}](?>{name}{number})" for number in range(1300)) for name in "ab"]

    def store(enabled):
        return {"profiles": [*rows(enabled)["profiles"][1:], *({"id": number, "name": f"p{number}", "rcpt_re": regexes}
                                                               for number, regexes in enumerate(columns, 10))],
                "users": rows(enabled)["users"][:1]}

    daemon = box.postern(store=store(True), start=False)
    follow_the_end_of_alice(daemon, store(False))
    assert any("id 10 (p10): rcpt_re[1]: regex " in text for text in status(daemon)["cache"]["problems"])


def test_changes_and_a_stop_do_not_wait_for_many_profiles(box):
    daemon = box.postern(store=many_rows(True))
    question = ("alice", "alice@example.com", "q1000x39y@ab7.example")
    wait_source(daemon, "store")
    assert may(daemon, *question)
    assert not may(daemon, "alice", "alice@example.com", "q1000z39y@ab7.example")
    daemon.write_store(many_rows(False))
    wait_may_not(daemon, *question)
    daemon.write_store(many_rows(True, extra="^new@example\\.com$,"))
    wait_may(daemon, "alice", "alice@example.com", "new@example.com")
    assert daemon.ctl("reload") is not None
    busy = status(daemon)["cache"]["unprepared_regex_lists"]
    assert busy > 100, f"all but {busy} lists are prepared, so that the test shows nothing"
    daemon.write_store(many_rows(False))
    assert daemon.stop() == 0


def test_a_list_that_cannot_be_searched_in_time_is_a_problem_with_its_line(box):
    daemon = box.postern(lists={LIST: "fine@.*\n(a+)+(b|c)@x\\.example\n"}, store=rows(True))
    wait_source(daemon, "store")
    assert not problem_of(daemon, "sessions", "")
    with daemon.milter() as session:
        session.mail("<a@b.example>")
        assert session.rcpt(f"<{'a' * 60}@x.example>").code == 451
    rule = f"{LIST}:2 ran past its limits"
    assert daemon.wait_record(verdict="tempfail")["rule"] == rule
    assert status(daemon)["sessions"]["regex_failures"] == 1
    assert problem_of(daemon, "sessions", rule)
