"""One random history: its sessions, its changes with the times at which they happened, and its quiet points."""

import random
import re
import time

from harness.wait import wait_until

from .truth import COUNTED, DOMAINS, LISTED, LOGINS, VERSIONS, Unreadable, read_list, read_store, recipient, sender

LISTS = {"senders": "mail_from.access.blacklist", "recipients": "rcpt_to.access.blacklist"}
DEADLINE = 60  # seconds until a quiet point counts as missed, whatever the machine does beside
FRESH = 5  # seconds: the age of a policy that is known to be right, beside the intervals of a second
TIMELINE = "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"
FOLLOWING = ("cache", "database", "store", "lists")  # the sections of the status that tell whether Postern is in step


class Failure(Exception):
    """Postern is not in step. kind is one of a few words, for the report."""

    def __init__(self, kind, name, text):
        super().__init__(f"{kind} in {name}: {text}")
        self.kind, self.name = kind, name


def problems_of(status):
    """The texts of the problems that concern the policy."""
    return [one["problem"] for one in status["problems"] if one["section"] in FOLLOWING]


def doubt(status, setup, tolerated=""):
    """Why `status` does not claim that the policy is right; "" if it does. tolerated: a regex for problems."""
    known = "|".join(filter(None, (setup.standing, tolerated)))
    texts = [text for text in problems_of(status) if not (known and re.search(known, text))]
    policy = status["cache"]["policy"]
    if texts:
        return "; ".join(texts)
    if policy["source"] != "database":
        return f"the policy's source is {policy['source']}"
    if policy["age_seconds"] is None or policy["age_seconds"] > FRESH:
        return f"last known to be right {policy['age_seconds']} s ago"
    return ""


class Session:
    """A transaction of the history on a connection of its own."""

    def __init__(self, history, name):
        self.history, self.name = history, name
        self.connection = history.site.primary.connect(autocommit=False)
        self.run("SET LOCAL search_path = haraka")

    def run(self, sql):
        self.history.note(f"{self.name}: {sql}")
        cursor = self.connection.cursor()
        cursor.execute(sql)
        return cursor

    def commit(self):
        self.history.change(self.connection.commit, f"{self.name}: COMMIT")
        self.connection.close()

    def rollback(self):
        self.history.note(f"{self.name}: ROLLBACK")
        self.connection.rollback()
        self.connection.close()


