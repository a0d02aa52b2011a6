/*
 * Builds libpq's connection string from the keys of [database], with the quoting that its two forms
 * require, and finds or hides the secrets of one. Holds no state; any thread.
 */
#include "lib/conf/conninfo.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/ascii.h"

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

/* The separator before another parameter. */
static const char *separator(const struct strbuf *uri)
{
	const char last = uri->text[uri->len - 1];

	if (*conninfo_walk(uri->text).at == '\0')
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

/* ---- the walk -------------------------------------------------------------------- */

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

/* Return the next character of a part of a URI, without its percent encoding. */
static char next_decoded(const char **at, const char *end)
{
	const char *p = *at;

	*at = p + 1;
	if (*p != '%' || end - p <= 2 || ascii_hex_digit(p[1]) < 0 || ascii_hex_digit(p[2]) < 0)
		return *p;
	*at = p + 3;
	return (char)(ascii_hex_digit(p[1]) * 16 + ascii_hex_digit(p[2]));
}

/* Since version 17, libpq ignores spaces around a name in a URI. */
static void set_key(struct conninfo_walk *walk)
{
	const char *at = walk->name, *end = at + walk->name_len;
	size_t len = 0;

	while (walk->is_uri && at < end && *at == ' ')
		at++;
	while (walk->is_uri && at < end && end[-1] == ' ')
		end--;
	while (at < end && len < sizeof(walk->key))
		walk->key[len++] = walk->is_uri ? next_decoded(&at, end) : *at++;
	walk->key[len < sizeof(walk->key) ? len : 0] = '\0';
}

static bool next_pair(struct conninfo_walk *walk)
{
	const char *p = skip_space(walk->at), *end;

	if (*p == '\0')
		return false;
	walk->name = p;
	walk->name_len = strcspn(p, "= \t\n\r\f\v");
	p = skip_space(p + walk->name_len);
	walk->is_whole = *p == '=' && walk->name_len > 0;
	if (*p == '=') {
		p = skip_space(p + 1);
		end = value_end(p);
		if (*p == '\'' && *end == '\0')
			walk->is_whole = false;
		else
			end += *p == '\'';
	} else {
		end = p += strlen(p);
	}
	walk->value = p;
	walk->value_len = (size_t)(end - p);
	walk->at = end;
	return true;
}

/* at points to the ? or & before the parameter. */
static bool next_in_uri(struct conninfo_walk *walk)
{
	const char *end, *equals;

	if (*walk->at == '\0')
		return false;
	walk->name = walk->at + 1;
	end = walk->name + strcspn(walk->name, "&");
	equals = memchr(walk->name, '=', (size_t)(end - walk->name));
	walk->is_whole = equals != NULL;
	walk->name_len = (size_t)((equals == NULL ? end : equals) - walk->name);
	walk->value = equals == NULL ? end : equals + 1;
	walk->value_len = (size_t)(end - walk->value);
	walk->at = end;
	return true;
}

/* Return the @ behind the user of SCHEME://USER:PASSWORD@HOSTS/DBNAME?KEY=VALUE&..., where libpq
 * finds it; NULL: there is none. */
static const char *userinfo_end(const char *uri)
{
	const char *end = strstr(uri, "://") + 3;

	end += strcspn(end, "@/");
	return *end == '@' ? end : NULL;
}

struct conninfo_walk conninfo_walk(const char *conninfo)
{
	struct conninfo_walk walk = { .is_uri = is_uri(conninfo), .at = conninfo };

	if (walk.is_uri) {
		const char *end = userinfo_end(conninfo);

		walk.at = end == NULL ? strstr(conninfo, "://") + 3 : end;
		walk.at += strcspn(walk.at, "?");
	}
	return walk;
}

bool conninfo_next(struct conninfo_walk *walk)
{
	if (!(walk->is_uri ? next_in_uri(walk) : next_pair(walk)))
		return false;
	set_key(walk);
	return true;
}

/* ---- secrets --------------------------------------------------------------------- */

static bool is_password(const char *key)
{
	return strcmp(key, "password") == 0 || strcmp(key, "sslpassword") == 0;
}

static bool user_has_password(const char *uri)
{
	const char *user = strstr(uri, "://") + 3, *end = userinfo_end(uri);
	const char *colon = end == NULL ? NULL : memchr(user, ':', (size_t)(end - user));

	return colon != NULL && colon + 1 < end;
}

bool conninfo_has_password(const char *conninfo)
{
	struct conninfo_walk walk = conninfo_walk(conninfo);

	if (walk.is_uri && user_has_password(conninfo))
		return true;
	while (conninfo_next(&walk)) {
		const bool is_empty =
			walk.value_len == 0 || (!walk.is_uri && strncmp(walk.value, "''", 2) == 0);

		if (is_password(walk.key) && !is_empty)
			return true;
	}
	return false;
}

/* ---- single values --------------------------------------------------------------- */

static void clear(struct strbuf *value)
{
	strbuf_free(value);
	*value = (struct strbuf)STRBUF_INIT;
}

/* Set the value to a part of a URI, without its percent encoding. */
static void set_decoded(struct strbuf *value, const char *at, const char *end)
{
	clear(value);
	while (at < end)
		strbuf_add_char(value, next_decoded(&at, end));
}

/* Set the value to one of key=value pairs, without its quotes. */
static void set_unquoted(struct strbuf *value, const char *at, const char *end)
{
	const bool quoted = *at == '\'';

	clear(value);
	for (at += quoted, end -= quoted; at < end; at++) {
		at += *at == '\\' && at + 1 < end;
		strbuf_add_char(value, *at);
	}
}

/* Find the user or the database in front of the parameters of a URI. */
static void find_in_uri(const char *uri, const char *key, struct strbuf *value)
{
	const char *user = strstr(uri, "://") + 3, *end = userinfo_end(uri);
	const char *hosts = end == NULL ? user : end + 1, *path = hosts + strcspn(hosts, "/?");

	if (strcmp(key, "user") == 0 && end != NULL)
		set_decoded(value, user, user + strcspn(user, ":@"));
	if (strcmp(key, "dbname") == 0 && *path == '/')
		set_decoded(value, path + 1, path + strcspn(path, "?"));
}

void conninfo_value(const char *conninfo, const char *key, struct strbuf *value)
{
	struct conninfo_walk walk = conninfo_walk(conninfo);
	struct strbuf found = STRBUF_INIT;

	if (walk.is_uri)
		find_in_uri(conninfo, key, &found);
	while (conninfo_next(&walk)) {
		if (walk.is_whole && strcmp(walk.key, key) == 0)
			(walk.is_uri ? set_decoded : set_unquoted)(&found, walk.value,
				walk.value + walk.value_len);
	}
	if (found.failed)
		value->failed = true;
	else if (found.len > 0)
		strbuf_add(value, found.text, found.len);
	strbuf_free(&found);
}

/* ---- hiding ---------------------------------------------------------------------- */

static bool is_harmless(const char *key)
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
		if (strcmp(harmless[i], key) == 0)
			return true;
	return false;
}

