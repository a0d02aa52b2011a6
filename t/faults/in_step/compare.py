"""
Asks every daemon about all logins, all the time, and judges the answers by what the tables and lists contained when.

A timeline holds the states that the rules of a set-up have had since the last quiet point. Two things are always
wrong, whatever happens to the servers: an answer that none of these states gives, and a policy that differs from every
state that was current since the moment for which `status` says that the policy is known to be right.
"""

import collections
import dataclasses
import threading
import time

from harness.milter_client import MilterClient, packet

from .truth import QUESTIONS, SIZE, answers, recipient, sender

AGAIN = 0.5  # seconds for which the answers of one policy are not asked for again
# `confirmed_at` is in whole seconds, and a database snapshot is a little older than the end of its load.
SLACK = 0.5


@dataclasses.dataclass
class State:
    """The content of the tables, or of one list file, from `since` until `until`."""

    value: object
    since: float
    until: float = float("inf")


class Timeline:
    """The states of one source: the tables as a set-up reads them, or a list file."""

    def __init__(self, value):
        self.states = [State(value, 0.0)]
        self.past = collections.deque(maxlen=40)  # states before the last quiet point
        self.problem = None  # why the source cannot be read now
        self.reached = 0  # the index of the latest state that the daemon has certainly shown

    @property
    def value(self):
        return self.states[-1].value

    def move(self, value, since, until):
        """The source has changed between these times."""
        if self.states[-1].value != value:
            self.states[-1].until = until
            self.states.append(State(value, since))

    def settle(self):
        """Everybody has followed: older states must not be seen again."""
        self.past.extend(self.states[:-1])
        self.states = self.states[-1:]
        self.reached = 0


@dataclasses.dataclass
class Record:
    """What one daemon answered to all questions between two looks at its status."""

    name: str
    began: float
    ended: float
    vector: tuple  # in the order of QUESTIONS; None: no answers
    before: dict
    after: dict
    error: str = ""

    @property
    def is_whole(self):
        """Whether one policy was in force during all questions."""
        return bool(self.vector and self.before and self.after
                    and self.before["daemon"]["pid"] == self.after["daemon"]["pid"]
                    and self.before["cache"]["policy"]["serial"] == self.after["cache"]["policy"]["serial"])

    @property
    def confirmed(self):
        return self.before["cache"]["policy"]["confirmed_at"] if self.before else None


def meaning(answer):
    """The answer to a question in one word."""
    if answer:
        return "ok"
    for text, word in (("not authorized", "unknown"), ("not allowed to send mail", "stopped"),
                       ("That sender", "listed"), ("not allowed to send to", "no"),
                       ("That recipient", "listed"), ("too big", "big")):
        if text in answer.text:
            return word
    return "tempfail" if answer.verdict == "tempfail" else repr(answer)


class Session(MilterClient):
    """Sends what needs no answer together with the next command, which saves most system calls."""

    def __init__(self, path):
        self._held = b""
        super().__init__(path=path, timeout=30)

    def _send(self, command, octets=b""):
        self._held += packet(command, octets)

    def flush(self):
        held, self._held = self._held, b""
        self.socket.sendall(held)

    def _receive(self):
        self.flush()
        return super()._receive()


