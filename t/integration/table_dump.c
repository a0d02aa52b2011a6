/*
 * Reads a query's rows as the daemon reads profiles and prints them, so that
 * t/integration/test_database.py can compare reading by COPY and by SELECT.
 *
 *	table_dump copy|select CONNINFO SCHEMA QUERY
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milter/loop/clock.h"
#include "milter/pg/pg_feed.h"
#include "milter/pg/pg_table.h"

static enum pg_wait wait_plainly(void *context, int fd, bool for_write, int64_t deadline)
{
	struct pollfd ready = { .fd = fd, .events = for_write ? POLLOUT : POLLIN };

	(void)context;
	if (poll(&ready, 1, fd < 0 ? 0 : clock_timeout(clock_ms(), deadline)) > 0)
		return PG_WAIT_READY;
	return PG_WAIT_TIMEOUT;
}

static void print_text(const char *text, size_t len)
{
	size_t i;

	(void)putchar('[');
	for (i = 0; i < len; i++) {
		if (text[i] == '\\')
			(void)printf("\\\\");
		else if ((unsigned char)text[i] < ' ')
			(void)printf("\\x%02x", (unsigned)text[i]);
		else
			(void)putchar(text[i]);
	}
	(void)putchar(']');
}

static int print_row(void *context, const struct cell *row)
{
	size_t i, at;

	(void)context;
	for (i = 0; i < PROFILE_COLUMNS; i++) {
		(void)printf("%s%s=", i > 0 ? " " : "", profile_columns[i].name);
		if (row[i].kind == CELL_NULL) {
			(void)printf("NULL");
		} else if (row[i].kind == CELL_TEXT) {
			print_text(row[i].text, row[i].len);
		} else {
			(void)putchar('{');
			for (at = 0; at < row[i].len; at += strlen(row[i].text + at) + 1)
				print_text(row[i].text + at, strlen(row[i].text + at));
			(void)putchar('}');
		}
	}
	(void)putchar('\n');
	return 0;
}

int main(int argc, char **argv)
{
	const struct pg_waiter waiter = { NULL, wait_plainly };
	struct config config = { .refs = 2, /* never freed */
		.database = { .present = true, .connect_timeout = 10, .statement_timeout = 60 } };
	struct pg_table table = { .name = "query",
		.columns = profile_columns,
		.column_count = PROFILE_COLUMNS,
		.take = print_row };
	struct pg *pg = NULL;
	struct errmsg err;

	if (argc != 5)
		return 64;
	config.database.conninfo = argv[2];
	config.database.schema = argv[3];
	table.query = argv[4];
	if (pg_connect(&config, NULL, &waiter, &pg, &err) != PG_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (strcmp(argv[1], "select") == 0)
		pg->no_copy = true;
	if (pg_begin(pg) != PG_OK || pg_table_read(pg, &table) != PG_OK || pg_commit(pg) != PG_OK) {
		(void)fprintf(stderr, "%s\n", pg_error(pg)->text);
		pg_close(&pg);
		return 1;
	}
	pg_close(&pg);
	return 0;
}
