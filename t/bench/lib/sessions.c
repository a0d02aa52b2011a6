/*
 * The SMTP sessions that milter_load plays, made by rule or read from a file. A set is immutable,
 * and any thread may read it.
 */
#include "t/bench/lib/sessions.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"

#define ARENA_BLOCK 65536
#define USUAL_HEADERS 6 /* besides From */

struct sessions {
	struct arena *arena;
	struct smtp_session *list;
	size_t count, room;
};

static struct sessions *sessions_new(void)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));

	if (sessions != NULL && (sessions->arena = arena_new(ARENA_BLOCK)) == NULL) {
		free(sessions);
		sessions = NULL;
	}
	return sessions;
}

void sessions_free(struct sessions **sessions)
{
	if (*sessions == NULL)
		return;
	arena_free(&(*sessions)->arena);
	free((*sessions)->list);
	free(*sessions);
	*sessions = NULL;
}

size_t sessions_count(const struct sessions *sessions)
{
	return sessions->count;
}

const struct smtp_session *sessions_at(const struct sessions *sessions, size_t index)
{
	return &sessions->list[index % sessions->count];
}

static int append(struct sessions *sessions, const struct smtp_session *session)
{
	if (sessions->count == sessions->room) {
		size_t room = sessions->room == 0 ? 256 : sessions->room * 2;
		struct smtp_session *list = realloc(sessions->list, room * sizeof(*list));

		if (list == NULL)
			return -1;
		sessions->list = list;
		sessions->room = room;
	}
	sessions->list[sessions->count++] = *session;
	return 0;
}

/* The header fields of an everyday message; `from` may be NULL, `extra` is a JSON list or NULL. */
static int add_headers(struct arena *arena, struct smtp_session *session, const char *from,
	json_t *extra)
{
	static const struct header_field usual[USUAL_HEADERS] = {
		{ "To", "undisclosed-recipients:;" },
		{ "Subject", "Figures for the third quarter" },
		{ "Date", "Sun, 22 Nov 2026 02:16:19 +0000 (UTC)" },
		{ "Message-Id", "<20261122021619.35063A7208D@client.example.org>" },
		{ "MIME-Version", "1.0" },
		{ "Content-Type", "text/plain; charset=utf-8" },
	};
	struct header_field *fields;
	size_t i, count = 0;
	json_t *pair;

	fields = arena_alloc(arena, (1 + USUAL_HEADERS + json_array_size(extra)) * sizeof(*fields));
	if (fields == NULL)
		return -1;
	if (from != NULL)
		fields[count++] = (struct header_field){ "From", arena_strdup(arena, from) };
	json_array_foreach (extra, i, pair) {
		const char *name = json_string_value(json_array_get(pair, 0));
		const char *value = json_string_value(json_array_get(pair, 1));

		if (name == NULL || value == NULL)
			return -1;
		fields[count++] = (struct header_field){ arena_strdup(arena, name),
			arena_strdup(arena, value) };
	}
	for (i = 0; i < USUAL_HEADERS; i++)
		fields[count++] = usual[i];
	for (i = 0; i < count; i++)
		if (fields[i].name == NULL || fields[i].value == NULL)
			return -1;
	session->headers = fields;
	session->header_count = count;
	return 0;
}

/* Format text into the arena. Returns NULL when memory runs out. */
__attribute__((format(printf, 2, 3))) static char *arena_printf(struct arena *arena,
	const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return arena_strdup(arena, text);
}

static int generate_one(struct sessions *sessions, unsigned int n)
{
	static const char *const tlds[] = { "com", "org", "net", "co.uk", "de" };
	struct arena *arena = sessions->arena;
	const char *tld = tlds[n % 5];
	struct smtp_session session = { .is_ipv6 = n % 10 == 3, .rcpt_count = 1 + n % 3 };
	char *from;

	session.ip = session.is_ipv6 ? arena_printf(arena, "2001:db8:%x::%x", n % 4093, n) :
				       arena_printf(arena, "198.51.100.%u", n % 254 + 1);
	session.rdns = arena_printf(arena, "mail%u.example-bench%u.%s", n % 7, n, tld);
	session.helo = session.rdns;
	session.mail = arena_printf(arena, "<user%u@example-bench%u.%s>", n % 97, n, tld);
	from = arena_printf(arena, "User %u <user%u@example-bench%u.%s>", n, n % 97, n, tld);
	session.rcpts = arena_alloc(arena, session.rcpt_count * sizeof(*session.rcpts));
	if (session.ip == NULL || session.rdns == NULL || session.mail == NULL || from == NULL ||
		session.rcpts == NULL)
		return -1;
	for (unsigned int i = 0; i < session.rcpt_count; i++)
		if ((session.rcpts[i] = arena_printf(arena, "<person%u.%u@example.net>", n, i)) ==
			NULL)
			return -1;
	if (n % 11 == 5)
		session.rdns = NULL;
	if (add_headers(arena, &session, from, NULL) == -1)
		return -1;
	return append(sessions, &session);
}

