/*
 * The commands about logins: suspend, resume, suspended, auth-reset. Owns nothing; runs on the
 * server thread, except for the log line of a change, which the keeper's thread writes.
 * t/integration/test_auth.py covers it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/visible.h"
#include "lib/decide/login.h"
#include "milter/control/control_private.h"
#include "milter/log/json_text.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

static struct suspensions *suspensions_of(const struct control *control)
{
	return shared_suspensions(control->subject.shared);
}

/* A change that is being saved, and what is logged and answered then. */
struct change {
	struct suspension_save save; /* first, so that a pointer to it is one to the change */
	struct control *control;
	uint64_t number; /* of the connection that asked */
	struct strbuf line;
	json_t *answer;
	struct errmsg unsaved; /* why it cannot be saved; "": it is saved */
};

static void change_free(struct change *change)
{
	json_decref(change->answer);
	strbuf_free(&change->line);
	free(change);
}

static void log_change(struct change *change)
{
	const bool saved = change->unsaved.text[0] == '\0';
	struct strbuf *line = &change->line;

	if (!saved) {
		quote_add(line, "outlives-restart", "no");
		quote_add(line, "error", change->unsaved.text);
	}
	if (!line->failed)
		log_action(saved ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, line->text, line->len);
}

/* Runs on the server thread again. */
static void answer_change(void *argument)
{
	struct change *change = argument;
	struct connection *c = control_find(change->control, change->number);

	if (c != NULL &&
		json_object_set_new(change->answer, "unsaved",
			json_text_or_null(change->unsaved.text)) == 0)
		connection_answer(c, json_incref(change->answer));
	else if (c != NULL)
		connection_answer(c, NULL);
	change_free(change);
}

/* Runs in the keeper's thread. */
static void on_saved(struct suspension_save *save, const struct errmsg *err)
{
	struct change *change = (struct change *)(void *)save;

	change->unsaved = *err;
	log_change(change);
	if (server_call(change->control->server, answer_change, change) != 0)
		change_free(change);
}

/* Save a change that was made, and then answer the request. Takes over the answer. */
static void save_change(struct connection *connection, const char *login, bool suspended,
	json_t *answer)
{
	struct control *control = connection->control;
	struct change *change = calloc(1, sizeof(*change));

	if (change == NULL) {
		json_decref(answer);
		suspension_keeper_request(control->subject.suspensions, NULL);
		connection_answer(connection, NULL);
		return;
	}
	*change = (struct change){
		.save = { .saved = on_saved },
		.control = control,
		.number = connection->number,
		.line = STRBUF_INIT,
		.answer = answer,
	};
	quote_add(&change->line, suspended ? "suspended" : "resumed", login);
	connection_add_user(connection, &change->line);
	suspension_keeper_request(control->subject.suspensions, &change->save);
}

/* Write the name of the login that the request means. Returns false when it means none. */
static bool find_login(const struct policy *policy, const char *login, char name_r[LOGIN_SIZE])
{
	return login != NULL && login[0] != '\0' && login_name(policy, login, name_r) == 0;
}

/* Resume a login under each name by which it may have been suspended: its own, the one that the
 * request has, which finds another user now, and the other spelling. Returns 1 when that changed
 * something, and sets name_r to the first of them, or 0. */
static int resume(const struct control *control, const struct policy *policy, const char *login,
	char name_r[LOGIN_SIZE])
{
	char other[LOGIN_SIZE];
	const char *const names[] = { login,
		policy != NULL && check_other_spelling(policy, name_r, other) ? other : login };
	int changed = suspensions_set(suspensions_of(control), name_r, false);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (suspensions_set(suspensions_of(control), names[i], false) != 1)
			continue;
		if (changed != 1)
			(void)text_format(name_r, LOGIN_SIZE, "%s", names[i]);
		changed = 1;
	}
	return changed;
}

/* Return whether a login is suspended under one of the names under which resume() finds it. */
static bool is_suspended(const struct control *control, const struct policy *policy,
	const char *login)
{
	struct suspensions *suspensions = suspensions_of(control);
	char name[LOGIN_SIZE], other[LOGIN_SIZE];

	if (!find_login(policy, login, name))
		return false;
	return suspensions_has(suspensions, name) || suspensions_has(suspensions, login) ||
		(policy != NULL && check_other_spelling(policy, name, other) &&
			suspensions_has(suspensions, other));
}

