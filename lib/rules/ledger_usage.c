/*
 * The usage of the limits of a call's requests: what is counted, which limits are full, and until
 * when. Owns nothing; any thread that holds the locks of the call may call it.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/ledger_private.h"

/* The count of a window, and the bound that it must not exceed. */
struct share {
	const struct counter *counter; /* NULL: nothing was counted */
	uint64_t counted, max;
};

/* What the call adds to the key of a request, up to that request. */
static uint64_t amount_of(const struct ledger_call *c, size_t i)
{
	return (uint64_t)c->earlier[i] + c->requests[i].amount;
}

/* Report that a request does not fit, and until when. */
static void report_full(const struct ledger_call *c, size_t i, const struct share *share,
	uint32_t seconds, struct ledger_usage *usage)
{
	const uint64_t amount = amount_of(c, i);
	uint64_t wait;

	usage->is_full = true;
	usage->is_full_alone |= share->counted + c->own[i] + amount > share->max;
	if (amount > share->max)
		wait = UINT64_MAX;
	else if (usage->open + amount > share->max)
		wait = seconds * UINT64_C(1000000);
	else
		wait = counter_free_at(share->counter, seconds, c->now,
			       share->max - usage->open - amount) -
			c->now;
	usage->wait = wait > usage->wait ? wait : usage->wait;
}

/* Add the attempts of an entry that has some to the usage of one limit. */
static void add_attempts(const struct ledger_call *c, size_t i, const struct limit *limit,
	struct ledger_usage *usage)
{
	const struct counter *counter = entry_best_attempts(c->entry[i], limit->seconds);
	const uint64_t attempts = counter_used(counter, limit->seconds, c->now);
	const struct share share = { counter, attempts, usage->attempts_max };
	const uint64_t wait = usage->wait;

	usage->attempts = attempts > UINT32_MAX ? UINT32_MAX : (uint32_t)attempts;
	if (share.max == 0 || attempts + usage->open + amount_of(c, i) <= share.max)
		return;
	report_full(c, i, &share, limit->seconds, usage);
	usage->is_attempts = usage->wait > wait;
}

static uint32_t attempts_max(const struct limit *limit, const struct ledger_request *request)
{
	const uint64_t max = (uint64_t)limit->count * request->attempts;

	return max > UINT32_MAX ? UINT32_MAX : (uint32_t)max;
}

/* The usage of one limit of a request. */
static struct ledger_usage usage_of_limit(const struct ledger_call *c, size_t i,
	const struct limit *limit)
{
	const struct ledger_entry *entry = c->entry[i];
	const struct ledger_request *request = &c->requests[i];
	struct share share = { .max = limit->count };
	struct ledger_usage usage = { .limit = *limit };

	if (entry != NULL) {
		if ((share.counter = entry_best(entry, limit->seconds)) != NULL)
			share.counted = counter_used(share.counter, limit->seconds, c->now);
		usage.open = entry_open(entry);
	}
	usage.used = share.counted + usage.open;
	usage.attempts_max = attempts_max(limit, request);
	if (usage.used + amount_of(c, i) > limit->count)
		report_full(c, i, &share, limit->seconds, &usage);
	if (entry != NULL && entry->extra != NULL && entry->extra->attempts != NULL)
		add_attempts(c, i, limit, &usage);
	return usage;
}

/* Return whether a, rather than b, is to be reported: it refuses for longer or is nearer to full.
 */
static bool is_tighter(const struct ledger_usage *a, const struct ledger_usage *b)
{
	if (b->limit.seconds == 0 || a->is_full != b->is_full)
		return b->limit.seconds == 0 || a->is_full;
	if (a->is_full)
		return a->wait > b->wait;
	return a->used * b->limit.count > b->used * a->limit.count;
}

/*
 * Fill the usage of a request whose limits all have room, and whose key has no attempts: the usual
 * case. Returns false, with nothing filled, in any other case.
 */
static bool fill_free_usage(const struct ledger_call *c, size_t i, struct ledger_usage *usage_r)
{
	const struct ledger_request *request = &c->requests[i];
	const struct ledger_entry *entry = c->entry[i];
	const struct limit *limit, *nearest = NULL;
	const struct counter *counter;
	uint64_t used, most = 0;
	uint32_t open = 0;

	if (entry != NULL && entry->extra != NULL) {
		if (entry->extra->attempts != NULL)
			return false;
		open = entry->extra->open;
	}
	for (size_t j = 0; j < request->limit_count; j++) {
		limit = &request->limits[j];
		counter = entry == NULL ? NULL : entry_best(entry, limit->seconds);
		used = open;
		if (counter != NULL)
			used += counter_used(counter, limit->seconds, c->now);
		if (used + amount_of(c, i) > limit->count)
			return false;
		if (nearest == NULL || used * nearest->count > most * limit->count) {
			nearest = limit;
			most = used;
		}
	}
	if (nearest == NULL)
		return false;
	*usage_r = (struct ledger_usage){ .open = open,
		.limit = *nearest,
		.used = most,
		.attempts_max = attempts_max(nearest, request) };
	return true;
}

/* Fill the usage of a request. */
static void fill_usage(const struct ledger_call *c, size_t i, struct ledger_usage *usage_r)
{
	struct ledger_usage usage;
	bool is_full_alone = false;

	*usage_r = (struct ledger_usage){ .is_full = false };
	for (size_t j = 0; j < c->requests[i].limit_count; j++) {
		usage = usage_of_limit(c, i, &c->requests[i].limits[j]);
		is_full_alone |= usage.is_full_alone;
		if (is_tighter(&usage, usage_r))
			*usage_r = usage;
	}
	usage_r->is_full_alone = is_full_alone;
}

/* Name the networks of the overflow keys in which requests count. */
static void name_shared(const struct ledger_call *c, struct ledger_usage usage_r[])
{
	for (size_t i = 0; i < c->count; i++) {
		const char *space = strchr(c->requests[i].key, ' ');

		if (c->inherits[i] && c->original[i] != 0 && space != NULL)
			(void)text_format(usage_r[i].shared, sizeof(usage_r[i].shared), "%s",
				space + 1);
	}
}

enum ledger_answer ledger_call_usage(const struct ledger_call *c, struct ledger_usage usage_r[])
{
	enum ledger_answer answer = LEDGER_FREE;

	for (size_t i = 0; i < c->count; i++) {
		if (fill_free_usage(c, i, &usage_r[i]))
			continue;
		fill_usage(c, i, &usage_r[i]);
		if (usage_r[i].is_full)
			answer = LEDGER_FULL;
	}
	if (c->any_inherits)
		name_shared(c, usage_r);
	return answer;
}

void ledger_call_usage_after(const struct ledger_call *c, struct ledger_usage usage_r[])
{
	(void)ledger_call_usage(c, usage_r);
	for (size_t i = 0; i < c->count; i++)
		usage_r[i].is_full = usage_r[i].is_full_alone = false;
}
