/*
 * Reads a table row by row and as a whole, and compares the sets and their problems, for
 * t/integration/test_database_rows.py. It answers each line of its standard input:
 *
 *	query TABLE SQL	read everything by that query; "by row", or "whole: " and the reason
 *	rows ID...	these rows have changed; "same" and the number of rows, or "differ" and
 *			both
 *
 * Usage: rows_dump CONNINFO SCHEMA
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"
#include "milter/loop/clock.h"
#include "milter/pg/pg_load.h"
#include "milter/pg/pg_reads.h"
#include "t/unit/lib/profiles_dump.h"
#include "t/unit/lib/users_dump.h"

#define ROWS 20000 /* that one line may name */

static struct pg *pg;
static enum feed_table table;
static char *query;
static struct pg_reads *reads;
static void *base;

static enum pg_wait wait_plainly(void *context, int fd, bool for_write, int64_t deadline)
{
	struct pollfd ready = { .fd = fd, .events = for_write ? POLLOUT : POLLIN };

	(void)context;
	if (poll(&ready, 1, fd < 0 ? 0 : clock_timeout(clock_ms(), deadline)) > 0)
		return PG_WAIT_READY;
	return PG_WAIT_TIMEOUT;
}

static void unref_set(void **set)
{
	row_tables[table].unref(*set);
	*set = NULL;
}

/* ---- dumps ---------------------------------------------------------------------- */

/* The caller must free() the dump. Users and their problems are in no particular order, so that the
 * first texts are compared only if there are no others. */
static char *dump_users(const struct users *users, const struct problems *problems)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "users %zu\n", users_count(users));
	(void)users_each(users, users_dump_line, &text);
	for (int level = 0; level < PROBLEM_LEVELS; level++) {
		const enum problem_level l = (enum problem_level)level;

		strbuf_addf(&text, "level %d: %zu\n", level, problems_level_count(problems, l));
		for (size_t i = 0; problems_level_is_complete(problems, l) &&
			i < problems_level_kept(problems, l);
			i++)
			strbuf_addf(&text, "%s\n", problems_level_text(problems, l, i));
	}
	return users_dump_sort(&text);
}

static char *dump(const void *set, const struct problems *problems)
{
	struct strbuf text = STRBUF_INIT;

	if (table == FEED_USERS)
		return dump_users(set, problems);
	profiles_dump(&text, set);
	problems_dump(&text, problems);
	return strbuf_take(&text);
}

/* ---- commands ------------------------------------------------------------------- */

static int report_failure(void)
{
	printf("error: %s\n", pg_error(pg)->text);
	return pg_rollback(pg) == PG_OK ? 0 : -1;
}

static int run_query(void)
{
	struct pg_load load = { .table = table, .problems = problems_new() };
	enum pg_outcome outcome = pg_begin(pg);

	pg_reads_free(&reads);
	unref_set(&base);
	if (outcome == PG_OK)
		outcome = pg_reads_ask(pg, &reads);
	if (outcome == PG_OK)
		outcome = pg_load_table(pg, &load, &base);
	problems_free(&load.problems);
	if (outcome != PG_OK)
		return report_failure();
	if (reads->by_row[table].id != NULL)
		puts("by row");
	else
		printf("whole: %s\n", reads->by_row[table].whole);
	return pg_commit(pg) == PG_OK ? 0 : -1;
}

static int compare_sets(struct pg_row_ids *ids)
{
	struct pg_load load = { .table = table, .problems = problems_new(), .previous = base };
	struct pg_load full = { .table = table, .problems = problems_new() };
	enum pg_outcome outcome = pg_begin(pg);
	void *by_row = NULL, *whole = NULL;
	char *one, *other;

	ids->column = reads->by_row[table].id;
	if (outcome == PG_OK)
		outcome = pg_load_rows(pg, &load, ids, &by_row);
	if (outcome == PG_OK)
		outcome = pg_load_table(pg, &full, &whole);
	if (outcome == PG_OK && by_row != NULL) {
		one = dump(by_row, load.problems);
		other = dump(whole, full.problems);
		if (strcmp(one, other) == 0)
			printf("same %zu\n", row_tables[table].count(by_row));
		else
			printf("differ\n--- by row\n%s--- whole\n%s--- end\n", one, other);
		free(one);
		free(other);
	} else if (outcome == PG_OK) {
		puts("not changeable");
	}
	unref_set(&base);
	unref_set(&whole);
	problems_free(&load.problems);
	problems_free(&full.problems);
	base = by_row;
	if (outcome != PG_OK)
		return report_failure();
	return pg_commit(pg) == PG_OK ? 0 : -1;
}

/* The ids are separated by spaces. */
static int run_rows(char *list)
{
	const char *texts[ROWS];
	struct pg_row_ids ids = { .ids = texts };
	char *rest, *id;

	if (reads == NULL || reads->by_row[table].id == NULL || base == NULL) {
		puts("error: no query that is read by row");
		return 0;
	}
	for (id = strtok_r(list, " ", &rest); id != NULL && ids.count < ROWS;
		id = strtok_r(NULL, " ", &rest))
		texts[ids.count++] = id;
	return compare_sets(&ids);
}

/* Set the query of a table, which replaces the one that was compared before. */
static int set_query(struct config_database *config, char *line)
{
	char *sql = strchr(line, ' ');

	unref_set(&base);
	*sql++ = '\0';
	for (table = 0; table < FEED_TABLES - 1; table++)
		if (strcmp(line, row_tables[table].name) == 0)
			break;
	free(query);
	query = strdup(sql);
	config->profiles_query = table == FEED_PROFILES ? query : "SELECT * FROM profiles";
	config->users_query = table == FEED_USERS ? query : "SELECT * FROM users";
	return query != NULL ? 0 : -1;
}

int main(int argc, char **argv)
{
	const struct pg_waiter waiter = { NULL, wait_plainly };
	struct config config = { .refs = 2, /* never freed */
		.database = { .present = true, .connect_timeout = 10, .statement_timeout = 60 } };
	char *line = NULL;
	struct errmsg err;
	size_t size = 0;
	ssize_t len;
	int ret = 0;

	if (argc != 3)
		return 64;
	config.database.conninfo = argv[1];
	config.database.schema = argv[2];
	if (pg_connect(&config, NULL, &waiter, &pg, &err) != PG_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	while (ret == 0 && (len = getline(&line, &size, stdin)) > 0) {
		line[len - 1] = '\0';
		if (strncmp(line, "query ", 6) == 0) {
			ret = set_query(&config.database, line + 6);
			if (ret == 0)
				ret = run_query();
		} else if (strncmp(line, "rows ", 5) == 0) {
			ret = run_rows(line + 5);
		}
		(void)fflush(stdout);
	}
	free(line);
	free(query);
	unref_set(&base);
	pg_reads_free(&reads);
	pg_close(&pg);
	return ret == 0 ? 0 : 1;
}
