/*
 * Takes limit.ini, and rate_limit.ini of the plugin before it, as sections [limit NAME]. Owns
 * nothing. t/integration/test_import_haraka.py covers it.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/import.h"
#include "lib/base/text.h"
#include "lib/rules/rates.h"

#define LIMIT_INI "limit.ini"

/* The values of the limit.ini that the plugin brings, which hold where the own one sets none. */
static const struct {
	enum rate rate;
	const char *key, *value;
} packaged[] = {
	{ RATE_CONCURRENCY, "max", "3" },
	{ RATE_CONN, "127", "0" },
	{ RATE_CONN, "default", "5" },
	{ RATE_RCPT_HOST, "127", "0" },
	{ RATE_RCPT_HOST, "default", "50/5m" },
	{ RATE_RCPT_SENDER, "default", "50/5m" },
	{ RATE_RCPT, "default", "50/5m" },
	{ RATE_RCPT_NULL, "default", "1" },
};

/* The sections that others have to enforce. */
static const struct {
	const char *section, *cure;
} foreign[] = {
	{ "main", "Postern delays no replies" },
	{ "redis", "Postern counts in memory and needs no Redis" },
	{ "storage", "Postern counts in memory, and keeps the counts in [limits] state" },
	{ "unrecognized_commands", "Postfix: smtpd_junk_command_limit" },
	{ "errors", "Postfix: smtpd_hard_error_limit" },
	{ "outbound", "Postfix: smtp_destination_concurrency_limit" },
};

struct limit_file {
	struct import *import;
	const char *name;
	struct haraka_ini ini;
	bool is_old; /* of a version in which the sections needed no enabled = true */
};

static bool is_plain(enum rate rate)
{
	return rate == RATE_CONCURRENCY || rate == RATE_RECIPIENTS;
}

/* Return whether the section has limits for clients with a reputation. */
static bool is_history(const char *section)
{
	const size_t len = strlen(section);

	return len > 8 && strcmp(section + len - 8, "_history") == 0;
}

static const char *cure_of(const char *section)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (strcmp(section, foreign[i].section) == 0)
			return foreign[i].cure;
	return is_history(section) ? "Postern knows no history of clients; Rspamd and Fail2ban do" :
				     NULL;
}

/* Return whether Haraka enforces the section. */
static bool is_enabled(const struct limit_file *f, const char *section)
{
	const struct haraka_entry *entry = haraka_ini_find(&f->ini, section, "enabled");

	return f->is_old || (entry != NULL && haraka_ini_is_true(entry->value));
}

/*
 * Write "N/T" of a value of Haraka: N, N/T or N/TU, where U is s, m, h or d, and anything else
 * means seconds. Returns whether it is one.
 */
static bool write_limit(const char *value, char limit_r[64])
{
	const size_t count = strspn(value, "0123456789");
	const char *time = value + count + 1;
	const size_t digits = value[count] == '/' ? strspn(time, "0123456789") : 0;
	const char unit = digits > 0 ? (char)tolower((unsigned char)time[digits]) : '\0';

	if (count == 0 || count > 12 || digits > 12)
		return false;
	if (strspn(value, "0") == count) {
		(void)text_format(limit_r, 64, "0");
	} else if (value[count] == '\0') {
		(void)text_format(limit_r, 64, "%s/60s", value);
	} else if (digits > 0 && (unit == '\0' || time[digits + 1] == '\0')) {
		(void)text_format(limit_r, 64, "%.*s/%.*s%c", (int)count, value, (int)digits, time,
			unit != '\0' && strchr("smhd", unit) != NULL ? unit : 's');
	} else {
		return false;
	}
	return true;
}

/* Return whether a key among mail addresses is the beginning of an IP address. */
static bool is_numeric(const char *key)
{
	return strspn(key, "0123456789.") == strlen(key);
}

