/*
 * The command "limits": reports and clears the counts of the ledger. Owns nothing; runs on the
 * server thread. t/integration/test_limits_ctl.py covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/decide/login.h"
#include "lib/rules/check.h"
#include "lib/rules/rates.h"
#include "milter/control/control_private.h"
#include "milter/log/json_text.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

#define TOP_MAX 1000
#define TOP_DEFAULT 20

static json_t *window_json(const struct ledger_usage *usage)
{
	uint64_t left = usage->used < usage->limit.count ? usage->limit.count - usage->used : 0;
	uint64_t seconds =
		usage->wait == UINT64_MAX ? UINT64_MAX : (usage->wait + 999999) / 1000000;
	char limit[32], wait[32];

	limit_format(&usage->limit, limit);
	wait_format(seconds, wait);
	return json_pack("{s:s, s:I, s:I, s:I, s:s, s:I}", "limit", limit, "window",
		(json_int_t)usage->limit.seconds, "used", (json_int_t)usage->used, "left",
		(json_int_t)left, "next", wait, "wait",
		seconds == UINT64_MAX ? (json_int_t)-1 : (json_int_t)seconds);
}

static json_t *view_json(const struct ledger_view *view)
{
	json_t *windows = json_array();

	for (size_t i = 0; i < view->window_count; i++)
		(void)json_array_append_new(windows, window_json(&view->windows[i]));
	return json_pack("{s:o, s:o}", "key", json_text(view->key, view->key_len), "windows",
		windows);
}

/* ---- the keys nearest to their limits -------------------------------------------- */

/* The share of a key's fullest limit that is used; 1: it is full. */
static double nearness(const struct ledger_view *view)
{
	double nearest = 0, part;

	for (size_t i = 0; i < view->window_count; i++) {
		const struct ledger_usage *usage = &view->windows[i];

		part = usage->limit.count == 0 ? 1 : (double)usage->used / usage->limit.count;
		nearest = part > nearest ? part : nearest;
	}
	return nearest;
}

/* The keys found so far, the fullest first. */
struct top {
	size_t max, count;
	struct {
		double nearness;
		json_t *view;
	} at[TOP_MAX];
};

static int insert_view(void *context, const struct ledger_view *view)
{
	struct top *top = context;
	double near = nearness(view);
	size_t place = top->count;

	while (place > 0 && top->at[place - 1].nearness < near)
		place--;
	if (place == top->max)
		return 0;
	if (top->count == top->max)
		json_decref(top->at[--top->count].view);
	memmove(&top->at[place + 1], &top->at[place], (top->count - place) * sizeof(top->at[0]));
	top->at[place].nearness = near;
	top->at[place].view = view_json(view);
	top->count++;
	return 0;
}

static json_t *top_json(const struct ledger_ops *ledger, uint64_t now, size_t max)
{
	struct top *top = calloc(1, sizeof(*top));
	json_t *keys = json_array();

	if (top == NULL) {
		json_decref(keys);
		return NULL;
	}
	top->max = max;
	(void)ledger->each(ledger->context, now, insert_view, top);
	for (size_t i = 0; i < top->count; i++)
		(void)json_array_append_new(keys, top->at[i].view);
	free(top);
	return keys;
}

/* ---- one key ------------------------------------------------------------------------- */

/* Return whether text is a key of the ledger ("login:bob", "rate_conn:192.0.2.7"), not a login. */
static bool is_key(const char *text)
{
	const char *colon = strchr(text, ':');
	char name[32];
	enum rate rate;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(name))
		return false;
	memcpy(name, text, (size_t)(colon - text));
	name[colon - text] = '\0';
	return strcmp(name, "login") == 0 || rate_by_name(name, &rate);
}

static bool copy_key(const char *text, char key_r[LEDGER_KEY_MAX + 1])
{
	size_t len = strlen(text);

	if (len > LEDGER_KEY_MAX)
		return false;
	memcpy(key_r, text, len + 1);
	return true;
}

/* Find the key of a login, as its row spells it, and the limits of its profile. policy may be NULL.
 */
