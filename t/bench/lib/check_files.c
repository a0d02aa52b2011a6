/*
 * Reads a rule set of gen_rules.py and its sessions for bench_check. Runs in the main thread and
 * ends the program when a file cannot be read.
 */
#include "t/bench/lib/check_files.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/config.h"
#include "lib/store/policy_files.h"

#define SESSIONS_MAX 20000

static void fail(const char *path, const char *why)
{
	fprintf(stderr, "bench_check: %s: %s\n", path, why);
	exit(1);
}

struct policy *check_files_policy(const char *config_path)
{
	struct problems *problems = problems_new();
	const struct config *config = NULL;
	struct policy *policy = NULL;
	struct errmsg err = { "out of memory" };

	if (problems == NULL || config_load(config_path, &config, &err) != 0 ||
		policy_from_files(config, &policy, NULL, problems, &err) != 0)
		fail(config_path, err.text);
	if (problems_count(problems) > 0)
		fail(config_path, problems_text(problems, 0));
	problems_free(&problems);
	config_unref(&config);
	check_rules_prepare(policy);
	return policy;
}

static const char *text_of(const char *path, const json_t *session, const char *key)
{
	const char *text = json_string_value(json_object_get(session, key));

	if (text == NULL)
		fail(path, key);
	return text;
}

static void read_address(const char *path, const char *text, struct mail_address *address_r)
{
	if (address_parse(text, strlen(text), address_r) < 0)
		fail(path, text);
}

static void copy(const char *path, const char *text, char *to, size_t size)
{
	if (snprintf(to, size, "%s", text) >= (int)size)
		fail(path, text);
}

static void read_session(const char *path, json_t *session, struct check_session *s)
{
	const char *rcpt = json_string_value(json_array_get(json_object_get(session, "rcpts"), 0));

	if (rcpt == NULL)
		fail(path, "rcpts");
	copy(path, text_of(path, session, "rdns"), s->rdns, sizeof(s->rdns));
	copy(path, text_of(path, session, "helo"), s->helo, sizeof(s->helo));
	copy(path, text_of(path, session, "from"), s->from, sizeof(s->from));
	if (cidr_parse(text_of(path, session, "ip"), &s->facts.client, NULL) < 0)
		fail(path, "ip");
	read_address(path, text_of(path, session, "mail"), &s->sender);
	read_address(path, rcpt, &s->rcpt);
	s->facts.rdns = s->rdns;
	s->facts.helo = s->helo;
	s->facts.sender = &s->sender;
	s->field = (struct field){ s->from, strlen(s->from) };
	s->header = (struct header_facts){ .from = &s->field, .from_count = 1 };
}

struct check_session *check_files_sessions(const char *path, size_t *count_r)
{
	struct check_session *sessions = calloc(SESSIONS_MAX, sizeof(*sessions));
	FILE *file = fopen(path, "re");
	json_error_t error;
	json_t *session;
	size_t count = 0;

	if (sessions == NULL || file == NULL)
		fail(path, "cannot be read");
	while (count < SESSIONS_MAX &&
		(session = json_loadf(file, JSON_DISABLE_EOF_CHECK, &error)) != NULL) {
		if (json_object_get(session, "login") == NULL)
			read_session(path, session, &sessions[count++]);
		json_decref(session);
	}
	(void)fclose(file);
	if (count == 0)
		fail(path, "no session without a login");
	*count_r = count;
	return sessions;
}
