/*
 * Takes access.ini, the ini files of the plugins before it, and the part of helo.checks.ini that
 * concerns the list of regexes. Owns nothing. t/integration/test_import_haraka.py covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/import.h"
#include "lib/base/text.h"

#define ACCESS_INI "access.ini"
#define HELO_INI "helo.checks.ini"

/* The checks of access, and their defaults. */
static const struct {
	const char *key;
	bool fallback;
} checks[] = {
	{ "any", true },
	{ "conn", true },
	{ "helo", false },
	{ "mail", true },
	{ "rcpt", true },
};

static const char *word(bool yes)
{
	return yes ? "yes" : "no";
}

/* Read "VALUE ; comment", which is a value to Haraka, as it was meant. */
static void report_comment(struct import *import, const struct haraka_entry *entry)
{
	if (entry->value != NULL && strpbrk(entry->value, "#;") != NULL)
		import_report_add(&import->report, IMPORT_CHANGED, ACCESS_INI, entry->line,
			"%s: Haraka reads the comment as a part of the value, which therefore "
			"means no",
			entry->key);
}

static void take_check(struct import *import, const struct haraka_ini *ini, const char *key,
	bool fallback)
{
	const struct haraka_entry *entry = haraka_ini_find(ini, "check", key);

	if (entry == NULL) {
		import_set_fixed(import, "check", key, word(fallback));
		return;
	}
	report_comment(import, entry);
	(void)import_set(import, "check", key, word(haraka_ini_is_true(entry->value)), ACCESS_INI,
		entry->line);
}

/* Haraka looks at From whenever any is on, although its documentation says otherwise. */
static void take_data(struct import *import, const struct haraka_ini *ini)
{
	const char *any = import_conf_get(&import->conf, "check", "any");

	take_check(import, ini, "data", false);
	if (strcmp(any != NULL ? any : "no", "yes") == 0 &&
		strcmp(import_conf_get(&import->conf, "check", "data"), "no") == 0)
		import_report_add(&import->report, IMPORT_CHANGED, ACCESS_INI, 0,
			"[check] data is off, as documented; Haraka looks at From nevertheless "
			"whenever any is on; for that, set data = yes");
}

/* Write a number as JavaScript does: 007 is 7, 1.50 is 1.5. Other texts stay as they are. */
static void write_number(char *value)
{
	static const char numerals[] = "0123456789";
	char *whole = value + (value[0] == '-'), *fraction = strchr(whole, '.');
	const size_t whole_len = fraction != NULL ? (size_t)(fraction - whole) : strlen(whole);
	size_t len = strlen(whole);

	if (whole_len == 0 || strspn(whole, numerals) != whole_len ||
		(fraction != NULL &&
			(fraction[1] == '\0' ||
				fraction[1 + strspn(fraction + 1, numerals)] != '\0')))
		return;
	while (fraction != NULL && len > whole_len + 1 && whole[len - 1] == '0')
		len--;
	if (fraction != NULL && len == whole_len + 1)
		len--; /* the dot */
	whole[len] = '\0';
	len = strspn(whole, "0");
	if (len > 0 && (whole[len] == '\0' || whole[len] == '.'))
		len--;
	text_remove(whole, len);
}

/* Take the text of a refusal. Haraka keeps its own if it is empty or 0. */
static void take_deny_msg(struct import *import, const struct haraka_ini *ini, const char *section,
	const char *key, const char *check, const char *file)
{
	const struct haraka_entry *entry = haraka_ini_find(ini, section, key);
	char *value;

	if (entry == NULL || entry->value == NULL || *entry->value == '\0')
		return;
	if ((value = strdup(entry->value)) == NULL) {
		import->report.failed = true;
		return;
	}
	write_number(value);
	if (strcmp(value, "0") != 0 && strcmp(value, "-0") != 0)
		(void)import_set(import, "deny_msg", check, value, file, entry->line);
	free(value);
}

/* Report the keys of access.ini that nothing reads. */
static void report_unknown(struct import *import, const struct haraka_ini *ini)
{
	static const char *const known[] = { "check.any", "check.conn", "check.helo", "check.mail",
		"check.rcpt", "check.data", "rcpt.accept", "deny_msg.conn", "deny_msg.helo",
		"deny_msg.mail", "deny_msg.rcpt" };
	const size_t count = sizeof(known) / sizeof(known[0]);

	for (size_t i = 0; i < ini->count; i++) {
		const struct haraka_entry *entry = &ini->entries[i];
		const size_t len = strlen(entry->section);
		size_t j = 0;

		while (j < count &&
			(strncmp(known[j], entry->section, len) != 0 || known[j][len] != '.' ||
				strcmp(known[j] + len + 1, entry->key) != 0))
			j++;
		if (entry->problem == NULL && (j == count || entry->is_replaced))
			import_report_add(&import->report, IMPORT_OTHER, ACCESS_INI, entry->line,
				"[%s] %s: %s", entry->section, entry->key,
				entry->is_replaced ? "a later line sets it again" :
						     "the plugin has no such key");
	}
}

