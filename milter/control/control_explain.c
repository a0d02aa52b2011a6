/*
 * The command "explain": checks a login like an MTA's, then lets a worker decide the session,
 * because regexes may take long. Owns each question on its way there and back. Runs on the server
 * thread, except for the work itself. t/integration/test_control.py covers it.
 */
#include <stdlib.h>

#include "lib/base/text.h"
#include "lib/decide/explain.h"
#include "milter/control/control_private.h"

/* A question on its way to a worker and back. */
struct question {
	struct control_task task;
	struct control *control;
	uid_t user;
	uint64_t number; /* of the connection that asked */
	json_t *session; /* a copy for the worker: jansson counts references without a lock */
	json_t *answer;
	struct errmsg err;
	struct login_rules rules;
	struct attempt *attempt;     /* the login that is being checked; NULL: none */
	struct login_answer checked; /* the answer to it */
};

static void question_free(void *argument)
{
	struct question *question = argument;

	json_decref(question->session);
	json_decref(question->answer);
	free(question);
}

static void answer_question(struct question *question)
{
	struct connection *c = control_find(question->control, question->number);

	if (c != NULL && question->answer == NULL)
		connection_refuse(c, question->err.text);
	else if (c != NULL)
		connection_answer(c, json_pack("{s:b, s:O}", "ok", 1, "answer", question->answer));
	question_free(question);
}

/* Runs on the server thread again. */
static void on_decided(void *argument)
{
	struct question *question = argument;
	struct control *control = question->control;

	answer_question(question);
	control_tasks_ended(&control->tasks);
}

/* Runs on a worker. */
static void decide_question(void *argument)
{
	struct question *question = argument;
	struct shared *shared = question->control->subject.shared;
	struct scratch_pool *scratches = shared_scratches(shared);
	struct regex_scratch *scratch = scratch_pool_get(scratches);
	const struct explain_ledger ledger = { shared_ledger(shared), shared_now(shared) };
	struct policy *policy = snapshot_get(shared_snapshot(shared));

	if (policy == NULL)
		(void)errmsg_set(&question->err,
			"there is no policy yet; 'posternctl status' shows the reason");
	else if (scratch == NULL)
		(void)errmsg_set(&question->err, "out of memory");
	else if (question->rules.policy = policy,
		explain_session(&question->rules, &ledger, &question->checked, scratch,
			question->session, &question->answer, &question->err) != 0)
		question->answer = NULL;
	policy_unref(&policy);
	scratch_pool_put(scratches, scratch);
	if (server_call(question->control->server, on_decided, question) != 0)
		question_free(question);
}

static void give_to_worker(struct question *question)
{
	question->task = (struct control_task){
		.run = decide_question,
		.forget = question_free,
		.argument = question,
	};
	if (control_tasks_add(&question->control->tasks, question->user, &question->task) == 0)
		return;
	(void)errmsg_set(&question->err, "out of memory");
	answer_question(question);
}

/* ---- the login --------------------------------------------------------------------- */

static void on_checked(void *context, const struct login_answer *answer)
{
	struct question *question = context;

	question->checked = *answer;
	question->checked.hash = NULL; /* it belongs to a policy that may be gone soon */
	give_to_worker(question);
}

/*
 * Check the login of the session, if it has one, as if an MTA asked: otherwise people at the
 * control socket could guess passwords without delay and without a line in the log. A session
 * of a wrong form is refused later. Until it is checked, a login is undecided.
 */
static void check_login(struct question *question)
{
	const json_t *login = json_object_get(question->session, "auth");
	const char *user = json_string_value(json_object_get(login, "user"));
	const char *password = json_string_value(json_object_get(login, "password"));
	struct auth *auth = question->control->auth;

	question->checked.result = LOGIN_UNDECIDED;
	(void)text_format(question->checked.reason, sizeof(question->checked.reason),
		"the daemon does not serve logins");
	if (user == NULL || password == NULL || auth == NULL) {
		give_to_worker(question);
		return;
	}
	/* If the daemon ends first, on_checked() is never called. */
	auth_check(auth, question->user, user, password, on_checked, question, &question->attempt);
}

/* Add the host name of the MTA, on which the decision about its own addresses depends, if the
 * session has none and only one MTA has named itself. */
static void add_mta(json_t *session, struct mta_names *names)
{
	const char *known[MTA_NAMES_MAX];
	const json_t *given = json_object_get(session, "mta");

	if ((given == NULL || json_is_null(given)) && mta_names_get(names, known) == 1)
		(void)json_object_set_new(session, "mta", json_string(known[0]));
}

void obey_explain(struct connection *connection, const json_t *request)
{
	const json_t *session = json_object_get(request, "session");
	struct question *question;

	if (!json_is_object(session)) {
		connection_refuse(connection, "a \"session\" object is needed");
		return;
	}
	if (!connection_begin_work(connection))
		return;
	if ((question = calloc(1, sizeof(*question))) == NULL ||
		(question->session = json_deep_copy(session)) == NULL) {
		free(question);
		connection_answer(connection, NULL);
		return;
	}
	add_mta(question->session, shared_mta_names(connection->control->subject.shared));
	question->control = connection->control;
	question->user = connection->user;
	question->number = connection->number;
	question->rules.suspensions = shared_suspensions(connection->control->subject.shared);
	check_login(question);
}
