/*
 * Finds options in the table, describes their values, and suggests what an unknown name may mean.
 * Holds no state; any thread.
 */
#include "lib/conf/options.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/near_name.h"
#include "lib/base/text.h"

static bool is_check_of_service(const char *section)
{
	return strncmp(section, "check ", 6) == 0 && section[6] != '\0';
}

static const char *table_section(const char *section)
{
	return is_check_of_service(section) ? "check" : section;
}

const struct config_option *options_find(const char *section, const char *name)
{
	const struct config_option *all;
	size_t count, i;

	all = options_all(&count);
	section = table_section(section);
	for (i = 0; i < count; i++)
		if (strcmp(all[i].section, section) == 0 && strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}

bool options_has_section(const char *section)
{
	const struct config_option *all;
	size_t count, i;

	all = options_all(&count);
	section = table_section(section);
	for (i = 0; i < count; i++)
		if (strcmp(all[i].section, section) == 0)
			return true;
	return false;
}

/* Add value in the largest unit that divides it: 86400 with 1, 60, 3600, 86400 is "1d". */
static void add_in_unit(struct strbuf *text, int64_t value, const int64_t *units,
	const char *letters)
{
	size_t i = strlen(letters);

	while (i > 0 && (value == 0 || value % units[i - 1] != 0))
		i--;
	if (i == 0)
		strbuf_addf(text, "%" PRId64, value);
	else
		strbuf_addf(text, "%" PRId64 "%c", value / units[i - 1], letters[i - 1]);
}

void options_add_number(enum option_type type, int64_t number, struct strbuf *text)
{
	static const int64_t times[] = { 1, 60, 3600, 86400 };
	static const int64_t sizes[] = { 1 << 10, 1 << 20, 1 << 30 };

	if (type == OPTION_DURATION)
		add_in_unit(text, number, times, "smhd");
	else if (type == OPTION_SIZE)
		add_in_unit(text, number, sizes, "kMG");
	else
		strbuf_addf(text, "%" PRId64, number);
}

static void add_words(struct strbuf *text, const struct option_word *words)
{
	size_t i;

	for (i = 0; words[i].word != NULL; i++) {
		if (i > 0)
			strbuf_add_str(text, words[i + 1].word != NULL ? ", " : " or ");
		strbuf_add_str(text, words[i].word);
	}
}

static void add_range(struct strbuf *text, const struct config_option *option, const char *what,
	const char *how)
{
	strbuf_addf(text, "%s from ", what);
	options_add_number(option->type, option->min, text);
	strbuf_add_str(text, " to ");
	options_add_number(option->type, option->max, text);
	strbuf_addf(text, " (%s)", how);
}

void options_describe(const struct config_option *option, struct strbuf *text)
{
	switch (option->type) {
	case OPTION_BOOL:
		strbuf_add_str(text, "yes or no");
		break;
	case OPTION_WORD:
	case OPTION_NAME:
		add_words(text, option->words);
		break;
	case OPTION_SET:
		strbuf_add_str(text, "one or more of ");
		add_words(text, option->words);
		break;
	case OPTION_INT:
		strbuf_addf(text, "a number from %" PRId64 " to %" PRId64, option->min,
			option->max);
		break;
	case OPTION_DURATION:
		add_range(text, option, "a time", "a number of seconds, or one with s, m, h or d");
		break;
	case OPTION_SIZE:
		add_range(text, option, "a size", "a number of bytes, or one with k, M or G");
		break;
	case OPTION_MODE:
		strbuf_add_str(text, "octal permissions, such as 0660");
		break;
	case OPTION_STRING:
		strbuf_addf(text, "text of at most %" PRId64 " bytes", option->max);
		break;
	case OPTION_PATH:
		strbuf_add_str(text, "a path");
		break;
	case OPTION_SOCKET:
		strbuf_add_str(text,
			option->words == NULL ? "unix:PATH or inet:PORT@HOST" :
						"unix:PATH, inet:PORT@HOST or ");
		if (option->words != NULL)
			add_words(text, option->words);
		break;
	case OPTION_DOMAIN:
		strbuf_add_str(text, "a domain name, such as example.com");
		break;
	case OPTION_DOMAINS:
		strbuf_addf(text,
			"at most %" PRId64
			" domain names separated by spaces, such as example.com example.net",
			option->max);
		break;
	case OPTION_FIELD:
		strbuf_add_str(text, "a header field's name, such as X-Postern-Results");
		break;
	case OPTION_NETWORKS:
		strbuf_add_str(text,
			"addresses and networks separated by spaces, such as 192.0.2.7 2001:db8::/32");
		break;
	}
}

/* ---- unknown names --------------------------------------------------------------- */

/* Return the key of the section with the nearest name or, with section NULL, the nearest section;
 * NULL if none is near. */
static const char *nearest(const char *section, const char *typed)
{
	const struct config_option *all;
	const char *found = NULL, *name;
	unsigned best = NEAR_NAME_MAX;
	size_t count, i;

	all = options_all(&count);
	for (i = 0; i < count; i++) {
		if (section != NULL && strcmp(all[i].section, section) != 0)
			continue;
		name = section == NULL ? all[i].section : all[i].name;
		if (near_name_better(typed, name, &best))
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

int options_unknown_section(const char *section, struct errmsg *err)
{
	const char *near = nearest(NULL, section);
	struct strbuf known = STRBUF_INIT;

	if (near != NULL)
		return errmsg_set(err, "unknown section [%.*s]; did you mean [%s]?",
			TEXT_CUT(section, 80), near);
	add_sections(&known);
	(void)errmsg_set(err, "unknown section [%.*s]; the sections are %s", TEXT_CUT(section, 80),
		known.failed ? "others" : known.text);
	strbuf_free(&known);
	return -1;
}

/* Return the new place of a key of pg-profile.json that Postern has outside [database]; NULL for
 * other keys. */
static const char *moved_place(const char *section, const char *name)
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

int options_unknown_key(const char *section, const char *name, struct errmsg *err)
{
	const char *near = nearest(table_section(section), name);
	const char *place = moved_place(section, name);
	const struct config_option *all;
	struct strbuf known = STRBUF_INIT;
	size_t count, i;

	if (place != NULL)
		return errmsg_set(err, "unknown key %s in [%s]; use %s", name, section, place);
	if (near != NULL)
		return errmsg_set(err, "unknown key %.*s in [%.*s]; did you mean %s?",
			TEXT_CUT(name, 80), TEXT_CUT(section, 80), near);
	all = options_all(&count);
	for (i = 0; i < count; i++)
		if (strcmp(all[i].name, name) == 0)
			return errmsg_set(err, "unknown key %s in [%.*s]; it belongs to [%s]", name,
				TEXT_CUT(section, 80), all[i].section);
	add_keys(&known, table_section(section));
	(void)errmsg_set(err, "unknown key %.*s in [%.*s]; the keys are %s", TEXT_CUT(name, 80),
		TEXT_CUT(section, 80), known.failed ? "others" : known.text);
	strbuf_free(&known);
	return -1;
}