/*
 * Return the login that a request means: its text, or that text with its escapes decoded
 * (lib/base/visible.h) if the request says that it is escaped, or if only the decoded login can be
 * resumed. decoded is memory for it. Returns NULL if no login is given, or when out of memory.
 */
static const char *meant_login(const struct control *control, const struct policy *policy,
	const json_t *request, bool suspended, struct strbuf *decoded)
{
	const char *login = json_string_value(json_object_get(request, "login"));
	const bool is_escaped = json_is_true(json_object_get(request, "escaped"));

	if (login == NULL || strchr(login, '\\') == NULL ||
		(!is_escaped && (suspended || is_suspended(control, policy, login))))
		return login;
	visible_read(decoded, login);
	if (decoded->failed)
		return NULL;
	return is_escaped || is_suspended(control, policy, decoded->text) ? decoded->text : login;
}

/*
 * Whether white space around the login is a mistake: there is no user of that name, but one without
 * the white space. If so, write its name.
 */
static bool has_stray_space(const struct policy *policy, const char *login,
	char meant_r[LOGIN_SIZE])
{
	static const char space[] = " \t\r\n\v\f";
	const char *start = login + strspn(login, space);
	size_t len = strlen(start);
	struct user user;

	while (len > 0 && strchr(space, start[len - 1]) != NULL)
		len--;
	if (len == strlen(login) || len >= LOGIN_SIZE)
		return false;
	memcpy(meant_r, start, len);
	meant_r[len] = '\0';
	return !policy_find_user(policy, login, &user) && policy_find_user(policy, meant_r, &user);
}

static void refuse_stray_space(struct connection *connection, const char *login, const char *meant)
{
	struct errmsg err;

	(void)errmsg_set(&err, "there is no user '%s'; suspend '%s', without the white space",
		login, meant);
	connection_refuse(connection, err.text);
}

/* Return the prefix of the logins with tokens if tokens are accepted and the suspended login is not
 * such a one, because its user may have a token, too; otherwise JSON's null. */
static json_t *other_login(const struct control *control, const char *login)
{
	struct settings *settings = shared_settings(control->subject.shared);
	json_t *other =
		auth_takes_tokens(control->auth) && settings_token_mail(settings, login) == NULL ?
		json_string(settings->token_login) :
		json_null();

	settings_unref(&settings);
	return other;
}

/* Suspend or resume a login (NULL: none is given) at once, also when the file cannot be written:
 * the keeper tries again. The connection is busy. */
static void change_login(struct connection *connection, const struct policy *policy,
	const char *login, bool suspended)
{
	const struct control *control = connection->control;
	struct errmsg unsaved;
	struct user user;
	json_t *answer;
	char name[LOGIN_SIZE], meant[LOGIN_SIZE];
	const bool is_stray = suspended && login != NULL && policy != NULL &&
		has_stray_space(policy, login, meant);
	/* Without a policy, the users are unknown, and nothing is reported about them. */
	const bool known =
		login != NULL && (policy == NULL || policy_find_user(policy, login, &user));
	const bool is_login = find_login(policy, login, name);
	const int changed = !is_login || is_stray ? -1 :
		suspended ? suspensions_set(suspensions_of(control), name, true) :
			    resume(control, policy, login, name);

	if (is_stray) {
		refuse_stray_space(connection, login, meant);
		return;
	}
	if (changed < 0) {
		connection_refuse(connection,
			is_login ? "out of memory, or too many logins are suspended" :
				login == NULL || login[0] == '\0' ?
				   "a \"login\" is needed" :
				   "the login is longer than any login can be");
		return;
	}
	answer = json_pack("{s:b, s:o, s:b, s:b, s:b, s:o}", "ok", 1, "login",
		json_text(name, strlen(name)), "suspended", (int)suspended, "changed", changed,
		"known", (int)known, "token_login",
		suspended ? other_login(control, name) : json_null());
	if (changed == 1) {
		save_change(connection, name, suspended, answer);
		return;
	}
	suspension_keeper_error(control->subject.suspensions, &unsaved);
	if (json_object_set_new(answer, "unsaved", json_text_or_null(unsaved.text)) != 0) {
		json_decref(answer);
		answer = NULL;
	}
	connection_answer(connection, answer);
}

