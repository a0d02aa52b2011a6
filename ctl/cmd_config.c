/*
 * The command config: prints the settings in force of the configuration, without secrets. Owns
 * nothing. t/integration/test_config_command.py covers it.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/cmd.h"
#include "lib/base/print.h"
#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/conf/config.h"
#include "lib/conf/config_settings.h"
#include "lib/conf/options.h"

const char cmd_config_usage[] =
	"usage: posternctl [OPTION ...] config [-n] [-h] [KEY ...]\n"
	"Print the settings of the configuration with all defaults, as postern.conf would contain\n"
	"them. Passwords and secrets are printed as ********.\n"
	"  KEY  a section, such as milter or 'check submission', or a key of it: milter.socket\n"
	"  -n   only the settings that differ from the defaults\n"
	"  -h   only values, one a line\n"
	"Exit status: 0 printed, 64 there is no such KEY, 78 the configuration has an error.\n";

/* Printing of all settings, or of those that belong to one KEY. */
struct printing {
	const struct config *config;
	const char *key; /* NULL: all */
	bool is_found;	 /* a setting belongs to the key */
	bool only_changed, only_values;
	char section[256]; /* the last one whose header was printed */
	json_t *json;	   /* NULL: print text */
	bool failed;	   /* memory ran out */
};

/* Return whether the key is that of the setting: "section.name"; *is_whole_r: or its section. */
static bool belongs(const struct config_setting *setting, const char *key, bool *is_whole_r)
{
	const size_t len = strlen(setting->section);

	*is_whole_r = key == NULL || strcmp(key, setting->section) == 0;
	return *is_whole_r ||
		(setting->name != NULL && strncmp(key, setting->section, len) == 0 &&
			key[len] == '.' && strcmp(key + len + 1, setting->name) == 0);
}

static void add_json(struct printing *p, const struct config_setting *setting)
{
	json_t *section = json_object_get(p->json, setting->section);

	if (section == NULL) {
		section = json_object();
		if (json_object_set_new(p->json, setting->section, section) != 0) {
			p->failed = true;
			return;
		}
	}
	if (setting->name != NULL &&
		json_object_set_new(section, setting->name, json_string(setting->value)) != 0)
		p->failed = true;
}

/* Print a line of a section, and its header if it is the first one. */
static void print_in_section(struct printing *p, const struct config_setting *setting)
{
	if (strcmp(p->section, setting->section) != 0) {
		if (p->section[0] != '\0')
			print_end(stdout);
		print_line(stdout, "[%s]", setting->section);
		(void)text_format(p->section, sizeof(p->section), "%s", setting->section);
	}
	if (setting->name != NULL)
		print_line(stdout, "%s =%s%s", setting->name, *setting->value == '\0' ? "" : " ",
			setting->value);
}

static void print_setting(void *context, const struct config_setting *setting)
{
	struct printing *p = context;
	bool is_whole;

	if (!belongs(setting, p->key, &is_whole))
		return;
	p->is_found = true;
	if (p->only_changed && setting->is_default)
		return;
	if (p->json != NULL)
		add_json(p, setting);
	else if (p->only_values && setting->name != NULL)
		print_line(stdout, "%s", setting->value);
	else if (p->only_values)
		return;
	else if (is_whole)
		print_in_section(p, setting);
	else
		print_line(stdout, "%s.%s =%s%s", setting->section, setting->name,
			*setting->value == '\0' ? "" : " ", setting->value);
}

/* List the keys of that name: "milter.socket auth.socket". Returns whether there are any. */
static bool find_by_name(const char *name, struct strbuf *keys)
{
	const struct config_option *all;
	size_t count;

	all = options_all(&count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i].name, name) == 0 && (all[i].flags & OPTION_FOREIGN) == 0)
			strbuf_addf(keys, " %s.%s", all[i].section, name);
	return keys->len > 0;
}

/* Describe a key to which no setting belongs. */
static void explain_unknown(const struct config *config, const char *key, struct errmsg *err)
{
	const size_t len = strcspn(key, ".");
	struct strbuf keys = STRBUF_INIT;
	char section[80];

	(void)text_format(section, sizeof(section), "%.*s", TEXT_CUT_LEN(key, len, 79));
	if (strncmp(key, "check ", 6) == 0 || strncmp(key, "limit ", 6) == 0 ||
		(strcmp(section, "database") == 0 && !config->database.present))
		(void)errmsg_set(err, "%s contains no such section or key", config->path);
	else if (key[len] == '.' && options_has_section(section))
		(void)options_unknown_key(section, key + len + 1, err);
	else if (find_by_name(key, &keys))
		(void)errmsg_set(err, "write SECTION.KEY:%s", keys.text);
	else
		(void)options_unknown_section(section, err);
	strbuf_free(&keys);
}

static int print_key(struct printing *p, const char *key, struct errmsg *err)
{
	p->key = key;
	p->is_found = false;
	if (config_settings_each(p->config, print_setting, p, err) != 0)
		return EX_CONFIG;
	if (p->failed) {
		(void)errmsg_set(err, "out of memory");
		return CTL_FAILED;
	}
	if (key != NULL && !p->is_found) {
		explain_unknown(p->config, key, err);
		(void)errmsg_prefix(err, "%s: ", key);
		return EX_USAGE;
	}
	return CTL_OK;
}

/* Print the settings of each of the keys, or all settings if there are none. */
static int print_keys(struct printing *p, char **keys)
{
	struct errmsg err;
	int ret = CTL_OK, code;

	do {
		code = print_key(p, *keys, &err);
		if (code != CTL_OK) {
			(void)command_fail(code, &err);
			ret = code;
		}
	} while (*keys != NULL && *++keys != NULL);
	if (p->json != NULL && ret == CTL_OK)
		ret = command_print_json(p->json);
	return ret;
}

/* Load the configuration, and print its errors. Returns CTL_OK or an exit code. */
static int load(const struct ctl *ctl, const struct config **config_r)
{
	struct problems *errors = problems_new();
	struct errmsg err;
	int ret = CTL_OK;

	if (errors == NULL) {
		(void)errmsg_set(&err, "out of memory");
		return command_fail(CTL_FAILED, &err);
	}
	if (config_load_all(ctl->config_path, NULL, config_r, errors, &err) != 0) {
		ret = EX_CONFIG;
		for (size_t i = 0; i < problems_kept(errors); i++)
			print_line(stderr, "posternctl: %s", problems_text(errors, i));
	} else {
		for (size_t i = 0; i < problems_kept((*config_r)->warnings); i++)
			print_line(stderr, "posternctl: warning: %s",
				problems_text((*config_r)->warnings, i));
	}
	problems_free(&errors);
	return ret;
}

int cmd_config(const struct ctl *ctl, int argc, char **argv)
{
	struct printing p = { .section = "" };
	struct errmsg err;
	int ret, c;

	opterr = 0;
	while ((c = getopt(argc, argv, "nh")) != -1) {
		if (c == '?') {
			command_report_option(argv);
			return command_usage(ctl);
		}
		p.only_changed |= c == 'n';
		p.only_values |= c == 'h';
	}
	if (ctl->json && (p.json = json_object()) == NULL) {
		(void)errmsg_set(&err, "out of memory");
		return command_fail(CTL_FAILED, &err);
	}
	ret = load(ctl, &p.config);
	if (ret == CTL_OK)
		ret = print_keys(&p, argv + optind);
	config_unref(&p.config);
	json_decref(p.json);
	return ret;
}
