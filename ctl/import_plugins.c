/*
 * Reads Haraka's list of plugins, which determines the other files that have an effect, and reports
 * what does the work of those that Postern does not replace. Owns nothing.
 * t/integration/test_import_haraka.py covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/import.h"
#include "lib/base/text.h"

#define PLUGINS_FILE "plugins"
#define PLUGINS_MAX ((uint64_t)1 << 20)

/* The names in the file, and a file that shows that the plugin is in use. */
static const struct {
	const char *name;
	enum haraka_plugin plugin;
	const char *file; /* NULL: none shows it */
} replaced[] = {
	{ "access", PLUGIN_ACCESS, "access.ini" },
	{ "access", PLUGIN_ACCESS, "access.domains" },
	{ "connect.rdns_access", PLUGIN_RDNS_ACCESS, "connect.rdns_access.ini" },
	{ "rdns.regexp", PLUGIN_RDNS_REGEXP, "rdns.deny_regexps" },
	{ "mail_from.access", PLUGIN_MAIL_ACCESS, "mail_from.access.ini" },
	{ "mail_from.blocklist", PLUGIN_MAIL_BLOCKLIST, "mail_from.blocklist" },
	{ "rcpt_to.access", PLUGIN_RCPT_ACCESS, "rcpt_to.access.ini" },
	{ "rcpt_to.blocklist", PLUGIN_RCPT_BLOCKLIST, "rcpt_to.blocklist" },
	{ "helo.checks", PLUGIN_HELO_CHECKS, "helo.checks.ini" },
	{ "limit", PLUGIN_LIMIT, "limit.ini" },
	{ "rate_limit", PLUGIN_RATE_LIMIT, "rate_limit.ini" },
	{ "pg-profile", PLUGIN_PG_PROFILE, "pg-profile.json" },
	{ "data.headers", PLUGIN_HEADERS, "data.headers.ini" },
	{ "headers", PLUGIN_HEADERS, "headers.ini" },
	{ "delay_deny", PLUGIN_DELAY_DENY, NULL },
};
#define REPLACED_COUNT (sizeof(replaced) / sizeof(replaced[0]))

/* The names of others, or their beginnings, and what does their work beside Postfix. */
static const struct {
	const char *name, *cure;
} others[] = {
	{ "auth/", "Postern checks logins itself, by the users of its tables" },
	{ "avg", "a milter for the virus scanner" },
	{ "clamd", "clamav-milter" },
	{ "data.uribl", "a content filter, such as Rspamd" },
	{ "dkim", "OpenDKIM" },
	{ "dns-list", "Postfix: postscreen_dnsbl_sites or reject_rbl_client" },
	{ "dnsbl", "Postfix: postscreen_dnsbl_sites or reject_rbl_client" },
	{ "dnswl", "Postfix: postscreen_dnsbl_sites or permit_dnswl_client" },
	{ "early_talker", "Postfix: postscreen" },
	{ "greylist", "Postgrey, or Rspamd" },
	{ "karma", "Rspamd, or Fail2ban" },
	{ "mail_from.is_resolvable", "Postfix: reject_unknown_sender_domain" },
	{ "max_unrecognized_commands", "Postfix: smtpd_junk_command_limit" },
	{ "queue/", "the MTA delivers" },
	{ "rcpt_to.in_host_list", "Postfix: mydestination or relay_domains" },
	{ "rcpt_to.max_count", "Postfix: smtpd_recipient_limit; or [limit recipients]" },
	{ "relay", "Postfix: mynetworks and smtpd_relay_restrictions" },
	{ "rspamd", "Rspamd, as a milter" },
	{ "spamassassin", "spamass-milter" },
	{ "spf", "pypolicyd-spf" },
	{ "tls", "Postfix: smtpd_tls_security_level" },
	{ "uribl", "a content filter, such as Rspamd" },
};

static const char *cure_of(const char *name)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strncmp(name, others[i].name, strlen(others[i].name)) == 0)
			return others[i].cure;
	return "no plugin that Postern replaces";
}

static void read_plugin(struct import *import, const char *name, unsigned line)
{
	static const char prefix[] = "haraka-plugin-";

	if (strncmp(name, prefix, strlen(prefix)) == 0)
		name += strlen(prefix);
	for (size_t i = 0; i < REPLACED_COUNT; i++) {
		if (strcmp(name, replaced[i].name) == 0) {
			import->has_plugin[replaced[i].plugin] = true;
			import_report_add(&import->report, IMPORT_TAKEN, PLUGINS_FILE, line, "%s",
				name);
			return;
		}
	}
	import_report_add(&import->report, IMPORT_OTHER, PLUGINS_FILE, line, "%s: %s", name,
		cure_of(name));
}

static void read_plugins(struct import *import, const char *text, size_t len)
{
	const char *at = text, *line;
	char name[200];
	size_t line_len;
	unsigned number = 0;

	while ((line = haraka_line(&at, text + len, &line_len)) != NULL) {
		number++;
		line = haraka_trim(line, &line_len);
		if (line_len == 0 || line[0] == '#' || line[0] == ';')
			continue;
		(void)text_format(name, sizeof(name), "%.*s",
			TEXT_CUT_LEN(line, line_len, (int)sizeof(name) - 1));
		read_plugin(import, name, number);
	}
}

/* Without a list of plugins, take those whose files exist. */
static bool guess_plugins(struct import *import)
{
	bool any = false;

	for (size_t i = 0; i < REPLACED_COUNT; i++) {
		if (replaced[i].file == NULL || !import_has_file(import, replaced[i].file) ||
			import->has_plugin[replaced[i].plugin])
			continue;
		import->has_plugin[replaced[i].plugin] = any = true;
		import_report_add(&import->report, IMPORT_TAKEN, PLUGINS_FILE, 0,
			"there is no such file; %s is taken, because %s exists", replaced[i].name,
			replaced[i].file);
	}
	for (int i = 0; i < LIST_COUNT && !import->has_plugin[PLUGIN_ACCESS]; i++) {
		if (!import_has_file(import, list_name((enum list_id)i)) || i == LIST_HELO_DENY_RE)
			continue;
		import->has_plugin[PLUGIN_ACCESS] = any = true;
		import_report_add(&import->report, IMPORT_TAKEN, PLUGINS_FILE, 0,
			"there is no such file; access is taken, because %s exists",
			list_name((enum list_id)i));
	}
	/* pg-profile's README needs it for the check of From. */
	import->has_plugin[PLUGIN_HEADERS] |= import->has_plugin[PLUGIN_PG_PROFILE];
	return any;
}

bool import_plugins(struct import *import)
{
	size_t len;
	char *text;

	switch (import_read(import, PLUGINS_FILE, PLUGINS_MAX, &text, &len)) {
	case FILE_READ:
		read_plugins(import, text, len);
		free(text);
		return true;
	case FILE_MISSING:
	case FILE_FAILED:
		break;
	}
	return guess_plugins(import);
}
