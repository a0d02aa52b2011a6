/*
 * The command "limits" for one key: finds the key as the checks do, and reports its limits in force
 * and their use, or clears them. Owns nothing; runs on the server thread.
 * t/integration/test_limits_ctl.py covers it.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/visible.h"
#include "milter/control/control_private.h"
#include "milter/log/json_text.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

static json_t *window_json(const struct ledger_usage *usage)
{
	uint64_t left = usage->used < usage->limit.count ? usage->limit.count - usage->used : 0;
	uint64_t seconds =
		usage->wait == UINT64_MAX ? UINT64_MAX : (usage->wait + 999999) / 1000000;
	char limit[32], wait[32];

	limit_format(&usage->limit, limit);
	wait_format(seconds, wait);
	return json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:I}", "limit", limit, "window",
		(json_int_t)usage->limit.seconds, "used", (json_int_t)usage->used, "left",
		(json_int_t)left, "next", wait, "wait",
		seconds == UINT64_MAX ? (json_int_t)-1 : (json_int_t)seconds, "open",
		(json_int_t)usage->open, "attempts", (json_int_t)usage->attempts, "attempts_max",
		(json_int_t)usage->attempts_max);
}

static double part_of(uint64_t used, uint64_t max)
{
	return max == 0 ? 1 : (double)used / (double)max;
}

/* The share of a limit or of its attempts that is used; 1: it is full. */
static double nearness(const struct ledger_usage *usage)
{
	const double used = part_of(usage->used, usage->limit.count);
	const double attempts =
		usage->attempts == 0 ? 0 : part_of(usage->attempts, usage->attempts_max);

	return used > attempts ? used : attempts;
}

double limits_view_nearness(const struct ledger_view *view)
{
	double nearest = 0;

	for (size_t i = 0; i < view->window_count; i++)
		nearest = nearness(&view->windows[i]) > nearest ? nearness(&view->windows[i]) :
								  nearest;
	return nearest;
}

/* Replace the windows of a view by the use of the limits in force. Returns 0, or -1 on failure. */
static int look_at_limits(const struct limits_moment *moment, const struct check_key *key,
	struct ledger_view *view)
{
	view->window_count = 0;
	for (size_t i = 0; i < key->limits->len; i++) {
		const struct ledger_request request = {
			.key = key->key,
			.key_len = strlen(key->key),
			.limits = &key->limits->limit[i],
			.limit_count = 1,
			.amount = 1,
			.attempts = key->attempts,
			.origin = key->origin,
		};

		if (moment->ledger->look(moment->ledger->context, moment->now, &request, 1,
			    &view->windows[i]) == LEDGER_FAILED)
			return -1;
		view->window_count++;
	}
	return 0;
}

static int copy_windows(void *context, const struct ledger_view *view)
{
	struct ledger_view *copy = context;

	memcpy(copy->windows, view->windows, view->window_count * sizeof(view->windows[0]));
	copy->window_count = view->window_count;
	return 0;
}

static bool has_own_count(const struct limits_moment *moment, const struct ledger_view *view)
{
	struct ledger_view ignored;

	return moment->ledger->find(moment->ledger->context, moment->now, view->key, view->key_len,
		copy_windows, &ignored);
}

/*
 * Return the network with whose other keys a key is counted because the ledger is full; NULL: the
 * key has its own count. An address is counted with those of the client that names it.
 */
static const char *shared_with(const struct limits_moment *moment, const struct check_key *key,
	const struct ledger_view *view)
{
	struct ledger_size size;

	if (key->limits == NULL || view->window_count == 0)
		return NULL;
	if (view->windows[0].shared[0] != '\0')
		return view->windows[0].shared;
	if (!key->may_be_shared || key->origin.family != 0)
		return NULL;
	moment->ledger->size(moment->ledger->context, &size);
	return size.is_full && !has_own_count(moment, view) ? "its client" : NULL;
}