/* Return whether the key is a domain, to which Postern adds all names below it. */
static bool is_domain(const char *key)
{
	return strchr(key, '.') != NULL && strchr(key, '@') == NULL && strchr(key, ':') == NULL &&
		!is_numeric(key);
}

static void report(const struct limit_file *f, enum import_result result,
	const struct haraka_entry *entry, const char *text)
{
	import_report_add(&f->import->report, result, f->name, entry->line, "[%s] %s%s%s: %s",
		entry->section, entry->key, entry->value == NULL ? "" : " = ",
		entry->value == NULL ? "" : entry->value, text);
}

static void set(const struct limit_file *f, const char *section, const struct haraka_entry *entry,
	const char *value)
{
	if (import_set(f->import, section, entry->key, value, f->name, entry->line) &&
		is_domain(entry->key))
		report(f, IMPORT_CHANGED, entry,
			"also applies to the names below this domain, as documented; the plugin "
			"compares whole names");
}

/* Take a key of a section that counts numbers at once: concurrency and recipients. */
static void take_plain(const struct limit_file *f, enum rate rate, const char *section,
	const struct haraka_entry *entry)
{
	const char *key = entry->key;
	const bool is_default = strcmp(key, "max") == 0 || strcmp(key, "default") == 0;

	if (strncmp(key, "history", 7) == 0 || strcmp(key, "disconnect_delay") == 0 ||
		strcmp(key, "reset") == 0)
		report(f, IMPORT_REFUSED, entry, "Postern has no such setting");
	else if (is_default && strcmp(key, "max") != 0 &&
		haraka_ini_find(&f->ini, entry->section, "max") != NULL)
		report(f, IMPORT_OTHER, entry, "max prevails");
	else if (!is_default && !f->is_old && strcmp(key, "max_relaying") != 0)
		report(f, IMPORT_OTHER, entry, "the plugin has no such key");
	else if (strcmp(key, "max_relaying") == 0 && rate != RATE_RECIPIENTS)
		report(f, IMPORT_OTHER, entry, "the plugin has no such key");
	else
		set(f, section, entry, entry->value != NULL ? entry->value : "");
}

static void take_rate(const struct limit_file *f, enum rate rate, const char *section,
	const struct haraka_entry *entry)
{
	const char *value = entry->value != NULL ? entry->value : "";
	char limit[64];

	if (!rate_is_of_clients(rate) && is_numeric(entry->key)) {
		report(f, IMPORT_OTHER, entry, "no mail address has such a domain");
	} else if (write_limit(value, limit)) {
		set(f, section, entry, limit);
	} else {
		report(f, IMPORT_CHANGED, entry,
			"is not N or N/T, so that neither Haraka nor Postern limits these");
		if (strcmp(entry->key, "default") != 0)
			set(f, section, entry, "0");
	}
}

/* Return whether the entry is "enabled" with a text that the plugin, which does not know the key of
 * this section as a boolean one, takes for true. */
static bool is_text_for_true(const struct limit_file *f, const struct haraka_entry *entry)
{
	return !f->is_old && strcmp(entry->key, "enabled") == 0 && entry->value != NULL &&
		entry->value[strspn(entry->value, "0")] != '\0' &&
		!haraka_ini_is_true(entry->value);
}

