/*
 * The command "explain": a worker decides the session, because a password may have to be hashed.
 * Owns each question on its way to the worker and back. Runs on the server thread, except for the
 * work itself. t/integration/test_control.py covers it.
 */
#include <stdlib.h>
#include <time.h>

#include "lib/decide/explain.h"
#include "milter/control/control_private.h"

/* A question on its way to a worker and back. */
struct question {
	struct control *control;
	uint64_t number; /* of the connection that asked */
	json_t *session; /* a copy for the worker: jansson counts references without a lock */
	json_t *answer;
	struct errmsg err;
	struct login_rules rules; /* borrows from the two members below */
	struct jwt_keys *keys;
	const struct config *config;
};

static void question_free(struct question *question)
{
	jwt_keys_unref(&question->keys);
	config_unref(&question->config);
	json_decref(question->session);
	json_decref(question->answer);
	free(question);
}

/* Runs on the server thread again. */
static void answer_question(void *argument)
{
	struct question *question = argument;
	struct connection *c = control_find(question->control, question->number);

	if (c != NULL && question->answer == NULL)
		connection_refuse(c, question->err.text);
	else if (c != NULL)
		connection_answer(c, json_pack("{s:b, s:O}", "ok", 1, "answer", question->answer));
	question_free(question);
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
		explain_session(&question->rules, &ledger, scratch, question->session,
			&question->answer, &question->err) != 0)
		question->answer = NULL;
	policy_unref(&policy);
	scratch_pool_put(scratches, scratch);
	if (server_call(question->control->server, answer_question, question) != 0)
		question_free(question);
}

void obey_explain(struct connection *connection, const json_t *request)
{
	const json_t *session = json_object_get(request, "session");
	struct question *question;
	struct work work = { .run = decide_question };

	if (!json_is_object(session)) {
		connection_refuse(connection, "a \"session\" object is needed");
		return;
	}
	if ((question = calloc(1, sizeof(*question))) == NULL ||
		(question->session = json_deep_copy(session)) == NULL) {
		free(question);
		connection_answer(connection, NULL);
		return;
	}
	question->control = connection->control;
	question->number = connection->number;
	question->rules.suspensions = shared_suspensions(connection->control->subject.shared);
	if (connection->control->auth != NULL)
		auth_rules(connection->control->auth, &question->rules, &question->keys,
			&question->config);
	question->rules.now = time(NULL);
	work.argument = question;
	if (workers_add(connection->control->workers, &work) != 0) {
		question_free(question);
		connection_refuse(connection, "too many explanations are being made; try again");
		return;
	}
	connection->is_busy = true;
}
