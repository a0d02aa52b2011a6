/*
 * Builds libpq's connection string from the keys of [database], with the quoting that its two forms
 * require, and finds passwords in one. Holds no state; any thread.
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

static bool is_password(const char *key, size_t len)
{
	return (len == 8 && memcmp(key, "password", len) == 0) ||
		(len == 11 && memcmp(key, "sslpassword", len) == 0);
}

static const char *skip_space(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

const char *conninfo_value_end(const char *value)
{
	const bool quoted = *value == '\'';
	const char *p = value + quoted;

	for (; *p != '\0' && (quoted ? *p != '\'' : !isspace((unsigned char)*p)); p++)
		p += *p == '\\' && p[1] != '\0';
	return *p == '\0' ? p : p + 1;
}

static bool pairs_have_password(const char *p)
{
	for (p = skip_space(p); *p != '\0'; p = skip_space(conninfo_value_end(p))) {
		const char *key = p;
		const size_t len = strcspn(p, "= \t\n\r\f\v");

		p = skip_space(p + len);
		if (*p != '=')
			return false;
		p = skip_space(p + 1);
		if (is_password(key, len) && *p != '\0' && strncmp(p, "''", 2) != 0)
			return true;
	}
	return false;
}

static bool uri_has_password(const char *uri)
{
	const char *user = strstr(uri, "://") + 3, *end = user + strcspn(user, "@/"), *parameter;
	const char *colon = memchr(user, ':', (size_t)(end - user));

	if (*end == '@' && colon != NULL && colon + 1 < end)
		return true;
	parameter = strchr(*end == '@' ? end : user, '?');
	for (; parameter != NULL; parameter = strchr(parameter + 1, '&')) {
		const size_t len = strcspn(parameter + 1, "=&");
		const char *value = parameter + 1 + len;

		if (is_password(parameter + 1, len) && *value == '=' && value[1] != '&' &&
			value[1] != '\0')
			return true;
	}
	return false;
}

bool conninfo_has_password(const char *conninfo)
{
	return is_uri(conninfo) ? uri_has_password(conninfo) : pairs_have_password(conninfo);
}
