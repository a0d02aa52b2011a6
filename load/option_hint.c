#include "load/option_hint.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "load/options.h"

#define NAME_MAX_LEN 64 /* longer names are near to nothing */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* How many letters to add, drop, change or swap with the next to get from a to b, caseless. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][NAME_MAX_LEN + 1], *before = rows[0], *last = rows[1], *row = rows[2],
					    *free_row;
	size_t a_len = strlen(a), b_len = strlen(b), i, j;
	int ca, cb;

	if (a_len > NAME_MAX_LEN || b_len > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (j = 0; j <= b_len; j++)
		before[j] = last[j] = (unsigned)j;
	for (i = 1; i <= a_len; i++) {
		row[0] = (unsigned)i;
		for (j = 1; j <= b_len; j++) {
			ca = tolower((unsigned char)a[i - 1]);
			cb = tolower((unsigned char)b[j - 1]);
			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
				cb == tolower((unsigned char)a[i - 2]))
				row[j] = min3(row[j], before[j - 2] + 1, row[j]);
		}
		free_row = before;
		before = last;
		last = row;
		row = free_row;
	}
	return last[b_len];
}

/* Whether name is nearer to what was meant than *best, and near at all: about a quarter of its
 * letters. */
static bool is_nearer(const char *typed, const char *name, unsigned *best)
{
	unsigned d = distance(typed, name);

	if (d >= *best || d > 1 + strlen(name) / 4)
		return false;
	*best = d;
	return true;
}

/* The option of that section that was meant; with section NULL: the section. NULL: none is near. */
static const char *nearest(const char *section, const char *typed)
{
	const struct config_option *all;
	const char *found = NULL, *name;
	unsigned best = NAME_MAX_LEN;
	size_t count, i;

	all = options_all(&count);
	for (i = 0; i < count; i++) {
		if (section != NULL && strcmp(all[i].section, section) != 0)
			continue;
		name = section == NULL ? all[i].section : all[i].name;
		if (is_nearer(typed, name, &best))
			found = name;
	}
	return found;
}

static void add_sections(struct strbuf *text)
{
	const struct config_option *all;
	size_t count, i;

	all = options_all(&count);
	for (i = 0; i < count; i++)
		if (i == 0 || strcmp(all[i].section, all[i - 1].section) != 0)
			strbuf_addf(text, "%s[%s]", i > 0 ? " " : "", all[i].section);
}

int option_unknown_section(const char *section, struct errmsg *err)
{
	const char *near = nearest(NULL, section);
	struct strbuf known = STRBUF_INIT;

	if (near != NULL)
		return errmsg_set(err, "there is no section [%.80s]; did you mean [%s]?", section,
			near);
	add_sections(&known);
	(void)errmsg_set(err, "there is no section [%.80s]; there are %s", section,
		known.failed ? "others" : known.text);
	strbuf_free(&known);
	return -1;
}

/* Where the keys of pg-profile.json are that don't stand in [database]; else a section that has the
 * name. */
static const char *other_place(const char *section, const char *name)
{
	static const char *const moved[][2] = {
		{ "jwt_secret", "secret in [jwt]" },
		{ "use_file_cache", "path in [store] (empty: no file)" },
		{ "file_cache_path", "path in [store]" },
		{ "file_cache'path", "path in [store]" },
		{ "default_domain", "default_domain in [profile]" },
	};
	size_t i;

	for (i = 0; i < sizeof(moved) / sizeof(moved[0]); i++)
		if (strcmp(section, "database") == 0 && strcmp(name, moved[i][0]) == 0)
			return moved[i][1];
	return NULL;
}

static void add_keys(struct strbuf *text, const char *section)
{
	const struct config_option *all;
	size_t count, i;

	all = options_all(&count);
	for (i = 0; i < count; i++)
		if (strcmp(all[i].section, section) == 0 && (all[i].flags & OPTION_FOREIGN) == 0)
			strbuf_addf(text, "%s%s", text->len > 0 ? ", " : "", all[i].name);
}

int option_unknown_key(const char *section, const char *name, struct errmsg *err)
{
	const char *table_section = strncmp(section, "check ", 6) == 0 ? "check" : section;
	const char *near = nearest(table_section, name);
	const char *place = other_place(section, name);
	const struct config_option *all;
	struct strbuf known = STRBUF_INIT;
	size_t count, i;

	if (place != NULL)
		return errmsg_set(err, "there is no %s in [%s]; it is %s", name, section, place);
	if (near != NULL)
		return errmsg_set(err, "there is no %.80s in [%.80s]; did you mean %s?", name,
			section, near);
	all = options_all(&count);
	for (i = 0; i < count; i++)
		if (strcmp(all[i].name, name) == 0)
			return errmsg_set(err, "there is no %s in [%.80s]; there is one in [%s]",
				name, section, all[i].section);
	add_keys(&known, table_section);
	(void)errmsg_set(err, "there is no %.80s in [%.80s]; there are %s", name, section,
		known.failed ? "others" : known.text);
	strbuf_free(&known);
	return -1;
}
