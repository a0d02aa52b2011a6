/*
 * Describes the difference between two versions of a store as lines of a journal. Holds no state;
 * any thread. t/unit/test_store_changes.c covers it.
 */
#include "lib/store/store_changes.h"

#include <stdlib.h>
#include <string.h>

#include "lib/rules/users_compare.h"
#include "lib/store/store_text.h"

struct adding {
	struct strbuf *lines;
	size_t max;
	const struct profiles *from, *to;
};

static int end_line(const struct adding *a)
{
	strbuf_add_char(a->lines, '\n');
	return a->lines->failed || a->lines->len > a->max ? -1 : 0;
}

/* Records that are not the same may differ in what is not written alone. */
static bool is_same_user(const struct user *a, const struct user *b)
{
	return strcmp(a->id, b->id) == 0 && strcmp(a->name, b->name) == 0 &&
		strcmp(a->password, b->password) == 0 &&
		strcmp(a->profile_id, b->profile_id) == 0 && a->enabled == b->enabled &&
		a->has_froms == b->has_froms && a->froms_len == b->froms_len &&
		memcmp(a->froms, b->froms, a->froms_len) == 0;
}

static int add_user(void *context, const struct user *before, const struct user *now)
{
	const struct adding *a = context;

	if (before != NULL && now != NULL && is_same_user(before, now))
		return 0;
	if (now != NULL) {
		strbuf_add_str(a->lines, "users ");
		store_text_user(a->lines, now);
	} else if (before != NULL) {
		strbuf_add_str(a->lines, "-users ");
		store_text_user_key(a->lines, before->name);
	}
	return end_line(a);
}

/* ---- profiles ------------------------------------------------------------------- */

static bool is_same_profile(const struct profile *a, const struct profile *b)
{
	struct cell x, y;
	int column;

	for (column = 0; column < PROFILE_COLUMNS; column++) {
		x = profile_cell(a, (enum profile_column)column);
		y = profile_cell(b, (enum profile_column)column);
		if (!cell_equal(&x, &y))
			return false;
	}
	return true;
}

enum row_state { ROW_UNKNOWN, ROW_MISSING, ROW_GOOD, ROW_BAD };

/* Ids of rows that were left out do not end in a NUL. Returns ROW_UNKNOWN when out of memory. */
static enum row_state find_state(const struct profiles *profiles, const char *id, size_t len)
{
	char *copy = malloc(len + 1);
	enum row_state state = ROW_MISSING;

	if (copy == NULL)
		return ROW_UNKNOWN;
	memcpy(copy, id, len);
	copy[len] = '\0';
	if (profiles_by_id(profiles, copy) != NULL)
		state = ROW_GOOD;
	else if (profiles_is_bad(profiles, copy))
		state = ROW_BAD;
	free(copy);
	return state;
}

static int remove_missing(void *context, const char *id, size_t len)
{
	const struct adding *a = context;
	const enum row_state state = find_state(a->to, id, len);

	if (state != ROW_MISSING)
		return state == ROW_UNKNOWN ? -1 : 0;
	strbuf_add_str(a->lines, "-profiles ");
	store_text_profile_key(a->lines, id, len);
	return end_line(a);
}

static int put_bad_profile(void *context, const char *id, size_t len)
{
	const struct adding *a = context;
	const enum row_state state = find_state(a->from, id, len);

	if (state == ROW_BAD || state == ROW_UNKNOWN)
		return state == ROW_UNKNOWN ? -1 : 0;
	strbuf_add_str(a->lines, "profiles ");
	store_text_bad_profile(a->lines, id, len);
	return end_line(a);
}

static int change_profiles(struct adding *a)
{
	const struct profile *profile, *old;
	size_t i;

	if (a->from == a->to)
		return 0;
	for (i = 0; i < profiles_count(a->from); i++) {
		const char *id = profile_id(profiles_at(a->from, i));

		if (remove_missing(a, id, strlen(id)) < 0)
			return -1;
	}
	if (profiles_each_bad(a->from, remove_missing, a) < 0)
		return -1;
	for (i = 0; i < profiles_count(a->to); i++) {
		profile = profiles_at(a->to, i);
		old = profiles_by_id(a->from, profile_id(profile));
		if (old != NULL && is_same_profile(profile, old))
			continue;
		strbuf_add_str(a->lines, "profiles ");
		store_text_profile(a->lines, profile);
		if (end_line(a) < 0)
			return -1;
	}
	return profiles_each_bad(a->to, put_bad_profile, a);
}

/* ---- the store ------------------------------------------------------------------ */

int store_changes_add(struct strbuf *lines, const struct store *from, const struct store *to,
	size_t max)
{
	struct adding a = { lines, max, from->profiles, to->profiles };

	if (change_profiles(&a) < 0)
		return -1;
	return users_compare(from->users, to->users, add_user, &a);
}

void store_changes_end(struct strbuf *lines, const struct store *store)
{
	strbuf_add_str(lines, "state {");
	store_text_state(lines, store->revision != NULL ? store->revision : "", store->written);
	strbuf_add_str(lines, "}\n");
}
