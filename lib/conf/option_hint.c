#include "lib/conf/option_hint.h"

#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/conf/near_name.h"
#include "lib/conf/options.h"

/* The option of that section that was meant; with section NULL: the section. NULL: none is near. */
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
