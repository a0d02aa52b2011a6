/*
 * The command "reload": asks the cache thread to read everything again, and answers once it has.
 * Owns nothing; runs on the server thread. t/integration/test_control.py covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "milter/cache/cache_status.h"
#include "milter/control/control_private.h"
#include "milter/log/json_text.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

static void log_request(const struct connection *connection, bool accept_older)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_add_str(&line, "reload asked-by=posternctl");
	if (accept_older)
		quote_add(&line, "accept-older", "yes");
	connection_add_user(connection, &line);
	if (!line.failed)
		log_action(LOG_LEVEL_NOTICE, line.text, line.len);
	strbuf_free(&line);
}

void obey_reload(struct connection *connection, const json_t *request)
{
	const json_t *accept_older = json_object_get(request, "accept_older");

	if (accept_older != NULL && !json_is_boolean(accept_older)) {
		connection_refuse(connection, "\"accept_older\" must be true or false");
		return;
	}
	if (!connection_begin_work(connection))
		return;
	log_request(connection, json_is_true(accept_older));
	connection->reload =
		cache_reload_request(connection->control->cache, json_is_true(accept_older));
}

/* The end of a reload, on its way from the cache thread to the server thread. */
struct reload_end {
	struct control *control;
	uint64_t request;
	bool ok;
	struct errmsg err;
};

/*
 * Append the texts of the faults, problems or notes, to `texts`, except those that only count texts
 * which it already contains, and those that repeat the reload's error.
 */
static int add_faults(json_t *texts, json_t *faults, const char *key, const char *error)
{
	json_t *fault;
	size_t i;
	int ret = texts == NULL || faults == NULL ? -1 : 0;

	json_array_foreach (faults, i, fault) {
		const char *text = json_string_value(json_object_get(fault, key));

		if (json_object_get(fault, "count") != NULL ||
			(error[0] != '\0' && strstr(text, error) != NULL))
			continue;
		if (json_array_append_new(texts,
			    json_sprintf("%s. %s", text,
				    json_string_value(json_object_get(fault, "remedy")))) != 0)
			ret = -1;
	}
	json_decref(faults);
	return ret;
}

/*
 * Return the texts of a level: of the list files, rows and settings, then of the status's sections.
 * Sets *count_r to their number, including those without a text.
 */
static json_t *all_texts(const struct reload_end *end, const struct cache_status *status,
	enum problem_level level, size_t *count_r)
{
	const struct status *registry = end->control->subject.status;
	json_t *texts = cache_status_problems_json(status, level);
	const size_t hidden = status->problems[level].count - json_array_size(texts);
	const bool are_notes = level == PROBLEM_NOTE;

	if (add_faults(texts, are_notes ? status_notes(registry) : status_problems(registry),
		    are_notes ? "note" : "problem", end->err.text) != 0) {
		json_decref(texts);
		return NULL;
	}
	*count_r = hidden + json_array_size(texts);
	return texts;
}

static json_t *reload_answer(const struct reload_end *end)
{
	size_t problem_count = 0, note_count = 0;
	json_t *answer, *problems, *notes;
	struct cache_status status;

	if (cache_copy_status(end->control->cache, &status) != 0)
		return NULL;
	problems = all_texts(end, &status, PROBLEM, &problem_count);
	notes = all_texts(end, &status, PROBLEM_NOTE, &note_count);
	answer = json_pack("{s:b, s:I, s:I, s:o, s:I, s:o}", "ok", (int)end->ok, "serial",
		(json_int_t)status.serial, "problem_count", (json_int_t)problem_count, "problems",
		problems, "note_count", (json_int_t)note_count, "notes", notes);
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