class Asker:
    """One daemon's session and control socket."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.milter = None
        self.policy = self.vector = None  # the policy that was asked last, and its answers
        self.asked = 0.0
        self.rounds = 0  # how often all questions were answered

    def _session(self):
        if self.milter is None:
            self.milter = Session(self.daemon.postern.socket)
            self.milter.connect("mail.example.net", "192.0.2.7")
            self.milter.helo("mail.example.net")
        return self.milter

    def close(self):
        if self.milter is not None:
            self.milter.close()
            self.milter = None

    def _ask(self, question):
        kind, login, number = question
        milter = self._session()
        who = {"auth_authen": login, "auth_type": "PLAIN"}
        if kind == "sender":
            answer = milter.mail(f"<{sender(login, number)}>", **who)
        elif kind == "size":
            answer = milter.mail("<>", f"SIZE={SIZE}", **who)
        elif kind == "recipient":
            answer = milter.mail("<>", **who) and milter.rcpt(f"<{recipient(number)}>")
        elif kind == "senders":
            answer = milter.mail(f"<{login}>", auth_authen="")
        else:
            answer = milter.mail("<>", auth_authen="") and milter.rcpt(f"<{login}>")
        milter.abort()
        return meaning(answer)

    def _answers(self, before):
        """The answers and the status after them. A policy never changes, so that it need not always be asked again."""
        policy = (before["daemon"]["pid"], before["cache"]["policy"]["serial"])
        if policy == self.policy and time.time() < self.asked + AGAIN:
            return self.vector, before
        self.asked = time.time()
        vector = tuple(self._ask(question) for question in QUESTIONS)
        self.milter.flush()
        self.rounds += 1
        after = self.daemon.control.ask("status")
        if policy == (after["daemon"]["pid"], after["cache"]["policy"]["serial"]):
            self.policy, self.vector = policy, vector
        return vector, after

    def record(self):
        """Ask for the status, and for all answers if they may be others."""
        control = self.daemon.control
        began, before, after, vector, error = time.time(), None, None, None, ""
        try:
            before = control.ask("status")
            vector, after = self._answers(before)
        except (OSError, EOFError, AssertionError) as failure:
            error = repr(failure)
            self.close()
            control.close()
        return Record(self.daemon.name, began, time.time(), vector, before, after, error)


class Prober:
    """A thread that asks the daemons in turns. `resting` is the pause after each turn."""

    def __init__(self, daemons):
        self.askers = [Asker(daemon) for daemon in daemons]
        self.records = []
        self.resting = 0.2
        self.count = 0
        self._stopped = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stopped:
            for asker in self.askers:
                record = asker.record()
                with self._news:
                    self.records.append(record)
                    self.count += 1
                    self._news.notify_all()
            time.sleep(self.resting)

    def take(self):
        """The records since the last call."""
        with self._news:
            records, self.records = self.records, []
        return records

    def wait(self, seconds):
        with self._news:
            if not self.records:
                self._news.wait(seconds)

    def close(self):
        self._stopped = True
        self._thread.join()
        for asker in self.askers:
            asker.close()


class Judge:
    """Knows what the rules of each set-up were, and holds the records against that."""

    def __init__(self):
        self.rows = {}  # set-up -> Timeline of truth.Rows
        self.lists = {}  # "senders", "recipients" -> Timeline of entries
        self._predicted = {}

    def begin(self, name, rows):
        self.rows[name] = Timeline(rows)

    def begin_list(self, source, entries):
        self.lists[source] = Timeline(entries)

    def predict(self, rows, senders, recipients):
        key = (id(rows), senders, recipients)
        if key not in self._predicted:
            if len(self._predicted) > 2000:
                self._predicted.clear()
            found = answers(rows, senders, recipients)
            self._predicted[key] = (rows, tuple(found[question] for question in QUESTIONS))
        return self._predicted[key][1]

    def now(self, name):
        """The answers that the present rules give, for one set-up."""
        return self.predict(self.rows[name].value, self.lists["senders"].value, self.lists["recipients"].value)

    def _vectors(self, name, keep, older=False):
        """What each state for which keep(state) holds gives, together with each state of the lists."""
        timeline = self.rows[name]
        states = [*timeline.past, *timeline.states] if older else timeline.states
        return [self.predict(state.value, senders.value, recipients.value)
                for state in states if keep(state)
                for senders in self.lists["senders"].states
                for recipients in self.lists["recipients"].states]

    def complaint(self, record, older=False):
        """
        (kind, text) if the record shows a fault whatever the servers do, else None. older: the daemon was killed, and
        may begin with rows that it kept before.
        """
        if not record.vector:
            return None
        if all(answer == "tempfail" for answer in record.vector):
            return None  # it has no policy yet, and says so
        vectors = self._vectors(record.name, lambda state: state.since <= record.ended, older)
        if not record.is_whole:
            wrong = [at for at, answer in enumerate(record.vector)
                     if answer != "tempfail" and all(vector[at] != answer for vector in vectors)]
            return ("impossible answer", self.difference(record, vectors, wrong)) if wrong else None
        if record.vector not in vectors:
            return "impossible policy", self.difference(record, vectors)
        if self._goes_back(record, older):
            return "older policy", "it has shown later states\n" + self.difference(record, [self.now(record.name)])
        if record.before["cache"]["policy"]["source"] != "database" or record.confirmed is None:
            return None
        current = self._vectors(record.name, lambda state: state.since <= record.ended
                                and state.until >= record.confirmed - SLACK)
        if record.vector not in current:
            late = record.began - max(state.until for state in self.rows[record.name].states[:-1])
            return "false confirmation", (
                f"`status` says that the policy is known to be right {record.began - record.confirmed:.1f} s ago, but "
                f"it is older than a change of {late:.1f} s ago\n" + self.difference(record, current))
        return None

    def _goes_back(self, record, older):
        """Whether the rows are only those of states before one that the daemon has shown."""
        timeline = self.rows[record.name]
        if older:
            timeline.reached = 0
            return False
        shown = [at for at, state in enumerate(timeline.states)
                 if record.vector in self._vectors(record.name, lambda one, state=state: one is state)]
        later = [at for at in shown if at >= timeline.reached]
        if later:
            timeline.reached = later[0]
        return bool(shown) and not later

    @staticmethod
    def difference(record, vectors, wrong=None):
        """The questions that were answered otherwise than by the nearest of the vectors."""
        if not vectors:
            return "no state of the rules is possible"
        nearest = min(vectors, key=lambda vector: sum(a != b for a, b in zip(vector, record.vector)))
        at = wrong if wrong is not None else [i for i, (a, b) in enumerate(zip(nearest, record.vector)) if a != b]
        lines = [f"  {' '.join(map(str, QUESTIONS[i]))}: answered {record.vector[i]}, the rules give {nearest[i]}"
                 for i in at[:12]]
        return "\n".join(lines + ([f"  ... {len(at)} in all"] if len(at) > 12 else []))
