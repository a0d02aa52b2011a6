/*
 * Notifications and transactions on an open connection to PostgreSQL. It owns libpq's connection;
 * the thread that connected uses it. Shown by t/integration/test_database.py and
 * t/integration/test_database_outage.py.
 */
#include "milter/pg/pg_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "milter/pg/characters.h"
#include "milter/pg/pg_hosts.h"
#include "milter/pg/pg_private.h"

void pg_close(struct pg **pg)
{
	if (*pg == NULL)
		return;
	PQfinish((*pg)->conn);
	for (int i = 0; i < PG_PREPARED; i++)
		free((*pg)->prepared[i]);
	characters_free(&(*pg)->characters);
	config_unref(&(*pg)->config);
	free(*pg);
	*pg = NULL;
}

void pg_use_config(struct pg *pg, const struct config *config)
{
	const struct config *old = pg->config;

	pg->config = config_ref(config);
	config_unref(&old);
}

int pg_fd(const struct pg *pg)
{
	return PQsocket(pg->conn);
}

void pg_server(const struct pg *pg, char *text_r, size_t size)
{
	const char *host = PQhost(pg->conn), *address = PQhostaddr(pg->conn);
	const char *port = PQport(pg->conn);

	if (host == NULL || host[0] == '\0')
		host = address != NULL ? address : "";
	(void)text_format(text_r, size, host[0] == '/' ? "%s/.s.PGSQL.%s" : "%s:%s", host,
		port != NULL ? port : "");
}

struct pg_hosts *pg_other_hosts(const struct pg *pg)
{
	return pg_hosts_besides(pg->conn);
}

const char *pg_role(const struct pg *pg)
{
	const char *role = pg == NULL || pg->conn == NULL ? NULL : PQuser(pg->conn);

	return role == NULL ? "" : role;
}

const struct errmsg *pg_error(const struct pg *pg)
{
	return &pg->error;
}

enum pg_outcome pg_take_notifications(struct pg *pg, bool *notified_r)
{
	enum pg_outcome outcome = pg_take_input(pg);

	*notified_r = pg->notified;
	pg->notified = false;
	if (outcome == PG_OK && PQstatus(pg->conn) != CONNECTION_OK)
		outcome = pg_fail(pg, PQerrorMessage(pg->conn));
	return outcome;
}

/*
 * Append text as a quoted identifier. Returns 0, or -1 with the error kept when libpq cannot quote
 * it.
 */
static int add_identifier(struct pg *pg, struct strbuf *sql, const char *text)
{
	char *quoted = PQescapeIdentifier(pg->conn, text, strlen(text));

	if (quoted == NULL) {
		(void)pg_fail(pg, PQerrorMessage(pg->conn));
		return -1;
	}
	strbuf_add_str(sql, quoted);
	PQfreemem(quoted);
	return 0;
}

enum pg_outcome pg_listen(struct pg *pg)
{
	struct strbuf sql = STRBUF_INIT;

	strbuf_add_str(&sql, "LISTEN ");
	if (add_identifier(pg, &sql, pg->config->database.channel) < 0) {
		strbuf_free(&sql);
		return PG_LOST;
	}
	return pg_run_built(pg, &sql, pg_short_deadline(pg), NULL);
}

enum pg_outcome pg_begin(struct pg *pg)
{
	const struct config_database *config = &pg->config->database;
	const char *encoding = PQparameterStatus(pg->conn, "server_encoding");
	struct strbuf sql = STRBUF_INIT;

	strbuf_add_str(&sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	strbuf_add_str(&sql, "; SET LOCAL lock_timeout = '1s'; SET LOCAL jit = off");
	strbuf_addf(&sql, "; SET LOCAL statement_timeout = '%us'", config->statement_timeout);
	if (config->schema[0] != '\0') {
		strbuf_add_str(&sql, "; SET LOCAL search_path = ");
		if (add_identifier(pg, &sql, config->schema) < 0) {
			strbuf_free(&sql);
			return PG_LOST;
		}
	}
	/* The server would refuse all rows because of one that is not UTF-8. */
	if (encoding != NULL && strcmp(encoding, "SQL_ASCII") == 0)
		strbuf_add_str(&sql, "; SET LOCAL client_encoding = 'SQL_ASCII'");
	return pg_run_built(pg, &sql, pg_short_deadline(pg), NULL);
}

enum pg_outcome pg_commit(struct pg *pg)
{
	return pg_run(pg, "COMMIT", 0, NULL, pg_short_deadline(pg), NULL);
}

enum pg_outcome pg_rollback(struct pg *pg)
{
	const struct errmsg error = pg->error;
	char sqlstate[sizeof(pg->sqlstate)];
	enum pg_outcome outcome;

	memcpy(sqlstate, pg->sqlstate, sizeof(sqlstate));
	outcome = pg_run(pg, "ROLLBACK", 0, NULL, pg_short_deadline(pg), NULL);
	if (outcome == PG_OK) {
		pg->error = error;
		memcpy(pg->sqlstate, sqlstate, sizeof(sqlstate));
	}
	return outcome;
}
