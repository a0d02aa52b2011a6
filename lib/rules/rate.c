/*
 * The kinds of limits for everybody: their names, and the kinds of their keys and values. Holds no
 * state; any thread. Covered by t/unit/test_rates.c.
 */
#include <string.h>

#include "lib/base/near_name.h"
#include "lib/rules/rates_private.h"

static const char *const names[RATE_COUNT] = {
	[RATE_CONN] = "rate_conn",
	[RATE_RCPT_HOST] = "rate_rcpt_host",
	[RATE_RCPT_SENDER] = "rate_rcpt_sender",
	[RATE_RCPT] = "rate_rcpt",
	[RATE_RCPT_NULL] = "rate_rcpt_null",
	[RATE_CONCURRENCY] = "concurrency",
	[RATE_RECIPIENTS] = "recipients",
};

const char *rate_name(enum rate rate)
{
	return names[rate];
}

bool rate_by_name(const char *name, enum rate *rate_r)
{
	for (int i = 0; i < RATE_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*rate_r = (enum rate)i;
			return true;
		}
	}
	return false;
}

const char *rate_near_name(const char *text)
{
	const char *colon = strchr(text, ':'), *near = NULL;
	unsigned best = NEAR_NAME_MAX;
	char typed[NEAR_NAME_MAX + 1];

	if (colon == NULL || (size_t)(colon - text) >= sizeof(typed))
		return NULL;
	memcpy(typed, text, (size_t)(colon - text));
	typed[colon - text] = '\0';
	for (int i = 0; i < RATE_COUNT; i++) {
		if (near_name_better(typed, names[i], &best))
			near = names[i];
	}
	return best == 0 && near != NULL && strcmp(near, typed) == 0 ? NULL : near;
}

bool rate_is_plain(enum rate rate)
{
	return rate == RATE_CONCURRENCY || rate == RATE_RECIPIENTS;
}

bool rate_is_of_clients(enum rate rate)
{
	return rate == RATE_CONN || rate == RATE_RCPT_HOST || rate_is_plain(rate);
}