class History:
    """Runs actions at a site and knows what the rules were when."""

    def __init__(self, site, prober, judge, seed, awaited=None, deadline=DEADLINE):
        self.site, self.prober, self.judge = site, prober, judge
        self.awaited = awaited or (lambda kind, name: False)
        self.deadline = deadline
        self.rng = random.Random(seed)
        self.is_busy = self.rng.random() < 0.5
        self.lines = []
        self.began = time.time()
        self.daemons = {daemon.name: daemon for daemon in site.daemons}
        self.lagging = set()  # standbys that cannot follow now
        self.older = set()  # daemons that may hold rows that they kept before
        self.arrays = False  # froms is text[]
        self.is_empty = False  # a committed state of a table has no rows
        self.tolerated = ""  # a regex for problems that status may report, or not
        self.sessions = self.quiet_points = 0

    # ---- the log of the history ---------------------------------------------------------------

    def note(self, text):
        self.lines.append(f"{time.time() - self.began:8.3f}  {text}")

    @staticmethod
    def require(holds, kind, name, text):
        if not holds:
            raise Failure(kind, name, text)

    # ---- changes of the tables ------------------------------------------------------------------

    def session(self):
        self.sessions += 1
        return Session(self, f"session {self.sessions}")

    def sql(self, *statements):
        """Statements that commit by themselves, each a change."""
        for statement in statements:
            self.change(lambda one=statement: self.query(one), statement)

    def query(self, statement):
        """A statement, or several in one transaction, on the primary."""
        return self.site.query(self.site.primary, statement, options="-csearch_path=haraka -clock_timeout=60s")

    def change(self, do, what):
        """Do something that may change the tables, and note their new content."""
        self.note(what)
        since = time.time()
        answer = do()
        self.look(since)
        return answer

    def look(self, since=None, users=True):
        """Load the truth; users=False: the users are as before, and may be locked."""
        since = time.time() if since is None else since
        loaded = {}
        for name, daemon in self.daemons.items():
            loader = self.site.loader(daemon.setup)
            if loader not in loaded:
                try:
                    loaded[loader] = (loader.load(None if users else self.judge.rows[name].value), None)
                except Unreadable as error:
                    loaded[loader] = (None, str(error))
            rows, problem = loaded[loader]
            self._move(name, daemon, rows, problem, since)

    def _move(self, name, daemon, rows, problem, since):
        timeline = self.judge.rows.get(name)
        if timeline is None:
            assert rows, problem
            self.judge.begin(name, rows)
            return
        timeline.problem = problem
        if rows is None or rows.key == timeline.value.key:
            return
        timeline.move(rows, since, time.time() if self._wait_standbys(daemon.setup) else float("inf"))

    def _wait_standbys(self, setup):
        """Wait until the standbys that a set-up reads have what the primary has; False if one of them cannot."""
        servers = self.site.read_by(setup)
        if self.lagging.intersection(servers):
            return False
        for server in servers:
            self.site.wait_caught_up(server)
        return True

    def standby_is_back(self, server):
        """The standby streams again, on the primary's timeline: from now on it shows nothing old."""
        here = self.site.primary.value(TIMELINE)
        wait_until(lambda: server.query("SELECT received_tli FROM pg_stat_wal_receiver WHERE status = 'streaming'")
                   == [(here,)], f"{server.process.name} streams on timeline {here}")
        self.lagging.discard(server)
        for one in set(self.site.standbys) - self.lagging:  # the other one may stream from it
            self.site.wait_caught_up(one)
        for name, daemon in self.daemons.items():
            servers = self.site.read_by(daemon.setup)
            if server in servers and not self.lagging.intersection(servers):
                for state in self.judge.rows[name].states[:-1]:
                    state.until = min(state.until, time.time())

    # ---- random statements ------------------------------------------------------------------------

    def froms(self, login):
        """A random value of froms, as SQL."""
        owned = [sender(login, version) for version in sorted(self.rng.sample(VERSIONS, self.rng.randint(1, 3)))]
        if self.arrays:
            return "ARRAY[" + ", ".join(f"'{one}'" for one in owned) + "]"
        return "'" + ",".join(owned) + "'"

    def new_row(self, login):
        return f"('{login}', {self.froms(login)}, {self.rng.randint(1, 4)})"

    def user_change(self, login=None):
        """A statement that changes a user, or adds or removes it."""
        login = login or self.rng.choice(LOGINS)
        where = f"WHERE username = '{login}'"
        return self.rng.choice([
            f"UPDATE users SET froms = {self.froms(login)} {where}",
            f"UPDATE users SET froms = {self.froms(login)} {where}",
            f"UPDATE users SET enabled = NOT enabled {where}",
            f'UPDATE users SET "profileId" = {self.rng.randint(1, 4)} {where}',
            f"DELETE FROM users {where}",
            f'INSERT INTO users (username, froms, "profileId") SELECT * FROM (VALUES {self.new_row(login)}) AS new'
            f" WHERE NOT EXISTS (SELECT FROM users {where})",
        ])

    def profile_change(self):
        """A statement that changes a profile."""
        domains = self.rng.sample(DOMAINS, self.rng.randint(1, 3))
        value = self.rng.choice([
            f"host = '{','.join(domains)}'",
            f"rcpt = '{recipient(self.rng.randrange(len(DOMAINS)))}'",
            f"rcpt_re = '^r@p{self.rng.randrange(len(DOMAINS))}[.]example$'",
            f"maxsize = {self.rng.choice([0, 1000, 5000])}",
            "open = NOT open",
        ])
        return f"UPDATE profiles SET {value} WHERE id = {self.rng.randint(1, 4)}"

    def any_change(self):
        return self.profile_change() if self.rng.random() < 0.25 else self.user_change()

    @staticmethod
    def row_change():
        """A change of a row that every set-up reads and that no question concerns."""
        return "UPDATE profiles SET maxsize = maxsize + 1 WHERE id = 5"

    def sure_change(self):
        """A change of one user that certainly changes an answer, for actions that test one moment."""
        first = self.rng.choice(LOGINS[:8])  # if an action of this history has not deleted it
        return ("UPDATE users SET enabled = NOT enabled WHERE username = (SELECT username FROM users"
                f" WHERE username <> '{COUNTED}' ORDER BY username <> '{first}', username LIMIT 1)")

    @staticmethod
    def counted():
        """The statements that make the login whose messages the ledgers count, as they have to be."""
        return (f"DELETE FROM users WHERE username = '{COUNTED}';"
                f"""INSERT INTO users (username, froms, "profileId") VALUES ('{COUNTED}', '*', 5)""")

    def reset(self):
        """The rows and lists with which every history begins, so that it can be repeated alone."""
        users = [f"('{login}', '{sender(login, 0)}', {number % 4 + 1}, true)"
                 for number, login in enumerate(LOGINS[:10])]
        profiles = [f"({number}, 'profile{number}', {str(number == 4).lower()}, 0, '{DOMAINS[number - 1]}')"
                    for number in range(1, 5)]
        # Because of this profile, sessions are negotiated with what the check of sizes needs.
        profiles.append(f"(5, '{COUNTED}', true, 1000000, NULL)")
        self.change(lambda: self.query(
            "BEGIN; DELETE FROM closed; DELETE FROM users; DELETE FROM profiles;"
            "INSERT INTO profiles (id, name, open, maxsize, host) VALUES " + ", ".join(profiles) + ";"
            "UPDATE profiles SET limits = '1000000/1d' WHERE id = 5;"
            'INSERT INTO users (username, froms, "profileId", enabled) VALUES ' + ", ".join(users) + ";"
            + self.counted() + "; COMMIT"),
            "the rows with which every history begins")
        for source in LISTS:
            self.write_list(source, self.some_entries(source))

    # ---- the list files -----------------------------------------------------------------------------

    def some_source(self):
        return self.rng.choice(sorted(LISTS))

    def path(self, source):
        return self.site.lists / LISTS[source]

    def some_entries(self, source):
        """The text of a list: some entries that change answers, and 25 that make it long."""
        addresses = LISTED[source]
        found = self.rng.sample(addresses, self.rng.randint(1, len(addresses)))
        filler = [f"nobody{number}@filler.example" for number in range(25)]
        return "".join(entry + "\n" for entry in [*filler[:12], *found, *filler[12:]])

    def change_list(self, source, do, what):
        """Do something that changes a list file from one complete state to another."""
        self.note(what)
        since = time.time()
        do(self.path(source))
        self.look_at_list(source, since)

    def look_at_list(self, source, since=None):
        since = time.time() if since is None else since
        entries = read_list(self.path(source))
        if source not in self.judge.lists:
            self.judge.begin_list(source, entries)
        else:
            self.judge.lists[source].move(entries, since, time.time())

    def write_list(self, source, text):
        def rename(path):
            beside = path.with_name("." + path.name + ".new")
            beside.write_text(text, encoding="utf-8")
            beside.rename(path)
        self.change_list(source, rename, f"{LISTS[source]}: replaced by rename")

    # ---- quiet points ---------------------------------------------------------------------------------

    def _complain(self, records):
        for record in records:
            found = self.judge.complaint(record, record.name in self.older)
            if not found and not self.is_empty and record.after and \
                    any("would become empty" in text for text in problems_of(record.after)):
                found = "false alarm", "no table has ever been empty for others, but `status` says that one became so"
            if found and not self.awaited(found[0], record.name):
                raise Failure(found[0], record.name, found[1])

    def watch(self, seconds):
        """Let time pass while the daemons are asked."""
        end = time.time() + seconds
        while time.time() < end:
            self.prober.wait(min(0.2, max(0.0, end - time.time())))
            self._complain(self.prober.take())
            time.sleep(0.01)

    def busy(self, seconds):
        """Let time pass; in half of the histories, while rows change all the time."""
        end = time.time() + seconds
        while self.is_busy and time.time() < end:
            self.sql(self.any_change())
            self.watch(self.rng.random() / 5)
        self.watch(max(0.0, end - time.time()))

    def _is_good(self, record, expectation):
        """"" if the record is what a quiet point should find, else what is missing."""
        if not record.is_whole:
            return record.error or "no policy for the length of all questions"
        setup = self.daemons[record.name].setup
        why = doubt(record.after, setup, self.tolerated)
        matches = record.vector == self.judge.now(record.name)
        wanted, followed = expectation(setup)
        if wanted:
            if not why:
                return f"no problem is reported, but one was expected: {wanted}"
            if not re.search(wanted, why):
                return f"another problem is reported than expected ({wanted}): {why}"
            return "" if matches or not followed else "it has not followed"
        if why:
            return f"the policy is right, but `status` says: {why}" if matches else f"it has not followed: {why}"
        if not matches:
            return "the policy differs, but `status` reports it as right"
        return self._miscount(record)

    def _miscount(self, record):
        """"" if `status` counts the rows and entries that there are."""
        rows, lists = self.judge.rows[record.name].value, record.after["lists"]["entries"]
        counts = [("users", record.after["cache"]["users"], len(rows.users)),
                  ("profiles", record.after["cache"]["profiles"], len(rows.profiles))]
        counts += [(name, lists[name], len(self.judge.lists[source].value)) for source, name in LISTS.items()]
        setup = self.daemons[record.name].setup
        counts.append(("seconds as followed_every", record.after["database"]["followed_every_seconds"],
                       1 if setup.interval == "1s" else None))
        wrong = [f"{seen} {name} instead of {right}" for name, seen, right in counts if seen != right]
        return "the policy is right, but `status` says: " + ", ".join(wrong) if wrong else ""

    def quiet(self, problem="", on=lambda setup: True, followed=True, only=None):
        """
        Wait until every daemon has followed and says so. With problem, a regex, those set-ups for which on(setup)
        holds have to report it; followed=False: they may hold other rows as long as they do. only: names of daemons.
        """
        self.note("quiet" + (f", expecting the problem {problem!r}" if problem else ""))
        began, self.prober.resting = time.time(), 0.03
        waiting, last = set(only or self.daemons), {}

        def expectation(setup):
            return (problem, followed) if problem and on(setup) else ("", True)

        while waiting:
            self.prober.wait(1.0)
            records = self.prober.take()
            self._complain(records)
            for record in records:
                if record.began >= began and record.name in waiting:
                    last[record.name] = (self._is_good(record, expectation), record)
                    if not last[record.name][0]:
                        waiting.discard(record.name)
            if waiting and time.time() - began > self.deadline:
                self._missed(waiting, last)
                break
        self.prober.resting = 0.2
        self.quiet_points += 1
        self._settle(only, problem and not followed)

    def _settle(self, only, holds):
        for name, timeline in self.judge.rows.items():
            if not holds and (only is None or name in only):
                timeline.settle()
        for timeline in self.judge.lists.values():
            if only is None and not holds:
                timeline.settle()
        if not holds:
            self.older -= set(only or self.older)

    def _missed(self, waiting, last):
        """Raise the failure of a quiet point, unless it is awaited."""
        for name in sorted(waiting):
            why, record = last.get(name, ("it does not answer", None))
            if "reports it as right" in why:
                kind = "false right"
            elif "is right, but" in why:
                kind = "false alarm"
            elif "problem" in why:
                kind = "missing problem"
            else:
                kind = "not followed"
            if self.awaited(kind, name):
                continue
            text = f"not within {self.deadline} s: {why}"
            if record is not None and record.vector:
                text += "\n" + self.judge.difference(record, [self.judge.now(name)])
            raise Failure(kind, name, text)

    def check_stores(self):
        """Stop the daemons at a quiet point; each store must contain the rows of that moment."""
        for name, daemon in self.daemons.items():
            daemon.postern.stop()
            kept, rows = read_store(daemon.postern.store_path).answers(), self.judge.rows[name].value.answers()
            wrong = [f"{' '.join(map(str, question))}: {kept[question]} instead of {right}"
                     for question, right in rows.items() if kept[question] != right]
            if wrong:
                raise Failure("wrong store", name, "after SIGTERM, its rows give\n  " + "\n  ".join(wrong[:12]))
