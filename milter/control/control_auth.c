/*
 * The commands about logins: suspend, resume, suspended, auth-reset. Owns nothing; runs on the
 * server thread. t/integration/test_auth.py covers it.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/decide/login.h"
#include "milter/control/control_private.h"
#include "milter/log/json_text.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

static struct suspensions *suspensions_of(const struct control *control)
{
	return shared_suspensions(control->subject.shared);
}

static void log_suspension(const char *login, bool suspended, const char *error)
{
	struct strbuf line = STRBUF_INIT;

	quote_add(&line, suspended ? "suspended" : "resumed", login);
	if (error != NULL)
		quote_add(&line, "error", error);
	if (!line.failed)
		log_line(error == NULL ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, line.text, line.len);
	strbuf_free(&line);
}

static void refuse_unsaved(struct connection *connection, const char *login, bool suspended,
	const struct errmsg *reason)
{
	struct errmsg err;

	(void)errmsg_set(&err, "%s %s suspended, because the change cannot be saved: %s", login,
		suspended ? "is not" : "stays", reason->text);
	connection_refuse(connection, err.text);
}

/* Suspend or resume at once; undo the change when the file cannot be written. */
static void change_suspension(struct connection *connection, const json_t *request, bool suspended)
{
	const struct control *control = connection->control;
	const char *login = json_string_value(json_object_get(request, "login"));
	struct policy *policy = snapshot_get(shared_snapshot(control->subject.shared));
	struct user user;
	char name[LOGIN_SIZE];
	struct errmsg err;
	bool known = login != NULL && policy != NULL && policy_find_user(policy, login, &user);
	int changed = -1;

	if (login != NULL && login_name(policy, login, name) == 0) {
		/* The login may have been suspended under a name that finds another user now. */
		if (!suspended && !suspensions_has(suspensions_of(control), name) &&
			suspensions_has(suspensions_of(control), login))
			(void)text_format(name, sizeof(name), "%s", login);
		changed = suspensions_set(suspensions_of(control), name, suspended);
	}
	policy_unref(&policy);
	if (changed < 0) {
		connection_refuse(connection, "a \"login\" is needed");
		return;
	}
	if (changed == 1 && suspension_keeper_try(control->subject.suspensions, &err) < 0) {
		(void)suspensions_set(suspensions_of(control), name, !suspended);
		log_suspension(name, suspended, err.text);
		refuse_unsaved(connection, name, suspended, &err);
		return;
	}
	if (changed == 1)
		log_suspension(name, suspended, NULL);
	connection_answer(connection,
		json_pack("{s:b, s:s, s:b, s:b, s:b}", "ok", 1, "login", name, "suspended",
			(int)suspended, "changed", changed, "known", (int)known));
}

void obey_suspend(struct connection *connection, const json_t *request)
{
	change_suspension(connection, request, true);
}

void obey_resume(struct connection *connection, const json_t *request)
{
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

void obey_auth_reset(struct connection *connection, const json_t *request)
{
	const json_t *whose = json_object_get(request, "whose");
	struct auth *auth = connection->control->auth;

	if (auth == NULL || (whose != NULL && !json_is_string(whose))) {
		connection_refuse(connection,
			auth == NULL ? "logins are not served" :
				       "\"whose\" must be a login or an address");
		return;
	}
	connection_answer(connection,
		json_pack("{s:b, s:I}", "ok", 1, "forgiven",
			(json_int_t)auth_reset(auth, json_string_value(whose))));
}