static void change_suspension(struct connection *connection, const json_t *request, bool suspended)
{
	const struct control *control = connection->control;
	struct policy *policy = snapshot_get(shared_snapshot(control->subject.shared));
	struct strbuf decoded = STRBUF_INIT;

	change_login(connection, policy, meant_login(control, policy, request, suspended, &decoded),
		suspended);
	strbuf_free(&decoded);
	policy_unref(&policy);
}

void obey_suspend(struct connection *connection, const json_t *request)
{
	if (connection_begin_work(connection))
		change_suspension(connection, request, true);
}

void obey_resume(struct connection *connection, const json_t *request)
{
	if (connection_begin_work(connection))
		change_suspension(connection, request, false);
}

static void add_login(void *logins, const char *login)
{
	(void)json_array_append_new(logins, json_text(login, strlen(login)));
}

void obey_suspended(struct connection *connection, const json_t *request)
{
	json_t *logins = json_array();

	(void)request;
	suspensions_each(suspensions_of(connection->control), add_login, logins);
	connection_answer(connection, json_pack("{s:b, s:o}", "ok", 1, "logins", logins));
}

static void log_reset(const struct connection *connection, const char *whose, size_t forgiven)
{
	struct strbuf line = STRBUF_INIT;

	quote_add(&line, "auth-reset", whose == NULL ? "*" : whose);
	quote_add_number(&line, "forgiven", forgiven);
	connection_add_user(connection, &line);
	if (!line.failed)
		log_action(LOG_LEVEL_NOTICE, line.text, line.len);
	strbuf_free(&line);
}

/* A mistyped login has no failures, while those of the right one remain. */
static void refuse_without_failures(struct connection *connection, const char *whose)
{
	struct cidr client;
	struct errmsg err;

	(void)errmsg_set(&err, "no failures of %.*s are counted, so none were forgiven: %s",
		TEXT_CUT(whose, 200),
		cidr_parse(whose, &client, NULL) == 0 ?
			"check the address; 'posternctl auth reset' forgives all" :
			"check its spelling, or give the address of its client");
	connection_refuse(connection, err.text);
}

/*
 * Forgive the failures of a login or an address (NULL: all). The escapes of a login are read if the
 * request says so, or if the text as it is has no failures. decoded is memory for the result;
 * *whose_r becomes the text that was meant. Returns as auth_reset() does.
 */
static int forgive(struct auth *auth, const json_t *request, struct strbuf *decoded,
	const char **whose_r, size_t *forgiven_r, struct errmsg *err)
{
	const char *whose = json_string_value(json_object_get(request, "whose"));
	const bool is_escaped = json_is_true(json_object_get(request, "escaped"));
	struct errmsg unused;
	int ret;

	*whose_r = whose;
	if (whose != NULL && strchr(whose, '\\') != NULL) {
		visible_read(decoded, whose);
		if (decoded->failed)
			return errmsg_set(err, "out of memory");
		if (is_escaped)
			*whose_r = decoded->text;
	}
	ret = auth_reset(auth, *whose_r, forgiven_r, err);
	if (ret == 0 && *forgiven_r == 0 && decoded->text != NULL && !is_escaped &&
		auth_reset(auth, decoded->text, forgiven_r, &unused) == 0 && *forgiven_r > 0)
		*whose_r = decoded->text;
	return ret;
}

void obey_auth_reset(struct connection *connection, const json_t *request)
{
	const json_t *given = json_object_get(request, "whose");
	struct auth *auth = connection->control->auth;
	struct strbuf decoded = STRBUF_INIT;
	const char *whose;
	struct errmsg err;
	size_t forgiven = 0;

	if (auth == NULL || (given != NULL && !json_is_string(given))) {
		connection_refuse(connection,
			auth == NULL ? "logins are not served" :
				       "\"whose\" must be a login or an address");
		return;
	}
	if (forgive(auth, request, &decoded, &whose, &forgiven, &err) < 0) {
		connection_refuse(connection, err.text);
	} else {
		log_reset(connection, whose, forgiven);
		if (whose != NULL && forgiven == 0)
			refuse_without_failures(connection, whose);
		else
			connection_answer(connection,
				json_pack("{s:b, s:I}", "ok", 1, "forgiven", (json_int_t)forgiven));
	}
	strbuf_free(&decoded);
}

void obey_auth_example(struct connection *connection, const json_t *request)
{
	char *line = auth_example_line();

	(void)request;
	if (line == NULL)
		connection_refuse(connection, "out of memory");
	else
		connection_answer(connection, json_pack("{s:b, s:s}", "ok", 1, "line", line));
	free(line);
}