/* Add "name=value", as written, or without the value. A value may itself be a connection string. */
static void add_shown(struct strbuf *text, const struct conninfo_walk *walk)
{
	const bool nested = memmem(walk->value, walk->value_len, "://", 3) != NULL ||
		memmem(walk->value, walk->value_len, "passw", 5) != NULL;

	strbuf_add(text, walk->name, walk->name_len);
	strbuf_add_char(text, '=');
	if (is_harmless(walk->key) && !nested)
		strbuf_add(text, walk->value, walk->value_len);
	else
		strbuf_add_str(text, CONNINFO_HIDDEN);
}

/* Hide the secrets of a string "name=value ...", in which white space may surround the =. */
static void hide_in_pairs(struct conninfo_walk *walk, struct strbuf *text)
{
	while (conninfo_next(walk)) {
		strbuf_add_str(text, text->len > 0 ? " " : "");
		if (!walk->is_whole) {
			strbuf_add_str(text, CONNINFO_HIDDEN);
			return;
		}
		add_shown(text, walk);
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

/* Return whether a bare ? and / precede the first @, so that it may end a password, or be a part of
 * a parameter, as libpq reads it. */
static bool is_unclear(const char *at)
{
	const char *end = at + strcspn(at, "@/");

	return *end == '/' && memchr(at, '?', (size_t)(end - at)) != NULL &&
		strchr(end, '@') != NULL;
}

static void hide_in_uri(const char *uri, struct conninfo_walk *walk, struct strbuf *text)
{
	const char *at = strstr(uri, "://") + 3, *end = end_of_user(at);
	const char *password = end == NULL ? NULL : memchr(at, ':', (size_t)(end - at));

	if (is_unclear(at)) {
		at += strcspn(at, ":?") + 1;
		strbuf_add(text, uri, (size_t)(at - uri));
		strbuf_add_str(text, CONNINFO_HIDDEN);
		return;
	}
	if (password != NULL) {
		strbuf_add(text, uri, (size_t)(password + 1 - uri));
		strbuf_add_str(text, CONNINFO_HIDDEN);
		uri = end;
	}
	walk->at = end != NULL ? end : at;
	walk->at += strcspn(walk->at, "?");
	strbuf_add(text, uri, (size_t)(walk->at - uri));
	while (conninfo_next(walk)) {
		strbuf_add_char(text, walk->name[-1]); /* the ? or & */
		if (walk->is_whole)
			add_shown(text, walk);
		else
			strbuf_add_str(text, walk->name_len > 0 ? CONNINFO_HIDDEN : "");
	}
}

void conninfo_hide(const char *conninfo, struct strbuf *text)
{
	struct conninfo_walk walk = conninfo_walk(conninfo);

	if (walk.is_uri)
		hide_in_uri(conninfo, &walk, text);
	else
		hide_in_pairs(&walk, text);
}
