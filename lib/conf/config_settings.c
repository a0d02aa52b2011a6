/*
 * Lists the settings of a configuration, and which of them differ from the defaults. Holds no
 * state; any thread.
 */
#include "lib/conf/config_settings.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/conf/config_rates.h"
#include "lib/conf/file.h"
#include "lib/conf/ini.h"
#include "lib/conf/option_text.h"
#include "lib/conf/options.h"

#define CONFIG_MAX (1u << 20) /* bytes of postern.conf */

struct listing {
	const struct config *config, *defaults;
	config_setting_fn *each;
	void *context;
	struct strbuf value, other; /* scratch */
	bool failed;		    /* memory ran out */
};

/*
 * Compare the value with that of `other` and `other_service`, and list it. A default that
 * depends on another key or on the system is a default, whatever that is.
 */
static void list_option(struct listing *l, const struct config_option *option, const char *section,
	const struct service *service, const struct config *other)
{
	const bool is_derived = (option->flags & (OPTION_DERIVED | OPTION_CHOSEN)) != 0 &&
		config_line(l->config, option->section, option->name) == 0;
	struct config_setting setting = { .section = section, .name = option->name };

	strbuf_reset(&l->value);
	strbuf_reset(&l->other);
	strbuf_add_str(&l->value, "");
	strbuf_add_str(&l->other, "");
	option_text(option, l->config, service, &l->value);
	option_text(option, other, NULL, &l->other);
	if (l->value.failed || l->other.failed) {
		l->failed = true;
		return;
	}
	setting.value = l->value.text;
	setting.is_default = is_derived || strcmp(l->value.text, l->other.text) == 0;
	l->each(l->context, &setting);
}

/* List the sections [check NAME], whose defaults are those of [check]. */
static void list_services(struct listing *l)
{
	const struct settings *settings = l->config->settings;
	const struct config_option *all;
	struct strbuf section = STRBUF_INIT;
	size_t count;

	all = options_all(&count);
	for (size_t i = 1; i < settings->service_count; i++) {
		strbuf_reset(&section);
		strbuf_addf(&section, "check %s", settings->services[i].name);
		l->failed |= section.failed;
		for (size_t j = 0; j < count && !section.failed; j++)
			if (all[j].home == HOME_SERVICE)
				list_option(l, &all[j], section.text, &settings->services[i],
					l->config);
	}
	strbuf_free(&section);
}

static int list_rate(void *context, const struct ini_entry *entry, struct errmsg *err)
{
	struct listing *l = context;
	const struct config_setting setting = {
		.section = entry->section,
		.name = entry->name,
		.value = entry->value,
	};

	(void)err;
	if (entry->name == NULL || !config_is_rates(entry->section))
		return 0;
	ini_cut_comment(entry->value);
	l->each(l->context, &setting);
	return 0;
}

/* List the sections [limit NAME], whose keys the option table does not contain. */
static int list_rates(struct listing *l, struct errmsg *err)
{
	char *text;
	size_t len;
	int ret;

	if (file_read(l->config->path, CONFIG_MAX, &text, &len, NULL, err) != FILE_READ)
		return -1;
	ret = ini_read(l->config->path, text, len, list_rate, l, err);
	explicit_bzero(text, len);
	free(text);
	return ret;
}

/* [database] has a meaning even without keys. */
static void list_section(struct listing *l, const char *section)
{
	const struct config_setting setting = { .section = section, .value = "" };

	l->each(l->context, &setting);
}

static int list_all(struct listing *l, struct errmsg *err)
{
	const struct config_option *all;
	size_t count;

	all = options_all(&count);
	for (size_t i = 0; i < count; i++) {
		const bool is_last =
			i + 1 == count || strcmp(all[i].section, all[i + 1].section) != 0;

		if (strcmp(all[i].section, "database") == 0 && !l->config->database.present)
			continue;
		if (strcmp(all[i].name, "conninfo") == 0)
			list_section(l, all[i].section);
		if ((all[i].flags & OPTION_FOREIGN) == 0)
			list_option(l, &all[i], all[i].section, NULL, l->defaults);
		if (is_last && strcmp(all[i].section, "check") == 0)
			list_services(l);
		if (is_last && strcmp(all[i].section, "limit") == 0 && list_rates(l, err) != 0)
			return -1;
	}
	return l->failed ? errmsg_set(err, "out of memory") : 0;
}

int config_settings_each(const struct config *config, config_setting_fn *each, void *context,
	struct errmsg *err)
{
	struct listing l = {
		.config = config,
		.each = each,
		.context = context,
		.value = STRBUF_INIT,
		.other = STRBUF_INIT,
	};
	int ret = config_parse(config->path, "", 0, &l.defaults, err);

	if (ret == 0)
		ret = list_all(&l, err);
	config_unref(&l.defaults);
	strbuf_free(&l.value);
	strbuf_free(&l.other);
	return ret;
}
