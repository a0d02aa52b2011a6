/*
 * Finds the server to follow among the hosts of the connection string: one whose state is not older
 * than the rows in force. It runs on the cache thread and owns the connections that it makes until
 * one of them becomes the database's. Shown by t/integration/test_database_failover.py.
 */
#include <string.h>

#include "milter/cache/database_private.h"
#include "milter/log/log.h"

/* A server that has accepted a connection, and its state. */
struct candidate {
	struct pg *pg; /* NULL: none */
	struct revision revision;
	enum revision_age age;
};

void database_explain_age(const struct database *db, enum revision_age age,
	const struct revision *here, struct errmsg *text_r)
{
	const struct revision *in_force = db->owner.revision(db->owner.context);

	switch (age) {
	case REVISION_CURRENT:
		text_r->text[0] = '\0';
		break;
	case REVISION_LAGGING:
		(void)errmsg_set(text_r, "the standby lags behind the rows in force");
		break;
	case REVISION_SET_BACK:
		(void)errmsg_set(text_r,
			"the server was set back: its write-ahead log ends before the rows in "
			"force");
		break;
	case REVISION_OLD_TIMELINE:
		(void)errmsg_set(text_r,
			"the server is behind a failover: its timeline is %u, and the rows in "
			"force are from timeline %u",
			here->timeline, in_force->timeline);
		break;
	}
}

/* Ask a server for its state. A refusal will show when the tables are read. */
static enum pg_outcome judge(const struct database *db, struct candidate *candidate)
{
	enum pg_outcome outcome = pg_revision(candidate->pg, &candidate->revision);

	if (outcome == PG_OK)
		candidate->age = revision_compare(&candidate->revision,
			db->owner.revision(db->owner.context));
	return outcome == PG_REFUSED ? PG_OK : outcome;
}

/*
 * Keep the better one of two candidates in best, close the other, and remember in passed_r why the
 * first one that is older was passed over.
 */
static void choose(const struct database *db, struct candidate *best, struct candidate *next,
	struct errmsg *passed)
{
	struct candidate worse = *next;
	struct errmsg why;
	char server[256];

	if (best->pg == NULL || next->age == REVISION_CURRENT ||
		revision_is_better(&next->revision, &best->revision)) {
		worse = *best;
		*best = *next;
	}
	if (worse.pg != NULL && passed->text[0] == '\0') {
		pg_server(worse.pg, server, sizeof(server));
		database_explain_age(db, worse.age, &worse.revision, &why);
		(void)errmsg_set(passed, "server=%s: %s", server, why.text);
	}
	pg_close(&worse.pg);
}

/*
 * Try the hosts one after the other until one is current. Returns PG_OK with the best one, or the
 * last failure if none answers.
 */
static enum pg_outcome try_hosts(struct database *db, struct candidate *best, struct errmsg *passed,
	struct errmsg *err)
{
	struct pg_hosts *hosts = NULL;
	enum pg_outcome outcome;

	do {
		struct candidate next = { .age = REVISION_CURRENT };

		outcome = pg_connect(db->config, hosts, &db->owner.waiter, &next.pg, err);
		hosts = NULL;
		if (outcome != PG_OK)
			break;
		db->is_accepted = true;
		hosts = pg_other_hosts(next.pg);
		outcome = judge(db, &next);
		if (outcome == PG_OK) {
			choose(db, best, &next, passed);
		} else {
			*err = *pg_error(next.pg);
			pg_close(&next.pg);
		}
	} while (outcome != PG_GIVEN_UP && hosts != NULL &&
		(best->pg == NULL || best->age != REVISION_CURRENT));
	pg_hosts_free(&hosts);
	if (outcome == PG_GIVEN_UP)
		pg_close(&best->pg);
	return best->pg != NULL ? PG_OK : outcome;
}

enum pg_outcome database_find_server(struct database *db, struct errmsg *err)
{
	struct candidate best = { .age = REVISION_CURRENT };
	struct errmsg passed = { "" };
	enum pg_outcome outcome = try_hosts(db, &best, &passed, err);

	if (outcome != PG_OK)
		return outcome;
	database_close(db);
	db->pg = best.pg;
	db->is_accepted = db->is_fresh = true;
	pg_server(db->pg, db->server, sizeof(db->server));
	db->is_listening = db->listen_refused = false;
	db->silent = 0;
	if (best.age == REVISION_CURRENT && passed.text[0] != '\0')
		log_event(LOG_LEVEL_WARNING, "database not followed %s; following server=%s",
			passed.text, db->server);
	return PG_OK;
}
