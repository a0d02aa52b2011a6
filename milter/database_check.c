/*
 * Reads the tables of the database for `postern -n`. Owns the connection during the call; one
 * thread calls it, as the daemon's user. t/integration/test_check_database.py covers it.
 */
#include "milter/database_check.h"

#include <poll.h>

#include "milter/loop/clock.h"
#include "milter/pg/pg_load.h"

static enum pg_wait wait_for_database(void *context, int fd, bool for_write, int64_t deadline)
{
	struct pollfd one = { .fd = fd, .events = for_write ? POLLOUT : POLLIN };

	(void)context;
	if (fd < 0)
		return PG_WAIT_READY; /* this thread has no other work */
	return poll(&one, 1, clock_timeout(clock_ms(), deadline)) > 0 ? PG_WAIT_READY :
									PG_WAIT_TIMEOUT;
}

/* Load all tables in one transaction. */
static enum pg_outcome load_tables(struct pg *pg, const struct pg_load *of,
	void *sets_r[FEED_TABLES])
{
	enum pg_outcome outcome = pg_begin(pg);

	for (int table = 0; table < FEED_TABLES && outcome == PG_OK; table++) {
		struct pg_load load = *of;

		load.table = (enum feed_table)table;
		outcome = pg_load_table(pg, &load, &sets_r[table]);
	}
	return outcome == PG_OK ? pg_commit(pg) : outcome;
}

/* Report why a daemon would have no policy, and where a copy of the tables would be. */
static void report_failure(const struct config *config, const char *what, const struct errmsg *why,
	struct problems *problems)
{
	problems_add(problems,
		"[database]: %s, and there is no copy of it (%s), so that a daemon that starts has "
		"no policy: %s",
		what, config->store.path[0] == '\0' ? "[store] path" : config->store.path,
		why->text);
}

void database_check(const struct config *config, struct policy_parts *parts,
	struct files_report *report)
{
	const struct pg_waiter waiter = { .wait = wait_for_database };
	const struct pg_load load = {
		.context = { .rcpt_re_anchored = config->settings->rcpt_re_anchored },
		.problems = report->problems,
	};
	void *sets[FEED_TABLES] = { NULL };
	struct errmsg err;
	struct pg *pg = NULL;

	if (pg_connect(config, NULL, &waiter, &pg, &err) != PG_OK)
		report_failure(config, "not reached", &err, report->unreadable);
	else if (load_tables(pg, &load, sets) != PG_OK)
		report_failure(config, "its tables cannot be read", pg_error(pg),
			report->unreadable);
	pg_close(&pg);
	parts->profiles = sets[FEED_PROFILES];
	parts->users = sets[FEED_USERS];
}
