#include "lib/store/store_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/password.h"
#include "lib/store/store_text.h"

static int rows_init(struct store_rows *rows, const char *path, const struct store_source *source)
{
	*rows = (struct store_rows){
		.path = path,
		.profiles = profiles_builder_new(source->rcpt_re_anchored),
		.users = users_builder_new(),
		.problems = source->problems,
		.unread = strmap_new(),
	};
	if (rows->profiles == NULL || rows->users == NULL || rows->unread == NULL)
		return -1;
	users_builder_test_passwords(rows->users, password_usable);
	return 0;
}

static void rows_clear(struct store_rows *rows)
{
	profiles_builder_free(&rows->profiles);
	users_builder_free(&rows->users);
	strmap_free(&rows->unread);
	strbuf_free(&rows->scratch);
}

/* The builders' work, into *store. -1 when out of memory. */
static int finish(struct store_rows *rows, const struct store_source *source, struct store *store)
{
	store->profiles = profiles_builder_finish(&rows->profiles);
	if (store->profiles == NULL)
		return -1;
	store->users = users_builder_finish(&rows->users, source->previous, store->profiles,
		rows->problems);
	if (store->revision == NULL)
		store->revision = strdup("");
	return store->users == NULL || store->revision == NULL ? -1 : 0;
}

enum store_result store_parse(const char *path, char *text, size_t len,
	const struct store_source *source, struct store *store_r, struct errmsg *err)
{
	struct store store = { .is_machine = store_text_is_machine(text, len) };
	struct store_head head = { 0 };
	struct store_rows rows;
	int ret;

	if (rows_init(&rows, path, source) < 0)
		ret = errmsg_set(err, "out of memory");
	else if (store.is_machine)
		ret = store_text_machine(&rows, text, len, &head, err);
	else
		ret = store_text_hand(&rows, text, len, err);
	store.revision = head.revision;
	store.written = head.written;
	if (ret == 0 && finish(&rows, source, &store) < 0)
		ret = errmsg_set(err, "out of memory");
	rows_clear(&rows);
	if (ret < 0) {
		store_clear(&store);
		(void)errmsg_prefix(err, "%s: ", path);
		return STORE_REFUSED;
	}
	*store_r = store;
	return STORE_READ;
}

enum store_result store_read(const char *path, const struct store_source *source,
	struct store *store_r, struct errmsg *err)
{
	struct file_stamp stamp;
	enum store_result result;
	char *text;
	size_t len;

	switch (file_read(path, STORE_MAX, &text, &len, &stamp, err)) {
	case FILE_MISSING:
		return STORE_MISSING;
	case FILE_FAILED:
		return STORE_REFUSED;
	case FILE_READ:
		break;
	}
	result = store_parse(path, text, len, source, store_r, err);
	free(text);
	if (result == STORE_READ)
		store_r->stamp = stamp;
	return result;
}

enum store_result store_read_with_prev(const char *path, const struct store_source *source,
	struct store *store_r, struct errmsg *err)
{
	struct errmsg why = { "" }, prev_why = { "" };
	enum store_result result = store_read(path, source, store_r, &why);
	struct file_stamp stamp = { 0 };
	char *prev;

	if (result == STORE_READ)
		return result;
	(void)errmsg_set(err, "%s", why.text);
	if (asprintf(&prev, "%s.prev", path) < 0)
		return result;
	if (file_stamp(prev, &stamp, NULL) == 0 && stamp.exists) {
		problems_add(source->problems, "%s; the one before it, %s, is taken", why.text,
			prev);
		result = store_read(prev, source, store_r, &prev_why);
		if (result == STORE_READ)
			store_r->from_prev = true;
		else
			(void)errmsg_set(err, "%s; and %s", why.text, prev_why.text);
	}
	free(prev);
	return result;
}

bool store_is_missing(const char *path)
{
	struct file_stamp stamp, prev_stamp;
	char *prev;
	bool missing;

	if (*path == '\0')
		return true;
	if (asprintf(&prev, "%s.prev", path) < 0)
		return false;
	missing = file_stamp(path, &stamp, NULL) == 0 && !stamp.exists &&
		file_stamp(prev, &prev_stamp, NULL) == 0 && !prev_stamp.exists;
	free(prev);
	return missing;
}

void store_clear(struct store *store)
{
	profiles_unref(&store->profiles);
	users_unref(&store->users);
	free(store->revision);
	*store = (struct store){ 0 };
}
