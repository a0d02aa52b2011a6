#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "lib/decide/explain.h"
#include "milter/control/control_private.h"
#include "milter/log/events.h"
#include "milter/log/log.h"

#define FOLLOWER_BEHIND_MAX ((size_t)256 << 10) /* bytes that wait for one who follows */

/* ---- reload ---------------------------------------------------------------- */

static void obey_reload(struct connection *connection, const json_t *request)
{
	(void)request;
	connection->is_busy = true;
	connection->reload = cache_reload_request(connection->control->cache);
}

struct reload_end {
	struct control *control;
	uint64_t request;
	bool ok;
	struct errmsg err;
};

static json_t *reload_answer(const struct reload_end *end)
{
	struct cache_status status;
	json_t *answer;

	if (cache_copy_status(end->control->cache, &status) != 0)
		return NULL;
	answer = json_pack("{s:b, s:I, s:I, s:o}", "ok", (int)end->ok, "serial",
		(json_int_t)status.serial, "problem_count", (json_int_t)status.problem_count,
		"problems", cache_status_problems_json(&status));
	cache_status_free(&status);
	if (answer != NULL && !end->ok)
		(void)json_object_set_new(answer, "error", json_string(end->err.text));
	return answer;
}

/* In the server thread. Answering may make a connection ask again, or go: so look anew after each.
 */
static void tell_reload_end(void *argument)
{
	struct reload_end *end = argument;
	struct connection *c = end->control->connections;

	while (c != NULL) {
		if (c->reload != 0 && c->reload <= end->request) {
			c->reload = 0;
			connection_answer(c, reload_answer(end));
			c = end->control->connections;
		} else {
			c = c->next;
		}
	}
	free(end);
}

void control_reload_ended(struct control *control, uint64_t request, bool ok,
	const struct errmsg *err)
{
	struct reload_end *end = calloc(1, sizeof(*end));

	if (end == NULL)
		return; /* whoever waits for it gives up by itself */
	*end = (struct reload_end){ .control = control, .request = request, .ok = ok };
	if (err != NULL)
		end->err = *err;
	if (server_call(control->server, tell_reload_end, end) != 0)
		free(end);
}

/* ---- explain --------------------------------------------------------------- */

/* One question on its way to a worker and back. */
struct question {
	struct control *control;
	uint64_t number; /* whose */
	json_t *session; /* the worker's own copy: jansson counts references without a lock */
	json_t *answer;
	struct errmsg err;
	struct login_rules rules; /* borrows from the two that follow */
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

/* In the server thread. */
static void tell_answer(void *argument)
{
	struct question *question = argument;
	struct connection *c = control_find(question->control, question->number);

	if (c != NULL && question->answer == NULL)
		connection_refuse(c, question->err.text);
	else if (c != NULL)
		connection_answer(c, json_pack("{s:b, s:O}", "ok", 1, "answer", question->answer));
	question_free(question);
}

/* In a worker: a password may have to be hashed. */
static void explain(void *argument)
{
	struct question *question = argument;
	struct shared *shared = question->control->subject.shared;
	struct scratch_pool *scratches = shared_scratches(shared);
	struct regex_scratch *scratch = scratch_pool_get(scratches);
	const struct explain_ledger ledger = { shared_ledger(shared), shared_now(shared) };
	struct policy *policy = snapshot_get(shared_snapshot(shared));

	if (policy == NULL)
		(void)errmsg_set(&question->err, "no policy yet");
	else if (scratch == NULL)
		(void)errmsg_set(&question->err, "out of memory");
	else if (question->rules.policy = policy,
		explain_session(&question->rules, &ledger, scratch, question->session,
			&question->answer, &question->err) != 0)
		question->answer = NULL;
	policy_unref(&policy);
	scratch_pool_put(scratches, scratch);
	if (server_call(question->control->server, tell_answer, question) != 0)
		question_free(question);
}

static void obey_explain(struct connection *connection, const json_t *request)
{
	const json_t *session = json_object_get(request, "session");
	struct question *question;
	struct work work = { .run = explain };

	if (!json_is_object(session)) {
		connection_refuse(connection, "explain needs a \"session\" object");
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
		connection_refuse(connection, "too many questions at once");
		return;
	}
	connection->is_busy = true;
}

/* ---- tail ------------------------------------------------------------------ */

static void tell_follower(struct connection *c, const char *line)
{
	struct evbuffer *output = bufferevent_get_output(c->bev);

	if (evbuffer_get_length(output) > FOLLOWER_BEHIND_MAX) {
		c->dropped++;
		return;
	}
	if (c->dropped > 0) {
		(void)evbuffer_add_printf(output, "{\"dropped\":%llu}\n",
			(unsigned long long)c->dropped);
		c->dropped = 0;
	}
	(void)evbuffer_add_printf(output, "%s\n", line);
}

static void tell_followers(void *argument)
{
	struct control *control = argument;
	uint64_t dropped;
	char *line;

	while ((line = events_take(&dropped)) != NULL) {
		for (struct connection *c = control->connections; c != NULL; c = c->next) {
			if (!c->is_following)
				continue;
			c->dropped += dropped;
			tell_follower(c, line);
		}
		free(line);
	}
}

/* In the thread that decided, as the queue begins to fill. */
static void on_events(void *argument)
{
	struct control *control = argument;

	(void)server_call(control->server, tell_followers, control);
}

static void obey_tail(struct connection *connection, const json_t *request)
{
	(void)request;
	connection_answer(connection, json_pack("{s:b}", "ok", 1));
	connection->is_following = true;
	events_follow(on_events, connection->control);
}

void control_unfollow(struct connection *connection)
{
	connection->is_following = false;
	events_unfollow();
}

/* ---- log-level ------------------------------------------------------------- */

static void obey_log_level(struct connection *connection, const json_t *request)
{
	const json_t *value = json_object_get(request, "level");
	enum log_level level;

	if (value != NULL) {
		if (!json_is_string(value) ||
			log_level_parse(json_string_value(value), &level) != 0) {
			connection_refuse(connection,
				"level: error, warning, notice, info or debug");
			return;
		}
		log_set_level(level);
	}
	connection_answer(connection,
		json_pack("{s:b, s:s}", "ok", 1, "level", log_level_name(log_get_level())));
}

/* ---- all ------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*obey)(struct connection *connection, const json_t *request);
} commands[] = {
	{ "status", obey_status },
	{ "reload", obey_reload },
	{ "explain", obey_explain },
	{ "tail", obey_tail },
	{ "log-level", obey_log_level },
	{ "limits", obey_limits },
	{ "suspend", obey_suspend },
	{ "resume", obey_resume },
	{ "suspended", obey_suspended },
	{ "auth-reset", obey_auth_reset },
};

void control_obey(struct connection *connection, const char *line, size_t len)
{
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(request, "command"));
	size_t i = 0;

	while (name != NULL && i < sizeof(commands) / sizeof(commands[0]) &&
		strcmp(name, commands[i].name) != 0)
		i++;
	if (name == NULL)
		connection_refuse(connection, "a JSON object with a \"command\" is needed");
	else if (i == sizeof(commands) / sizeof(commands[0]))
		connection_refuse(connection, "there is no such command");
	else
		commands[i].obey(connection, request);
	json_decref(request);
}
