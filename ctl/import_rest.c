/*
 * Reports smtp.ini and all files that no other step of an import has read, and takes the local
 * domains. Owns nothing. t/integration/test_import_haraka.py covers it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/import.h"
#include "lib/base/text.h"

#define SMTP_INI "smtp.ini"
#define HOST_LIST "host_list"
#define HOST_LIST_MAX ((uint64_t)1 << 20)
#define LOCAL_DOMAINS_MAX 32
#define FILES_MAX 1000 /* that are reported one by one */

/* The keys of smtp.ini, and where an administrator sets the same beside Postern. */
static const struct {
	const char *key, *cure;
} smtp_keys[] = {
	{ "listen", "the MTA listens: Postfix: master.cf" },
	{ "listen_host", "the MTA listens: Postfix: master.cf" },
	{ "port", "the MTA listens: Postfix: master.cf" },
	{ "smtps_port", "the MTA listens: Postfix: submissions in master.cf" },
	{ "user", "Postern has its own user: [milter] user" },
	{ "group", "Postern has its own user: [milter] user" },
	{ "inactivity_timeout", "Postfix: smtpd_timeout" },
	{ "public_ip", "Postfix: proxy_interfaces" },
	{ "nodes", "one process of Postern serves all sessions" },
	{ "daemonize", "Postern is a daemon without a setting" },
	{ "daemon_log_file", "Postern logs to syslog: [log]" },
	{ "daemon_pid_file", "[milter] pid_file" },
};

/* Other files, and where their setting is beside Postern. */
static const struct {
	const char *file, *cure;
} other_files[] = {
	{ "connection.ini", "max.bytes: Postfix: message_size_limit; the rest is the MTA's" },
	{ "databytes", "Postfix: message_size_limit; or maxsize of a profile" },
	{ "helo.checks.allow", "no plugin that Postern replaces" },
	{ "host_list_regex", "Postfix: mydestination or relay_domains" },
	{ "loglevel", "[log] level" },
	{ "me", "Postfix: myhostname" },
	{ "redis.ini", "Postern needs no Redis" },
	{ "relay_acl_allow", "Postfix: mynetworks" },
};

static void take_smtp_ini(struct import *import)
{
	struct haraka_ini ini;

	if (import_read_ini(import, SMTP_INI, &ini)) {
		for (size_t i = 0; i < ini.count; i++) {
			const char *cure = "the MTA's";

			if (ini.entries[i].problem != NULL)
				continue;
			for (size_t j = 0; j < sizeof(smtp_keys) / sizeof(smtp_keys[0]); j++)
				if (strcmp(smtp_keys[j].key, ini.entries[i].key) == 0)
					cure = smtp_keys[j].cure;
			import_report_add(&import->report, IMPORT_OTHER, SMTP_INI,
				ini.entries[i].line, "%s: %s", ini.entries[i].key, cure);
		}
	}
	haraka_ini_clear(&ini);
}

/* Add a domain to those that are set, if it is one. */
static void add_domain(struct import *import, struct strbuf *domains, const char *domain,
	size_t len, unsigned line)
{
	struct strbuf more = STRBUF_INIT;
	struct errmsg err;

	strbuf_addf(&more, "%s%s%.*s", domains->len > 0 ? domains->text : "",
		domains->len > 0 ? " " : "", (int)len, domain);
	if (more.failed)
		import->report.failed = true;
	else if (import_conf_set(&import->conf, "lists", "local_domains", more.text, HOST_LIST,
			 line, &err) < 0)
		import_report_add(&import->report, IMPORT_OTHER, HOST_LIST, line,
			"%.*s is not among [lists] local_domains: %s",
			TEXT_CUT_LEN(domain, len, 80), err.text);
	else {
		strbuf_reset(domains);
		strbuf_add_str(domains, more.text);
	}
	strbuf_free(&more);
}

#define DOMAIN_MAX 256 /* bytes of a line */

/* The domains at which Postern looks up addresses without one. */
static void take_host_list(struct import *import)
{
	const char *own = import_conf_get(&import->conf, "profile", "default_domain");
	struct strbuf domains = STRBUF_INIT;
	const char *at, *line;
	unsigned number = 0;
	size_t len, line_len;
	char *text;

	if (import_read(import, HOST_LIST, HOST_LIST_MAX, &text, &len) != FILE_READ)
		return;
	if (own != NULL)
		strbuf_add_str(&domains, own);
	at = text;
	while ((line = haraka_line(&at, text + len, &line_len)) != NULL) {
		number++;
		line = haraka_trim(line, &line_len);
		if (line_len == 0 || line[0] == '#' || line[0] == ';')
			continue;
		if (line_len < DOMAIN_MAX)
			add_domain(import, &domains, line, line_len, number);
		else
			import_report_add(&import->report, IMPORT_REFUSED, HOST_LIST, number,
				"is too long for a domain");
	}
	if (import_conf_get(&import->conf, "lists", "local_domains") != NULL)
		import_report_add(&import->report, IMPORT_TAKEN, HOST_LIST, 0,
			"[lists] local_domains = %s", domains.text);
	strbuf_free(&domains);
	free(text);
}

/* A file in JSON or YAML can override all others. */
static void report_overrides(struct import *import)
{
	static const char *const names[] = { "smtp.json", "smtp.yaml", "smtp.hjson", "access.yaml",
		"pg-profile.yaml", "pg-profile.hjson" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!import_has_file(import, names[i]))
			continue;
		import_know(import, names[i]);
		import_report_add(&import->report, IMPORT_REFUSED, names[i], 0,
			"this format is not read; if Haraka uses this file, write its settings as "
			"%s",
			strncmp(names[i], "pg", 2) == 0 ? "pg-profile.json" : "ini files");
	}
}

static const char *cure_of(const char *file)
{
	for (size_t i = 0; i < sizeof(other_files) / sizeof(other_files[0]); i++)
		if (strcmp(other_files[i].file, file) == 0)
			return other_files[i].cure;
	return "not read: it is of no plugin that is loaded and that Postern replaces";
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void report_files(struct import *import)
{
	struct dirent **entries;
	const int count = scandir(import->folder, &entries, is_visible, alphasort);
	int others = 0;

	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (strmap_find(import->known_files, name, strlen(name), NULL) == 0 &&
			++others <= FILES_MAX)
			import_report_add(&import->report, IMPORT_OTHER, name, 0, "%s",
				cure_of(name));
		free(entries[i]);
	}
	if (others > FILES_MAX)
		import_report_add(&import->report, IMPORT_OTHER, ".", 0,
			"%d more files are not Postern's", others - FILES_MAX);
	if (count >= 0)
		free(entries);
}

void import_rest(struct import *import)
{
	take_smtp_ini(import);
	take_host_list(import);
	report_overrides(import);
	report_files(import);
}
