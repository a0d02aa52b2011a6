"""
The kinds of action of which histories consist, each with its weight. An action ends with everything as it was, except
for rows and lists, and states at its quiet points what `status` has to report.
"""

ACTIONS = {}  # name -> (weight, function)

# Kinds that Postern is known to fail, with the reason. `make check` leaves them out; --all runs them.
AWAITING = {}
# The same for what is judged all the time: (kind of failure, set-up): the reason. --strict judges these, too.
AWAITING_CHECKS = {}
NEED_MOUNTS = {"disk_full"}


def action(weight=3):
    def register(function):
        ACTIONS[function.__name__] = (weight, function)
        return function
    return register


def rows(setup):
    """The set-ups that read the tables that actions change."""
    return setup.database == "mail"


def feed(setup):
    """The set-ups that use our feed on the tables that actions change, for problems that concern it."""
    return setup.has_feed and rows(setup)


def some_daemon(h):
    """A daemon that reads the tables that actions change."""
    return h.daemons[h.rng.choice([name for name, daemon in h.daemons.items() if rows(daemon.setup)])]


def sample(rng, kinds, count):
    """`count` names of actions, by weight."""
    names = sorted(kinds)
    return rng.choices(names, [ACTIONS[name][0] for name in names], k=count)
