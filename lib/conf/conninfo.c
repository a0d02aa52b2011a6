/*
 * Builds libpq's connection string from the keys of [database], with the quoting that its two forms
 * require. Holds no state; any thread.
 */
#include "lib/conf/conninfo.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Add key='value' (PostgreSQL's manual, 34.1.1.1 Keyword/Value Connection Strings). */
static void add_pair(struct strbuf *text, const char *key, const char *value)
{
	if (*value == '\0')
		return;
	strbuf_addf(text, "%s%s='", text->len > 0 ? " " : "", key);
	for (; *value != '\0'; value++) {
		if (*value == '\'' || *value == '\\')
			strbuf_add_char(text, '\\');
		strbuf_add_char(text, *value);
	}
	strbuf_add_char(text, '\'');
}

static bool is_uri(const char *conninfo)
{
	return strncmp(conninfo, "postgresql://", 13) == 0 ||
		strncmp(conninfo, "postgres://", 11) == 0;
}

/* The separator before another parameter. The user name may contain a ?, too. */
static const char *separator(const struct strbuf *text)
{
	const char *at = strstr(text->text, "://") + 3, *user_end = at + strcspn(at, "@/");
	const char last = text->text[text->len - 1];

	if (*user_end == '@')
		at = user_end + 1;
	if (strchr(at, '?') == NULL)
		return "?";
	return last == '?' || last == '&' ? "" : "&";
}

/* Add a parameter of a connection URI (ibid., 34.1.1.2), percent-encoded. */
static void add_parameter(struct strbuf *text, const char *key, const char *value)
{
	if (*value == '\0')
		return;
	strbuf_addf(text, "%s%s=", separator(text), key);
	for (; *value != '\0'; value++) {
		if (isalnum((unsigned char)*value))
			strbuf_add_char(text, *value);
		else
			strbuf_addf(text, "%%%02X", (unsigned char)*value);
	}
}

void conninfo_build(const struct config_given *given, struct strbuf *text)
{
	char port[16];

	strbuf_add_str(text, given->conninfo);
	if (is_uri(given->conninfo)) {
		if (!text->failed)
			add_parameter(text, "password", given->password);
		return;
	}
	add_pair(text, "host", given->host);
	(void)snprintf(port, sizeof(port), "%u", given->port);
	add_pair(text, "port", given->port != 0 ? port : "");
	add_pair(text, "dbname", given->database);
	add_pair(text, "user", given->user);
	add_pair(text, "password", given->password);
}
