/*
 * Compares the ways in which a JSON store is read, for unit tests and fuzz targets. Keeps no
 * state.
 */
#include "t/unit/lib/store_ways.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/utf8.h"
#include "lib/store/store_format.h"

/* Deeper than the scanner reads, and ignored where the time of writing is expected. */
#define TOO_DEEP "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"

static bool same_texts(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static int user_differs(void *context, const struct user *user)
{
	struct user other;

	return !users_find(context, user->name, strlen(user->name), &other) ||
		strcmp(user->id, other.id) != 0 || strcmp(user->name, other.name) != 0 ||
		strcmp(user->password, other.password) != 0 ||
		strcmp(user->profile_id, other.profile_id) != 0 || user->enabled != other.enabled ||
		user->has_froms != other.has_froms ||
		!same_texts(user->froms, user->froms_len, other.froms, other.froms_len);
}

static bool profile_differs(const struct profile *a, const struct profile *b)
{
	struct cell x, y;
	int column;

	for (column = 0; column < PROFILE_COLUMNS; column++) {
		x = profile_cell(a, column);
		y = profile_cell(b, column);
		if (column != PROFILE_OPEN && !cell_equal(&x, &y))
			return true;
	}
	return profile_is_open(a) != profile_is_open(b);
}

const char *stores_differ(const struct store *a, const struct store *b)
{
	size_t i;

	if (users_count(a->users) != users_count(b->users))
		return "the number of users";
	if (users_each(a->users, user_differs, b->users) != 0)
		return "a user";
	if (profiles_count(a->profiles) != profiles_count(b->profiles))
		return "the number of profiles";
	for (i = 0; i < profiles_count(a->profiles); i++)
		if (profile_differs(profiles_at(a->profiles, i), profiles_at(b->profiles, i)))
			return "a profile";
	return NULL;
}

/* A store as it was read. */
struct way {
	enum store_result result;
	struct store store;
	struct problems *problems;
	struct errmsg err;
};

static void read_way(struct way *way, const char *text, size_t len, unsigned parts)
{
	const struct store_source source = { .problems = problems_new_unlimited(), .parts = parts };

	if (source.problems == NULL)
		abort();
	*way = (struct way){ .problems = source.problems };
	way->result = store_parse("s", text, len, NULL, &source, &way->store, &way->err);
}

static void clear_way(struct way *way)
{
	store_clear(&way->store);
	problems_free(&way->problems);
}

static bool problems_differ(const struct problems *a, const struct problems *b)
{
	size_t i;
	int level;

	for (level = 0; level < PROBLEM_LEVELS; level++) {
		if (problems_level_count(a, level) != problems_level_count(b, level))
			return true;
		for (i = 0; i < problems_level_kept(a, level); i++)
			if (strcmp(problems_level_text(a, level, i),
				    problems_level_text(b, level, i)) != 0)
				return true;
	}
	return false;
}

static const char *ways_differ(const struct way *a, const struct way *b)
{
	if (a->result != b->result)
		return "the result";
	if (problems_differ(a->problems, b->problems))
		return "a problem or a note";
	return a->result == STORE_READ ? stores_differ(&a->store, &b->store) : NULL;
}

/* Compare it with the same in several threads. */
static const char *parts_differ(const struct way *whole, const char *text, size_t len)
{
	const char *difference;
	struct way parts;

	read_way(&parts, text, len, 3);
	difference = ways_differ(&parts, whole);
	if (difference == NULL && strcmp(parts.err.text, whole->err.text) != 0)
		difference = "the reason";
	clear_way(&parts);
	return difference;
}

/* Return whether the reason for which the text was refused, or not refused, is not jansson's. */
static const char *reason_differs(const struct way *way, const char *text, size_t len)
{
	json_error_t where;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
	struct errmsg want = { "" };

	if (root != NULL) {
		json_decref(root);
		return NULL;
	}
	if (way->result == STORE_READ)
		return "jansson refuses the text";
	(void)errmsg_set(&want, "s: line %d, column %d: %s", where.line, where.column, where.text);
	return strcmp(way->err.text, want.text) != 0 ? "the reason is not jansson's" : NULL;
}

/* Make the text unreadable for the scanner, but not for jansson. Returns false if that is not
 * possible. */
static bool add_depth(const char *text, size_t len, struct strbuf *deep)
{
	const char *open = memchr(text, '{', len), *rest;
	bool has_written = memmem(text, len, "written", 7) != NULL;

	if (open == NULL || (has_written && memmem(text, len, "revision", 8) != NULL) ||
		memmem(text, len, "\\u", 2) != NULL)
		return false;
	rest = open + 1;
	strbuf_add(deep, text, (size_t)(rest - text));
	strbuf_addf(deep, "\"%s\":" TOO_DEEP, has_written ? "revision" : "written");
	while (rest < text + len && strchr(" \t\r\n", *rest) != NULL && *rest != '\0')
		rest++;
	if (rest < text + len && *rest != '}')
		strbuf_add_char(deep, ',');
	strbuf_add(deep, rest, (size_t)(text + len - rest));
	return !deep->failed;
}

static const char *tree_differs(const struct way *scanned, const char *text, size_t len)
{
	struct strbuf deep = STRBUF_INIT;
	const char *difference = NULL;
	struct way tree;

	if (add_depth(text, len, &deep)) {
		read_way(&tree, deep.text, deep.len, 1);
		difference = ways_differ(&tree, scanned);
		clear_way(&tree);
	}
	strbuf_free(&deep);
	return difference;
}

const char *store_ways_differ(const char *text, size_t len)
{
	const bool is_written =
		len >= strlen(STORE_HEAD) && memcmp(text, STORE_HEAD, strlen(STORE_HEAD)) == 0;
	const char *difference = NULL;
	struct way scanned;

	read_way(&scanned, text, len, 1);
	difference = parts_differ(&scanned, text, len);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (difference == NULL && !is_written && len > 0) {
		if (utf8_valid_len(text, len) == len)
			difference = reason_differs(&scanned, text, len);
		if (difference == NULL)
			difference = tree_differs(&scanned, text, len);
	}
	clear_way(&scanned);
	return difference;
}
