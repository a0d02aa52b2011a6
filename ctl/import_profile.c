/*
 * Takes pg-profile.json: the database, the profiles' settings and the secret of tokens. Owns
 * nothing. t/integration/test_import_haraka.py covers it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/import.h"
#include "lib/auth/jwt_keys.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"

#define PROFILE_JSON "pg-profile.json"
#define PROFILE_MAX ((uint64_t)1 << 20)

/* What becomes of a key. */
enum key_kind {
	KEY_TEXT,     /* text or a number: section and name */
	KEY_QUERY,    /* SQL, whose lines are joined */
	KEY_PASSWORD, /* becomes a file */
	KEY_SECRET,   /* becomes a file */
	KEY_CACHE,    /* use_file_cache */
	KEY_IGNORED,  /* the name is the reason */
};

static const struct {
	const char *key;
	enum key_kind kind;
	const char *section, *name;
} keys[] = {
	{ "user", KEY_TEXT, "database", "user" },
	{ "database", KEY_TEXT, "database", "database" },
	{ "host", KEY_TEXT, "database", "host" },
	{ "port", KEY_TEXT, "database", "port" },
	{ "schema", KEY_TEXT, "database", "schema" },
	{ "password", KEY_PASSWORD, "database", "password_file" },
	{ "profiles_query", KEY_QUERY, "database", "profiles_query" },
	{ "users_query", KEY_QUERY, "database", "users_query" },
	{ "default_domain", KEY_TEXT, "profile", "default_domain" },
	{ "jwt_secret", KEY_SECRET, "jwt", "secret_file" },
	{ "use_file_cache", KEY_CACHE, "store", "path" },
	{ "file_cache_path", KEY_IGNORED, NULL,
		"the format of this file is another; Postern writes its own to [store] path" },
	{ "file_cache'path", KEY_IGNORED, NULL,
		"the format of this file is another; Postern writes its own to [store] path" },
	{ "max", KEY_IGNORED, NULL, "Postern has one connection" },
	{ "idleTimeoutMillis", KEY_IGNORED, NULL, "Postern keeps its connection open" },
};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

struct taking {
	struct import *import;
	const char *text; /* of the file, to find lines */
};

/* Return the line of a key; 0 if it is written in an unusual way. */
static unsigned line_of(const struct taking *t, const char *key)
{
	struct strbuf quoted = STRBUF_INIT;
	const char *found, *at = t->text;
	unsigned line = 1;

	strbuf_addf(&quoted, "\"%s\"", key);
	found = quoted.failed ? NULL : strstr(t->text, quoted.text);
	strbuf_free(&quoted);
	if (found == NULL)
		return 0;
	for (; at < found; at++)
		line += *at == '\n' ? 1 : 0;
	return line;
}

static void report(struct taking *t, enum import_result result, const char *key, const char *text)
{
	import_report_add(&t->import->report, result, PROFILE_JSON, line_of(t, key), "%s: %s", key,
		text);
}

/* Return the text of a string or of a whole number, which the caller frees; NULL for others. */
static char *text_of(const json_t *value)
{
	char *text = NULL;

	if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value))
		return strdup(json_string_value(value));
	if (json_is_integer(value) &&
		asprintf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(value)) < 0)
		return NULL;
	return text;
}

/* Join the lines of a query, and remove the semicolon at its end. Returns false if it contains
 * comments, which would then extend over the rest. */
static bool join_query(char *query)
{
	size_t len;

	if (strpbrk(query, "\r\n") != NULL && strstr(query, "--") != NULL)
		return false;
	for (char *at = query; *at != '\0'; at++)
		if (*at == '\n' || *at == '\r' || *at == '\t')
			*at = ' ';
	len = strlen(query);
	while (len > 0 && (query[len - 1] == ' ' || query[len - 1] == ';'))
		query[--len] = '\0';
	text_remove(query, strspn(query, " "));
	return true;
}