int sessions_generate(size_t count, struct sessions **sessions_r, struct errmsg *err)
{
	struct sessions *sessions = sessions_new();

	for (unsigned int n = 0; sessions != NULL && n < count; n++)
		if (generate_one(sessions, n) == -1)
			sessions_free(&sessions);
	if (sessions == NULL)
		return errmsg_set(err, "out of memory");
	*sessions_r = sessions;
	return 0;
}

/* Copy the member's text. Returns NULL, and sets *failed if it is needed or memory ran out. */
static const char *text_of(struct arena *arena, json_t *object, const char *key, bool needed,
	bool *failed)
{
	const char *text = json_string_value(json_object_get(object, key)), *copy = NULL;

	if (text != NULL)
		copy = arena_strdup(arena, text);
	if (copy == NULL && (needed || text != NULL))
		*failed = true;
	return copy;
}

static int read_one(struct sessions *sessions, json_t *object)
{
	struct arena *arena = sessions->arena;
	struct smtp_session session = { 0 };
	json_t *rcpts = json_object_get(object, "rcpts"), *rcpt;
	bool failed = false;
	size_t i;

	session.ip = text_of(arena, object, "ip", true, &failed);
	session.rdns = text_of(arena, object, "rdns", false, &failed);
	session.helo = text_of(arena, object, "helo", true, &failed);
	session.mail = text_of(arena, object, "mail", true, &failed);
	session.login = text_of(arena, object, "login", false, &failed);
	if (session.login == NULL)
		session.login =
			text_of(arena, json_object_get(object, "auth"), "user", false, &failed);
	if (failed || json_array_size(rcpts) == 0)
		return -1;
	session.is_ipv6 = strchr(session.ip, ':') != NULL;
	session.rcpts = arena_alloc(arena, json_array_size(rcpts) * sizeof(*session.rcpts));
	if (session.rcpts == NULL)
		return -1;
	json_array_foreach (rcpts, i, rcpt) {
		const char *text = json_string_value(rcpt);

		if (text == NULL || (session.rcpts[i] = arena_strdup(arena, text)) == NULL)
			return -1;
	}
	session.rcpt_count = json_array_size(rcpts);
	if (add_headers(arena, &session, json_string_value(json_object_get(object, "from")),
		    json_object_get(object, "headers")) == -1)
		return -1;
	return append(sessions, &session);
}

static int read_lines(struct sessions *sessions, FILE *file, struct errmsg *err)
{
	char *line = NULL;
	size_t size = 0, number = 0;
	ssize_t len;
	int ret = 0;

	while (ret == 0 && (len = getline(&line, &size, file)) != -1) {
		json_error_t json_err;
		json_t *object = json_loadb(line, (size_t)len, 0, &json_err);

		number++;
		if (object == NULL)
			ret = errmsg_set(err, "line %zu: %s", number, json_err.text);
		else if (read_one(sessions, object) == -1)
			ret = errmsg_set(err, "line %zu: not a session (ip, helo, mail, rcpts)",
				number);
		json_decref(object);
	}
	free(line);
	if (ret == 0 && ferror(file))
		ret = errmsg_set(err, "%s", strerror(errno));
	if (ret == 0 && sessions->count == 0)
		ret = errmsg_set(err, "holds no session");
	return ret;
}

int sessions_read(const char *path, struct sessions **sessions_r, struct errmsg *err)
{
	struct sessions *sessions = NULL;
	FILE *file = fopen(path, "re");
	int ret;

	if (file == NULL)
		return errmsg_set(err, "%s: %s", path, strerror(errno));
	if ((sessions = sessions_new()) == NULL)
		ret = errmsg_set(err, "out of memory");
	else if ((ret = read_lines(sessions, file, err)) == -1)
		errmsg_prefix(err, "%s: ", path);
	fclose(file);
	if (ret == 0)
		*sessions_r = sessions;
	else
		sessions_free(&sessions);
	return ret;
}
