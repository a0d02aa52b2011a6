/*
 * The command "reload": asks the cache thread to read everything again, and answers once it has.
 * Owns nothing; runs on the server thread. t/integration/test_control.py covers it.
 */
#include <stdlib.h>

#include "milter/cache/cache_status.h"
#include "milter/control/control_private.h"
#include "milter/log/json_text.h"

void obey_reload(struct connection *connection, const json_t *request)
{
	(void)request;
	connection->is_busy = true;
	connection->reload = cache_reload_request(connection->control->cache);
}

/* The end of a reload, on its way from the cache thread to the server thread. */
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
	answer = json_pack("{s:b, s:I, s:I, s:o, s:I, s:o}", "ok", (int)end->ok, "serial",
		(json_int_t)status.serial, "problem_count",
		(json_int_t)status.problems[PROBLEM].count, "problems",
		cache_status_problems_json(&status, PROBLEM), "note_count",
		(json_int_t)status.problems[PROBLEM_NOTE].count, "notes",
		cache_status_problems_json(&status, PROBLEM_NOTE));
	cache_status_free(&status);
	if (answer != NULL && !end->ok)
		(void)json_object_set_new(answer, "error", json_text_or_null(end->err.text));
	return answer;
}

/*
 * Runs on the server thread. An answer may make the connection send another request or close, so
 * the search begins anew after each.
 */
static void answer_reloads(void *argument)
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
		return; /* out of memory: the connections that wait get no answer */
	*end = (struct reload_end){ .control = control, .request = request, .ok = ok };
	if (err != NULL)
		end->err = *err;
	if (server_call(control->server, answer_reloads, end) != 0)
		free(end);
}