static void take_entry(const struct limit_file *f, const struct haraka_entry *entry)
{
	const char *cure = cure_of(entry->section);
	char section[64];
	enum rate rate;

	if (entry->problem != NULL)
		return;
	if (entry->is_replaced) {
		report(f, IMPORT_OTHER, entry, "a later line sets it again");
	} else if (cure != NULL) {
		report(f,
			is_history(entry->section) && is_enabled(f, entry->section) ?
				IMPORT_REFUSED :
				IMPORT_OTHER,
			entry, cure);
	} else if (!rate_by_name(entry->section, &rate)) {
		report(f, IMPORT_OTHER, entry, "the plugin has no such section");
	} else if (rate == RATE_CONCURRENCY && is_text_for_true(f, entry)) {
		report(f, IMPORT_CHANGED, entry,
			"off, as it is meant; the plugin takes every text here for true");
	} else if (!is_enabled(f, entry->section)) {
		report(f, IMPORT_OTHER, entry,
			"without an effect, as in Haraka, because enabled = true is missing");
	} else if (strcmp(entry->key, "enabled") != 0) {
		(void)text_format(section, sizeof(section), "limit %s", rate_name(rate));
		if (is_plain(rate))
			take_plain(f, rate, section, entry);
		else
			take_rate(f, rate, section, entry);
	} else {
		report(f, IMPORT_TAKEN, entry, "the section is taken");
	}
}

/* Add the values that the plugin's own limit.ini gives to the sections that are enabled. */
static void add_packaged(const struct limit_file *f)
{
	char section[64], limit[64];

	for (size_t i = 0; i < sizeof(packaged) / sizeof(packaged[0]) && !f->is_old; i++) {
		const char *name = rate_name(packaged[i].rate);
		const char *value = packaged[i].value;

		if (!is_enabled(f, name) || haraka_ini_find(&f->ini, name, packaged[i].key) != NULL)
			continue;
		if (!is_plain(packaged[i].rate) && write_limit(value, limit))
			value = limit;
		(void)text_format(section, sizeof(section), "limit %s", name);
		import_set_fixed(f->import, section, packaged[i].key, value);
		import_report_add(&f->import->report, IMPORT_TAKEN, f->name, 0,
			"[%s] %s = %s, which the limit.ini of the plugin itself sets", section,
			packaged[i].key, value);
	}
}

static bool has_key(const struct haraka_ini *ini, const char *key)
{
	for (size_t i = 0; i < ini->count; i++)
		if (strcmp(ini->entries[i].key, key) == 0)
			return true;
	return false;
}

static bool has_section(const struct haraka_ini *ini, const char *section)
{
	for (size_t i = 0; i < ini->count; i++)
		if (strcmp(ini->entries[i].section, section) == 0)
			return true;
	return false;
}

static void take_limit_file(struct import *import, const char *name, bool is_old)
{
	struct limit_file f = { .import = import, .name = name };

	if (import_read_ini(import, name, &f.ini)) {
		f.is_old =
			is_old || (has_section(&f.ini, "storage") && !has_key(&f.ini, "enabled"));
		for (size_t i = 0; i < f.ini.count; i++)
			take_entry(&f, &f.ini.entries[i]);
		add_packaged(&f);
	}
	haraka_ini_clear(&f.ini);
}

/* Return whether limit.ini is of a version whose sections have the key enabled. */
static bool limit_ini_is_new(struct import *import)
{
	struct haraka_ini ini = { .arena = NULL };
	bool is_new = false;
	size_t len;
	char *text;

	if (import_read(import, LIMIT_INI, HARAKA_INI_MAX, &text, &len) == FILE_READ) {
		is_new = haraka_ini_parse(text, len, &ini) == 0 && has_key(&ini, "enabled");
		haraka_ini_clear(&ini);
		free(text);
	}
	return is_new;
}

void import_limit(struct import *import)
{
	bool reads_limit = import->has_plugin[PLUGIN_LIMIT];

	if (import->has_plugin[PLUGIN_RATE_LIMIT]) {
		/* Newer versions of Haraka load limit in its place, which reads limit.ini. */
		if (limit_ini_is_new(import))
			reads_limit = true;
		else
			take_limit_file(import, "rate_limit.ini", true);
	}
	if (reads_limit)
		take_limit_file(import, LIMIT_INI, false);
	if (reads_limit || import->has_plugin[PLUGIN_RATE_LIMIT]) {
		import_set_fixed(import, "limit", "exempt", "");
		import_set_fixed(import, "limit", "ipv6_prefix", "128");
	}
}
