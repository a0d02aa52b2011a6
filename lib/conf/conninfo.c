/*
 * Builds libpq's connection string from the keys of [database], with the quoting that its two forms
 * require, and finds or hides the secrets of one. Holds no state; any thread.
 */
#include "lib/conf/conninfo.h"

#include <ctype.h>
#include <stdbool.h>
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

/* ---- secrets --------------------------------------------------------------------- */

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

/* Return where a value ends: at its closing quote, at white space, or at '\0'. */
static const char *value_end(const char *value)
{
	const bool quoted = *value == '\'';
	const char *p = value + quoted;

	for (; *p != '\0' && (quoted ? *p != '\'' : !isspace((unsigned char)*p)); p++)
		p += *p == '\\' && p[1] != '\0';
	return p;
}

const char *conninfo_value_end(const char *value)
{
	const char *p = value_end(value);

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

/* ---- single values --------------------------------------------------------------- */

static void clear(struct strbuf *value)
{
	strbuf_free(value);
	*value = (struct strbuf)STRBUF_INIT;
}

static void find_in_pairs(const char *p, const char *key, struct strbuf *value)
{
	for (p = skip_space(p); *p != '\0'; p = skip_space(conninfo_value_end(p))) {
		const char *name = p;
		const size_t len = strcspn(p, "= \t\n\r\f\v");

		p = skip_space(p + len);
		if (*p != '=')
			return;
		p = skip_space(p + 1);
		if (strlen(key) != len || memcmp(key, name, len) != 0)
			continue;
		clear(value);
		for (const char *at = p + (*p == '\''), *end = value_end(p); at < end; at++) {
			at += *at == '\\' && at + 1 < end;
			strbuf_add_char(value, *at);
		}
	}
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));

	return found == NULL ? -1 : (int)(found - digits);
}

/* Set the value to the part of a URI, without its percent encoding. */
static void set_decoded(struct strbuf *value, const char *at, const char *end)
{
	clear(value);
	for (; at < end; at++) {
		if (*at == '%' && end - at > 2 && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
			strbuf_add_char(value, (char)(hex_digit(at[1]) * 16 + hex_digit(at[2])));
			at += 2;
		} else {
			strbuf_add_char(value, *at);
		}
	}
}

/* Find a parameter of SCHEME://USER:PASSWORD@HOSTS/DBNAME?KEY=VALUE&... */
static void find_in_uri(const char *uri, const char *key, struct strbuf *value)
{
	const char *user = strstr(uri, "://") + 3, *user_end = user + strcspn(user, "@/");
	const char *hosts = *user_end == '@' ? user_end + 1 : user;
	const char *path = hosts + strcspn(hosts, "/?"), *parameter = path + strcspn(path, "?");

	if (strcmp(key, "user") == 0 && *user_end == '@')
		set_decoded(value, user, user + strcspn(user, ":@"));
	if (strcmp(key, "dbname") == 0 && *path == '/')
		set_decoded(value, path + 1, parameter);
	for (; *parameter != '\0'; parameter += strcspn(parameter, "&")) {
		const size_t len = strcspn(++parameter, "=&");

		if (strlen(key) == len && memcmp(key, parameter, len) == 0 && parameter[len] == '=')
			set_decoded(value, parameter + len + 1,
				parameter + strcspn(parameter, "&"));
	}
}

void conninfo_value(const char *conninfo, const char *key, struct strbuf *value)
{
	struct strbuf found = STRBUF_INIT;

	if (is_uri(conninfo))
		find_in_uri(conninfo, key, &found);
	else
		find_in_pairs(conninfo, key, &found);
	if (found.failed)
		value->failed = true;
	else if (found.len > 0)
		strbuf_add(value, found.text, found.len);
	strbuf_free(&found);
}

/* ---- hiding ---------------------------------------------------------------------- */