static bool find_login(const struct policy *policy, const char *login,
	char key_r[LEDGER_KEY_MAX + 1], const struct limits **limits_r)
{
	const struct profile *profile;
	char name[LOGIN_SIZE];
	struct user user;

	*limits_r = NULL;
	if (policy != NULL && policy_find_user(policy, login, &user)) {
		profile = profiles_by_id(policy_parts(policy)->profiles, user.profile_id);
		*limits_r = profile == NULL ? NULL : profile_limits(profile);
	}
	return login_name(policy, login, name) == 0 && check_login_key(name, key_r);
}

static int copy_view(void *context, const struct ledger_view *view)
{
	*(json_t **)context = view_json(view);
	return 0;
}

/* Make the view of a key that the ledger does not contain: its limits are unused. */
static json_t *unused_json(const char *key, const struct limits *limits)
{
	struct ledger_view view = { .key = key, .key_len = strlen(key) };

	for (size_t i = 0; limits != NULL && i < limits->len; i++) {
		view.windows[i].limit = limits->limit[i];
		view.windows[i].wait = limits->limit[i].count == 0 ? UINT64_MAX : 0;
		view.window_count++;
	}
	return view_json(&view);
}

static void log_reset(const char *key)
{
	struct strbuf line = STRBUF_INIT;

	quote_add(&line, "limits-reset", key);
	if (!line.failed)
		log_line(LOG_LEVEL_NOTICE, line.text, line.len);
	strbuf_free(&line);
}

static void answer_one(struct connection *connection, const char *text, bool reset)
{
	struct shared *shared = connection->control->subject.shared;
	struct policy *policy = snapshot_get(shared_snapshot(shared));
	const struct ledger_ops *ledger = shared_ledger(shared);
	const struct limits *limits = NULL;
	char key[LEDGER_KEY_MAX + 1];
	json_t *view = NULL;
	int was_there = 0;
	bool fits = is_key(text) ? copy_key(text, key) : find_login(policy, text, key, &limits);

	if (fits && reset)
		was_there = ledger->forget(ledger->context, shared_now(shared), key, strlen(key));
	if (!fits) {
		connection_refuse(connection, "the login or key is too long");
	} else if (was_there < 0) {
		connection_refuse(connection,
			"the counts stay, because the file of the ledger cannot be written");
	} else {
		if (was_there == 1)
			log_reset(key);
		if (!ledger->find(ledger->context, shared_now(shared), key, strlen(key), copy_view,
			    &view))
			view = unused_json(key, limits);
		connection_answer(connection,
			json_pack("{s:b, s:b, s:[o]}", "ok", 1, "reset", was_there, "keys", view));
	}
	policy_unref(&policy);
}

/* The keys that are nearest to their limits, and the size of the ledger once idle keys are gone. */
static json_t *overview_json(const struct ledger_ops *ledger, uint64_t now, size_t max)
{
	json_t *keys = top_json(ledger, now, max);
	struct ledger_size size;

	ledger->size(ledger->context, &size);
	return json_pack("{s:b, s:I, s:I, s:I, s:o}", "ok", 1, "count", (json_int_t)size.keys,
		"bytes", (json_int_t)size.bytes, "unsaved", (json_int_t)size.unsaved, "keys", keys);
}

void obey_limits(struct connection *connection, const json_t *request)
{
	struct shared *shared = connection->control->subject.shared;
	const struct ledger_ops *ledger = shared_ledger(shared);
	const char *key = json_string_value(json_object_get(request, "key"));
	const json_t *top = json_object_get(request, "top");
	json_int_t max = json_is_integer(top) ? json_integer_value(top) : TOP_DEFAULT;

	if (ledger == NULL) {
		connection_refuse(connection, "rate limits are not counted");
	} else if (key != NULL) {
		answer_one(connection, key, json_is_true(json_object_get(request, "reset")));
	} else if (max < 1 || max > TOP_MAX) {
		connection_refuse(connection, "\"top\" must be a number from 1 to 1000");
	} else {
		connection_answer(connection,
			overview_json(ledger, shared_now(shared), (size_t)max));
	}
}