static void take_access_ini(struct import *import)
{
	const struct haraka_entry *accept;
	struct haraka_ini ini;

	(void)import_read_ini(import, ACCESS_INI, &ini);
	report_unknown(import, &ini);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		take_check(import, &ini, checks[i].key, checks[i].fallback);
	take_data(import, &ini);
	accept = haraka_ini_find(&ini, "rcpt", "accept");
	if (accept != NULL)
		(void)import_set(import, "rcpt", "accept", word(haraka_ini_is_true(accept->value)),
			ACCESS_INI, accept->line);
	take_deny_msg(import, &ini, "deny_msg", "conn", "conn", ACCESS_INI);
	take_deny_msg(import, &ini, "deny_msg", "helo", "helo", ACCESS_INI);
	take_deny_msg(import, &ini, "deny_msg", "mail", "mail", ACCESS_INI);
	take_deny_msg(import, &ini, "deny_msg", "rcpt", "rcpt", ACCESS_INI);
	haraka_ini_clear(&ini);
}

/* The ini file of an older plugin, whose text overrides that of access.ini. */
static void take_old_ini(struct import *import, const char *file, const char *check)
{
	struct haraka_ini ini;

	if (import_read_ini(import, file, &ini)) {
		for (size_t i = 0; i < ini.count; i++)
			if (ini.entries[i].problem == NULL &&
				(strcmp(ini.entries[i].section, "general") != 0 ||
					strcmp(ini.entries[i].key, "deny_msg") != 0))
				import_report_add(&import->report, IMPORT_OTHER, file,
					ini.entries[i].line, "[%s] %s: the plugin has no such key",
					ini.entries[i].section, ini.entries[i].key);
		take_deny_msg(import, &ini, "general", "deny_msg", check, file);
	}
	haraka_ini_clear(&ini);
}

/* The checks of the plugins before access, which had no any. */
static void take_old_plugins(struct import *import)
{
	const bool *has = import->has_plugin;

	import_set_fixed(import, "check", "any", "no");
	import_set_fixed(import, "check", "conn",
		word(has[PLUGIN_RDNS_ACCESS] || has[PLUGIN_RDNS_REGEXP]));
	import_set_fixed(import, "check", "helo", "no");
	import_set_fixed(import, "check", "mail",
		word(has[PLUGIN_MAIL_ACCESS] || has[PLUGIN_MAIL_BLOCKLIST]));
	import_set_fixed(import, "check", "rcpt",
		word(has[PLUGIN_RCPT_ACCESS] || has[PLUGIN_RCPT_BLOCKLIST]));
	import_set_fixed(import, "check", "data", "no");
}

/* helo.checks matches the same regexes as access, if its match_re is on. */
static void take_helo_checks(struct import *import)
{
	const struct haraka_entry *check, *reject;
	struct haraka_ini ini;
	bool matches;

	(void)import_read_ini(import, HELO_INI, &ini);
	check = haraka_ini_find(&ini, "check", "match_re");
	reject = haraka_ini_find(&ini, "reject", "match_re");
	matches = (check == NULL || haraka_ini_is_true(check->value)) &&
		(reject == NULL || haraka_ini_is_true(reject->value));
	if (matches && import_has_file(import, list_name(LIST_HELO_DENY_RE))) {
		import_set_fixed(import, "check", "helo", "yes");
		import_report_add(&import->report, IMPORT_CHANGED, HELO_INI,
			check != NULL ? check->line : 0,
			"match_re: [check] helo = yes; helo.checks exempts clients with private "
			"addresses and those that may relay; Postern exempts those of [check] "
			"exempt");
	}
	import_report_add(&import->report, IMPORT_OTHER, HELO_INI, 0,
		"the other checks of helo.checks: Postfix: smtpd_helo_restrictions");
	haraka_ini_clear(&ini);
}

static bool has_old_plugin(const struct import *import)
{
	for (int i = PLUGIN_RDNS_ACCESS; i <= PLUGIN_RCPT_BLOCKLIST; i++)
		if (import->has_plugin[i])
			return true;
	return false;
}

void import_access(struct import *import)
{
	const bool has_ini = import_has_file(import, ACCESS_INI);

	/* Newer versions of Haraka load access in place of the older plugins. */
	if (import->has_plugin[PLUGIN_ACCESS] || (has_old_plugin(import) && has_ini)) {
		take_access_ini(import);
	} else {
		take_old_plugins(import);
		if (has_ini)
			import_report_add(&import->report, IMPORT_OTHER, ACCESS_INI, 0,
				"the file plugins does not load access, so that the checks are off");
		import_know(import, ACCESS_INI);
	}
	take_old_ini(import, "mail_from.access.ini", "mail");
	take_old_ini(import, "rcpt_to.access.ini", "rcpt");
	take_old_ini(import, "connect.rdns_access.ini", "conn");
	if (import->has_plugin[PLUGIN_HELO_CHECKS])
		take_helo_checks(import);
	import_set_fixed(import, "check", "authenticated", "apply");
	import_set_fixed(import, "check", "exempt", "");
	import_set_fixed(import, "milter", "delay_reject",
		word(import->has_plugin[PLUGIN_DELAY_DENY]));
}
