"""Kinds of action: rights, and the change feed."""

from .kinds import action, feed, rows
from .truth import LOGINS


@action(3)
def rights_revoked(h):
    """Rights of a table, a column, the schema, or the role's right to connect are gone for a while."""
    take, give = h.rng.choice([
        ("REVOKE SELECT ON users FROM postern", "GRANT SELECT ON users TO postern"),
        ("REVOKE SELECT ON profiles FROM postern", "GRANT SELECT ON profiles TO postern"),
        ("REVOKE SELECT ON users FROM postern; GRANT SELECT (id, username) ON users TO postern",
         "REVOKE SELECT (id, username) ON users FROM postern; GRANT SELECT ON users TO postern"),
        ("REVOKE USAGE ON SCHEMA haraka FROM postern", "GRANT USAGE ON SCHEMA haraka TO postern"),
        ("ALTER ROLE postern NOLOGIN", "ALTER ROLE postern LOGIN"),
    ])
    h.sql(take)
    is_role = "ROLE" in take
    if is_role:
        for server in [h.site.primary, *h.site.standbys]:
            if server is not h.site.primary:
                h.site.wait_caught_up(server)
            server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postern'")
    h.sql(h.profile_change() if "profiles" in take else h.sure_change())
    h.quiet(problem="denied|refused|failed|not permitted|does not exist|not reached",
            on=lambda setup: is_role or rows(setup), followed=False)
    h.sql(give, *([h.user_change()] if h.rng.random() < 0.5 else []))


@action(2)
def feed_forbidden(h):
    """The feed's functions are closed to the role for a while."""
    name = h.rng.choice(["feed_look(text)", "feed_marks()"])
    h.sql(f"REVOKE EXECUTE ON FUNCTION {name} FROM postern", h.sure_change())
    h.quiet(problem="change feed", on=feed, followed=False)
    h.sql(f"GRANT EXECUTE ON FUNCTION {name} TO postern", h.user_change())
    h.quiet()
    h.sql(h.sure_change())


@action(2)
def feed_dropped(h):
    h.sql("DROP FUNCTION feed_look(text)", h.sure_change())
    h.busy(1.2)
    h.sql(h.user_change())
    h.change(h.site.reinstall, "feed.sql again")
    h.quiet()
    h.sql(h.sure_change())


@action(2)
def feed_reinstalled(h):
    h.sql(h.any_change())
    h.change(h.site.reinstall, "feed.sql again")
    h.sql(h.any_change())


@action(2)
def feed_pruned(h):
    early = h.session()
    early.run(h.user_change(LOGINS[3]))
    h.sql(h.user_change(LOGINS[4]),
          h.rng.choice(["SELECT feed_prune('0 s')", "DELETE FROM changes", "SELECT feed_prune('0 s', 1)"]))
    early.commit()
    h.sql(h.rng.choice(["SELECT feed_prune('0 s')", "TRUNCATE changes"]), h.any_change())
