/*
 * Decision records as log lines and as JSON events, with the same keys in the same order. Owns
 * nothing; any thread may call it.
 */
#include "milter/log/decision_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/text.h"
#include "lib/rules/limits.h"
#include "milter/log/events.h"
#include "milter/log/json_text.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

/* A text fact; the facts are logged in the order of pairs_of(). */
struct pair {
	const char *key, *value;
};

#define PAIRS_MAX 20

#define LINE_USUAL 1024 /* bytes of a line; only longer ones are allocated */

static const char *client_text(const struct cidr *client, char buf[CIDR_TEXT_SIZE])
{
	if (client->family == AF_UNSPEC)
		return "local";
	cidr_format(client, buf);
	return buf;
}

/* The usage of a limit, as the values of three keys. */
struct usage_texts {
	char used[48], window[16], next[32];
};

static bool usage_texts(const struct decision_record *d, struct usage_texts *texts_r)
{
	if (d->usage == NULL || d->usage->window == 0)
		return false;
	(void)snprintf(texts_r->used, sizeof(texts_r->used), "%" PRIu64 "/%" PRIu32, d->usage->used,
		d->usage->limit);
	window_format(d->usage->window, texts_r->window);
	wait_format(d->usage->wait, texts_r->next);
	return true;
}

/* The null sender as "<>", to distinguish it from an unknown sender. */
static const char *sender_text(const char *sender)
{
	return sender != NULL && *sender == '\0' ? "<>" : sender;
}

/* NULL for the empty string, which is left out like an unknown value. */
static const char *if_any(const char *text)
{
	return text == NULL || *text == '\0' ? NULL : text;
}

static size_t pairs_of(const struct decision_record *d, const char *client,
	struct pair pairs[PAIRS_MAX])
{
	const struct pair all[] = {
		{ "session", d->session },
		{ "queue", if_any(d->queue) },
		{ "stage", d->stage },
		{ "verdict", d->verdict },
		{ "check", if_any(d->check) },
		{ "rule", if_any(d->rule) },
		{ "service", if_any(d->service) },
		{ d->is_client_claimed ? "client_claimed" : "client", client },
		{ "rdns", if_any(d->rdns) },
		{ "helo", if_any(d->helo) },
		{ "login", if_any(d->login) },
		{ "sender", sender_text(d->sender) },
		{ "recipient", d->recipient },
		{ "from", if_any(d->from) },
	};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].value != NULL)
			pairs[count++] = all[i];
	}
	return count;
}

void decision_record_line(const struct decision_record *record, struct strbuf *line)
{
	struct pair pairs[PAIRS_MAX];
	char client[CIDR_TEXT_SIZE];
	size_t count = pairs_of(record, client_text(&record->client, client), pairs);
	struct usage_texts usage;

	strbuf_reset(line);
	for (size_t i = 0; i < count; i++)
		quote_add(line, pairs[i].key, pairs[i].value);
	if (record->is_message) {
		quote_add_number(line, "recipients", record->recipients);
		quote_add_number(line, "refused", record->refused);
	}
	if (usage_texts(record, &usage)) {
		/* These values never need quotes. */
		strbuf_addf(line, " used=%s window=%s next=%s", usage.used, usage.window,
			usage.next);
	}
	quote_add_number(line, "policy", record->policy);
	if (record->reply != NULL && record->reply->code != 0) {
		quote_add_number(line, "code", (unsigned)record->reply->code);
		quote_add(line, "enhanced", record->reply->enhanced);
		quote_add(line, "text", record->reply->text);
	}
}

/*
 * A value as JSON, cut between two characters as in the log, because thousands of events may wait
 * for a follower, and a From field can have a quarter of a megabyte.
 */
static json_t *value_json(const char *value)
{
	const size_t len = strnlen(value, QUOTE_MAX + 1);
	char cut[QUOTE_MAX + sizeof("...")];
	int cut_len;

	if (len <= QUOTE_MAX)
		return json_text(value, len);
	cut_len = text_format(cut, sizeof(cut), "%.*s...", TEXT_CUT_LEN(value, len, QUOTE_MAX));
	return json_text(cut, (size_t)cut_len);
}

json_t *decision_record_json(const struct decision_record *record, double time)
{
	struct pair pairs[PAIRS_MAX];
	char client[CIDR_TEXT_SIZE];
	size_t count = pairs_of(record, client_text(&record->client, client), pairs);
	struct usage_texts usage;
	json_t *object = json_object();
	int failed = object == NULL;

	failed |= json_object_set_new(object, "time", json_real(time));
	for (size_t i = 0; i < count; i++)
		failed |= json_object_set_new(object, pairs[i].key, value_json(pairs[i].value));
	if (record->is_message) {
		failed |= json_object_set_new(object, "recipients",
			json_integer((json_int_t)record->recipients));
		failed |= json_object_set_new(object, "refused",
			json_integer((json_int_t)record->refused));
	}
	if (usage_texts(record, &usage)) {
		failed |= json_object_set_new(object, "used", json_string(usage.used));
		failed |= json_object_set_new(object, "window", json_string(usage.window));
		failed |= json_object_set_new(object, "next", json_string(usage.next));
	}
	failed |= json_object_set_new(object, "policy", json_integer((json_int_t)record->policy));
	if (record->reply != NULL && record->reply->code != 0) {
		failed |= json_object_set_new(object, "code", json_integer(record->reply->code));
		failed |= json_object_set_new(object, "enhanced",
			value_json(record->reply->enhanced));
		failed |= json_object_set_new(object, "text", value_json(record->reply->text));
	}
	if (failed) {
		json_decref(object);
		return NULL;
	}
	return object;
}

void decision_record_add_event(const struct decision_record *record)
{
	struct timespec now;
	json_t *object;
	long milliseconds;
	char *line;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	milliseconds = now.tv_nsec / 1000000;
	object = decision_record_json(record, (double)now.tv_sec + (double)milliseconds / 1e3);
	if (object == NULL)
		return;
	line = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(13));
	json_decref(object);
	if (line != NULL)
		events_add(line);
}

void decision_record_log(const struct decision_record *record)
{
	char memory[LINE_USUAL];
	struct strbuf line;

	if (log_wants(LOG_LEVEL_INFO)) {
		strbuf_lend(&line, memory, sizeof(memory));
		decision_record_line(record, &line);
		if (line.failed)
			log_event(LOG_LEVEL_ERROR, "session=%s verdict=%s error=\"out of memory\"",
				record->session, record->verdict);
		else
			log_line(LOG_LEVEL_INFO, line.text, line.len);
		strbuf_free(&line);
	}
	if (events_wanted())
		decision_record_add_event(record);
}