static bool is_harmless(const char *name, size_t len)
{
	static const char *const harmless[] = { "application_name", "channel_binding",
		"client_encoding", "connect_timeout", "dbname", "fallback_application_name",
		"gssencmode", "host", "hostaddr", "keepalives", "keepalives_count",
		"keepalives_idle", "keepalives_interval", "krbsrvname", "load_balance_hosts",
		"options", "passfile", "port", "requirepeer", "require_auth", "service", "sslcert",
		"sslcertmode", "sslcompression", "sslcrl", "sslcrldir", "sslkey", "sslmode",
		"sslnegotiation", "sslrootcert", "sslsni", "ssl_max_protocol_version",
		"ssl_min_protocol_version", "target_session_attrs", "tcp_user_timeout", "user" };

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (strlen(harmless[i]) == len && memcmp(harmless[i], name, len) == 0)
			return true;
	return false;
}

/* Add "name=value", as written, or without the value. A value may itself be a connection string. */
static void add_shown(struct strbuf *text, const char *name, size_t name_len, const char *value,
	size_t value_len)
{
	const bool nested = memmem(value, value_len, "://", 3) != NULL ||
		memmem(value, value_len, "passw", 5) != NULL;

	strbuf_add(text, name, name_len);
	strbuf_add_char(text, '=');
	if (is_harmless(name, name_len) && !nested)
		strbuf_add(text, value, value_len);
	else
		strbuf_add_str(text, CONNINFO_HIDDEN);
}

/* Return the end of a value, which may be in quotes; NULL if its closing quote is missing. */
static const char *end_of_value(const char *at)
{
	const bool quoted = *at == '\'';
	const char *end = value_end(at);

	return quoted && *end == '\0' ? NULL : end + quoted;
}

/* Hide the secrets of a string "name=value ...", in which white space may surround the =. */
static void hide_in_pairs(const char *at, struct strbuf *text)
{
	static const char spaces[] = " \f\n\r\t\v";
	const char *name, *value, *end;
	size_t len;

	while (*(name = at + strspn(at, spaces)) != '\0') {
		strbuf_add_str(text, text->len > 0 ? " " : "");
		len = strcspn(name, "= \f\n\r\t\v");
		value = name + len + strspn(name + len, spaces);
		end = NULL;
		if (*value == '=' && len > 0) {
			value += 1 + strspn(value + 1, spaces);
			end = end_of_value(value);
		}
		if (end == NULL) {
			strbuf_add_str(text, CONNINFO_HIDDEN);
			return;
		}
		add_shown(text, name, len, value, (size_t)(end - value));
		at = end;
	}
}

/* Return the @ at which the password of a URI certainly ends; NULL if the URI has no user. libpq
 * ends it at the first @, but then the rest of a password with a bare @ would be taken for a host.
 */
static const char *end_of_user(const char *at)
{
	const char *end = at + strcspn(at, "@/"), *last = NULL;

	end += *end == '@' ? strcspn(end, "/?") : strcspn(end, "?");
	for (; at < end; at++)
		if (*at == '@')
			last = at;
	return last;
}

/* Hide the secrets of a URI. Its parameters may be percent-encoded, names included: such a name is
 * not known to be harmless. */
static void hide_in_uri(const char *uri, struct strbuf *text)
{
	const char *at = strstr(uri, "://") + 3, *user_end = end_of_user(at);
	const char *password = user_end == NULL ? NULL : memchr(at, ':', (size_t)(user_end - at));
	const char *equals;
	size_t len;

	if (password != NULL) {
		strbuf_add(text, uri, (size_t)(password + 1 - uri));
		strbuf_add_str(text, CONNINFO_HIDDEN);
		uri = user_end;
	}
	at = user_end != NULL ? user_end : at;
	len = strcspn(at, "?");
	strbuf_add(text, uri, (size_t)(at + len - uri));
	for (at += len; *at != '\0'; at += len) {
		strbuf_add_char(text, *at++); /* the ? or & */
		len = strcspn(at, "&");
		equals = memchr(at, '=', len);
		if (equals == NULL)
			strbuf_add_str(text, len > 0 ? CONNINFO_HIDDEN : "");
		else
			add_shown(text, at, (size_t)(equals - at), equals + 1,
				(size_t)(at + len - equals - 1));
	}
}

void conninfo_hide(const char *conninfo, struct strbuf *text)
{
	if (is_uri(conninfo))
		hide_in_uri(conninfo, text);
	else
		hide_in_pairs(conninfo, text);
}
