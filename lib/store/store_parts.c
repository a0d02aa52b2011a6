/*
 * Reads a table of a JSON store in several threads. Each owns a struct store_rows; the calling
 * thread owns that of the whole table, which nobody changes meanwhile. t/unit/test_store_parts.c
 * covers it.
 */
#include "lib/store/store_parts.h"

#include <string.h>

#include "lib/match/domain.h"
#include "lib/rules/users.h"

struct table {
	const struct store_rows *rows;
	enum store_table table;
	unsigned count;
	store_part_read *read;
	void *context;
	struct store_rows parts[PARALLEL_MAX];
	int results[PARALLEL_MAX];
};

static int begin_part(const struct table *t, struct store_rows *part_r)
{
	const struct store_rows *rows = t->rows;
	struct store_rows *part = part_r;

	*part = (struct store_rows){ .path = rows->path };
	memcpy(part->replaced, rows->replaced, sizeof(part->replaced));
	part->unread = strmap_new();
	part->scans[t->table] = t->table == STORE_USERS ?
		store_scan_new(user_columns, USER_COLUMNS) :
		store_scan_new(profile_columns, PROFILE_COLUMNS);
	if (t->table == STORE_USERS)
		part->users = users_builder_part(rows->users);
	else
		part->profiles = rows->profiles;
	if (rows->problems != NULL)
		part->problems = problems_new_like(rows->problems);
	if (part->unread == NULL || part->scans[t->table] == NULL ||
		(t->table == STORE_USERS && part->users == NULL) ||
		(rows->problems != NULL && part->problems == NULL))
		return -1;
	return 0;
}

static void end_part(const struct table *t, struct store_rows *part)
{
	users_builder_free(&part->users);
	store_scan_free(&part->scans[t->table]);
	strmap_free(&part->unread);
	strbuf_free(&part->scratch);
	problems_free(&part->problems);
}

static void run_part(void *context, unsigned number)
{
	struct table *t = context;
	struct store_rows *part = &t->parts[number];

	t->results[number] = -1;
	if (begin_part(t, part) == 0)
		t->results[number] = t->read(t->context, part, number, t->count);
}

/* Return whether a part might have read rows otherwise if it had known the parts before it. */
static bool depends_on_order(const struct table *t)
{
	size_t bytes = 0;

	if (t->count == 1 || t->table != STORE_USERS)
		return false;
	for (unsigned i = 0; i < t->count; i++)
		bytes += users_builder_idn_bytes(t->parts[i].users);
	return bytes > DOMAIN_IDN_MAX;
}

/* Report the unknown columns, each once. Returns 0, or -1 when out of memory. */
static int report_unread(const struct table *t, struct store_rows *rows)
{
	struct strmap *reported = strmap_new();
	const char *key = NULL;
	uint32_t columns;
	int added = reported != NULL ? 0 : -1;
	size_t len;

	for (unsigned i = 0; i < t->count && added >= 0; i++) {
		const struct strmap *unread = t->parts[i].unread;

		key = NULL;
		while (added >= 0 && (key = strmap_next(unread, key, &len)) != NULL)
			if ((added = strmap_add(reported, key, len, 0)) > 0 &&
				strmap_find(unread, key, len, &columns) &&
				store_row_report_unread(rows, t->table, columns, key, len) < 0)
				added = -1;
	}
	strmap_free(&reported);
	return added < 0 ? -1 : 0;
}

/* Add what the parts have to `rows`. Returns 0, or -1 when out of memory. */
static int join(struct table *t, struct store_rows *rows)
{
	if (report_unread(t, rows) < 0)
		return -1;
	for (unsigned i = 0; i < t->count; i++) {
		problems_add_all(rows->problems, NULL, t->parts[i].problems);
		if (t->table == STORE_USERS)
			users_builder_append(rows->users, t->parts[i].users);
	}
	return 0;
}

/* Returns 1 if the table has to be read in one part, 0, or -1. */
static int read_in_parts(struct table *t, struct store_rows *rows)
{
	unsigned i;
	int ret = 0;

	parallel_run(t->count, run_part, t);
	for (i = 0; i < t->count; i++)
		if (t->results[i] < 0)
			ret = -1;
	if (ret == 0 && depends_on_order(t))
		ret = 1;
	if (ret == 0)
		ret = join(t, rows);
	for (i = 0; i < t->count; i++)
		end_part(t, &t->parts[i]);
	return ret;
}

int store_parts_read(struct store_rows *rows, enum store_table table, unsigned parts,
	store_part_read *read, void *context)
{
	struct table t = { .rows = rows,
		.table = table,
		.count = parts,
		.read = read,
		.context = context };
	int ret = read_in_parts(&t, rows);

	if (ret > 0) {
		t.count = 1;
		ret = read_in_parts(&t, rows);
	}
	return ret;
}