/* Return a view as JSON; NULL when out of memory. */
static json_t *view_json(const struct ledger_view *view, bool in_force, const char *shared)
{
	json_t *windows = json_array();
	int failed = 0;

	for (size_t i = 0; i < view->window_count; i++)
		failed |= json_array_append_new(windows, window_json(&view->windows[i]));
	if (failed != 0) {
		json_decref(windows);
		windows = NULL;
	}
	return json_pack("{s:o, s:b, s:s?, s:o}", "key", json_text(view->key, view->key_len),
		"in_force", (int)in_force, "shared", shared, "windows", windows);
}

bool limits_key_json(const struct limits_moment *moment, const struct check_key *key,
	json_t **json_r, double *nearness_r)
{
	struct ledger_view view = { .key = key->key, .key_len = strlen(key->key) };

	if (key->limits == NULL &&
		!moment->ledger->find(moment->ledger->context, moment->now, view.key, view.key_len,
			copy_windows, &view))
		return false;
	if (key->limits != NULL && look_at_limits(moment, key, &view) != 0)
		*json_r = NULL;
	else
		/* An overflow key has the limits of the requests that it counts. */
		*json_r = view_json(&view,
			key->limits != NULL || ledger_key_is_overflow(view.key, view.key_len),
			shared_with(moment, key, &view));
	if (nearness_r != NULL)
		*nearness_r = limits_view_nearness(&view);
	return true;
}

static void log_reset(const struct connection *connection, const char *key)
{
	struct strbuf line = STRBUF_INIT;

	quote_add(&line, "limits-reset", key);
	connection_add_user(connection, &line);
	if (!line.failed)
		log_action(LOG_LEVEL_NOTICE, line.text, line.len);
	strbuf_free(&line);
}

/*
 * The keys that text may mean: those that the checks charge now, which depend on the MTA's name
 * and, for a sender, on whether the session has a login; and an entry of the ledger with that very
 * name, which may be left from a former configuration.
 */
struct meant {
	struct check_key keys[2 * MTA_NAMES_MAX + 1];
	size_t count;
};

/* Keep the key behind the last one if it is a new one. */
static void keep_new(struct meant *meant)
{
	for (size_t i = 0; i < meant->count; i++) {
		if (strcmp(meant->keys[i].key, meant->keys[meant->count].key) == 0)
			return;
	}
	meant->count++;
}

/* Keep the key of the sessions with a login if text is a sender, and if anything counts there. */
static void keep_of_login(const struct limits_moment *moment, const char *mta_name,
	const char *text, struct meant *meant)
{
	static const char sender[] = "rate_rcpt_sender";
	struct check_key *key = &meant->keys[meant->count];
	struct ledger_view view = { .key = key->key };
	char of_login[LEDGER_KEY_MAX + 1];

	if (strncmp(text, sender, sizeof(sender) - 1) != 0 || text[sizeof(sender) - 1] != ':' ||
		text_format(of_login, sizeof(of_login), "%s" RATE_OF_LOGIN "%s", sender,
			text + sizeof(sender) - 1) < 0 ||
		!check_find_key(moment->policy, mta_name, of_login, key))
		return;
	view.key_len = strlen(key->key);
	if (has_own_count(moment, &view))
		keep_new(meant);
}

static void find_meant(const struct limits_moment *moment, const char *text, struct meant *meant_r)
{
	const char *mta_names[MTA_NAMES_MAX] = { NULL };
	size_t names = mta_names_get(moment->mta_names, mta_names);
	struct check_key *exact;

	meant_r->count = 0;
	for (size_t i = 0; i == 0 || i < names; i++) {
		if (check_find_key(moment->policy, mta_names[i], text,
			    &meant_r->keys[meant_r->count]))
			keep_new(meant_r);
		keep_of_login(moment, mta_names[i], text, meant_r);
	}
	if (strlen(text) > LEDGER_KEY_MAX)
		return;
	exact = &meant_r->keys[meant_r->count];
	memcpy(exact->key, text, strlen(text) + 1);
	exact->limits = NULL;
	keep_new(meant_r);
}

