/*
 * The command "limits": reports and clears the counts of the ledger. A worker looks for the fullest
 * keys, because that takes a long time; the rest runs on the server thread. Owns each survey on its
 * way to the worker and back. t/integration/test_limits_ctl.py covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "milter/control/control_private.h"

#define TOP_MAX 1000
#define TOP_DEFAULT 20

/* ---- the keys nearest to their limits -------------------------------------------- */

/* The keys found so far, the fullest first. */
struct top {
	size_t max, count;
	struct top_key {
		double nearness;
		char *key;    /* NULL: out of memory */
		json_t *view; /* NULL: not made yet, or the key is gone */
	} at[TOP_MAX];
};

static int insert_view(void *context, const struct ledger_view *view)
{
	struct top *top = context;
	double near = limits_view_nearness(view);
	size_t place = top->count;

	while (place > 0 && top->at[place - 1].nearness < near)
		place--;
	if (place == top->max)
		return 0;
	if (top->count == top->max)
		free(top->at[--top->count].key);
	memmove(&top->at[place + 1], &top->at[place], (top->count - place) * sizeof(top->at[0]));
	top->at[place] = (struct top_key){ .nearness = near, .key = strdup(view->key) };
	top->count++;
	return 0;
}

/* Describe a key by its limits in force, if there are any. It may have been removed meanwhile. */
static void describe_key(const struct limits_moment *moment, struct top_key *at)
{
	struct check_key key = { .limits = NULL };

	if (at->key == NULL)
		return;
	if (!check_find_key(moment->policy, NULL, at->key, &key) || strcmp(key.key, at->key) != 0) {
		key.limits = NULL;
		memcpy(key.key, at->key, strlen(at->key) + 1);
	}
	(void)limits_key_json(moment, &key, &at->view, &at->nearness);
	free(at->key);
}

static int compare_nearness(const void *a, const void *b)
{
	const double one = ((const struct top_key *)a)->nearness,
		     other = ((const struct top_key *)b)->nearness;

	return (one < other) - (one > other);
}

static json_t *top_json(const struct limits_moment *moment, size_t max)
{
	struct top *top = calloc(1, sizeof(*top));
	json_t *keys = json_array();

	if (top == NULL) {
		json_decref(keys);
		return NULL;
	}
	top->max = max;
	(void)moment->ledger->each(moment->ledger->context, moment->now, insert_view, top);
	for (size_t i = 0; i < top->count; i++)
		describe_key(moment, &top->at[i]);
	qsort(top->at, top->count, sizeof(top->at[0]), compare_nearness);
	for (size_t i = 0; i < top->count; i++) {
		if (top->at[i].view != NULL)
			(void)json_array_append_new(keys, top->at[i].view);
	}
	free(top);
	return keys;
}

/* ---- the command ---------------------------------------------------------------------- */

/* The keys that are nearest to their limits, and the size of the ledger once idle keys are gone. */
static json_t *overview_json(const struct limits_moment *moment, size_t max)
{
	json_t *keys = top_json(moment, max);
	struct ledger_size size;

	moment->ledger->size(moment->ledger->context, &size);
	return json_pack("{s:b, s:I, s:I, s:I, s:o}", "ok", 1, "count", (json_int_t)size.keys,
		"bytes", (json_int_t)size.bytes, "unsaved", (json_int_t)size.unsaved, "keys", keys);
}

/* A search for the fullest keys, on its way to a worker and back. */
struct survey {
	struct control_task task;
	struct control *control;
	uint64_t number; /* of the connection that asked */
	size_t max;
	json_t *answer;
};

static void survey_free(void *argument)
{
	struct survey *survey = argument;

	json_decref(survey->answer);
	free(survey);
}

/* Runs on the server thread again. */
static void answer_survey(void *argument)
{
	struct survey *survey = argument;
	struct control *control = survey->control;
	struct connection *c = control_find(control, survey->number);

	if (c != NULL)
		connection_answer(c, json_incref(survey->answer));
	survey_free(survey);
	control_tasks_ended(&control->tasks);
}

/* Runs on a worker. */
static void make_survey(void *argument)
{
	struct survey *survey = argument;
	struct shared *shared = survey->control->subject.shared;
	struct policy *policy = snapshot_get(shared_snapshot(shared));
	const struct limits_moment moment = { shared_ledger(shared), shared_now(shared), policy,
		shared_mta_names(shared) };

	survey->answer = overview_json(&moment, survey->max);
	policy_unref(&policy);
	if (server_call(survey->control->server, answer_survey, survey) != 0)
		survey_free(survey);
}

static void begin_survey(struct connection *connection, size_t max)
{
	struct survey *survey;

	if (!connection_begin_work(connection))
		return;
	if ((survey = calloc(1, sizeof(*survey))) == NULL) {
		connection_answer(connection, NULL);
		return;
	}
	*survey = (struct survey){
		.task = { .run = make_survey, .forget = survey_free, .argument = survey },
		.control = connection->control,
		.number = connection->number,
		.max = max,
	};
	if (control_tasks_add(&connection->control->tasks, connection->user, &survey->task) != 0) {
		survey_free(survey);
		connection_answer(connection, NULL);
	}
}

void obey_limits(struct connection *connection, const json_t *request)
{
	struct shared *shared = connection->control->subject.shared;
	struct policy *policy = snapshot_get(shared_snapshot(shared));
	const struct limits_moment moment = { shared_ledger(shared), shared_now(shared), policy,
		shared_mta_names(shared) };
	const char *key = json_string_value(json_object_get(request, "key"));
	const json_t *top = json_object_get(request, "top");
	json_int_t max = json_is_integer(top) ? json_integer_value(top) : TOP_DEFAULT;

	if (moment.ledger == NULL)
		connection_refuse(connection, "rate limits are not counted");
	else if (key != NULL)
		limits_answer_key(connection, &moment, key,
			json_is_true(json_object_get(request, "reset")));
	else if (max < 1 || max > TOP_MAX)
		connection_refuse(connection, "\"top\" must be a number from 1 to 1000");
	else
		begin_survey(connection, (size_t)max);
	policy_unref(&policy);
}