/* Keep a secret, which import_write() puts into a file. Takes over secret. */
static void keep_secret(struct taking *t, const char *key, const char *section, const char *name,
	char *secret, char **kept)
{
	const char *file = kept == &t->import->password ? "password" : "secret";

	if (strpbrk(secret, "\r\n") != NULL) {
		report(t, IMPORT_REFUSED, key, "it has more than one line");
	} else if (kept == &t->import->secret && strlen(secret) < JWT_SECRET_MIN) {
		import_report_add(&t->import->report, IMPORT_REFUSED, PROFILE_JSON, line_of(t, key),
			"%s: it has %zu bytes, but needs at least %d, because anybody could guess "
			"it and make tokens; let the issuer of the tokens have a longer one",
			key, strlen(secret), JWT_SECRET_MIN);
	} else {
		*kept = secret;
		(void)import_set(t->import, section, name, file, PROFILE_JSON, line_of(t, key));
		return;
	}
	explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void take_text(struct taking *t, size_t i, char *text)
{
	if (keys[i].kind == KEY_QUERY && !join_query(text))
		report(t, IMPORT_REFUSED, keys[i].key,
			"it has several lines and comments; write it in one line, without comments");
	else
		(void)import_set(t->import, keys[i].section, keys[i].name, text, PROFILE_JSON,
			line_of(t, keys[i].key));
	free(text);
}

static void take_value(struct taking *t, size_t i, const json_t *value)
{
	char *text;

	if (keys[i].kind == KEY_IGNORED) {
		report(t, IMPORT_OTHER, keys[i].key, keys[i].name);
	} else if (keys[i].kind == KEY_CACHE) {
		if (json_is_true(value))
			report(t, IMPORT_TAKEN, keys[i].key, "[store] path has its default");
		else
			(void)import_set(t->import, "store", "path", "", PROFILE_JSON,
				line_of(t, keys[i].key));
	} else if (json_is_null(value)) {
		report(t, IMPORT_OTHER, keys[i].key, "null, as if it were missing");
	} else if ((text = text_of(value)) == NULL) {
		report(t, IMPORT_REFUSED, keys[i].key, "it is neither text nor a whole number");
	} else if (*text == '\0') {
		report(t, IMPORT_OTHER, keys[i].key, "empty, as if it were missing");
		free(text);
	} else if (keys[i].kind == KEY_PASSWORD || keys[i].kind == KEY_SECRET) {
		keep_secret(t, keys[i].key, keys[i].section, keys[i].name, text,
			keys[i].kind == KEY_PASSWORD ? &t->import->password : &t->import->secret);
	} else {
		take_text(t, i, text);
	}
}

/* Node's driver looks for the server at localhost, libpq at its unix socket. */
static void add_defaults(struct import *import)
{
	if (import_conf_get(&import->conf, "database", "host") == NULL)
		import_set_fixed(import, "database", "host", "localhost");
	import_report_add(&import->report, IMPORT_CHANGED, PROFILE_JSON, 0,
		"limits of profiles: Postern enforces them, as documented; the plugin never does "
		"([check] limits = warn reports what would be refused)");
	import_report_add(&import->report, IMPORT_CHANGED, PROFILE_JSON, 0,
		"[profile] unknown_user = reject: a user without a profile may not send; the plugin "
		"lets such a user send to everybody");
	import_report_add(&import->report, IMPORT_CHANGED, PROFILE_JSON, 0,
		"[database] user: if this role owns the tables or can write, give Postern a role that "
		"can only read (sql/role.sql)");
}

static void take_object(struct taking *t, const json_t *object)
{
	const char *key;
	const json_t *value;
	void *at;

	for (at = json_object_iter((json_t *)object); at != NULL;
		at = json_object_iter_next((json_t *)object, at)) {
		size_t i = 0;

		key = json_object_iter_key(at);
		value = json_object_iter_value(at);
		while (i < KEY_COUNT && strcmp(keys[i].key, key) != 0)
			i++;
		if (i < KEY_COUNT)
			take_value(t, i, value);
		else
			report(t, IMPORT_OTHER, key, "the plugin has no such key");
	}
	add_defaults(t->import);
}

static void take_file(struct import *import, const char *text, size_t len)
{
	const size_t mark = utf8_mark_len(text, len);
	struct taking t = { .import = import, .text = text + mark };
	json_error_t error;
	json_t *object = json_loadb(t.text, len - mark, 0, &error);

	if (mark > 0)
		import_report_add(&import->report, IMPORT_CHANGED, PROFILE_JSON, 1,
			"it begins with a byte order mark, because of which Haraka reads nothing of "
			"it");
	if (json_is_object(object))
		take_object(&t, object);
	else if (object != NULL)
		import_report_add(&import->report, IMPORT_REFUSED, PROFILE_JSON, 0,
			"it is not an object {\"KEY\": VALUE, ...}");
	else
		import_report_add(&import->report, IMPORT_REFUSED, PROFILE_JSON,
			error.line > 0 ? (unsigned)error.line : 0, "it is not JSON here");
	json_decref(object);
}

/* The rules of pg-profile that are not in its file. */
static void set_rules(struct import *import)
{
	import_set_fixed(import, "profile", "allow_null_sender", "no");
	import_set_fixed(import, "profile", "routed_recipients", "allow");
	import_set_fixed(import, "auth", "mechanisms", "PLAIN LOGIN");
	if (import->has_plugin[PLUGIN_HEADERS]) {
		import_set_fixed(import, "profile", "header_from", "aligned");
		return;
	}
	import_set_fixed(import, "check", "header_from", "no");
	import_report_add(&import->report, IMPORT_CHANGED, PROFILE_JSON, 0,
		"[check] header_from = no, because pg-profile compares From with the sender only "
		"if data.headers is loaded; with yes, users send as themselves only");
}

void import_profile(struct import *import)
{
	char *text;
	size_t len;

	/* Haraka compares addresses with their extension, in lists and in profiles. */
	import_set_fixed(import, "profile", "recipient_delimiter", "");
	if (!import->has_plugin[PLUGIN_PG_PROFILE]) {
		import_set_fixed(import, "store", "path", "");
		return;
	}
	set_rules(import);
	switch (import_read(import, PROFILE_JSON, PROFILE_MAX, &text, &len)) {
	case FILE_READ:
		take_file(import, text, len);
		explicit_bzero(text, len);
		free(text);
		break;
	case FILE_MISSING:
		import_report_add(&import->report, IMPORT_REFUSED, PROFILE_JSON, 0,
			"the plugin pg-profile is loaded, but this file does not exist");
		break;
	case FILE_FAILED:
		break;
	}
	if (import_conf_get(&import->conf, "database", "host") == NULL)
		import_set_fixed(import, "store", "path", ""); /* no database, no copy */
}
