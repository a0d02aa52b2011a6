/*
 * Makes sessions for the unit tests of milter/smtp: a policy, the objects that sessions share, and
 * the records of decisions, which it reads as a follower (milter/log/events.h).
 */
#include "t/unit/lib/made_session.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milter/log/events.h"
#include "milter/log/log.h"

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "made_session: %s\n", what);
	abort();
}

static void ignore_event(void *context)
{
	(void)context;
}

void made_session_begin(struct made_session *s)
{
	memset(s, 0, sizeof(*s));
	log_set_level(LOG_LEVEL_ERROR); /* tests follow decisions instead of reading the log */
	events_follow(ignore_event, NULL);
	made_begin(&s->made);
	s->snapshot = snapshot_new();
	must(s->snapshot != NULL, "no snapshot");
}

void made_session_end(struct made_session *s)
{
	(void)made_session_log_count(s);
	json_decref(s->record);
	session_free(&s->session);
	shared_free(&s->shared);
	snapshot_free(&s->snapshot);
	made_end(&s->made);
	events_unfollow();
}

struct session *made_session_another(struct made_session *s)
{
	struct session *session;
	struct needs needs;

	needs_of(&s->made.parts, false, &needs);
	needs.body = true;
	session = session_new(s->shared, &needs);
	must(session != NULL, "no session");
	return session;
}

static void open_session(struct made_session *s)
{
	s->shared = shared_new(s->snapshot, s->made.settings, false);
	must(s->shared != NULL, "no shared");
	s->session = made_session_another(s);
}

void made_session_open(struct made_session *s)
{
	made_build(&s->made);
	snapshot_publish(s->snapshot, policy_ref(s->made.policy));
	open_session(s);
}

void made_session_open_without_policy(struct made_session *s)
{
	made_build(&s->made);
	open_session(s);
}

enum verdict_kind made_session_connect(struct made_session *s, struct session *session,
	const char *ip, const char *host)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct client client = { .host = host };

	if (ip != NULL) {
		must(inet_pton(AF_INET, ip, &in.sin_addr) == 1, ip);
		client.address = (struct sockaddr *)&in;
	}
	session_connect(session, &client, &s->verdict);
	return s->verdict.kind;
}

enum verdict_kind made_session_mail(struct made_session *s, struct session *session,
	const char *sender, const char *login)
{
	const struct mail_command mail = { .address = sender, .login = login, .queue = "Q" };

	session_mail(session, &mail, &s->verdict);
	return s->verdict.kind;
}

enum verdict_kind made_session_rcpt(struct made_session *s, struct session *session,
	const char *recipient)
{
	const struct rcpt_command rcpt = { .address = recipient, .queue = "Q" };

	session_rcpt(session, &rcpt, &s->verdict);
	return s->verdict.kind;
}

unsigned made_session_log_count(struct made_session *s)
{
	unsigned count = 0;
	uint64_t dropped;
	char *line;

	for (; (line = events_take(&dropped)) != NULL; count++) {
		json_decref(s->record);
		s->record = json_loads(line, 0, NULL);
		must(s->record != NULL, line);
		free(line);
	}
	return count;
}

const char *made_session_logged(struct made_session *s, const char *key)
{
	const json_t *value;

	(void)made_session_log_count(s);
	value = json_object_get(s->record, key);
	s->text[0] = '\0';
	if (json_is_string(value))
		(void)snprintf(s->text, sizeof(s->text), "%s", json_string_value(value));
	else if (json_is_integer(value))
		(void)snprintf(s->text, sizeof(s->text), "%lld",
			(long long)json_integer_value(value));
	return s->text;
}
