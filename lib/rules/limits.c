/*
 * Rate limits as text: parsing what profiles contain, and formatting limits and waiting times. Owns
 * nothing; any thread may call it.
 */
#include "lib/rules/limits.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/text.h"

#define COUNT_MAX 1000000000U
#define SECONDS_MAX (366U * 86400U)

static int parse_number(const char **p, const char *end, uint32_t max, uint32_t *value_r)
{
	uint64_t value = 0;
	const char *start = *p;

	while (*p < end && isdigit((unsigned char)**p) && value <= max)
		value = value * 10 + (uint64_t)(*(*p)++ - '0');
	if (*p == start || value > max)
		return -1;
	*value_r = (uint32_t)value;
	return 0;
}

static uint32_t parse_unit(const char **p, const char *end)
{
	if (*p >= end)
		return 1;
	switch (tolower((unsigned char)**p)) {
	case 's':
		(*p)++;
		return 1;
	case 'm':
		(*p)++;
		return 60;
	case 'h':
		(*p)++;
		return 3600;
	case 'd':
		(*p)++;
		return 86400;
	default:
		return 1;
	}
}

static int parse_limit(const char *p, const char *end, struct limit *limit_r)
{
	struct limit limit = { 0, 60 };
	uint32_t unit;

	if (parse_number(&p, end, COUNT_MAX, &limit.count) < 0)
		return -1;
	if (p < end && *p == '/') {
		p++;
		if (parse_number(&p, end, SECONDS_MAX, &limit.seconds) < 0)
			return -1;
		unit = parse_unit(&p, end);
		if (limit.seconds == 0 || limit.seconds > SECONDS_MAX / unit)
			return -1;
		limit.seconds *= unit;
	}
	if (p != end)
		return -1;
	*limit_r = limit;
	return 0;
}

static void trim(const char **start, const char **end)
{
	while (*start < *end && isspace((unsigned char)**start))
		(*start)++;
	while (*end > *start && isspace((unsigned char)(*end)[-1]))
		(*end)--;
}

int limits_parse(const char *text, size_t len, struct limits *limits_r, struct errmsg *err)
{
	const char *at = text, *end = text + len, *start, *stop;
	struct limits limits = { 0 };

	while (at < end) {
		for (start = stop = at; stop < end && *stop != ','; stop++)
			;
		at = stop < end ? stop + 1 : stop;
		trim(&start, &stop);
		if (start == stop)
			continue;
		if (limits.len == LIMITS_MAX)
			return errmsg_set(err, "more than %d limits", LIMITS_MAX);
		if (parse_limit(start, stop, &limits.limit[limits.len]) < 0)
			return errmsg_set(err,
				"\"%.*s\" is not a limit; write N/T, as in 500/1d (units s, m, h, d)",
				TEXT_CUT_LEN(start, (size_t)(stop - start), 60));
		limits.len++;
	}
	*limits_r = limits;
	return 0;
}

static const struct {
	uint32_t seconds;
	char letter;
} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };

void window_format(uint32_t seconds, char text_r[16])
{
	size_t i = 0;

	while (seconds % units[i].seconds != 0)
		i++;
	(void)snprintf(text_r, 16, "%u%c", seconds / units[i].seconds, units[i].letter);
}

void limit_format(const struct limit *limit, char text_r[32])
{
	char window[16];

	window_format(limit->seconds, window);
	(void)text_format(text_r, 32, "%u/%s", limit->count, window);
}

void wait_format(uint64_t seconds, char text_r[32])
{
	uint64_t large, small;
	size_t i = 0;

	if (seconds == UINT64_MAX) {
		(void)snprintf(text_r, 32, "never");
		return;
	}
	while (i < 2 && seconds < units[i].seconds)
		i++;
	large = units[i].seconds;
	small = units[i + 1].seconds;
	seconds = (seconds + small - 1) / small * small;
	if (i > 0 && seconds == units[i - 1].seconds) { /* rounded up to the larger unit */
		(void)snprintf(text_r, 32, "1%c", units[i - 1].letter);
	} else if (seconds < large) {
		(void)snprintf(text_r, 32, "%" PRIu64 "%c", seconds / small, units[i + 1].letter);
	} else if (seconds % large == 0) {
		(void)snprintf(text_r, 32, "%" PRIu64 "%c", seconds / large, units[i].letter);
	} else {
		(void)snprintf(text_r, 32, "%" PRIu64 "%c%" PRIu64 "%c", seconds / large,
			units[i].letter, seconds % large / small, units[i + 1].letter);
	}
}