/* Clear the counts of the keys. Returns how many had any, or -1 when this could not be saved. */
static int reset_keys(const struct connection *connection, const struct limits_moment *moment,
	const struct meant *meant)
{
	int count = 0, gone;

	for (size_t i = 0; i < meant->count; i++) {
		gone = moment->ledger->forget(moment->ledger->context, moment->now,
			meant->keys[i].key, strlen(meant->keys[i].key));
		if (gone < 0)
			return -1;
		if (gone == 1)
			log_reset(connection, meant->keys[i].key);
		count += gone;
	}
	return count;
}

static void refuse_unknown(struct connection *connection, const char *text,
	const struct meant *meant, bool reset)
{
	const char *key = meant->count > 0 ? meant->keys[0].key : text;
	struct errmsg err;

	if (reset)
		(void)errmsg_set(&err, "nothing is counted under %.*s, so nothing was reset",
			TEXT_CUT(key, 200));
	else
		(void)errmsg_set(&err,
			"no limit with a window applies to %.*s now, and nothing is counted under that key. A client "
			"whose host name is an entry is counted under that name; 'posternctl limits "
			"top' shows keys",
			TEXT_CUT(key, 200));
	connection_refuse(connection, err.text);
}

/* Refuse a key whose section is mistyped, and which would be taken for a login. */
static bool refuse_mistyped(struct connection *connection, const char *text)
{
	const char *near = rate_near_name(text);
	struct errmsg err;

	if (near == NULL)
		return false;
	(void)errmsg_set(&err,
		"\"%.*s\" is no rate limit; did you mean \"%s\"? 'login:%.*s' is the login",
		TEXT_CUT_LEN(text, strcspn(text, ":"), 100), near, TEXT_CUT(text, 200));
	connection_refuse(connection, err.text);
	return true;
}

static bool is_counted(const struct limits_moment *moment, const struct meant *meant)
{
	struct ledger_view ignored;

	for (size_t i = 0; i < meant->count; i++) {
		if (moment->ledger->find(moment->ledger->context, moment->now, meant->keys[i].key,
			    strlen(meant->keys[i].key), copy_windows, &ignored))
			return true;
	}
	return false;
}

/* Find the keys of a text or, if it has no counts, of the text without escapes, with which keys are
 * shown (lib/base/visible.h). */
static void find_shown(const struct limits_moment *moment, const char *text, struct meant *meant_r)
{
	struct strbuf shown = STRBUF_INIT;

	find_meant(moment, text, meant_r);
	if (strchr(text, '\\') == NULL || is_counted(moment, meant_r))
		return;
	visible_read(&shown, text);
	if (!shown.failed) {
		find_meant(moment, shown.text, meant_r);
		if (!is_counted(moment, meant_r))
			find_meant(moment, text, meant_r);
	}
	strbuf_free(&shown);
}

void limits_answer_key(struct connection *connection, const struct limits_moment *moment,
	const char *text, bool reset)
{
	json_t *keys = json_array(), *json;
	struct meant meant;
	int failed = 0, was_there = 0;

	find_shown(moment, text, &meant);
	if (!is_counted(moment, &meant) && refuse_mistyped(connection, text)) {
		json_decref(keys);
		return;
	}
	if (reset)
		was_there = reset_keys(connection, moment, &meant);
	for (size_t i = 0; i < meant.count; i++) {
		if (limits_key_json(moment, &meant.keys[i], &json, NULL))
			failed |= json_array_append_new(keys, json);
	}
	if (was_there < 0)
		connection_refuse(connection,
			"the counts stay, because the file of the ledger cannot be written");
	else if (reset ? was_there == 0 : json_array_size(keys) == 0 && failed == 0)
		refuse_unknown(connection, text, &meant, reset);
	else
		connection_answer(connection,
			failed != 0 ? NULL :
				      json_pack("{s:b, s:b, s:O}", "ok", 1, "reset",
					      (int)(was_there > 0), "keys", keys));
	json_decref(keys);
}
